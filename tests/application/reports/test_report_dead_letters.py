"""Dead letters of reports: leases, claims, and what asking again makes of them. The rest is the same for all kinds."""

from dataclasses import replace
from datetime import timedelta

import pytest

from comanda.domain.reports.report import ReportStatus
from tests.application.reports.conftest import LEASE, WEEK, Scene

S = ReportStatus


def test_what_was_dead_lettered_untried_is_requeued_and_written(scene: Scene) -> None:
    report = scene.asked()
    scene.dead_letter(report)
    scene.reconcile()
    assert [message.replay for message in scene.publisher.sent] == [0, 1]
    assert (scene.row(report).status, scene.row(report).replay, scene.row(report).rescues) == (S.REQUESTED, 1, 1)
    assert scene.dead.messages == []
    assert scene.generate(scene.last_sent()) == []
    assert scene.row(report).status is S.READY


def test_a_worker_that_died_at_its_last_receive_is_no_end(scene: Scene) -> None:
    report = scene.asked()
    delivery = scene.dead_letter(report)
    scene.reports.put(scene.row(report).leased("dies", delivery.message_id, 5, scene.clock.now, LEASE))
    scene.reconcile()
    assert scene.dead.messages == [delivery], "as long as the lease lasts, somebody may be at it"
    scene.clock.now += timedelta(seconds=LEASE)
    scene.reconcile()
    assert scene.dead.messages == []
    assert scene.generate(scene.last_sent()) == []
    assert scene.row(report).status is S.READY


def test_a_claim_that_was_dead_lettered_is_a_report(scene: Scene) -> None:
    """The API died after sending."""
    report = scene.asked()
    claim = replace(scene.row(report), status=S.ACCEPTING)
    scene.reports.put(claim)
    scene.dead_letter(report)
    scene.reconcile()
    assert scene.read(report).status is S.REQUESTED


def test_a_failed_report_keeps_its_dead_letter_until_it_moves_on(scene: Scene) -> None:
    report, delivery = scene.failed()
    row = scene.row(report)
    scene.reconcile()
    assert (scene.dead.messages, scene.row(report)) == ([delivery], row)
    assert scene.accept().report.status is S.REQUESTED, "asked for again"
    scene.reconcile()
    assert scene.dead.messages == []


@pytest.mark.parametrize("end", ["ready", "cancelled", "expired", "discarded", "redriven"])
def test_old_copies_are_removed(scene: Scene, end: str) -> None:
    if end in {"discarded", "redriven"}:
        report, _ = scene.failed()
        (scene.discard if end == "discarded" else scene.redrive)(report)
    else:
        report = scene.asked()
        scene.dead_letter(report)
        if end == "ready":
            scene.generate(scene.message(report))
        if end == "cancelled":
            scene.cancel(report)
        scene.clock.now += WEEK if end == "expired" else timedelta()
    sent, row = len(scene.publisher.sent), scene.row(report)
    scene.reconcile()
    assert (scene.dead.messages, len(scene.publisher.sent), scene.row(report)) == ([], sent, row)
