"""report.requested → a file in the bucket (B3): once, by one worker at a time, finished by one conditional write.

A worker takes the report under a lease and renews it while rows stream by; the same writes show progress. A worker
that lost its lease finds out at the next renewal, or at the last write at the latest: the row has another version, and
nothing is overwritten (P3). Attempts, pauses and dead letters are as for orders (work.py), but that taking the lease
is a write anyway, and so every attempt is written down before it starts.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NoReturn, TypeVar

from comanda.application.ports import Clock, Journal, Overtaken, SourceQueue
from comanda.application.report_ports import ReportFiles, Reports, Sources
from comanda.application.report_types import REPORT_TYPES
from comanda.application.report_types.report_type import Asked, ReportType, parameters_of
from comanda.application.spans import NO_SPANS, Span, Spans
from comanda.application.unreadable import UNREADABLE, tell_unreadable
from comanda.domain.errors import PermanentError, ReportError, TransientError, Unavailable, UnreadableRow, WorkError
from comanda.domain.meeting import Verdict
from comanda.domain.messages import ReportDelivery
from comanda.domain.report import MAX_PDF_ROWS, Report, ReportFormat, ReportStatus
from comanda.domain.report_meeting import meet_report
from comanda.domain.retry import GIVE_BACK_PAUSES, RetryPolicy
from comanda.domain.table import Row
from comanda.domain.tried import MessageFailure

T = TypeVar("T")

ROWS_BETWEEN_LOOKS = 500
"""How many rows go by between two looks at the clock."""


@dataclass(frozen=True)
class Pace:
    """What a worker may take upon itself. Seconds."""

    lease: float
    """Renewed when half of it is over."""
    reserve: float
    """Nothing goes on with less time left than this."""
    rows_a_second: float
    """As many as are read and written for certain; what would take longer than there is time is refused."""
    settle: float
    """How far an index may be behind, at the most."""
    longest: float
    """What an invocation has when it begins."""


class _Rest(Exception):
    """Leave the message in the queue for so many seconds; nobody's attempt."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = max(1, round(seconds))


@dataclass(frozen=True)
class GenerateReport:
    reports: Reports
    files: ReportFiles
    sources: Sources
    queue: SourceQueue
    retry: RetryPolicy
    journal: Journal
    clock: Clock
    draw: Callable[[], float]
    sleep: Callable[[float], None]
    """Seconds."""
    pace: Pace
    currency: str
    spans: Spans = NO_SPANS

    def __call__(self, batch: Sequence[ReportDelivery], seconds_left: Callable[[], float]) -> list[str]:
        """Work on a batch; give the ids of the messages that must stay in the queue."""
        return [delivery.message_id for delivery in batch if not self._done(delivery, seconds_left)]

    def _done(self, delivery: ReportDelivery, seconds_left: Callable[[], float]) -> bool:
        span, done = self.spans.begin(), False
        try:
            done = self._work(delivery, seconds_left, span)
        except _Rest as rest:
            self.queue.hide([delivery], rest.seconds)
        except Overtaken:  # The row changed under our hands: to be met again as it is now.
            self.queue.hide([delivery], 1)
        except Unavailable as error:
            pause = self.retry.pause_after(delivery.receive_count, self.draw)
            self.journal.tell("storage.unavailable", reason=str(error), pause_seconds=pause)
            self.queue.hide([delivery], pause)
            span.note(error_class=type(error).__name__)
        span.end(delivery, done=done)
        return done

    def _work(self, delivery: ReportDelivery, seconds_left: Callable[[], float], span: Span) -> bool:
        message, now = delivery.message, self.clock()
        if delivery.of_newer_release:
            self._leave_to_newer_release(delivery, "message")
        try:
            report = self.reports.get(message.report_id) if message else None
        except UnreadableRow as error:
            return self._fail_unreadable(delivery, error)
        verdict = meet_report(report, delivery, now)
        if report is None or message is None or verdict not in (Verdict.WORK, Verdict.TAKE_UP):
            self.journal.tell(f"message.{verdict.name.lower()}", message_id=delivery.message_id)
            if verdict is Verdict.LET_THROUGH:
                self.queue.hide([delivery], 0)
            return verdict is Verdict.DROP
        if held := report.seconds_held(now):
            raise _Rest(held)

        before = report
        if verdict is Verdict.TAKE_UP:
            report = report.taken_up(message.replay)
            self.journal.tell("report.taken_up", report)
        return _Work(self, delivery, before, seconds_left, span).done(report)

    def _fail_unreadable(self, delivery: ReportDelivery, row: UnreadableRow) -> bool:
        """As for orders (work.py)."""
        if row.newer:
            self._leave_to_newer_release(delivery, "row")
        failure = MessageFailure(UNREADABLE, str(row), 0, self.clock(), delivery.message_id)
        failed = self.reports.fail_unreadable(row.row_id, failure)
        if failed:
            self.journal.tell("report.failed", report_id=row.row_id, error_class=UNREADABLE, reason=row.why)
        if failed or delivery.receive_count == 1:
            tell_unreadable(self.journal, row, message_id=delivery.message_id, failed=failed)
        self.queue.hide([delivery], 0)
        return False

    def _leave_to_newer_release(self, delivery: ReportDelivery, what: str) -> NoReturn:
        """As for orders (work.py)."""
        pause = self.retry.pause_after(delivery.receive_count, self.draw)
        self.journal.tell(f"{what}.of_newer_release", message_id=delivery.message_id, pause_seconds=pause)
        raise _Rest(pause)


