"""Failures on the whole stack: poison, neighbours, killed workers, workers that cannot start, console redrive."""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from comanda.adapters.order_queues import QueuePublisher
from comanda.adapters.order_table import OrderTable
from comanda.application.redrive_order import RedriveOrder
from comanda_cli.stack_info import StackInfo
from tests.fakes import FakeJournal
from tests.stack.conftest import ApiClients
from tests.stack.helpers import a_recipient, an_order, finished, ledger, post

ATTEMPTS = 5


class Operator:
    """Looks into tables and queues, as a person with the AWS console would."""

    def __init__(self, stack: StackInfo, aws: boto3.Session) -> None:
        self.stack = stack
        self.dynamodb = aws.client("dynamodb")
        self.sqs = aws.client("sqs")
        self.functions = aws.client("lambda")
        self.orders = OrderTable(self.dynamodb, stack.tables["orders"])

    def attempts(self, order_id: str) -> int:
        order = self.orders.get(order_id)
        assert order
        return order.attempts.count if order.attempts else 0

    def redrive(self, order_id: str) -> None:
        publisher = QueuePublisher(self.sqs, self.stack.queues["orders"].url)
        RedriveOrder(self.orders, publisher, FakeJournal(), partial(datetime.now, UTC))(order_id, "test")

    def mend(self, order_id: str) -> None:
        """Replace the item that is rejected: the cause is removed."""
        self.dynamodb.update_item(
            TableName=self.stack.tables["orders"],
            Key={"order_id": {"S": order_id}},
            UpdateExpression="SET #items = :items",
            ExpressionAttributeNames={"#items": "items"},
            ExpressionAttributeValues={":items": {"L": [{"M": {"sku": {"S": "ABC"}, "qty": {"N": "1"}}}]}},
        )

    def dead_letters(self, queue: str, order_ids: set[str], limit_seconds: int = 30) -> list[dict[str, Any]]:
        """The dead letters of these orders, in order, hidden for a while.

        A look that does not find all of them makes what it found visible again: one hidden message locks its group.
        """
        url, deadline = self.stack.queues[queue].dlq_url, time.monotonic() + limit_seconds
        while True:
            shown: list[dict[str, Any]] = []
            while messages := self._receive(url):
                shown += messages
            found = [message for message in shown if json.loads(message["Body"])["order_id"] in order_ids]
            others = shown if len(found) < len(order_ids) else [each for each in shown if each not in found]
            for message in others:
                self.sqs.change_message_visibility(
                    QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
                )
            if len(found) == len(order_ids):
                return found
            assert time.monotonic() < deadline, f"{len(found)} of {len(order_ids)} dead letters came"
            time.sleep(0.5)

    def _receive(self, url: str) -> list[dict[str, Any]]:
        answer = self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=60, MessageSystemAttributeNames=["All"]
        )
        return [dict(message) for message in answer.get("Messages", [])]

    def console_redrive(self, queue: str, message: dict[str, Any]) -> None:
        """What the console's move task does: a new message of the same body and group, and the old one is gone.

        Its deduplication id is the id that the message had in the dead-letter queue ("Using dead-letter queues").
        """
        self.sqs.send_message(
            QueueUrl=self.stack.queues[queue].url,
            MessageBody=message["Body"],
            MessageGroupId=message["Attributes"]["MessageGroupId"],
            MessageDeduplicationId=message["MessageId"],
        )
        self.sqs.delete_message(QueueUrl=self.stack.queues[queue].dlq_url, ReceiptHandle=message["ReceiptHandle"])

    def call_the_steward(self) -> None:
        """Not to wait for its minute."""
        answer = self.functions.invoke(FunctionName=self.stack.functions["tend_dead_letters"], Payload=b"{}")
        assert "FunctionError" not in answer, answer["Payload"].read()

    def depth(self, queue: str) -> int:
        names: list[Any] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        url = self.stack.queues[queue].dlq_url
        attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(attributes[name]) for name in names)


@pytest.fixture
def operator(stack: StackInfo, aws: boto3.Session) -> Operator:
    return Operator(stack, aws)


