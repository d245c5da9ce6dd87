"""What callers can be told of, read off two states of a row."""

import itertools
from dataclasses import replace
from datetime import timedelta

from comanda.domain.changes.row_changes import Subject, changes_of_order, changes_of_report
from comanda.domain.delivery.work_item import By, Failure
from comanda.domain.orders.order import Order, Stage
from tests.support.builders import NOW, a_claim, a_pending_order, a_processing_order, a_report, an_enriched_order

LATER = NOW + timedelta(seconds=9)


def types(before: Order | None, after: Order) -> list[str]:
    return [change.type for change in changes_of_order(before, after)]


def test_a_claim_is_not_told_of_and_an_order_is() -> None:
    claim = a_claim()
    assert types(None, claim) == []
    assert types(claim, claim.stored(NOW)) == ["order.pending"]


def test_each_change_of_status_is_told_once_in_its_order() -> None:
    pending = a_pending_order()
    started = pending.started(LATER)
    (change,) = changes_of_order(pending, started)
    assert (change.subject, change.subject_id, change.version) == (Subject.ORDER, pending.order_id, started.version)
    assert (change.type, change.at) == ("order.processing", LATER)
    claim = a_claim()
    assert types(claim, claim.stored(NOW).started(LATER)) == ["order.pending", "order.processing"]


def test_what_is_no_change_of_status_is_not_told_of() -> None:
    order = a_processing_order()
    assert types(order, order.tried("m", 2, LATER)) == []
    assert types(order, order.opened(By.RECONCILER, LATER, "requeued")) == []
    failed = order.failed(Failure("OrderRejected", "no", Stage.ENRICHMENT, 1, LATER, "m"))
    assert types(order, failed) == ["order.failed"]
    assert types(failed, failed.set_aside(LATER, "known")) == []
    assert types(failed, failed.opened(By.OPERATOR, LATER, "redriven")) == ["order.processing"]
    enriched = an_enriched_order()
    assert types(enriched, enriched.completed(LATER)) == ["order.completed"]


def test_reports_show_their_changes_too() -> None:
    report = a_report()
    requested = report.stored(NOW)
    leased = requested.leased("owner", "m", 1, LATER, 60)
    failed = leased.failed(Failure("TooLarge", "no", "generation", 1, LATER, "m"))
    again = failed.asked_again(LATER, LATER + timedelta(days=7), "corr-2")
    assert changes_of_report(None, report) == []
    states = [report, requested, leased, leased.renewed(500, LATER, 60), failed, again, again.sent(LATER)]
    changes = [change for one, next_one in itertools.pairwise(states) for change in changes_of_report(one, next_one)]
    assert [change.type for change in changes] == [
        *("report.requested", "report.generating", "report.failed", "report.requested"),
    ]
    assert len({(change.version, change.status) for change in changes}) == len(changes)


def test_no_two_changes_of_an_order_are_the_same_one() -> None:
    order = a_processing_order()
    failed = order.failed(Failure("OrderRejected", "no", Stage.ENRICHMENT, 1, LATER, "m"))
    again = failed.opened(By.OPERATOR, LATER, "redriven")
    states = [order, failed, again, replace(again).failed(Failure("X", "no", Stage.ENRICHMENT, 1, LATER, "n"))]
    changes = [change for one, next_one in itertools.pairwise(states) for change in changes_of_order(one, next_one)]
    assert [change.status for change in changes] == ["failed", "processing", "failed"]
    assert len({(change.version, change.status) for change in changes}) == 3
