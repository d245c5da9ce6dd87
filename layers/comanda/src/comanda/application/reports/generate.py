"""report.requested → a file in the bucket (B3): once, by one worker at a time, finished by one conditional write.

A worker takes the report under a lease and renews it while rows stream by; the same writes show progress. A worker
that lost its lease finds out at the next renewal, or at the last write at the latest: the row has another version, and
nothing is overwritten (P3). Taking the lease is a write anyway, and so every attempt is written down before it starts.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self, TypeVar

from comanda.application.delivery.step import Job, TooEarly
from comanda.application.reports.events import GenerationStarted, ReportReady
from comanda.application.reports.ports import ReportFiles, Sources
from comanda.application.reports.types import REPORT_TYPES
from comanda.application.reports.types.report_type import Asked, ReportType, parameters_of
from comanda.application.shared.ports import Clock
from comanda.application.shared.telemetry import Telemetry
from comanda.application.shared.unreadable import emit_unreadable
from comanda.domain.reports.report import MAX_PDF_ROWS, STAGE, Report, ReportFormat
from comanda.domain.reports.table import Row
from comanda.domain.shared.errors import PermanentError, ReportError, TransientError, UnreadableRow

T = TypeVar("T")

ROWS_BETWEEN_LOOKS = 500
"""How many rows go by between two looks at the clock."""


@dataclass(frozen=True)
class Limits:
    """What a worker may take upon itself. Seconds."""

    lease: float
    """Renewed when half of it is over."""
    reserve: float
    """Nothing goes on with less time left than this."""
    rows_a_second: float
    """As many as are read and written for certain; what would take longer than there is time is refused."""
    settle: float
    """How far an index may be behind, at most."""
    longest: float
    """What an invocation has when it begins."""


@dataclass(frozen=True)
class GenerateReport:
    """Implements `Step` and `Turn`."""

    files: ReportFiles
    sources: Sources
    telemetry: Telemetry
    clock: Clock
    limits: Limits
    currency: str
    kind = Report.kind
    stage = STAGE
    group_is = "report_id"
    may_kill = False
    """Each report is worked on alone, and each attempt is written down."""

    def turn(self) -> Self:
        return self

    def has_work(self, row: Report) -> bool:  # noqa: ARG002
        return True

    def begun(self, job: Job[Report]) -> Report:
        delivery, owner = job.delivery, str(uuid.uuid4())
        return job.row.leased(owner, delivery.message_id, delivery.receive_count, self.clock(), self.limits.lease)

    def __call__(self, jobs: Sequence[Job[Report]]) -> int:
        try:
            _Work(self, jobs[0])()
        except (ReportError, UnreadableRow) as error:
            raise PermanentError(type(error).__name__, str(error)) from error
        return 1


class _Work:
    """One worker at one report."""

    def __init__(self, step: GenerateReport, job: Job[Report]) -> None:
        self._given = step
        self._job = job
        self._written = 0

    def __call__(self) -> None:
        """Write the file, and then the row: only under this write the file can be downloaded."""
        job, given = self._job, self._given
        waited = job.delivery.seconds_since_sent(given.clock()) if job.delivery.receive_count == 1 else None
        given.telemetry.emit(GenerationStarted(queue_seconds=waited), job.row)
        report_type, parameters = self._asked_for()
        self._check_settled(report_type, parameters)
        self._check_time_suffices(report_type, parameters)
        asked = Asked(job.row, given.sources, given.currency, self._reading)
        table = report_type.document(parameters, asked)
        rows = self._writing(report_type.rows(parameters, asked))
        file = given.files.write(job.row, table, rows, lambda: asked.left_out.number)
        for row in asked.left_out.named:
            emit_unreadable(given.telemetry, row, report_id=job.row.report_id)
        now = given.clock()
        job.save(job.row.finished(file, now))
        ready = ReportReady(
            rows=file.rows,
            left_out=file.left_out,
            bytes=file.bytes,
            seconds=file.generation_ms / 1000,
            total_seconds=(now - job.row.created_at).total_seconds(),
        )
        given.telemetry.emit(ready, job.row)

    def _asked_for(self) -> tuple[ReportType[Any], Any]:
        report_type = REPORT_TYPES.get(self._job.row.request.type)
        if report_type is None:
            raise PermanentError("UnknownType", f"this version writes no reports of type {self._job.row.request.type}")
        return report_type, parameters_of(report_type, self._job.row.request.parameters)

    def _check_settled(self, report_type: ReportType[Any], parameters: Any) -> None:
        """Raises TooEarly while an index may still lack what the report is to hold."""
        settled = report_type.settled_at(parameters, self._job.row.as_of) + timedelta(seconds=self._given.limits.settle)
        if (wait := (settled - self._given.clock()).total_seconds()) > 0:
            raise TooEarly(max(1, round(wait)))

    def _check_time_suffices(self, report_type: ReportType[Any], parameters: Any) -> None:
        """What cannot end in time is not begun. Raises PermanentError; TooEarly where another invocation has time."""
        request, limits = self._job.row.request, self._given.limits
        volume = report_type.volume(parameters, self._job.row.as_of, request, self._given.sources)
        if request.format is ReportFormat.PDF and volume.written > MAX_PDF_ROWS:
            raise PermanentError(
                "TooManyRows", f"{volume.written} rows; a pdf has at most {MAX_PDF_ROWS}, ask for xlsx"
            )
        needed = volume.read / limits.rows_a_second + limits.reserve
        if needed > limits.longest:
            most = int((limits.longest - limits.reserve) * limits.rows_a_second)
            raise PermanentError(
                "TooLarge", f"{volume.read} rows are to be read and {most} fit into the time; ask for a shorter period"
            )
        if needed > self._job.seconds_left():
            raise TooEarly(1)

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
        limits = self._given.limits
        if self._job.seconds_left() < limits.reserve:
            raise TransientError("OutOfTime", f"the time ran out after {self._written} rows")
        now = self._given.clock()
        if self._job.row.seconds_held(now) <= limits.lease / 2:
            self._job.save(self._job.row.renewed(self._written, now, limits.lease))
