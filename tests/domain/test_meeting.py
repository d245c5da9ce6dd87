"""What a delivered message means for the order it finds."""

from dataclasses import replace
from datetime import timedelta

import pytest

from comanda.domain.disposition import Verdict, meet
from comanda.domain.messages import Event, OrderMessage
from comanda.domain.order import Order, Stage
from comanda.domain.work_item import Failure
from tests.builders import NOW, a_claim, a_delivery, a_pending_order, a_processing_order, an_enriched_order

FAILED_BY = "message-that-failed"
FAILED = a_processing_order().failed(Failure("X", "x", Stage.ENRICHMENT, 1, NOW, FAILED_BY))


@pytest.mark.parametrize("order", [a_claim(), a_pending_order(), a_processing_order(), an_enriched_order()])
def test_an_order_under_way_is_worked_on(order: Order) -> None:
    assert meet(order, a_delivery(order), Stage.PROCESSING) is Verdict.WORK


@pytest.mark.parametrize("order", [a_pending_order().cancelled(NOW), an_enriched_order().completed(NOW)])
def test_a_settled_order_is_left_alone(order: Order) -> None:
    assert meet(order, a_delivery(order), Stage.PROCESSING) is Verdict.DROP


def test_a_message_without_an_order_goes_to_a_person() -> None:
    order = a_pending_order()
    assert meet(None, a_delivery(order), Stage.PROCESSING) is Verdict.LET_THROUGH
    assert meet(order, a_delivery(order, message=None), Stage.PROCESSING) is Verdict.LET_THROUGH


def test_a_message_of_another_stage_or_payload_goes_to_a_person() -> None:
    order = a_pending_order()
    assert meet(order, a_delivery(order, Event.ENRICHED), Stage.PROCESSING) is Verdict.LET_THROUGH
    foreign = OrderMessage(Event.CREATED, order.order_id, "f" * 64, 0)
    assert meet(order, a_delivery(order, message=foreign), Stage.PROCESSING) is Verdict.LET_THROUGH


def test_a_message_of_an_earlier_run_is_an_old_copy() -> None:
    order = replace(a_processing_order(), replay=1)
    old = OrderMessage(Event.ENRICHMENT_REQUESTED, order.order_id, order.payload_hash, 0)
    assert meet(order, a_delivery(order, message=old), Stage.ENRICHMENT) is Verdict.DROP


def test_the_very_message_that_failed_is_let_through() -> None:
    met = a_delivery(FAILED, Event.ENRICHMENT_REQUESTED, message_id=FAILED_BY, sent_at=NOW + timedelta(hours=1))
    assert meet(FAILED, met, Stage.ENRICHMENT) is Verdict.LET_THROUGH


def test_a_console_redrive_is_taken_up() -> None:
    redriven = a_delivery(FAILED, Event.ENRICHMENT_REQUESTED, message_id="new", sent_at=NOW + timedelta(seconds=1))
    assert meet(FAILED, redriven, Stage.ENRICHMENT) is Verdict.TAKE_UP


def test_a_copy_sent_before_the_failure_revives_nothing_and_is_kept_for_a_person() -> None:
    """The console may have redriven it before the order was failed for the message that it was until then."""
    copy = a_delivery(FAILED, Event.ENRICHMENT_REQUESTED, message_id="copy", sent_at=NOW - timedelta(seconds=1))
    assert meet(FAILED, copy, Stage.ENRICHMENT) is Verdict.LET_THROUGH


def test_a_replayed_creation_does_not_revive_a_failed_order() -> None:
    replayed = a_delivery(FAILED, Event.CREATED, message_id="twin", sent_at=NOW + timedelta(minutes=6))
    assert meet(FAILED, replayed, Stage.PROCESSING) is Verdict.DROP


@pytest.mark.parametrize("order", [FAILED, a_processing_order()])
@pytest.mark.parametrize("ahead", [1, 2])
def test_a_later_replay_number_takes_an_order_up(order: Order, ahead: int) -> None:
    """By 2, where a run was published and dead-lettered before the row knew of it."""
    again = OrderMessage(Event.CREATED, order.order_id, order.payload_hash, order.replay + ahead)
    assert meet(order, a_delivery(order, message=again), Stage.PROCESSING) is Verdict.TAKE_UP
