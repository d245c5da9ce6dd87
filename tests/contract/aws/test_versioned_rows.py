"""Rows of all tables: how they are read, and what a message that was sent changes of one."""

from datetime import timedelta
from typing import Any

import pytest

from comanda.adapters.aws.values import from_dynamodb
from comanda.adapters.aws.versioned_rows import update_of
from comanda.adapters.orders.table import OrderTable
from comanda.domain.delivery.work_item import By, Failure
from comanda.domain.orders.order import Order, Stage
from tests.support.builders import NOW, a_claim, a_processing_order
from tests.support.targets import Resources

LATER = NOW + timedelta(seconds=1)
OWED = {"report_id": "r", "updated_at": "2026-11-22T09:30:00Z", "attention": "owed", "owed": True, "version": 2}


def test_what_only_loses_attributes_sets_none() -> None:
    """A message that was sent in the same instant in which its run began: nothing but what is owed has changed."""
    sent = {name: value for name, value in OWED.items() if name not in {"attention", "owed"}}
    assert update_of("reports", "report_id", OWED, sent)["UpdateExpression"] == "REMOVE #attention, #owed"


def test_what_changes_is_set_and_what_is_gone_is_removed() -> None:
    worked = {"report_id": "r", "updated_at": "2026-11-22T09:31:00Z", "attention": "failed", "version": 3}
    expression = update_of("reports", "report_id", OWED, worked)["UpdateExpression"]
    assert expression == "SET #updated_at = :updated_at, #attention = :attention, #version = :version REMOVE #owed"


@pytest.fixture
def table(resources: Resources) -> OrderTable:
    return OrderTable(resources.dynamodb, resources.orders_table)


@pytest.fixture
def owed(table: OrderTable) -> Order:
    """An order whose second run has begun; its message is on its way."""
    table.claim(opened := a_processing_order().opened(By.CONSOLE, NOW, "redriven"))
    return opened


def test_a_message_that_was_sent_takes_from_its_row_what_is_owed_and_nothing_else(
    table: OrderTable, owed: Order
) -> None:
    sent = owed.sent(LATER)
    table.mark_sent(owed, sent)
    assert table.get(owed.order_id) == sent
    assert sent.version == owed.version
    table.save(owed, owed.tried("m-1", 1, LATER))  # Whoever has the message by now does not find the row changed.


def test_a_late_mark_of_one_run_takes_nothing_from_the_next(table: OrderTable, owed: Order) -> None:
    failed = owed.failed(Failure("Bad", "no", Stage.ENRICHMENT, 1, LATER, "m-1"))
    table.save(owed, failed)
    table.save(failed, next_run := failed.opened(By.OPERATOR, LATER, "redriven"))
    table.mark_sent(owed, owed.sent(LATER))
    assert table.get(owed.order_id) == next_run


def test_a_mark_that_comes_after_a_worker_changes_nothing(table: OrderTable, owed: Order) -> None:
    failed = owed.failed(Failure("Bad", "no", Stage.ENRICHMENT, 1, NOW, "m-1"))
    table.save(owed, failed)
    table.mark_sent(owed, owed.sent(LATER))
    assert table.get(owed.order_id) == failed
    assert [order.row_id for order in table.needing_attention("failed")] == [owed.order_id]


def test_rows_are_read_as_they_stand(resources: Resources, table: OrderTable, owed: Order) -> None:
    asked: list[dict[str, Any]] = []
    listen = resources.dynamodb.meta.events.register
    listen("before-parameter-build.dynamodb.BatchGetItem", lambda params, **_: asked.append(params["RequestItems"]))
    listen("before-parameter-build.dynamodb.GetItem", lambda params, **_: asked.append({"one": params}))
    table.get_many([owed.order_id])
    table.get(owed.order_id)
    assert [request["ConsistentRead"] for one in asked for request in one.values()] == [True, True]


def test_only_a_claim_expires(resources: Resources, table: OrderTable) -> None:
    table.claim(claim := a_claim())
    table.claim(forgotten := a_claim())
    table.save(claim, claim.stored(NOW))
    items = resources.dynamodb.scan(TableName=resources.orders_table)["Items"]
    assert {item["order_id"] for item in map(from_dynamodb, items) if "expires_at" in item} == {forgotten.order_id}
