"""Rows past botocore's parser are the rows that it would give."""

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from comanda.adapters.aws.raw_rows import leave_rows_raw
from tests.support.builders import NOW, a_claim, a_pending_order, an_enriched_order
from tests.support.report_targets import ReportResources

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def read(client: "DynamoDBClient", method: str, **request: Any) -> dict[str, Any]:
    answer: dict[str, Any] = getattr(client, method)(**request)
    assert answer.pop("ResponseMetadata")["HTTPStatusCode"] == 200
    return answer


def test_rows_are_the_same_as_parsed(report_resources: ReportResources) -> None:
    orders = [a_claim(), a_pending_order(), an_enriched_order().tried("m-1", 2, NOW)]
    for order in orders:
        report_resources.orders.claim(order)
    table = report_resources.table("orders")
    plain, raw = (
        report_resources.session.client("dynamodb"),
        leave_rows_raw(leave_rows_raw(report_resources.session.client("dynamodb"))),
    )
    keys = {table: {"Keys": [{"order_id": {"S": order.order_id}} for order in orders], "ConsistentRead": True}}
    query = {
        "TableName": table,
        "KeyConditionExpression": "order_id = :id",
        "ExpressionAttributeValues": {":id": {"S": orders[2].order_id}},
        "Limit": 1,
    }

    def in_order(answer: dict[str, Any]) -> list[Any]:
        return sorted(answer["Responses"][table], key=lambda row: str(row["order_id"]))

    rows = read(raw, "batch_get_item", RequestItems=keys)
    assert in_order(rows) == in_order(read(plain, "batch_get_item", RequestItems=keys))
    assert (len(in_order(rows)), rows["UnprocessedKeys"]) == (3, {})
    page = read(raw, "query", **query)
    assert page == read(plain, "query", **query)
    assert (page["Count"], page["Items"][0]["version"]["N"]) == (1, str(orders[2].version))
    assert read(raw, "query", **query, Select="COUNT") == read(plain, "query", **query, Select="COUNT")


def test_errors_are_errors_as_ever(report_resources: ReportResources) -> None:
    client = leave_rows_raw(report_resources.session.client("dynamodb"))
    with pytest.raises(ClientError) as caught:
        client.batch_get_item(RequestItems={"no-such-table": {"Keys": [{"order_id": {"S": "x"}}]}})
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"
