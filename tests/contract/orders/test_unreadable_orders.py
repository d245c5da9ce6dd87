"""The orders table where one of its rows cannot be read: the others are read, and it can be failed."""

from dataclasses import replace
from typing import Any

import pytest

from comanda.adapters.aws.values import decoded, to_dynamodb
from comanda.adapters.orders.rows import to_row
from comanda.adapters.orders.table import OrderTable
from comanda.application.delivery.ports import FAILED, OPEN
from comanda.domain.delivery.work_item import Failure
from comanda.domain.orders.order import Order, Stage
from comanda.domain.shared.errors import UnreadableRow
from tests.support.builders import NOW, a_claim, a_pending_order, a_processing_order, an_enriched_order
from tests.support.targets import Resources
from tests.support.unreadable import GONE, ORDERS, spoilt

FAILURE = Failure("UnreadableRow", "why", Stage.PROCESSING, 0, NOW, "m-1")


@pytest.fixture
def table(resources: Resources) -> OrderTable:
    return OrderTable(resources.dynamodb, resources.orders_table)


def spoil(resources: Resources, order: Order, name: str, value: object) -> str:
    """Store a row of which one attribute is not as it should be, and give its id."""
    OrderTable(resources.dynamodb, resources.orders_table).claim(order)
    item = spoilt(resources.row(order.order_id), name, value)
    resources.dynamodb.put_item(TableName=resources.orders_table, Item=item)
    return order.order_id


def row(resources: Resources, order_id: str) -> dict[str, Any]:
    return decoded(resources.row(order_id))


@pytest.mark.parametrize(("name", "value"), ORDERS)
def test_it_takes_no_other_along_and_fails(resources: Resources, table: OrderTable, name: str, value: object) -> None:
    bad, good = spoil(resources, a_processing_order(), name, value), a_pending_order()
    table.claim(good)
    found = table.get_many([bad, good.order_id])
    assert found[good.order_id] == good
    assert isinstance(found[bad], UnreadableRow)
    with pytest.raises(UnreadableRow):
        table.get(bad)
    before = row(resources, bad)
    assert table.fail_unreadable(bad, FAILURE)
    assert not table.fail_unreadable(bad, FAILURE)
    assert not table.fail_unreadable(good.order_id, FAILURE)
    after = row(resources, bad)
    assert (after["status"], after["failure"]["class"]) == ("failed", "UnreadableRow")
    assert after["attention"].startswith(FAILED)
    changed = {key for key in {*before, *after} if before.get(key) != after.get(key)}
    assert changed <= {"status", "failure", "attention", "updated_at", "version"}
    if name not in {"version", "schema"}:
        assert after["version"] == before["version"] + 1
    (listed,) = table.needing_attention(FAILED)
    assert (listed.row_id if isinstance(listed, UnreadableRow) else listed.order_id) == bad


def test_a_claim_that_cannot_be_read_is_not_forgotten_once_it_has_failed(
    resources: Resources, table: OrderTable
) -> None:
    order_id = spoil(resources, a_claim(), "items", GONE)
    assert "expires_at" in row(resources, order_id)
    assert table.fail_unreadable(order_id, FAILURE)
    assert "expires_at" not in row(resources, order_id)


@pytest.mark.parametrize(
    "order", [an_enriched_order().completed(NOW), a_pending_order().cancelled(NOW)], ids=["completed", "cancelled"]
)
def test_what_is_settled_stays_so(resources: Resources, table: OrderTable, order: Order) -> None:
    """A failed order must not stand in a ledger (P3)."""
    order_id = spoil(resources, order, "notify", "x")
    before = row(resources, order_id)
    assert not table.fail_unreadable(order_id, FAILURE)
    assert row(resources, order_id) == before


def test_a_row_of_a_newer_release_is_never_written(resources: Resources, table: OrderTable) -> None:
    order_id = spoil(resources, a_pending_order(), "schema", 2)
    before = row(resources, order_id)
    found = table.get_many([order_id])[order_id]
    assert isinstance(found, UnreadableRow)
    assert found.newer
    assert not table.fail_unreadable(order_id, FAILURE)
    assert row(resources, order_id) == before


def test_what_has_failed_keeps_its_reason(resources: Resources, table: OrderTable) -> None:
    """Whatever other message of it is met, and whichever was the first reason."""
    order_id = spoil(resources, a_pending_order().failed(FAILURE), "notify", "x")
    before = row(resources, order_id)
    assert not table.fail_unreadable(order_id, replace(FAILURE, name="UnreadableRow", message_id="m-2"))
    assert row(resources, order_id) == before


def test_it_is_left_to_who_was_quicker(resources: Resources, table: OrderTable) -> None:
    order = a_pending_order()
    order_id = spoil(resources, order, "notify", "x")
    mended = to_dynamodb(to_row(order.started(NOW)))

    def mend(**_: object) -> None:
        resources.dynamodb.put_item(TableName=resources.orders_table, Item=mended)

    events = resources.dynamodb.meta.events
    events.register_first("before-call.dynamodb.UpdateItem", mend, unique_id="quicker")
    try:
        assert not table.fail_unreadable(order_id, FAILURE)
    finally:
        events.unregister("before-call.dynamodb.UpdateItem", unique_id="quicker")
    assert table.get(order_id) == order.started(NOW)


def test_open_ones_are_among_those_that_need_attention(resources: Resources, table: OrderTable) -> None:
    bad, good = spoil(resources, a_pending_order(), "origin", "fax"), a_pending_order()
    table.claim(good)
    found = list(table.needing_attention(OPEN))
    assert good in found
    assert [each.row_id for each in found if isinstance(each, UnreadableRow)] == [bad]


def test_every_write_says_its_form(resources: Resources, table: OrderTable) -> None:
    pending = a_pending_order()
    order_id = spoil(resources, pending, "schema", GONE)
    table.save(pending, pending.started(NOW))
    assert row(resources, order_id)["schema"] == 1
