"""The steward of reports: what was dead-lettered untried is published anew once, what failed stays, the rest goes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from comanda.domain.errors import Unavailable
from comanda.domain.messages import ReportMessage
from comanda.domain.report import ReportStatus
from tests.application.reports.conftest import LEASE, WEEK, Scene

S = ReportStatus


def test_what_was_dead_lettered_untried_is_published_anew_and_written(scene: Scene) -> None:
    report = scene.asked()
    scene.dead_letter(report)
    scene.tend()
    assert [message.replay for message in scene.publisher.sent] == [0, 1]
    assert (scene.row(report).status, scene.row(report).replay, scene.row(report).rescues) == (S.REQUESTED, 1, 1)
    assert scene.dead.messages == []
    assert scene.generate(scene.last_sent()) == []
    assert scene.row(report).status is S.READY


def test_a_rescue_is_taken_up_before_the_row_knows_of_it(scene: Scene) -> None:
    """The steward died after sending."""
    report = scene.asked()
    scene.dead_letter(report)
    scene.reports.before_save.append(lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        scene.tend()
    assert scene.row(report).replay == 0
    assert scene.generate(scene.last_sent()) == []
    assert (scene.row(report).status, scene.row(report).replay, scene.row(report).rescues) == (S.READY, 1, 1)
    scene.dead.hidden.clear()  # Two minutes later.
    scene.tend()
    assert (scene.dead.messages, len(scene.publisher.sent)) == ([], 2)


def test_a_worker_that_died_at_its_last_receive_is_no_end(scene: Scene) -> None:
    report = scene.asked()
    delivery = scene.dead_letter(report)
    scene.reports.put(scene.row(report).leased("dies", delivery.message_id, 5, scene.clock.now, LEASE))
    scene.tend()
    assert scene.dead.messages == [delivery], "as long as the lease lasts, somebody may be at it"
    scene.clock.now += timedelta(seconds=LEASE)
    scene.tend()
    assert scene.dead.messages == []
    assert scene.generate(scene.last_sent()) == []
    assert scene.row(report).status is S.READY


def test_what_comes_back_untried_is_failed_and_its_message_stays(scene: Scene) -> None:
    report = scene.asked()
    scene.dead_letter(report)
    scene.tend()
    stays = scene.comes_back()
    scene.tend()
    row = scene.row(report)
    assert row.failure
    assert (row.status, row.failure.name, row.failure.attempts) == (S.FAILED, "WorkerUnavailable", 0)
    assert (row.failure.message_id, scene.dead.messages) == (stays.message_id, [stays])
    scene.tend()
    assert (scene.row(report), scene.dead.messages) == (row, [stays])
    redriven = replace(stays, message_id="from the console", sent_at=scene.clock.now + timedelta(seconds=1))
    assert scene.generate(redriven) == []
    assert scene.row(report).status is S.READY


def test_a_claim_that_was_dead_lettered_is_a_report(scene: Scene) -> None:
    """The API died after sending."""
    report = scene.asked()
    claim = replace(scene.row(report), status=S.ACCEPTING)
    scene.reports.put(claim)
    scene.dead_letter(report)
    scene.tend()
    assert scene.read(report).status is S.REQUESTED


def test_a_failed_report_keeps_its_dead_letter_until_it_moves_on(scene: Scene) -> None:
    report, delivery = scene.failed()
    row = scene.row(report)
    scene.tend()
    assert (scene.dead.messages, scene.row(report)) == ([delivery], row)
    assert scene.accept().report.status is S.REQUESTED, "asked for again"
    scene.tend()
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
    scene.tend()
    assert (scene.dead.messages, len(scene.publisher.sent), scene.row(report)) == ([], sent, row)


def test_a_redrive_that_was_not_written_down_leaves_its_number_with_a_discarded_report(scene: Scene) -> None:
    """Or the next redrive would send the same body again, which SQS takes for a copy."""
    report, _ = scene.failed()
    scene.reports.before_save = [lambda: (_ for _ in ()).throw(Unavailable("the table"))]
    with pytest.raises(Unavailable):
        scene.redrive(report)
    scene.comes_back()
    scene.discard(report)
    scene.tend()
    assert scene.row(report).discarded
    scene.tend()
    assert scene.dead.messages == []
    scene.redrive(report)
    assert len({message.body for message in scene.publisher.sent}) == 3


def test_what_is_nobodys_stays_for_a_person(scene: Scene) -> None:
    report = scene.asked()
    foreign = scene.dead_letter(report, message=None)
    orphan = scene.dead_letter(report, message=ReportMessage("nobody", "h", 0))
    scene.tend()
    assert scene.dead.messages == [foreign, orphan]


@pytest.mark.parametrize("rescues", [0, 1])
def test_a_report_that_changes_under_its_hands_is_left_alone(scene: Scene, rescues: int) -> None:
    report = scene.asked()
    scene.reports.put(replace(scene.row(report), rescues=rescues))
    scene.dead_letter(report)
    leased = scene.row(report).leased("me", "m-9", 1, scene.clock.now, LEASE)
    scene.reports.before_save.append(lambda: scene.reports.put(leased))
    scene.tend()
    assert scene.row(report) == leased


def test_of_two_runs_that_were_dead_lettered_only_the_last_counts(scene: Scene) -> None:
    """The steward died after sending, and what it had sent lies behind what it was sent for."""
    report = scene.asked()
    first = scene.dead_letter(report)
    assert first.message
    scene.dead_letter(report, message=replace(first.message, replay=1))
    scene.tend()
    assert [message.replay for message in scene.publisher.sent] == [0, 2]
    assert (scene.row(report).status, scene.row(report).replay, scene.dead.messages) == (S.REQUESTED, 2, [])


def test_a_second_dead_letter_of_the_same_run_fails_nothing(scene: Scene) -> None:
    report = scene.asked()
    scene.dead_letter(report)
    scene.dead_letter(report)
    scene.tend()
    assert (scene.row(report).status, scene.row(report).replay, scene.dead.messages) == (S.REQUESTED, 1, [])


def test_when_the_time_is_up_the_rest_waits_for_the_next_minute(scene: Scene) -> None:
    delivery = scene.dead_letter(scene.asked())
    scene.tend(seconds_left=4)
    assert scene.dead.messages == [delivery]
