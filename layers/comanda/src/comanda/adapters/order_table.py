"""The orders table: one row an order, written under the condition that it still is as it was read."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from comanda.adapters.aws import answering, code_of, from_dynamodb, to_dynamodb
from comanda.adapters.changed_row import update_under_version
from comanda.adapters.order_rows import ATTENTION_INDEX, ATTENTION_SHARDS, from_row, to_row
from comanda.application.ports import Overtaken
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
        try:
            with answering("orders table"):
                self.client.put_item(
                    TableName=self.name,
                    Item=to_dynamodb(to_row(order)),
                    ConditionExpression="attribute_not_exists(order_id)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ClientError as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            found: Mapping[str, Any] = error.response.get("Item", {})  # type: ignore[assignment]
            return from_row(from_dynamodb(found))
        return None

    def get(self, order_id: str) -> Order | None:
        with answering("orders table"):
            answer = self.client.get_item(
                TableName=self.name, Key=to_dynamodb({"order_id": order_id}), ConsistentRead=True
            )
        return from_row(from_dynamodb(answer["Item"])) if "Item" in answer else None

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
        try:
            with answering("orders table"):
                self.client.update_item(**update_of(self.name, before, after))
        except ClientError as error:
            if code_of(error) == "ConditionalCheckFailedException":
                raise Overtaken(after.order_id) from error
            raise


def update_of(table: str, before: Order, after: Order) -> Any:
    """The update that turns one row into the other."""
    return update_under_version(table, {"order_id": after.order_id}, to_row(before), to_row(after))
