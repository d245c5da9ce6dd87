"""What a caller sees of its reports, and how it takes one back."""

import pytest

from comanda.domain.reports.report import ReportStatus
from comanda.domain.shared.access import Scope
from comanda.domain.shared.errors import (
    Expired,
    IllegalTransition,
    NotFound,
    NotReady,
)
from tests.application.reports.conftest import LEASE, WEEK, Scene
from tests.support.builders import NOW, a_caller


def test_a_link_is_signed_anew_on_each_call_and_only_for_what_is_ready(scene: Scene) -> None:
    report = scene.asked()
    with pytest.raises(NotReady):
        scene.download(report)
    scene.generate(scene.message(report))
    assert scene.download(report) != scene.download(report)
    scene.clock.now += WEEK
    assert scene.read(report).status is ReportStatus.EXPIRED
    with pytest.raises(Expired):
        scene.download(report)


def test_a_stranger_sees_nothing_and_who_reads_all_sees_it(scene: Scene) -> None:
    report = scene.asked()
    stranger, ops = a_caller("mobile"), a_caller("ops", scopes=frozenset(Scope))
    for look in (scene.read, scene.download, scene.cancel):
        with pytest.raises(NotFound):
            look(report, stranger)
    assert scene.read(report, ops).report_id == report.report_id


def test_a_report_is_taken_back_before_it_begins(scene: Scene) -> None:
    report = scene.asked()
    assert scene.cancel(report).status is ReportStatus.CANCELLED
    assert scene.cancel(report).status is ReportStatus.CANCELLED
    assert scene.generate(scene.message(report)) == []
    assert scene.files.written == {}


def test_a_report_that_was_begun_cannot_be_taken_back(scene: Scene) -> None:
    report = scene.asked()
    scene.reports.before_save = [
        lambda: scene.reports.put(scene.row(report).leased("w", "m-0", 1, NOW, LEASE)),
    ]
    with pytest.raises(IllegalTransition):
        scene.cancel(report)
    with pytest.raises(IllegalTransition):
        scene.cancel(report)
