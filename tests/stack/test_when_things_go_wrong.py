"""Failures on the whole stack: poison, neighbours, workers that cannot start, redrive from the console."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import httpx
import pytest

from comanda.application.delivery.reconciler import REQUEUED
from tests.stack.conftest import ApiClients
from tests.stack.helpers import a_recipient, an_order, finished, ledger, post
from tests.stack.operators import ATTEMPTS, Operator, wait_for


def is_completed(client: httpx.Client, order_id: str) -> bool:
    return bool(client.get(f"orders/{order_id}").json()["status"] == "completed")


@pytest.mark.parametrize("failing", [(1, 2), pytest.param((5, 9), marks=pytest.mark.prove)])
def test_failing_heads_fail_alone_after_all_their_attempts(
    api: ApiClients, operator: Operator, failing: tuple[int, int]
) -> None:
    """Ten orders of a recipient in one batch, the first of them failing; two such recipients side by side."""
    client = api("web")
    heads, followers = dict[str, list[str]](), dict[str, list[str]]()
    with operator.paused("enrich_order"):
        for number in failing:
            recipient = a_recipient()
            heads[recipient] = [post(client, an_order(recipient, "FLAKY-99")) for _ in range(number)]
            followers[recipient] = [post(client, an_order(recipient)) for _ in range(10 - number)]
        wait_for(lambda: operator.waiting("enrichment") == 20, "a full queue")
    for recipient, bad in heads.items():
        for order_id in bad:
            failure = finished(client, order_id, 180)["failure"]
            assert (failure["class"], failure["attempts"]) == ("ProviderError", ATTEMPTS)
        for order_id in followers[recipient]:
            assert finished(client, order_id)["status"] == "completed"
            assert operator.attempts(order_id) <= 1
        assert [entry["order_id"] for entry in ledger(api("ops"), recipient)] == followers[recipient]
        dead = operator.dead_letters("enrichment", set(bad))
        assert [json.loads(message["Body"])["order_id"] for message in dead] == bad


def test_a_recipient_that_retries_costs_its_neighbours_nothing(api: ApiClients, operator: Operator) -> None:
    client = api("web")
    retrying = post(client, an_order(a_recipient(), "FLAKY-2"))
    wait_for(lambda: operator.attempts(retrying) >= 1, "the first attempt")
    neighbours = [post(client, an_order(a_recipient())) for _ in range(20)]
    assert {finished(client, order_id)["status"] for order_id in neighbours} == {"completed"}
    assert operator.attempts(retrying) < 3, "all completed before the third attempt"
    assert finished(client, retrying)["status"] == "completed"


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
    url = operator.stack.queues[queue].url
    before = operator.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]
    policy = json.dumps(json.loads(before["RedrivePolicy"]) | {"maxReceiveCount": 2})
    attributes = {"RedrivePolicy": policy, "VisibilityTimeout": "1"}
    with operator.changed(function, queue, attributes, Handler="functions.nowhere.handler"):
        yield


def test_orders_of_a_worker_that_cannot_start_are_rescued_once_and_then_failed(
    api: ApiClients, operator: Operator
) -> None:
    client, recipient = api("web"), a_recipient()
    with broken(operator, "enrich_order", "enrichment"):
        orders = [post(client, an_order(recipient)) for _ in range(3)]
        deadline = time.monotonic() + 300  # A row is failed that nobody wrote for three minutes.
        while not all(client.get(f"orders/{order_id}").json()["status"] == "failed" for order_id in orders):
            assert time.monotonic() < deadline, "the orders were not failed"
            operator.call_the_reconciler()
            time.sleep(2)
        for order_id in orders:
            order = client.get(f"orders/{order_id}").json()
            assert order["failure"]["class"] == "WorkerUnavailable"
            assert [moment.get("note") for moment in order["timeline"]].count(REQUEUED) == 1
    for order_id in orders:
        operator.redrive(order_id)
    assert {finished(client, order_id, 90)["status"] for order_id in orders} == {"completed"}
    assert [entry["order_id"] for entry in ledger(api("ops"), recipient)] == orders
    operator.call_the_reconciler()
    dead = operator.sqs.receive_message(
        QueueUrl=operator.stack.queues["enrichment"].dlq_url, MaxNumberOfMessages=10, VisibilityTimeout=0
    )
    bodies = [message["Body"] for message in dead.get("Messages", [])]
    assert not [body for body in bodies if any(order_id in body for order_id in orders)], "copies are removed"