class _Work:
    """One worker at one report. `report` is the row as it is stored, as far as this worker knows."""

    def __init__(
        self,
        use_case: GenerateReport,
        delivery: ReportDelivery,
        report: Report,
        seconds_left: Callable[[], float],
        span: Span,
    ) -> None:
        self._given = use_case
        self._delivery = delivery
        self._seconds_left = seconds_left
        self._span = span
        self._owner = str(uuid.uuid4())
        self._written = 0
        self.report = report

    def done(self, report: Report) -> bool:
        """Whether the message is done with. `report` is the row, taken up again if it was redriven.

        Also where what came of it cannot be written, the attempt came to nothing.
        """
        try:
            return self._attempt(report)
        except (Unavailable, _Rest):
            self._give_back()
            raise

    def _attempt(self, report: Report) -> bool:
        try:
            self._begin(report)
            self._finish()
        except PermanentError as error:
            self._fail(error)
        except (ReportError, UnreadableRow) as error:
            self._fail(PermanentError(type(error).__name__, str(error)))
        except TransientError as error:
            self._failed_for_now(error)
        except (Overtaken, Unavailable, _Rest):
            raise
        except Exception as error:  # noqa: BLE001 - a defect is this report's failure, and shown as such (P6, P8)
            self._failed_for_now(TransientError(type(error).__name__, str(error)))
        else:
            return True
        return False

    def _begin(self, report: Report) -> None:
        """Take the lease and write the attempt down. Raises Overtaken, PermanentError where all attempts were begun."""
        if report.attempts_of(self._delivery.message_id) >= self._given.retry.max_attempts:
            raise PermanentError(
                "WorkerDied", "all attempts are used up; at the last, the worker died or ran out of time"
            )
        delivery, now = self._delivery, self._given.clock()
        lease = self._given.pace.lease
        self._save(report.leased(self._owner, delivery.message_id, delivery.receive_count, now, lease))
        waited = delivery.seconds_since_sent(now) if delivery.receive_count == 1 else None
        self._given.journal.tell("report.begun", self.report, queue_seconds=waited)

    def _finish(self) -> None:
        """Write the file, and then the row: only under this write the file can be downloaded."""
        report_type, parameters = self._asked_for()
        self._check_settled(report_type, parameters)
        self._check_time_suffices(report_type, parameters)
        asked = Asked(self.report, self._given.sources, self._given.currency, self._reading)
        table = report_type.document(parameters, asked)
        rows = self._writing(report_type.rows(parameters, asked))
        file = self._given.files.write(self.report, table, rows, lambda: asked.left_out.number)
        for row in asked.left_out.named:
            tell_unreadable(self._given.journal, row, report_id=self.report.report_id)
        now = self._given.clock()
        self._save(self.report.finished(file, now))
        self._given.journal.tell(
            "report.ready",
            self.report,
            rows=file.rows,
            left_out=file.left_out,
            bytes=file.bytes,
            seconds=file.generation_ms / 1000,
            total_seconds=(now - self.report.created_at).total_seconds(),
        )

    def _fail(self, error: PermanentError) -> None:
        attempts = min(max(self._attempts(), 1), self._given.retry.max_attempts)
        failure = MessageFailure(error.name, str(error), attempts, self._given.clock(), self._delivery.message_id)
        self._save(self.report.failed(failure))
        self._given.queue.hide([self._delivery], 0)
        self._given.journal.tell("report.failed", self.report, error_class=error.name, reason=str(error))
        self._span.note(error_class=error.name)

    def _failed_for_now(self, error: WorkError) -> None:
        """One attempt is used up: the message rests, or the report fails with its last one."""
        if self._attempts() >= self._given.retry.max_attempts:
            self._fail(PermanentError(error.name, str(error)))
            return
        self._save(self.report.released(self._given.clock(), attempt_counts=True))
        pause = self._given.retry.pause_after(self._attempts(), self._given.draw)
        self._given.queue.hide([self._delivery], pause)
        facts = {"error_class": error.name, "reason": str(error), "pause_seconds": pause}
        self._given.journal.tell("report.attempt_failed", self.report, **facts)
        self._span.note(error_class=error.name)

    def _give_back(self) -> None:
        """Storage did not answer, or it is too early: nobody's attempt. Whether the lease was written, the row says.

        The outage may go on: it is tried for some seconds, as for orders. After that, the lease runs out by itself, and
        one attempt is lost.
        """
        for pause in GIVE_BACK_PAUSES:
            try:
                report = self._given.reports.get(self.report.report_id)
                if report is None or report.status is not ReportStatus.GENERATING or not report.is_held_by(self._owner):
                    return
                self._given.reports.save(report, report.released(self._given.clock(), attempt_counts=False))
            except UnreadableRow:
                return
            except (Overtaken, Unavailable):
                self._given.sleep(pause)
            else:
                return
        self._given.journal.tell("report.attempt_lost", self.report)

    def _attempts(self) -> int:
        return self.report.attempts_of(self._delivery.message_id)

    def _asked_for(self) -> tuple[ReportType[Any], Any]:
        report_type = REPORT_TYPES.get(self.report.request.type)
        if report_type is None:
            raise PermanentError("UnknownType", f"this version writes no reports of type {self.report.request.type}")
        return report_type, parameters_of(report_type, self.report.request.parameters)

    def _check_settled(self, report_type: ReportType[Any], parameters: Any) -> None:
        """Raises _Rest while an index may still lack what the report is to hold."""
        settled = report_type.settled_at(parameters, self.report.as_of) + timedelta(seconds=self._given.pace.settle)
        if (wait := (settled - self._given.clock()).total_seconds()) > 0:
            raise _Rest(wait)

    def _check_time_suffices(self, report_type: ReportType[Any], parameters: Any) -> None:
        """What cannot end in time is not begun. Raises PermanentError, or _Rest where another invocation has time."""
        request, pace = self.report.request, self._given.pace
        volume = report_type.volume(parameters, self.report.as_of, request, self._given.sources)
        if request.format is ReportFormat.PDF and volume.written > MAX_PDF_ROWS:
            raise PermanentError(
                "TooManyRows", f"{volume.written} rows; a pdf has at most {MAX_PDF_ROWS}, ask for xlsx"
            )
        needed = volume.read / pace.rows_a_second + pace.reserve
        if needed > pace.longest:
            most = int((pace.longest - pace.reserve) * pace.rows_a_second)
            raise PermanentError(
                "TooLarge", f"{volume.read} rows are to be read and {most} fit into the time; ask for a shorter period"
            )
        if needed > self._seconds_left():
            raise _Rest(1)

    def _writing(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in self._reading(rows):
            yield row
            self._written += 1

    def _reading(self, things: Iterable[T]) -> Iterator[T]:
        """The same things; every now and then the time is looked at, and the lease renewed."""
        for number, thing in enumerate(things):
            if number % ROWS_BETWEEN_LOOKS == 0:
                self._look()
            yield thing
        self._look()

    def _look(self) -> None:
        pace = self._given.pace
        if self._seconds_left() < pace.reserve:
            raise TransientError("OutOfTime", f"the time ran out after {self._written} rows")
        now = self._given.clock()
        if self.report.seconds_held(now) <= pace.lease / 2:
            self._save(self.report.renewed(self._written, now, pace.lease))

    def _save(self, after: Report) -> None:
        self._given.reports.save(self.report, after)
        self.report = after
