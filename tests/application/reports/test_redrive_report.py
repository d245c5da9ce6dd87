"""Failed reports begin again, chosen from their rows, or are left at that."""

from dataclasses import replace
from datetime import timedelta

import pytest

from comanda.domain.delivery.work_item import By
from comanda.domain.reports.report import ReportStatus
from comanda.domain.shared.errors import IllegalTransition, NotFound, Unavailable
from tests.application.reports.conftest import WEEK, Scene


def test_a_failed_report_is_sent_again_with_the_next_replay_number(scene: Scene) -> None:
    report, _ = scene.failed()
    as_of = scene.row(report).as_of
    assert scene.redrive(report).status is ReportStatus.REQUESTED
    assert [message.replay for message in scene.publisher.sent] == [0, 1]
    assert scene.generate(scene.last_sent()) == []
    row = scene.row(report)
    assert (row.status, row.as_of, row.attempts and row.attempts.count) == (ReportStatus.READY, as_of, 1)


def test_where_the_message_cannot_be_sent_it_is_owed(scene: Scene) -> None:
    report, _ = scene.failed()
    scene.publisher.outage = True
    assert scene.redrive(report).status is ReportStatus.REQUESTED
    assert (scene.row(report).owed, scene.row(report).replay) == (True, 1)


def test_where_the_row_cannot_be_written_nothing_is_sent(scene: Scene) -> None:
    report, _ = scene.failed()
    failed = scene.row(report)
    scene.reports.before_save = [lambda: (_ for _ in ()).throw(Unavailable("the table"))]
    with pytest.raises(Unavailable):
        scene.redrive(report)
    assert (scene.row(report), len(scene.publisher.sent)) == (failed, 1)


def test_a_redrive_that_another_one_overtakes_says_so_and_sends_nothing(scene: Scene) -> None:
    report, _ = scene.failed()
    begun = scene.row(report).opened(By.CONSOLE, scene.clock(), "redriven")
    scene.reports.before_save.append(lambda: scene.reports.put(begun))
    with pytest.raises(IllegalTransition, match="is requested, not failed"):
        scene.redrive(report)
    assert (scene.row(report), len(scene.publisher.sent)) == (begun, 1)


def test_what_is_not_failed_is_left_alone(scene: Scene) -> None:
    report = scene.asked()
    for act in (scene.redrive, scene.discard):
        with pytest.raises(IllegalTransition, match="is requested, not failed"):
            act(report)
        with pytest.raises(NotFound):
            act(replace(report, report_id="nobody"))
    assert len(scene.publisher.sent) == 1


def test_what_has_expired_is_asked_for_again_and_not_redriven(scene: Scene) -> None:
    report, _ = scene.failed()
    scene.clock.now += WEEK
    with pytest.raises(IllegalTransition, match="expired"):
        scene.redrive(report)
    assert len(scene.publisher.sent) == 1


def test_a_discarded_report_can_still_be_redriven(scene: Scene) -> None:
    report, _ = scene.failed()
    assert scene.discard(report).discarded
    assert scene.discard(report) == scene.row(report)
    scene.clock.now += timedelta(seconds=1)
    assert not scene.redrive(report).discarded
