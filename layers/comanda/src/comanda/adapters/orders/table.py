"""The orders table: one row per order."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from comanda.adapters.aws.versioned_rows import ATTENTION_INDEX, update_of
from comanda.adapters.delivery.work_item_table import WorkItemTable
from comanda.adapters.orders.rows import ATTENTION_SHARDS, attention_key, from_row, to_row
from comanda.application.delivery.ports import FAILED, OPEN
from comanda.domain.orders.order import TRANSITIONS, Order
from comanda.domain.shared.errors import UnreadableRow


class OrderTable(WorkItemTable[Order]):
    """Implements `Orders` and `RowsInNeed`."""

    key = "order_id"
    what = "orders table"
    over = frozenset(status.value for status, after in TRANSITIONS.items() if not after)
    of_open_rows = ("owed", "expires_at")

    def to_row(self, item: Order) -> dict[str, Any]:
        return to_row(item)

    def from_row(self, row: Mapping[str, Any]) -> Order:
        return from_row(row)

    def attention_of_failed(self, row_id: str) -> str:
        return attention_key(FAILED, row_id)

    def needing_attention(self, kind: str) -> Iterator[Order | UnreadableRow]:
        """All orders that are OWED, OPEN or FAILED, the oldest of each page first; those that cannot be read before
        them. The index is a moment behind; the rows it names are read as they stand now."""
        for shard in range(ATTENTION_SHARDS):
            for page in self._listed(ATTENTION_INDEX, "attention", f"{kind}#{shard}"):
                yield from page

    def open_in(self, groups: Collection[str], shown: Iterable[Order]) -> Iterator[Order | UnreadableRow]:  # noqa: ARG002
        for found in self.needing_attention(OPEN):
            if isinstance(found, UnreadableRow) or found.recipient_id in groups:
                yield found


def update_of_order(table: str, before: Order, after: Order) -> Any:
    """The update that turns one row into the other, for a transaction."""
    return update_of(table, "order_id", to_row(before), to_row(after))
