"""States, transitions, prices and totals of an order."""

from decimal import Decimal
from itertools import product

import pytest

from comanda.domain.delivery.work_item import Failure
from comanda.domain.orders.order import (
    TRANSITIONS,
    Enrichment,
    Item,
    Order,
    OrderStatus,
    Stage,
    total_of,
)
from comanda.domain.shared.errors import IllegalTransition, PermanentError
from comanda.domain.shared.money import MAX_TOTAL
from tests.support.builders import NOW, a_claim, a_pending_order, a_processing_order, an_enriched_order

S = OrderStatus
A_FAILURE = Failure("ItemRejected", "no", Stage.ENRICHMENT, 1, NOW, "m-1")


def move(order: Order, status: OrderStatus) -> Order:
    match status:
        case S.PENDING:
            return order.stored(NOW)
        case S.PROCESSING:
            return order.started(NOW)
        case S.COMPLETED:
            return order.completed(NOW)
        case S.FAILED:
            return order.failed(A_FAILURE)
        case S.CANCELLED:
            return order.cancelled(NOW)
        case S.ACCEPTING:
            pytest.skip("no transition leads to a claim")


IN = {
    S.ACCEPTING: a_claim(),
    S.PENDING: a_pending_order(),
    S.PROCESSING: a_processing_order(),
    S.COMPLETED: an_enriched_order().completed(NOW),
    S.FAILED: a_processing_order().failed(A_FAILURE),
    S.CANCELLED: a_pending_order().cancelled(NOW),
}


@pytest.mark.parametrize(("before", "after"), list(product(S, [status for status in S if status is not S.ACCEPTING])))
def test_only_the_transitions_of_the_table_are_possible(before: OrderStatus, after: OrderStatus) -> None:
    order = IN[before]
    if after not in TRANSITIONS[before]:
        with pytest.raises(IllegalTransition, match=f"{before} cannot become {after}"):
            move(order, after)
        return
    moved = move(order, after)
    assert moved.status is after
    assert moved.version == order.version + 1
    assert [moment.status for moment in moved.timeline] == [*[m.status for m in order.timeline], after]


def test_settled_is_what_nothing_can_change_again() -> None:
    assert {status for status in S if IN[status].is_settled} == {S.COMPLETED, S.CANCELLED}


def test_an_enrichment_prices_what_had_no_price_and_keeps_what_had_one() -> None:
    order = a_processing_order(items=(Item(2, sku="ABC"), Item(1, sku="XYZ", unit_price=Decimal("1.10"))))
    enriched = order.enriched(Enrichment("p", "r", {"ABC": Decimal("0.05"), "XYZ": Decimal(999)}), NOW)
    assert [item.unit_price for item in enriched.items] == [Decimal("0.05"), Decimal("1.10")]
    assert enriched.total_amount == Decimal("1.20")
    assert enriched.status is S.PROCESSING


def test_an_enrichment_without_a_price_that_is_needed_fails_for_good() -> None:
    with pytest.raises(PermanentError, match="no price for 'XYZ'"):
        a_processing_order().enriched(Enrichment("p", "r", {"ABC": Decimal(1)}), NOW)


@pytest.mark.parametrize("price", ["0.001", "-0.01", "NaN", "1000000000.01"])
def test_a_price_that_makes_no_sense_fails_for_good(price: str) -> None:
    with pytest.raises(PermanentError, match="the provider's price for 'ABC'"):
        a_processing_order().enriched(Enrichment("p", "r", {"ABC": Decimal(price), "XYZ": Decimal(1)}), NOW)


def test_totals_are_exact_and_bounded() -> None:
    dimes = tuple(Item(3, sku="A", unit_price=Decimal("0.10")) for _ in range(10))
    assert str(total_of(dimes)) == "3.00"
    assert total_of((Item(1, sku="A"),)) is None
    with pytest.raises(ValueError, match="more than"):
        total_of((Item(2, sku="A", unit_price=MAX_TOTAL),))
