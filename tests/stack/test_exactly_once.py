"""One key, one order, forever (P2); one effect (P3); the order of each recipient (P4). All of it under load."""

import random
import threading
import uuid
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import boto3
import httpx

from comanda_cli.stack.stack_info import StackInfo
from local.stack import api_client
from tests.stack.conftest import ApiClients
from tests.stack.helpers import a_recipient, an_order, finished, ledger, post

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def test_the_same_key_with_another_body_is_refused(api: ApiClients) -> None:
    client, key, recipient = api("web"), uuid.uuid4().hex, a_recipient()
    first = client.post("orders", json=an_order(recipient), headers={"Idempotency-Key": key})
    again = client.post("orders", json=an_order(recipient), headers={"X-Idempotency-Key": key})
    other = client.post("orders", json=an_order(recipient, "XYZ"), headers={"Idempotency-Key": key})
    assert (again.status_code, again.content) == (202, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert (other.status_code, other.json()["type"]) == (422, "urn:comanda:problem:key-reused")


def test_the_same_key_from_twenty_connections_at_once_is_one_order(api: ApiClients, stack: StackInfo) -> None:
    key, recipient, together = uuid.uuid4().hex, a_recipient(), threading.Barrier(20)

    def send(_: int) -> httpx.Response:
        with api_client(stack, "web") as client:
            together.wait()
            return client.post("orders", json=an_order(recipient), headers={"Idempotency-Key": key})

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(send, range(20)))
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 409)
    (order_id,) = {answer.json()["order_id"] for answer in answers if answer.status_code == 202}
    finished(api("web"), order_id)
    assert [entry["order_id"] for entry in ledger(api("ops"), recipient)] == [order_id]


def test_the_same_key_after_its_record_is_gone_is_still_one_order(
    api: ApiClients, stack: StackInfo, aws: boto3.Session
) -> None:
    client, key, recipient = api("web"), uuid.uuid4().hex, a_recipient()
    order_id = post(client, an_order(recipient), key)
    empty(aws.client("dynamodb"), stack.tables["idempotency"])
    assert post(client, an_order(recipient), key) == order_id
    finished(client, order_id)
    empty(aws.client("dynamodb"), stack.tables["idempotency"])
    assert post(client, an_order(recipient), key) == order_id
    other = client.post("orders", json=an_order(recipient, "XYZ"), headers={"Idempotency-Key": key})
    assert other.status_code == 422
    assert len(ledger(api("ops"), recipient)) == 1


def empty(dynamodb: "DynamoDBClient", table: str) -> None:
    for page in dynamodb.get_paginator("scan").paginate(TableName=table):
        for item in page["Items"]:
            dynamodb.delete_item(TableName=table, Key={"id": item["id"]})


def test_200_orders_of_20_recipients_from_10_clients_a_third_of_them_twice(api: ApiClients, stack: StackInfo) -> None:
    """Each recipient's orders come from one client, so that the order of acceptance is known."""
    chance = random.Random(7)
    recipients = [a_recipient() for _ in range(20)]
    accepted: dict[str, list[str]] = defaultdict(list)

    def be_a_client(number: int) -> None:
        mine = recipients[number::10]
        with api_client(stack, ["web", "mobile", "api"][number % 3]) as client:
            for turn in range(20):
                recipient = mine[turn % 2]
                body, key = an_order(recipient, chance.choice(["ABC", "XYZ", "CABLE-USB"])), uuid.uuid4().hex
                order_id = post(client, body, key)
                accepted[recipient].append(order_id)
                if turn % 3 == 0:
                    assert post(client, body, key) == order_id

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(be_a_client, range(10)))

    ops = api("ops")
    orders: dict[str, dict[str, Any]] = {
        order_id: finished(ops, order_id, 120) for ids in accepted.values() for order_id in ids
    }
    assert len(orders) == 200
    assert {order["status"] for order in orders.values()} == {"completed"}
    for recipient in recipients:
        entries = ledger(ops, recipient)
        assert [entry["order_id"] for entry in entries] == accepted[recipient]
        assert [entry["sequence"] for entry in entries] == list(range(1, 11))
        total = sum(Decimal(orders[order_id]["total_amount"]) for order_id in accepted[recipient])
        balance = ops.get(f"recipients/{recipient}").json()
        assert (balance["balance"], balance["orders_completed"]) == (str(total), 10)
