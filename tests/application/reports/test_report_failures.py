"""What goes wrong with a report: attempts, pauses, outages, time, redrives."""

from dataclasses import replace
from datetime import timedelta

import pytest

from comanda.application.reports.generate import ROWS_BETWEEN_LOOKS
from comanda.domain.reports.messages import ReportMessage
from comanda.domain.reports.report import ReportStatus
from comanda.domain.shared.errors import (
    InvalidTable,
    PermanentError,
    TransientError,
    Unavailable,
    UnreadableRow,
)
from tests.application.reports.conftest import A_TABLE, LEASE, Scene

UPLOAD = "00000000-0000-4000-8000-000000000000"


def test_a_permanent_error_fails_at_once_and_goes_to_the_dead_letter_queue(scene: Scene) -> None:
    report = scene.asked()
    scene.files.errors = [InvalidTable("row 1: bad")]
    delivery = scene.message(report)
    assert scene.generate(delivery) == [delivery.message_id]
    failed = scene.row(report)
    assert failed.failure
    assert (failed.status, failed.failure.name, failed.failure.attempts) == (ReportStatus.FAILED, "InvalidTable", 1)
    assert scene.queue.hidden == {delivery.message_id: 0}
    assert scene.generate(replace(delivery, receive_count=2)) == [delivery.message_id], (
        "left for the dead-letter queue, not dropped"
    )
    assert scene.row(report) == failed


@pytest.mark.parametrize("error", [TransientError("Slow", "later"), ZeroDivisionError("a defect")])
def test_what_may_go_better_later_is_tried_three_times_with_growing_pauses(scene: Scene, error: Exception) -> None:
    report = scene.asked()
    scene.files.errors = [error] * 3
    first = scene.message(report)
    pauses = []
    for receive_count in (1, 2, 3):
        assert scene.generate(replace(first, receive_count=receive_count)) == [first.message_id]
        pauses.append(scene.queue.hidden[first.message_id])
    failure = scene.row(report).failure
    assert failure
    assert (pauses, failure.attempts) == ([1, 2, 0], 3)


def test_an_outage_uses_up_no_attempt(scene: Scene) -> None:
    report = scene.asked()
    scene.files.errors = [Unavailable("S3")] * 5
    first = scene.message(report)
    for receive_count in range(1, 6):
        assert scene.generate(replace(first, receive_count=receive_count)) == [first.message_id]
    assert scene.queue.hidden[first.message_id] == 5, "pauses grow with the receives"
    assert scene.generate(replace(first, receive_count=6)) == []
    assert scene.row(report).status is ReportStatus.READY


def test_a_lease_whose_answer_was_lost_is_given_back(scene: Scene) -> None:
    report = scene.asked()
    scene.reports.lost_answers = 1
    delivery = scene.message(report)
    assert scene.generate(delivery) == [delivery.message_id]
    row = scene.row(report)
    assert (row.attempts_of(delivery.message_id), row.seconds_held(scene.clock.now)) == (0, 0)


def test_an_attempt_whose_outcome_cannot_be_written_is_given_back(scene: Scene) -> None:
    def unavailable() -> None:
        raise Unavailable("reports table: ThrottlingException")

    report = scene.asked()
    delivery = scene.message(report)
    for receive_count in range(1, 8):
        scene.files.errors = [InvalidTable("row 1: bad")]
        scene.reports.before_save += [lambda: None, unavailable]
        assert scene.generate(replace(delivery, receive_count=receive_count)) == [delivery.message_id]
        assert scene.row(report).attempts_of(delivery.message_id) == 0
    scene.files.errors = [InvalidTable("row 1: bad")]
    scene.generate(replace(delivery, receive_count=8))
    failure = scene.row(report).failure
    assert failure
    assert (failure.name, failure.attempts) == ("InvalidTable", 1)


def test_an_attempt_is_given_back_although_the_outage_lasts_a_moment_longer(scene: Scene) -> None:
    report = scene.asked()

    def outage() -> None:
        scene.reports.outage = True
        raise Unavailable("S3")

    def over(seconds: float) -> None:
        scene.reports.outage = seconds < 1

    scene.files.after_rows = outage
    scene.sleep = over
    delivery = scene.message(report)
    assert scene.generate(delivery) == [delivery.message_id]
    assert scene.row(report).attempts_of(delivery.message_id) == 0


def test_an_attempt_is_lost_and_said_so_where_the_outage_goes_on(scene: Scene) -> None:
    report = scene.asked()

    def outage() -> None:
        scene.reports.outage = True
        raise Unavailable("S3")

    scene.files.after_rows = outage
    delivery = scene.message(report)
    assert scene.generate(delivery) == [delivery.message_id]
    assert ("report.attempt_lost", report.report_id) in scene.telemetry.emitted


def test_a_report_that_kills_its_worker_is_found_out(scene: Scene) -> None:
    report = scene.asked()
    delivery = scene.message(report)
    row = scene.row(report)
    for receive_count in (1, 2, 3):
        row = row.leased("dies", delivery.message_id, receive_count, scene.clock.now, LEASE)
    scene.reports.put(row)
    scene.clock.now += timedelta(seconds=LEASE)
    assert scene.generate(replace(delivery, receive_count=4)) == [delivery.message_id]
    failure = scene.row(report).failure
    assert failure
    assert (failure.name, failure.attempts) == ("WorkerDied", 3)


