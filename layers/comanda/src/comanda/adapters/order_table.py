"""The orders table: one row per order, written under the condition that it still is as it was read."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from comanda.adapters.order_rows import ATTENTION_SHARDS, from_row, to_row
from comanda.adapters.versioned_rows import ATTENTION_INDEX, VersionedRows, update_of
from comanda.application.delivery.ports import OPEN
from comanda.domain.order import Order

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class OrderTable:
    """Implements `Orders` and `RowsInNeed`."""

    client: "DynamoDBClient"
    name: str

    def claim(self, order: Order) -> Order | None:
        found = self._rows.claim(to_row(order))
        return from_row(found) if found else None

    def get(self, order_id: str) -> Order | None:
        row = self._rows.get(order_id)
        return from_row(row) if row else None

    def get_many(self, order_ids: Iterable[str]) -> Mapping[str, Order]:
        return {order_id: from_row(row) for order_id, row in self._rows.get_many(order_ids).items()}

    def needing_attention(self, kind: str) -> Iterator[Order]:
        """All orders that are OWED, OPEN or FAILED, the oldest of each shard first.

        The index is read as it is, a moment behind; the rows it names are read as they stand now.
        """
        for shard in range(ATTENTION_SHARDS):
            for rows in self._rows.listed(ATTENTION_INDEX, "attention", f"{kind}#{shard}"):
                yield from sorted(map(from_row, rows.values()), key=lambda order: order.created_at)

    def open_in(self, groups: Collection[str], shown: Iterable[Order]) -> Iterator[Order]:  # noqa: ARG002
        return (order for order in self.needing_attention(OPEN) if order.recipient_id in groups)

    def mark_sent(self, owed: Order, sent: Order) -> None:
        self._rows.mark_sent(to_row(owed), to_row(sent))

    def save(self, before: Order, after: Order) -> None:
        self._rows.save(to_row(before), to_row(after))

    @property
    def _rows(self) -> VersionedRows:
        return VersionedRows(self.client, self.name, "order_id", "orders table")


def update_of_order(table: str, before: Order, after: Order) -> Any:
    """The update that turns one row into the other, for a transaction."""
    return update_of(table, "order_id", to_row(before), to_row(after))
