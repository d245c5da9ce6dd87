"""What a delivered message means for the row that it is about: the same rules for all three kinds."""

from datetime import datetime, timedelta

import pytest

from comanda.domain.delivery.disposition import Disposition, classify
from comanda.domain.delivery.messages import Delivery, Message
from comanda.domain.delivery.work_item import By, WorkItem
from comanda.domain.orders.messages import Event, OrderMessage
from comanda.domain.orders.order import Order
from comanda.domain.reports.messages import ReportMessage
from comanda.domain.reports.report import STAGE as GENERATION
from tests.domain.delivery.kinds import FAILED_BY, Kind, of_each_kind
from tests.support.builders import (
    NOW,
    a_claim,
    a_delivery,
    a_pending_order,
    a_processing_order,
    a_report,
    an_enriched_order,
)

D = Disposition


def meant(kind: Kind, row: WorkItem | None, delivery: Delivery[Message]) -> Disposition:
    return classify(row, delivery, kind.stage, NOW)


@of_each_kind
@pytest.mark.parametrize("receive_count", [1, 2, 55])
def test_a_message_of_the_rows_own_run_is_worked_on_however_often_it_was_received(
    kind: Kind, receive_count: int
) -> None:
    assert meant(kind, kind.row, kind.delivery(receive_count=receive_count)) is D.WORK


@of_each_kind
@pytest.mark.parametrize("came_back", [False, True])
def test_a_row_that_is_over_lets_its_messages_go_and_never_begins_again(kind: Kind, *, came_back: bool) -> None:
    for row in kind.over.values():
        assert meant(kind, row, kind.delivery(row, came_back=came_back)) is D.DROP


@of_each_kind
@pytest.mark.parametrize("came_back", [False, True])
def test_a_message_of_an_older_run_is_dropped(kind: Kind, *, came_back: bool) -> None:
    """Rule 5; and rule 6: what came back opens no run over a newer one."""
    for row in (kind.row.opened(By.RECONCILER, NOW, ""), kind.failed().opened(By.OPERATOR, NOW, "")):
        assert meant(kind, row, kind.delivery(came_back=came_back)) is D.DROP


@of_each_kind
def test_a_message_ahead_of_its_row_is_left_for_a_person(kind: Kind) -> None:
    """Rule 5: it cannot be."""
    ahead = kind.delivery(kind.row.opened(By.RECONCILER, NOW, ""))
    assert meant(kind, kind.row, ahead) is D.AHEAD
    assert meant(kind, kind.failed(), ahead) is D.AHEAD


@of_each_kind
def test_what_came_back_from_a_dead_letter_queue_opens_a_run_and_is_never_worked_on(kind: Kind) -> None:
    """Rule 6, whatever the row's state and whichever stage it failed at."""
    for row in (kind.row, kind.failed(), kind.failed("another")):
        assert meant(kind, row, kind.delivery(came_back=True)) is D.OPEN
        ahead = kind.delivery(kind.row.opened(By.RECONCILER, NOW, ""), came_back=True)
        assert meant(kind, row, ahead) is D.OPEN


@of_each_kind
@pytest.mark.parametrize("sent", [NOW - timedelta(hours=1), NOW, NOW + timedelta(hours=1)])
@pytest.mark.parametrize("message_id", [FAILED_BY, "copy"])
def test_message_of_a_failed_run_stays_where_it_failed_and_is_dropped_elsewhere(
    kind: Kind, message_id: str, sent: datetime
) -> None:
    """Rule 7. No clock is asked: a copy is kept whether it was sent before the failure or after."""
    met = kind.delivery(message_id=message_id, sent_at=sent)
    assert meant(kind, kind.failed(), met) is D.DEAD_LETTER
    assert meant(kind, kind.failed("another"), met) is D.DROP


@of_each_kind
def test_a_message_without_a_row_or_that_is_none_of_ours_goes_to_a_person(kind: Kind) -> None:
    assert meant(kind, None, kind.delivery()) is D.DEAD_LETTER
    assert meant(kind, kind.row, kind.delivery(message=None)) is D.DEAD_LETTER
    assert classify(kind.row, kind.delivery(), "another stage", NOW) is D.DEAD_LETTER


@pytest.mark.parametrize("came_back", [False, True])
def test_a_message_about_another_payload_goes_to_a_person(*, came_back: bool) -> None:
    order, report = a_pending_order(), a_report()
    foreign = OrderMessage(Event.CREATED, order.order_id, "f" * 64, 0)
    delivery = a_delivery(order, message=foreign, came_back=came_back)
    assert classify(order, delivery, "processing", NOW) is D.DEAD_LETTER
    other = Delivery[Message](
        "m", "r", "g", 1, NOW, came_back=came_back, message=ReportMessage(report.report_id, "f", 0)
    )
    assert classify(report, other, GENERATION, NOW) is D.DEAD_LETTER


@of_each_kind
def test_a_later_receive_that_has_written_supersedes_an_earlier_one(kind: Kind) -> None:
    tried = kind.row.tried("m-1", 3, NOW)
    assert meant(kind, tried, kind.delivery(receive_count=2)) is D.SUPERSEDED
    assert meant(kind, tried, kind.delivery(receive_count=3)) is D.WORK
    assert meant(kind, tried, kind.delivery(message_id="m-2", receive_count=1)) is D.WORK, "of another message"


@pytest.mark.parametrize("order", [a_claim(), a_pending_order(), a_processing_order(), an_enriched_order()])
@pytest.mark.parametrize(
    ("event", "stage"),
    [(Event.CREATED, "processing"), (Event.ENRICHMENT_REQUESTED, "enrichment"), (Event.ENRICHED, "completion")],
)
def test_an_order_under_way_is_worked_on_at_each_stage(order: Order, event: Event, stage: str) -> None:
    assert classify(order, a_delivery(order, event), stage, NOW) is D.WORK


def test_a_claim_of_a_report_is_as_good_as_requested() -> None:
    claim = a_report()
    delivery = Delivery[Message]("m", "r", "g", 1, NOW, message=ReportMessage.about(claim))
    assert classify(claim, delivery, GENERATION, NOW) is D.WORK