def test_a_failed_report_that_the_console_redrives_begins_again(scene: Scene) -> None:
    report = scene.asked()
    copy = scene.message(report)
    scene.files.errors = [PermanentError("Bad", "no")]
    scene.generate(scene.message(report))
    assert scene.generate(copy) == [copy.message_id], "a copy begins no run, and is kept for a person"
    assert scene.row(report).status is ReportStatus.FAILED
    assert scene.generate(replace(copy, message_id="redriven", came_back=True)) == []
    assert (scene.row(report).status, scene.row(report).failure) == (ReportStatus.REQUESTED, None)
    assert scene.generate(scene.last_sent()) == []
    assert (scene.row(report).status, scene.row(report).replay) == (ReportStatus.READY, 1)


def test_what_cannot_end_in_time_is_not_begun(scene: Scene) -> None:
    report = scene.asked(parameters={**A_TABLE, "rows": [["x"]] * 1_000})
    scene.rows_a_second = 0.1
    scene.generate(scene.message(report))
    failure = scene.row(report).failure
    assert failure
    assert failure.name == "TooLarge"
    assert scene.files.titles == []


def test_many_short_rows_are_not_taken_for_as_many_orders(scene: Scene) -> None:
    """200,000 rows of six bytes are written in some seconds; as orders, they would be given more than a minute."""
    rows: list[list[object]] = [["x"]] * 200_000
    scene.tables.upload("web", UPLOAD, *rows)
    table = {name: value for name, value in A_TABLE.items() if name != "rows"}
    report = scene.asked(parameters={**table, "upload_id": UPLOAD})
    scene.rows_a_second, scene.seconds_left = 3_000, 60
    assert scene.generate(scene.message(report)) == []


def test_what_another_invocation_has_time_for_is_handed_back(scene: Scene) -> None:
    report = scene.asked()
    scene.seconds_left = 9
    delivery = scene.message(report)
    assert scene.generate(delivery) == [delivery.message_id]
    assert scene.queue.hidden == {delivery.message_id: 1}
    assert scene.row(report).attempts_of(delivery.message_id) == 0
    scene.seconds_left = 900
    assert scene.generate(replace(delivery, receive_count=2)) == []


def test_what_runs_out_of_time_is_cut_off_with_a_reason(scene: Scene) -> None:
    rows = [["x"]] * (3 * ROWS_BETWEEN_LOOKS)
    report = scene.asked(parameters={**A_TABLE, "rows": rows})
    scene.tables.on_line = lambda number: setattr(scene, "seconds_left", 900 if number < len(rows) / 2 else 9)
    delivery = scene.message(report)
    assert scene.generate(delivery) == [delivery.message_id]
    assert scene.files.written == {}
    assert scene.row(report).attempts_of(delivery.message_id) == 1
    assert scene.telemetry.keys[-1]["error_class"] == "OutOfTime"


@pytest.mark.parametrize(
    "message",
    [None, ReportMessage("nobody", "h", 0)],
)
def test_a_message_about_nothing_is_left_for_the_dead_letter_queue(scene: Scene, message: ReportMessage | None) -> None:
    delivery = scene.message(scene.asked(), message=message)
    assert scene.generate(delivery) == [delivery.message_id]
    assert scene.queue.hidden == {delivery.message_id: 0}


def test_a_message_of_a_newer_release_waits(scene: Scene) -> None:
    delivery = scene.message(scene.asked(), message=None, of_newer_release=True)
    assert scene.generate(delivery) == [delivery.message_id]
    assert scene.queue.hidden[delivery.message_id] > 0


def test_a_report_that_cannot_be_read_fails_and_its_neighbour_is_written(scene: Scene) -> None:
    bad, good = scene.asked(), scene.asked(key="k-2")
    messages = [scene.message(bad), scene.message(good)]
    scene.reports.unreadable[bad.report_id] = UnreadableRow(bad.report_id, "keyed is missing")
    assert scene.generate(*messages) == [messages[0].message_id]
    assert scene.queue.hidden == {messages[0].message_id: 0}
    failure = scene.reports.failed_unreadable[bad.report_id]
    assert (failure.name, failure.message_id) == ("UnreadableRow", messages[0].message_id)
    assert scene.row(good).status is ReportStatus.READY
    before = len(scene.telemetry.emitted)
    scene.generate(replace(messages[0], receive_count=2))
    assert len(scene.telemetry.emitted) == before


def test_a_report_of_a_newer_release_waits_unwritten(scene: Scene) -> None:
    delivery = scene.message(report := scene.asked())
    scene.reports.unreadable[report.report_id] = UnreadableRow(report.report_id, "newer", newer=True)
    assert scene.generate(delivery) == [delivery.message_id]
    assert scene.queue.hidden[delivery.message_id] > 0
    assert scene.reports.failed_unreadable == {}
