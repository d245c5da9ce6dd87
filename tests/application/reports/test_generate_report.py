"""A report is written once, by one worker at a time, whatever dies or comes late."""

from dataclasses import replace
from datetime import timedelta

from comanda.application.reports.generate import ROWS_BETWEEN_LOOKS
from comanda.domain.reports.report import Report, ReportStatus
from comanda.domain.shared.access import Origin, Scope
from tests.application.reports.conftest import A_TABLE, LEASE, Scene, a_line
from tests.support.builders import a_caller


def test_a_report_is_written_and_ready(scene: Scene) -> None:
    report = scene.asked()
    assert scene.generate(scene.message(report)) == []
    ready = scene.row(report)
    assert (ready.status, ready.file and ready.file.rows) == (ReportStatus.READY, 2)
    assert scene.files.written[scene.row(report).file_key] == [("x",), ("y",)]
    assert ("report.ready", report.report_id) in scene.telemetry.emitted


def test_a_second_message_writes_nothing(scene: Scene) -> None:
    report = scene.asked()
    assert scene.generate(scene.message(report), scene.message(report)) == []
    assert len(scene.files.written) == 1


def test_while_a_lease_lasts_another_worker_waits_for_its_end(scene: Scene) -> None:
    report = scene.asked()
    leased = scene.row(report).leased("other", "m-0", 1, scene.clock.now, LEASE)
    scene.reports.put(leased)
    delivery = scene.message(report)
    assert scene.generate(delivery) == [delivery.message_id]
    assert scene.queue.hidden == {delivery.message_id: LEASE - 1}
    assert scene.row(report) == leased


def test_a_worker_that_died_is_followed_by_another_with_a_key_of_its_own(scene: Scene) -> None:
    report = scene.asked()
    dead = scene.row(report).leased("dead", "m-0", 1, scene.clock.now, LEASE)
    scene.reports.put(dead)
    scene.clock.now += timedelta(seconds=LEASE)
    assert scene.generate(scene.message(report)) == []
    assert scene.row(report).file_key != dead.file_key
    assert scene.row(report).status is ReportStatus.READY


def test_a_worker_that_lost_its_lease_overwrites_nothing(scene: Scene) -> None:
    report = scene.asked()
    finished: list[Report] = []

    def somebody_finishes_first() -> None:
        scene.files.after_rows = lambda: None
        scene.clock.now += timedelta(seconds=2 * LEASE)
        assert scene.generate(scene.message(report)) == []
        finished.append(scene.row(report))

    scene.files.after_rows = somebody_finishes_first
    assert scene.generate(scene.message(report)) == [], "it looks again, and finds the report ready"
    assert scene.row(report) == finished[0]


def test_the_lease_is_renewed_and_progress_shown_while_rows_go_by(scene: Scene) -> None:
    rows = [[str(number)] for number in range(4 * ROWS_BETWEEN_LOOKS)]
    report = scene.asked(parameters={**A_TABLE, "rows": rows})
    ticking = scene.clock
    scene.reports.before_save = [lambda: setattr(ticking, "now", ticking.now + timedelta(seconds=0.55 * LEASE))] * 2
    assert scene.generate(scene.message(report)) == []
    progress = [saved.rows_written for saved in scene.reports.saved if saved.status is ReportStatus.GENERATING]
    assert progress[0] == 0
    assert len(progress) > 1
    untils = [saved.lease.until for saved in scene.reports.saved if saved.lease]
    assert untils[1] > untils[0]


def test_a_worker_without_a_lease_any_more_stops_at_the_next_look(scene: Scene) -> None:
    rows = [[str(number)] for number in range(3 * ROWS_BETWEEN_LOOKS)]
    report = scene.asked(parameters={**A_TABLE, "rows": rows})
    leased = scene.row(report).leased("another", "m-9", 1, scene.clock.now + timedelta(seconds=LEASE), LEASE)
    another = replace(leased, version=50)

    def taken_over() -> None:
        scene.clock.now += timedelta(seconds=LEASE)
        scene.reports.before_save = [lambda: scene.reports.put(another)]

    scene.reports.before_save = [taken_over]
    delivery = scene.message(report)
    assert scene.generate(delivery) == [delivery.message_id]
    assert scene.files.written == {}
    assert scene.row(report) == another
    assert 0 < scene.queue.hidden[delivery.message_id] <= LEASE, "until the other's lease is over"


def test_progress_counts_the_rows_of_the_file_and_not_those_that_a_filter_left_out(scene: Scene) -> None:
    wanted = ROWS_BETWEEN_LOOKS
    scene.orders.lines = [a_line(origin=Origin.API), a_line()] * wanted
    period = {"from": "2026-11-01", "to": "2026-11-21", "origin": "api"}
    report = scene.asked(type_name="orders", parameters=period, caller=a_caller(scopes=frozenset(Scope)))
    clock = scene.clock
    scene.orders.on_line = lambda: setattr(clock, "now", clock.now + timedelta(seconds=LEASE / ROWS_BETWEEN_LOOKS))
    assert scene.generate(scene.message(report)) == []
    progress = [saved.rows_written for saved in scene.reports.saved if saved.status is ReportStatus.GENERATING]
    assert progress == sorted(progress)
    assert 0 < progress[-1] <= wanted
    assert scene.row(report).rows_written == wanted
