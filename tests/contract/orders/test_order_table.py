"""The orders table: claims, reads and conditional writes."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal

import pytest

from comanda.adapters.orders.table import OrderTable
from comanda.application.delivery.ports import OPEN, VersionConflict
from comanda.domain.delivery.work_item import Attempts, By, Failure
from comanda.domain.orders.order import Enrichment, Item, Order, Stage
from tests.support.builders import NOW, a_claim, a_pending_order, a_processing_order, an_enriched_order
from tests.support.targets import Resources


@pytest.fixture
def table(resources: Resources) -> OrderTable:
    return OrderTable(resources.dynamodb, resources.orders_table)


def stored(table: OrderTable, order: Order) -> Order:
    assert table.claim(order) is None
    return order


FULL = replace(
    an_enriched_order("0.10", client_order_id="c-1", metadata={"a": 1, "b": "x", "c": True, "d": None}).failed(
        Failure("Timeout", "slow", Stage.COMPLETION, 5, NOW, "m-1")
    ),
    attempts=Attempts("m-1", 4, 5),
    items=(Item(1, sku="A", unit_price=Decimal("0.10")), Item(3, item_name="Café")),
    enrichment=Enrichment("p", "r", {}, {"name": "Ana"}, NOW),
    replay=2,
)


@pytest.mark.parametrize("order", [a_claim(), a_claim(customer_id=None), a_pending_order(), an_enriched_order(), FULL])
def test_what_is_stored_comes_back_equal(table: OrderTable, order: Order) -> None:
    stored(table, order)
    expected = replace(order, enrichment=replace(order.enrichment, prices={}) if order.enrichment else None)
    assert table.get(order.order_id) == expected
    assert table.get_many([order.order_id, "nobody", order.order_id]) == {order.order_id: expected}


def test_what_is_not_there_is_none(table: OrderTable) -> None:
    assert table.get("nobody") is None
    assert table.get_many([]) == {}


def test_a_claim_is_made_once(table: OrderTable) -> None:
    first = stored(table, a_claim())
    assert table.claim(replace(first, payload_hash="other")) == first


def test_of_many_claims_at_once_one_wins(emulator: Resources) -> None:
    """Where requests are served side by side: moto looks and writes in two steps, within the test's own process."""
    claim, table = a_claim(), OrderTable(emulator.dynamodb, emulator.orders_table)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: table.claim(replace(claim, correlation_id=str(n))), range(16)))
    assert found.count(None) == 1


def test_a_claim_expires_and_an_order_does_not(table: OrderTable, resources: Resources) -> None:
    claim = stored(table, a_claim())
    expiry = int(resources.row(claim.order_id)["expires_at"]["N"]) - int(NOW.timestamp())
    assert expiry > 14 * 24 * 3600, "a claim outlives its message, which a queue keeps for 14 days"
    table.save(claim, claim.stored(NOW))
    assert "expires_at" not in resources.row(claim.order_id)


def test_a_change_is_saved_where_the_row_is_as_it_was_read(table: OrderTable) -> None:
    claim = stored(table, a_claim())
    pending = claim.stored(NOW)
    table.save(claim, pending)
    assert table.get(claim.order_id) == pending
    with pytest.raises(VersionConflict):
        table.save(claim, claim.started(NOW))
    assert table.get(claim.order_id) == pending


def test_its_own_change_met_again_is_no_others(table: OrderTable, resources: Resources) -> None:
    """As boto3 meets it, when it tries again after a lost answer."""
    claim = stored(table, a_claim())
    tries = []

    def try_once_more(**_: object) -> float | None:
        tries.append("UpdateItem")
        return 0.0 if len(tries) == 1 else None

    events = resources.dynamodb.meta.events
    events.register_first("needs-retry.dynamodb.UpdateItem", try_once_more, unique_id="lost-answer")  # type: ignore[arg-type]
    try:
        table.save(claim, claim.stored(NOW))
    finally:
        events.unregister("needs-retry.dynamodb.UpdateItem", unique_id="lost-answer")
    assert len(tries) == 2
    assert table.get(claim.order_id) == claim.stored(NOW)


def test_nothing_is_saved_where_there_is_no_row(table: OrderTable) -> None:
    claim = a_claim()
    with pytest.raises(VersionConflict):
        table.save(claim, claim.stored(NOW))
    assert table.get(claim.order_id) is None


def test_attributes_of_a_newer_version_survive_an_older_ones_write(table: OrderTable, resources: Resources) -> None:
    claim = stored(table, a_claim())
    resources.dynamodb.update_item(
        TableName=resources.orders_table,
        Key={"order_id": {"S": claim.order_id}},
        UpdateExpression="SET from_the_future = :x",
        ExpressionAttributeValues={":x": {"S": "kept"}},
    )
    table.save(claim, claim.stored(NOW))
    assert resources.row(claim.order_id)["from_the_future"] == {"S": "kept"}


def test_what_a_change_takes_away_is_gone(table: OrderTable, resources: Resources) -> None:
    failed = a_processing_order().failed(Failure("X", "x", Stage.ENRICHMENT, 1, NOW, "m"))
    stored(table, failed)
    redriven = failed.opened(By.OPERATOR, NOW, "redriven")
    table.save(failed, redriven)
    assert "failure" not in resources.row(failed.order_id)
    table.mark_sent(redriven, redriven.sent(NOW))
    assert "owed" not in resources.row(failed.order_id)


def test_every_write_after_the_claim_removes_its_expiry(table: OrderTable, resources: Resources) -> None:
    claim = stored(table, a_claim())
    table.save(claim, claim.opened(By.CONSOLE, NOW, "redriven"))
    assert "expires_at" not in resources.row(claim.order_id)


def test_a_claim_asks_for_attention_and_what_is_cancelled_does_not(table: OrderTable) -> None:
    claim = stored(table, a_claim())
    stored(table, a_pending_order().cancelled(NOW))
    assert [order.row_id for order in table.needing_attention(OPEN)] == [claim.order_id]


def test_an_everyday_order_stays_under_one_write_unit(table: OrderTable, resources: Resources) -> None:
    """DynamoDB counts names and values in UTF-8 and rounds up to 1 KB ("DynamoDB item sizes and formats")."""
    order = a_processing_order(caller="a-caller-of-middling-name", recipient_id="recipient-0001")
    prices = {"ABC": Decimal("19.90"), "XYZ": Decimal("249.00")}
    customer = {"name": "Customer 123"}
    enriched = order.enriched(Enrichment("simulated", order.order_id, prices, customer), NOW)
    completed = enriched.completed(NOW)
    stored(table, completed)
    assert size_of({"M": resources.row(completed.order_id)}) <= 1024


def size_of(value: dict[str, object]) -> int:
    """An upper bound of a typed value's size in bytes."""
    ((kind, content),) = value.items()
    match content:
        case dict():
            return 3 + sum(1 + len(name.encode()) + size_of(member) for name, member in content.items())
        case list():
            return 3 + sum(1 + size_of(member) for member in content)
        case str() if kind == "N":
            return len(content) // 2 + 2
        case str():
            return len(content.encode())
    return 1
