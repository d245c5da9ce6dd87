"""Reports: asked for once (B6), written once, whatever dies or comes late; and what a caller sees of them."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from comanda.application.accept_report import AcceptedReport, AcceptReport
from comanda.application.cancel_report import CancelReport
from comanda.application.generate_report import ROWS_BETWEEN_LOOKS, GenerateReport, Pace
from comanda.application.read_reports import ReadReport
from comanda.application.report_ports import Sources
from comanda.domain.access import Caller, Origin, Scope
from comanda.domain.errors import (
    Expired,
    Forbidden,
    IllegalTransition,
    InvalidRequest,
    InvalidTable,
    KeyReused,
    NotFound,
    NotReady,
    PermanentError,
    StillInProgress,
    TransientError,
    Unavailable,
)
from comanda.domain.messages import ReportDelivery, ReportMessage
from comanda.domain.report import Report, ReportFormat, ReportStatus
from comanda.domain.retry import RetryPolicy
from tests.builders import NOW, a_caller
from tests.fakes import FakeClock, FakeJournal, FakeLedger, FakeOrders, FakeQueue
from tests.report_fakes import FakeFiles, FakeLinks, FakeOrderPeriods, FakeReportPublisher, FakeReports, FakeTables

A_TABLE: dict[str, Any] = {"title": "Mine", "columns": [{"title": "A"}], "rows": [["x"], ["y"]]}
UPLOAD = "00000000-0000-4000-8000-000000000000"
WEEK = timedelta(days=7)
LEASE = 60


@dataclass
class Scene:
    reports: FakeReports = field(default_factory=FakeReports)
    publisher: FakeReportPublisher = field(default_factory=FakeReportPublisher)
    files: FakeFiles = field(default_factory=FakeFiles)
    links: FakeLinks = field(default_factory=FakeLinks)
    queue: FakeQueue = field(default_factory=FakeQueue)
    journal: FakeJournal = field(default_factory=FakeJournal)
    clock: FakeClock = field(default_factory=FakeClock)
    tables: FakeTables = field(default_factory=FakeTables)
    orders: FakeOrderPeriods = field(default_factory=FakeOrderPeriods)
    ledger: FakeLedger = field(default_factory=lambda: FakeLedger(FakeOrders()))
    seconds_left: float = 900
    rows_a_second: float = 1_000

    @property
    def sources(self) -> Sources:
        return Sources(self.orders, self.ledger, self.tables)

    def accept(
        self,
        parameters: Mapping[str, Any] = A_TABLE,
        type_name: str = "table",
        report_format: ReportFormat = ReportFormat.XLSX,
        key: str | None = None,
        caller: Caller | None = None,
    ) -> AcceptedReport:
        use_case = AcceptReport(self.reports, self.publisher, self.sources, self.journal, self.clock, WEEK)
        request = use_case.request(caller or a_caller(), type_name, report_format, parameters)
        return use_case(request, key, "corr-1")

    def asked(self, **how: Any) -> Report:
        return self.accept(**how).report

    def message(self, report: Report, **fields: Any) -> ReportDelivery:
        """The message of a report as a worker receives it."""
        sent_at = self.clock.now
        message = ReportMessage.about(self.row(report))
        delivery = ReportDelivery(str(uuid.uuid4()), "receipt", report.report_id, 1, sent_at, message)
        return replace(delivery, **fields)

    def generate(self, *batch: ReportDelivery) -> list[str]:
        use_case = GenerateReport(
            reports=self.reports,
            files=self.files,
            sources=self.sources,
            queue=self.queue,
            retry=RetryPolicy(max_attempts=3, first_pause=1, longest_pause=5),
            journal=self.journal,
            clock=self.clock,
            draw=lambda: 0.0,
            pace=Pace(lease=LEASE, reserve=10, rows_a_second=self.rows_a_second, settle=20, longest=900),
            currency="BRL",
        )
        return use_case(batch, lambda: self.seconds_left)

    def read(self, report: Report, caller: Caller | None = None) -> Report:
        return ReadReport(self.reports, self.links, self.clock)(caller or a_caller(), report.report_id)[0]

    def download(self, report: Report, caller: Caller | None = None) -> str:
        return ReadReport(self.reports, self.links, self.clock).download(caller or a_caller(), report.report_id)

    def cancel(self, report: Report, caller: Caller | None = None) -> Report:
        return CancelReport(self.reports, self.journal, self.clock)(caller or a_caller(), report.report_id)

    def row(self, report: Report) -> Report:
        return self.reports.rows[report.report_id]


@pytest.fixture
def scene() -> Scene:
    return Scene()


# Asking


def test_an_accepted_report_is_a_row_and_a_message(scene: Scene) -> None:
    report = scene.asked()
    assert scene.row(report).status is ReportStatus.REQUESTED
    assert [message.report_id for message in scene.publisher.sent] == [report.report_id]


def test_the_claim_stands_before_the_message_is_sent_and_is_shown_to_nobody(scene: Scene) -> None:
    scene.publisher.outage = True
    with pytest.raises(Unavailable):
        scene.asked()
    (claim,) = scene.reports.rows.values()
    assert claim.status is ReportStatus.ACCEPTING
    with pytest.raises(NotFound):
        scene.read(claim)
    scene.publisher.outage = False
    assert scene.asked().report_id == claim.report_id
    assert (scene.row(claim).status, len(scene.publisher.sent)) == (ReportStatus.REQUESTED, 1)


def test_the_same_request_is_one_report_however_it_is_written(scene: Scene) -> None:
    first = scene.asked()
    again = scene.accept({**A_TABLE, "locale": "pt-BR", "columns": [{"title": "A", "kind": "text", "total": False}]})
    assert (again.report.report_id, again.replayed) == (first.report_id, True)
    assert len(scene.publisher.sent) == 1


READS_ALL = a_caller("web", Origin.WEB, frozenset(Scope))


@pytest.mark.parametrize(
    "other",
    [
        {"report_format": ReportFormat.CSV},
        {"parameters": {**A_TABLE, "title": "Yours"}},
        {"parameters": {**A_TABLE, "rows": [["x"], ["z"]]}},
        {"caller": a_caller("mobile")},
        {"caller": READS_ALL},
        {"key": "k-1"},
    ],
)
def test_another_request_is_another_report(scene: Scene, other: dict[str, Any]) -> None:
    assert scene.asked().report_id != scene.asked(**other).report_id


def test_a_key_stands_for_one_report_for_ever(scene: Scene) -> None:
    report = scene.asked(key="k-1")
    assert scene.asked(key="k-1") == scene.row(report)
    with pytest.raises(KeyReused):
        scene.asked(key="k-1", report_format=ReportFormat.CSV)
    scene.cancel(report)
    scene.clock.now += 2 * WEEK
    assert scene.asked(key="k-1").status is ReportStatus.CANCELLED
    assert len(scene.publisher.sent) == 1


@pytest.mark.parametrize("end", ["ready", "failed", "cancelled"])
def test_what_is_over_begins_anew_under_the_same_id_with_new_messages(scene: Scene, end: str) -> None:
    report = scene.asked()
    if end == "cancelled":
        scene.cancel(report)
    else:
        scene.files.errors = [PermanentError("Bad", "no")] if end == "failed" else []
        scene.generate(scene.message(report))
    if end == "ready":
        assert scene.accept().replayed, "while it lasts, the file there is will do"
        scene.clock.now += WEEK
    again = scene.accept()
    assert (again.report.report_id, again.replayed) == (report.report_id, False)
    assert [message.replay for message in scene.publisher.sent] == [0, 1]
    assert scene.row(report).status is ReportStatus.REQUESTED
    assert (scene.row(report).failure, scene.row(report).file) == (None, None)
    assert scene.generate(scene.message(report)) == []
    assert scene.row(report).status is ReportStatus.READY


def test_a_claim_that_nobody_went_on_with_in_its_time_begins_anew(scene: Scene) -> None:
    scene.publisher.outage = True
    with pytest.raises(Unavailable):
        scene.asked(key="k-1")
    scene.publisher.outage = False
    scene.clock.now += WEEK
    report = scene.asked(key="k-1")
    assert scene.read(report).status is ReportStatus.REQUESTED
    assert scene.generate(scene.message(report)) == []
    assert scene.read(report).status is ReportStatus.READY


def test_of_two_that_begin_it_anew_one_does(scene: Scene) -> None:
    report = scene.cancel(scene.asked())
    scene.reports.before_save = [lambda: scene.reports.put(replace(scene.row(report), version=99))]
    with pytest.raises(StillInProgress):
        scene.asked()
    assert len(scene.publisher.sent) == 1


@pytest.mark.parametrize(
    ("parameters", "field", "says"),
    [
        ({}, "parameters.title", "is missing"),
        ({**A_TABLE, "colour": 1}, "parameters.colour", "not a parameter"),
        ({**A_TABLE, "locale": "fr-FR"}, "parameters.locale", "pt-BR, en-US"),
        ({**A_TABLE, "time_zone": "Mars/Phobos"}, "parameters.time_zone", "IANA"),
        ({**A_TABLE, "time_zone": "../etc/passwd"}, "parameters.time_zone", "IANA"),
        ({**A_TABLE, "columns": []}, "parameters.columns", "at least 1"),
        ({**A_TABLE, "columns": [{"title": "A"}] * 201}, "parameters.columns", "at most 200"),
        ({**A_TABLE, "columns": [{"title": "A", "total": True}]}, "parameters.columns.0", "cannot be summed up"),
        ({**A_TABLE, "title": "\ud800"}, "parameters.title", ""),
        ({**A_TABLE, "rows": [["x"], ["y", "z"]]}, "parameters.rows", "row 2: 2 cells for 1 columns"),
        ({**A_TABLE, "rows": [["\ud800"]]}, "parameters.rows", "lone surrogate"),
        ({**A_TABLE, "rows": [[1]]}, "parameters.rows", "row 1, column 'A': int is no text"),
        ({**A_TABLE, "rows": [[{}]]}, "parameters.rows", "dict is no text"),
        ({**A_TABLE, "rows": None}, "parameters", "either rows or an upload_id"),
        ({**A_TABLE, "content": "e"}, "parameters", "not fields"),
        ({**A_TABLE, "rows": None, "upload_id": str(uuid.UUID(int=0))}, "parameters.upload_id", "nothing was uploaded"),
    ],
)
def test_a_broken_rule_of_a_table_names_its_field(
    scene: Scene, parameters: dict[str, Any], field: str, says: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        scene.asked(parameters=parameters)
    told = {error.field: error.message for error in refused.value.errors}
    assert says in told[field]
    assert scene.reports.rows == {}


def test_an_unknown_type_is_told_the_known_ones(scene: Scene) -> None:
    with pytest.raises(InvalidRequest, match="type: one of"):
        scene.asked(type_name="poem")


def test_a_caller_without_the_scope_is_refused(scene: Scene) -> None:
    with pytest.raises(Forbidden):
        scene.asked(caller=a_caller(scopes=frozenset({Scope.ORDERS_WRITE})))


# Writing


def test_a_report_is_written_and_ready(scene: Scene) -> None:
    report = scene.asked()
    assert scene.generate(scene.message(report)) == []
    ready = scene.row(report)
    assert (ready.status, ready.file and ready.file.rows) == (ReportStatus.READY, 2)
    assert scene.files.written[scene.row(report).file_key] == [("x",), ("y",)]
    assert ("report.ready", report.report_id) in scene.journal.told


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
    late = scene.message(report)
    assert scene.generate(late) == [late.message_id]
    assert scene.row(report) == finished[0]
    assert scene.generate(replace(late, receive_count=2)) == []
    assert scene.row(report) == finished[0]


def test_the_lease_is_renewed_and_progress_shown_while_rows_go_by(scene: Scene) -> None:
    rows = [[str(number)] for number in range(4 * ROWS_BETWEEN_LOOKS)]
    report = scene.asked(parameters={**A_TABLE, "rows": rows})
    scene.clock = FakeClock(scene.clock.now)
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
    another = replace(scene.row(report), version=50)

    def taken_over() -> None:
        scene.clock.now += timedelta(seconds=LEASE)
        scene.reports.before_save = [lambda: scene.reports.put(another)]

    scene.reports.before_save = [taken_over]
    delivery = scene.message(report)
    assert scene.generate(delivery) == [delivery.message_id]
    assert scene.files.written == {}
    assert scene.row(report) == another


def test_a_permanent_error_fails_at_once_and_goes_to_the_dead_letter_queue(scene: Scene) -> None:
    report = scene.asked()
    scene.files.errors = [InvalidTable("row 1: bad")]
    delivery = scene.message(report)
    assert scene.generate(delivery) == [delivery.message_id]
    failed = scene.row(report)
    assert failed.failure
    assert (failed.status, failed.failure.name, failed.failure.attempts) == (ReportStatus.FAILED, "InvalidTable", 1)
    assert scene.queue.hidden == {delivery.message_id: 0}
    assert scene.generate(replace(delivery, receive_count=2)) == [delivery.message_id], "let through, not dropped"
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


def test_a_failed_report_is_taken_up_by_a_console_redrive(scene: Scene) -> None:
    report = scene.asked()
    copy = scene.message(report)
    scene.files.errors = [PermanentError("Bad", "no")]
    scene.generate(scene.message(report))
    assert scene.generate(copy) == [], "an old copy is dropped"
    assert scene.row(report).status is ReportStatus.FAILED
    assert scene.generate(scene.message(report, sent_at=scene.clock.now + timedelta(seconds=1))) == []
    assert (scene.row(report).status, scene.row(report).failure) == (ReportStatus.READY, None)


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
    assert scene.journal.facts[-1]["error_class"] == "OutOfTime"


@pytest.mark.parametrize(
    "message",
    [None, ReportMessage("nobody", "h", 0)],
)
def test_a_message_about_nothing_is_let_through(scene: Scene, message: ReportMessage | None) -> None:
    delivery = scene.message(scene.asked(), message=message)
    assert scene.generate(delivery) == [delivery.message_id]
    assert scene.queue.hidden == {delivery.message_id: 0}


# Reading and taking back


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