def wait_for(condition: Callable[[], bool], what: str, limit_seconds: float = 60) -> None:
    deadline = time.monotonic() + limit_seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {limit_seconds} s"
        time.sleep(0.2)


def is_completed(client: httpx.Client, order_id: str) -> bool:
    return bool(client.get(f"orders/{order_id}").json()["status"] == "completed")


@pytest.mark.parametrize("failing", [1, 2])
def test_failing_heads_fail_alone_after_all_their_attempts(api: ApiClients, operator: Operator, failing: int) -> None:
    client, recipient = api("web"), a_recipient()
    bad = [post(client, an_order(recipient, "FLAKY-99")) for _ in range(failing)]
    good = [post(client, an_order(recipient)) for _ in range(10 - failing)]
    for order_id in bad:
        failure = finished(client, order_id, 90)["failure"]
        assert (failure["class"], failure["attempts"]) == ("ProviderError", ATTEMPTS)
    for order_id in good:
        assert finished(client, order_id)["status"] == "completed"
        assert operator.attempts(order_id) <= 1
    assert [entry["order_id"] for entry in ledger(api("ops"), recipient)] == good
    dead = operator.dead_letters("enrichment", set(bad))
    assert [json.loads(message["Body"])["order_id"] for message in dead] == bad


def test_a_recipient_that_retries_costs_its_neighbours_nothing(api: ApiClients, operator: Operator) -> None:
    client = api("web")
    retrying = post(client, an_order(a_recipient(), "FLAKY-99"))
    wait_for(lambda: operator.attempts(retrying) >= 1, "the first attempt")
    neighbours = [post(client, an_order(a_recipient())) for _ in range(20)]
    assert {finished(client, order_id)["status"] for order_id in neighbours} == {"completed"}
    assert operator.attempts(retrying) < 3, "all completed before the third attempt"
    finished(client, retrying, 90)


def test_a_permanent_failure_is_in_the_dead_letter_queue_within_ten_seconds(
    api: ApiClients, operator: Operator
) -> None:
    client = api("web")
    order_id = post(client, an_order(a_recipient(), "BOMBA"))
    assert finished(client, order_id)["status"] == "failed"
    failed_at = time.monotonic()
    (message,) = operator.dead_letters("enrichment", {order_id})
    assert time.monotonic() - failed_at < 10
    assert message["Attributes"]["DeadLetterQueueSourceArn"].endswith("enrichment.fifo")


def test_a_console_redrive_within_five_minutes_completes_in_order(api: ApiClients, operator: Operator) -> None:
    client, recipient = api("web"), a_recipient()
    orders = [post(client, an_order(recipient, "BOMBA")) for _ in range(5)]
    assert {finished(client, order_id)["status"] for order_id in orders} == {"failed"}
    dead = operator.dead_letters("enrichment", set(orders))
    for order_id in orders:
        operator.mend(order_id)
    for message in dead:
        operator.console_redrive("enrichment", message)
    for order_id in orders:
        wait_for(partial(is_completed, client, order_id), f"completion of {order_id}")
    assert [entry["order_id"] for entry in ledger(api("ops"), recipient)] == orders
    timeline = client.get(f"orders/{orders[0]}").json()["timeline"]
    assert timeline[3].get("note") == "redriven from the dead-letter queue"


def test_both_redrives_at_once_are_still_one_effect(api: ApiClients, operator: Operator) -> None:
    client, recipient = api("web"), a_recipient()
    orders = [post(client, an_order(recipient, "BOMBA")) for _ in range(3)]
    for order_id in orders:
        finished(client, order_id)
        operator.mend(order_id)
    dead = operator.dead_letters("enrichment", set(orders))
    for order_id, message in zip(orders, dead, strict=True):
        operator.redrive(order_id)
        operator.console_redrive("enrichment", message)
    for order_id in orders:
        wait_for(partial(is_completed, client, order_id), f"completion of {order_id}")
    entries = ledger(api("ops"), recipient)
    assert sorted(entry["order_id"] for entry in entries) == sorted(orders)
    assert len(entries) == 3


