"""The orders table: one row an order, written under the condition that it still is as it was read."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from comanda.adapters.aws import answering, from_dynamodb, to_dynamodb
from comanda.adapters.order_rows import ATTENTION_INDEX, ATTENTION_SHARDS, from_row, to_row
from comanda.adapters.versioned_rows import VersionedRows, update_of
from comanda.domain.errors import Unavailable
from comanda.domain.order import Order

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


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

    def get_many(self, order_ids: Iterable[str]) -> Mapping[str, Order]:
        keys = [to_dynamodb({"order_id": order_id}) for order_id in dict.fromkeys(order_ids)]
        if not keys:
            return {}
        with answering("orders table"):
            answer = self.client.batch_get_item(RequestItems={self.name: {"Keys": keys, "ConsistentRead": True}})
        if answer.get("UnprocessedKeys"):
            raise Unavailable("orders table: not all rows were read")
        rows = [from_dynamodb(item) for item in answer["Responses"].get(self.name, [])]
        return {row["order_id"]: from_row(row) for row in rows}

    def needing_attention(self, kind: str) -> Iterator[Order]:
        """All open, or all failed, orders (ATTENTION_OPEN, ATTENTION_FAILED), the oldest of each shard first.

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
                    found = self.get_many(item["order_id"]["S"] for item in page["Items"])
                    yield from sorted(found.values(), key=lambda order: order.created_at)

    def save(self, before: Order, after: Order) -> None:
        self._rows.save(to_row(before), to_row(after))

    @property
    def _rows(self) -> VersionedRows:
        return VersionedRows(self.client, self.name, "order_id", "orders table")


def update_of_order(table: str, before: Order, after: Order) -> Any:
    """The update that turns one row into the other, for a transaction."""
    return update_of(table, "order_id", to_row(before), to_row(after))
