"""DynamoDB's sizes and capacity units, as documented: "DynamoDB item sizes and formats", "DynamoDB read and write
operations", "Using Global Secondary Indexes in DynamoDB" (write throughput).

An emulator's ConsumedCapacity is not to be trusted with sizes and indexes, so units are worked out here from the items
themselves. Items are as the wire has them: `{"name": {"S": "text"}}`.
"""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Item = Mapping[str, Mapping[str, Any]]

KB = 1024
CONTAINER_BYTES = 3
"""Of a list or a map, and one byte more for each element."""


def item_size(item: Item) -> int:
    """Bytes that count for capacity."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def write_units(before: Item | None, after: Item | None) -> int:
    """Of one write: the larger of the item before and after, in whole KB, at least one. Twice that in a transaction."""
    return _blocks(max(item_size(before or {}), item_size(after or {})), KB)


def read_units(size: int, *, consistent: bool) -> Decimal:
    """Of `size` bytes: whole 4 KB, at least one, half of that where the read may be a moment behind.

    GetItem and BatchGetItem round up each item, Query all that it read together.
    """
    return _blocks(size, 4 * KB) * (Decimal(1) if consistent else Decimal("0.5"))


@dataclass(frozen=True)
class Index:
    """A global secondary index."""

    name: str
    keys: frozenset[str]
    projected: frozenset[str] | None
    """Attributes of its entries, with the keys of index and table; None for all."""

    def entry_of(self, item: Item | None) -> Item | None:
        """None where the item is not in the index: it lacks one of its keys."""
        if item is None or not self.keys <= item.keys():
            return None
        return {name: value for name, value in item.items() if self.projected is None or name in self.projected}

    def write_units(self, before: Item | None, after: Item | None) -> int:
        """What a write to the table costs here: nothing where the entry stays as it is; where its keys change, a
        delete and a put. The same in a transaction, which doubles the table's units only (not documented; measured on
        DynamoDB by others: github.com/nubo-db/dynoxide, pull request 188)."""
        old, new = self.entry_of(before), self.entry_of(after)
        if old == new:
            return 0
        if old is None or new is None or all(old[key] == new[key] for key in self.keys):
            return write_units(old, new)
        return write_units(old, None) + write_units(None, new)


def _blocks(size: int, block: int) -> int:
    return max(1, -(-size // block))


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return _number_size(content)
        case "BOOL" | "NULL":
            return 1
        case "B":
            return len(content if isinstance(content, bytes) else b64decode(content))
        case "SS" | "NS" | "BS":
            return sum(_value_size({kind[0]: element}) for element in content)
        case "L":
            return CONTAINER_BYTES + sum(1 + _value_size(element) for element in content)
        case "M":
            return CONTAINER_BYTES + len(content) + item_size(content)
        case _:
            raise ValueError(f"there are no attributes of type {kind}")


def _number_size(text: str) -> int:
    """One byte for two significant digits, and one more; zeros before and behind do not count."""
    digits = "".join(map(str, Decimal(text).as_tuple().digits)).strip("0")
    return (len(digits) + 1) // 2 + 1