@contextmanager
def broken(operator: Operator, function: str, queue: str) -> Iterator[None]:
    """A worker that cannot even be imported; its queue gives up after two receives, a second apart."""
    name, url = operator.stack.functions[function], operator.stack.queues[queue].url
    names: list[Any] = ["RedrivePolicy", "VisibilityTimeout"]
    before = operator.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    policy = json.dumps(json.loads(before["RedrivePolicy"]) | {"maxReceiveCount": 2})
    handler = operator.functions.get_function_configuration(FunctionName=name)["Handler"]
    operator.sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "1"})
    operator.functions.update_function_configuration(FunctionName=name, Handler="functions.nowhere.handler")
    try:
        yield
    finally:
        operator.functions.update_function_configuration(FunctionName=name, Handler=handler)
        operator.sqs.set_queue_attributes(
            QueueUrl=url,
            Attributes={"RedrivePolicy": before["RedrivePolicy"], "VisibilityTimeout": before["VisibilityTimeout"]},
        )


def test_orders_of_a_worker_that_cannot_start_are_taken_up_once_and_then_failed(
    api: ApiClients, operator: Operator
) -> None:
    client, recipient = api("web"), a_recipient()
    with broken(operator, "enrich_order", "enrichment"):
        orders = [post(client, an_order(recipient)) for _ in range(3)]
        deadline = time.monotonic() + 120
        while not all(client.get(f"orders/{order_id}").json()["status"] == "failed" for order_id in orders):
            assert time.monotonic() < deadline, "the orders were not failed"
            operator.call_the_steward()
            time.sleep(2)
        for order_id in orders:
            order = client.get(f"orders/{order_id}").json()
            assert order["failure"]["class"] == "WorkerUnavailable"
            assert [moment.get("note") for moment in order["timeline"]].count("published anew by the steward") == 1
    for order_id in orders:
        operator.redrive(order_id)
    assert {finished(client, order_id, 90)["status"] for order_id in orders} == {"completed"}
    assert [entry["order_id"] for entry in ledger(api("ops"), recipient)] == orders
    operator.call_the_steward()
    dead = operator.sqs.receive_message(
        QueueUrl=operator.stack.queues["enrichment"].dlq_url, MaxNumberOfMessages=10, VisibilityTimeout=0
    )
    bodies = [message["Body"] for message in dead.get("Messages", [])]
    assert not [body for body in bodies if any(order_id in body for order_id in orders)], "copies are removed"


def workers_of(function: str) -> list[int]:
    """The processes in which the emulator runs a function."""
    wanted = f"AWS_LAMBDA_FUNCTION_NAME={function}\0".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if wanted in environment + b"\0":
            found.append(int(folder.name))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="finds worker processes in /proc")
def test_workers_killed_at_random_moments_lose_and_double_nothing(api: ApiClients, operator: Operator) -> None:
    client, chance = api("web"), random.Random(11)
    recipients = [a_recipient() for _ in range(15)]
    accepted: dict[str, list[str]] = {recipient: [] for recipient in recipients}
    kills = 0
    for number in range(120):
        recipient = chance.choice(recipients)
        accepted[recipient].append(post(client, an_order(recipient, chance.choice(["ABC", "XYZ"]))))
        if number % 20 == 10:
            function = chance.choice(["process_order", "enrich_order", "complete_order"])
            for pid in workers_of(operator.stack.functions[function]):
                os.kill(pid, signal.SIGKILL)
                kills += 1
    assert kills >= 3
    ops = api("ops")
    for recipient, order_ids in accepted.items():
        done = [finished(ops, order_id, 150) for order_id in order_ids]
        assert {order["status"] for order in done} == {"completed"}
        entries = ledger(ops, recipient)
        assert [entry["order_id"] for entry in entries] == order_ids
        balance = ops.get(f"recipients/{recipient}").json()["balance"]
        assert Decimal(balance) == sum(Decimal(order["total_amount"]) for order in done)
