"""The orders table: one row an order, written under the condition that it still is as it was read."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from comanda.adapters.aws import answering, decoded, to_dynamodb
from comanda.adapters.order_rows import (
    ATTENTION_FAILED,
    ATTENTION_INDEX,
    ATTENTION_SHARDS,
    attention_key,
    from_row,
    to_row,
)
from comanda.adapters.row_fields import is_unreadable
from comanda.adapters.tried_rows import failure_to_row
from comanda.adapters.versioned_rows import VersionedRows, update_of
from comanda.domain.errors import Unavailable, UnreadableRow
from comanda.domain.order import TRANSITIONS, Failure, Order

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_SETTLED = frozenset(status.value for status, after in TRANSITIONS.items() if not after)
_OF_OPEN_ORDERS = ("owed", "expires_at")
"""What no failed order has. Of a row that cannot be read, they must not outlive its failing."""


@dataclass(frozen=True)
class OrderTable:
    """Implements `Orders`."""

    client: "DynamoDBClient"
    name: str

    def claim(self, order: Order) -> Order | None:
        found = self._rows.claim(to_row(order))
        return from_row(found) if found else None

    def get(self, order_id: str) -> Order | None:
        row = self._rows.get(order_id)
        return from_row(row) if row else None

    def get_many(self, order_ids: Iterable[str]) -> Mapping[str, Order | UnreadableRow]:
        return {order_id: _read(item) for order_id, item in self._items(order_ids).items()}

    def fail_unreadable(self, order_id: str, failure: Failure) -> bool:
        for found in map(decoded, self._items([order_id]).values()):
            if is_unreadable(found, from_row):
                with suppress(ValueError):  # Its id is no UUID.
                    also = {"attention": attention_key(ATTENTION_FAILED, order_id)}
                    return self._rows.fail_unreadable(found, _SETTLED, failure_to_row(failure), also, _OF_OPEN_ORDERS)
        return False

    def needing_attention(self, kind: str) -> Iterator[Order | UnreadableRow]:
        """All open, or all failed, orders (ATTENTION_OPEN, ATTENTION_FAILED), the oldest of each shard first; those
        that cannot be read before them.

        The index is read as it is, a moment behind; the rows it names are read as they stand now.
        """
        pages = self.client.get_paginator("query")
        for shard in range(ATTENTION_SHARDS):
            with answering("orders table"):
                for page in pages.paginate(
                    TableName=self.name,
                    IndexName=ATTENTION_INDEX,
                    KeyConditionExpression="attention = :attention",
                    ExpressionAttributeValues=to_dynamodb({":attention": f"{kind}#{shard}"}),
                    PaginationConfig={"PageSize": 100},
                ):
                    found = self.get_many(item["order_id"]["S"] for item in page["Items"]).values()
                    yield from (each for each in found if isinstance(each, UnreadableRow))
                    orders = (each for each in found if isinstance(each, Order))
                    yield from sorted(orders, key=lambda order: order.created_at)

    def save(self, before: Order, after: Order) -> None:
        self._rows.save(to_row(before), to_row(after))

    def _items(self, order_ids: Iterable[str]) -> dict[str, Any]:
        """The rows there are, by id, as DynamoDB gives them."""
        keys = [to_dynamodb({"order_id": order_id}) for order_id in dict.fromkeys(order_ids)]
        if not keys:
            return {}
        with answering("orders table"):
            answer = self.client.batch_get_item(RequestItems={self.name: {"Keys": keys, "ConsistentRead": True}})
        if answer.get("UnprocessedKeys"):
            raise Unavailable("orders table: not all rows were read")
        return {item["order_id"]["S"]: item for item in answer["Responses"].get(self.name, [])}

    @property
    def _rows(self) -> VersionedRows:
        return VersionedRows(self.client, self.name, "order_id", "orders table")


def _read(item: Mapping[str, Any]) -> Order | UnreadableRow:
    try:
        return from_row(decoded(item))
    except UnreadableRow as error:
        return error


def update_of_order(table: str, before: Order, after: Order) -> Any:
    """The update that turns one row into the other, for a transaction."""
    return update_of(table, "order_id", to_row(before), to_row(after))
