"""Rows are read strictly, and each on its own: what is missing, unknown or of another type makes one row unreadable,
and nothing else fails of it.

What is wrong is said by name of the attribute, never with what it holds: that may be personal data.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from comanda.domain.shared.canonical import canonical_json
from comanda.domain.shared.errors import UnreadableRow
from comanda.domain.shared.money import MAX_TOTAL, money
from comanda.domain.shared.times import from_iso

SCHEMA = 1
"""The form that this release writes, and the newest that it reads. Rows of the first form need not say so."""
MOST = 10**15
"""Whatever a row counts, it is less."""
_YEARS = range(1970, 3000)

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
Row = Mapping[str, Any]


class _Unfit(Exception):
    """An attribute is not what it should be: where in the row, and why not."""

    def __init__(self, why: str, *path: str) -> None:
        super().__init__(f"{'.'.join(path)} {why}")
        self.why = why
        self.path = path


@dataclass(frozen=True)
class Fields:
    """The attributes of a row, or of a map within one."""

    values: Row

    def get(self, name: str, read: Callable[[Any], T]) -> T:
        """What `read` makes of an attribute that must be there."""
        if name not in self.values:
            raise _Unfit("is missing", name)
        return _at(name, read, self.values[name])

    def find(self, name: str, read: Callable[[Any], T]) -> T | None:
        """The same, and None where it is not there."""
        return self.get(name, read) if name in self.values else None


def reading(row_id: str, row: Row, parse: Callable[[Fields], T]) -> T:
    """What `parse` makes of a row. Raises UnreadableRow, whatever is wrong with it."""
    caller = row.get("caller")
    owner = caller if isinstance(caller, str) else None
    try:
        fields = Fields(row)
        schema = fields.find("schema", count) or 1
        if schema <= SCHEMA:
            return parse(fields)
    except _Unfit as error:
        raise UnreadableRow(row_id, str(error), caller=owner) from None
    why = f"a newer release wrote it (schema {schema}; this one reads up to {SCHEMA})"
    raise UnreadableRow(row_id, why, newer=True, caller=owner)


def is_unreadable(row: Row, from_row: Callable[[Row], object]) -> bool:
    """Whether nobody can read a row: neither this release, nor a newer one that wrote it."""
    try:
        from_row(row)
    except UnreadableRow as error:
        return not error.newer
    return False


def text(value: Any) -> str:
    """An attribute that is text."""
    if not isinstance(value, str):
        raise _Unfit("is no text")
    with unfit("has half a surrogate pair"):
        value.encode()
    return value


def name(value: Any) -> str:
    """Text that something is known by."""
    if not text(value):
        raise _Unfit("is empty")
    return str(value)


def flag(value: Any) -> bool:
    """An attribute that is true or false."""
    if not isinstance(value, bool):
        raise _Unfit("is neither true nor false")
    return value


def number(value: Any) -> int:
    """A whole one, positive or negative."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise _Unfit("is no number")
    if isinstance(value, Decimal) and not (value.is_finite() and value.adjusted() < 20 and value == int(value)):
        raise _Unfit("is no whole number")
    return int(value)


def count(value: Any) -> int:
    """An attribute that is a whole number from 0."""
    if not 0 <= number(value) <= MOST:
        raise _Unfit(f"is not from 0 to {MOST}")
    return int(value)


def amount(value: Any) -> Decimal:
    """Money of one order, with its two places: DynamoDB drops zeros at the end."""
    exact = any_amount(value)
    if not 0 <= exact <= MAX_TOTAL:
        raise _Unfit(f"is not from 0 to {MAX_TOTAL}")
    return exact


def any_amount(value: Any) -> Decimal:
    """Money, without a bound."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise _Unfit("is no number")
    with unfit("is no amount with two places"):
        return money(Decimal(value))


def moment(value: Any) -> datetime:
    """An attribute that is a time in ISO 8601."""
    with unfit("is no moment in ISO 8601"):
        at = from_iso(text(value))
    if at.tzinfo is None or at.year not in _YEARS:
        raise _Unfit("is no moment in ISO 8601")
    return at


def one_of(kind: type[E]) -> Callable[[Any], E]:
    """An attribute that is one of an enumeration's values."""

    def read(value: Any) -> E:
        with unfit(f"is no {kind.__name__} that this release knows"):
            return kind(text(value))

    return read


def inside(parse: Callable[[Fields], T]) -> Callable[[Any], T]:
    """A map within a row."""

    def read(value: Any) -> T:
        if not isinstance(value, Mapping):
            raise _Unfit("is no map")
        return parse(Fields(value))

    return read


def each(read: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    """A list within a row."""

    def read_all(value: Any) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise _Unfit("is no list")
        return tuple(_at(str(place), read, member) for place, member in enumerate(value))

    return read_all


def by_name(read: Callable[[Any], T]) -> Callable[[Any], dict[str, T]]:
    """A map from whatever names to values that are all alike. The names are not told either."""

    def read_all(value: Any) -> dict[str, T]:
        if not isinstance(value, Mapping):
            raise _Unfit("is no map")
        return {text(key): _at("*", read, member) for key, member in value.items()}

    return read_all


def from_json(read: Callable[[Any], T]) -> Callable[[Any], T]:
    """Text that is JSON, and can be written as JSON again."""

    def read_text(value: Any) -> T:
        with unfit("is no JSON"):
            parsed = json.loads(text(value))
            canonical_json(parsed).encode()
        return read(parsed)

    return read_text


def _at(place: str, read: Callable[[Any], T], value: Any) -> T:
    try:
        return read(value)
    except _Unfit as error:
        raise _Unfit(error.why, place, *error.path) from None


@contextmanager
def unfit(why: str) -> Iterator[None]:
    """Whatever goes wrong inside is this."""
    try:
        yield
    except (ArithmeticError, RecursionError, ValueError):
        raise _Unfit(why) from None
