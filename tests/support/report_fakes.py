"""Small fakes of the ports of reports; tests/contract holds the real ones to the same promises."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from comanda.adapters.reports.rows import attention_of
from comanda.application.delivery.ports import VersionConflict
from comanda.application.reports.ports import OrderLine, UploadLink
from comanda.domain.delivery.work_item import Failure
from comanda.domain.reports.messages import ReportMessage
from comanda.domain.reports.report import Report, ReportFile
from comanda.domain.reports.table import Row, Table
from comanda.domain.shared.errors import PermanentError, Unavailable, UnreadableRow
from comanda.domain.shared.period import Period
from tests.support.fakes import mark_sent


@dataclass
class FakeReports:
    rows: dict[str, Report] = field(default_factory=dict)
    unreadable: dict[str, UnreadableRow] = field(default_factory=dict)
    failed_unreadable: dict[str, Failure] = field(default_factory=dict)
    outage: bool = False
    before_save: list[Callable[[], None]] = field(default_factory=list)
    """Each is called once, before the next save: what somebody else does in between."""
    saved: list[Report] = field(default_factory=list)
    lost_answers: int = 0
    """So many saves take effect, and answer with an outage."""

    def put(self, report: Report) -> None:
        self.rows[report.report_id] = report

    def claim(self, report: Report) -> Report | None:
        self._answer()
        if report.report_id in self.rows:
            return self.rows[report.report_id]
        self.put(report)
        return None

    def get(self, report_id: str) -> Report | None:
        self._answer()
        if report_id in self.unreadable:
            raise self.unreadable[report_id]
        return self.rows.get(report_id)

    def get_many(self, row_ids: Iterable[str]) -> Mapping[str, Report | UnreadableRow]:
        self._answer()
        rows = self.rows | self.unreadable
        return {row_id: rows[row_id] for row_id in row_ids if row_id in rows}

    def mark_sent(self, owed: Report, sent: Report) -> None:
        self._answer()
        mark_sent(self.rows, owed, sent)

    def needing_attention(self, kind: str) -> Iterator[Report | UnreadableRow]:
        self._answer()
        return iter([*self.unreadable.values(), *(row for row in self.rows.values() if attention_of(row) == kind)])

    def open_in(self, groups: Collection[str], shown: Iterable[Report]) -> Iterator[Report | UnreadableRow]:  # noqa: ARG002
        return iter(())

    def fail_unreadable(self, report_id: str, failure: Failure) -> bool:
        self._answer()
        if report_id not in self.unreadable or report_id in self.failed_unreadable:
            return False
        self.failed_unreadable[report_id] = failure
        return True

    def save(self, before: Report, after: Report) -> None:
        self._answer()
        if self.before_save:
            self.before_save.pop(0)()
        if self.rows[after.report_id].version != before.version:
            raise VersionConflict(after.report_id)
        self.put(after)
        self.saved.append(after)
        if self.lost_answers:
            self.lost_answers -= 1
            raise Unavailable("reports table: ConnectionClosedError")

    def _answer(self) -> None:
        if self.outage:
            raise Unavailable("reports table: ThrottlingException")


@dataclass
class FakeReportPublisher:
    sent: list[ReportMessage] = field(default_factory=list)
    outage: bool = False

    def publish(self, report: Report) -> None:
        if self.outage:
            raise Unavailable("queue: ServiceUnavailable")
        self.sent.append(ReportMessage.about(report))


@dataclass
class FakeFiles:
    """Keeps what was written as text, whole or not at all."""

    written: dict[str, list[Row]] = field(default_factory=dict)
    titles: list[str] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    """Each is raised once, after all rows were read."""
    after_rows: Callable[[], None] = lambda: None

    def write(self, report: Report, table: Table, rows: Iterable[Row], left_out: Callable[[], int]) -> ReportFile:
        read = list(rows)
        self.after_rows()
        if self.errors:
            raise self.errors.pop(0)
        assert report.file_key not in self.written
        self.written[report.file_key] = read
        self.titles.append(table.title)
        content = repr(read).encode()
        sha256 = hashlib.sha256(content).hexdigest()
        return ReportFile(report.file_key, len(read), len(content), sha256, 7, left_out())


@dataclass
class FakeLinks:
    signed: int = 0

    def link_to(self, report: Report) -> str:
        assert report.file
        self.signed += 1
        return f"https://bucket.test/{report.file.key}?n={self.signed}"


@dataclass
class FakeTables:
    stored: dict[tuple[str, str], bytes] = field(default_factory=dict)
    on_line: Callable[[int], None] = lambda _: None
    """What happens while a line is read."""

    def new_upload(self, caller: str, size: int, content_type: str) -> UploadLink:
        upload_id = f"00000000-0000-4000-8000-{len(self.stored):012d}"
        return UploadLink(upload_id, f"https://bucket.test/{caller}/{upload_id}", 900, size, content_type)

    def upload(self, caller: str, upload_id: str, *rows: list[object]) -> None:
        self.stored[caller, upload_id] = b"".join(json.dumps(row).encode() + b"\n" for row in rows)

    def uploaded(self, caller: str, upload_id: str) -> tuple[str, int] | None:
        found = self.stored.get((caller, upload_id))
        return None if found is None else (hashlib.md5(found).hexdigest(), len(found))  # noqa: S324 - as S3 does

    def keep(self, caller: str, lines: bytes) -> str:
        upload_id = hashlib.sha256(lines).hexdigest()
        self.stored[caller, upload_id] = lines
        return upload_id

    def lines(self, caller: str, upload_id: str, content: str) -> Iterator[bytes]:
        found = self.uploaded(caller, upload_id)
        if found is None or found[0] != content:
            raise PermanentError("UploadGone", "the uploaded table is gone, or was replaced")
        for number, line in enumerate(self.stored[caller, upload_id].splitlines()):
            self.on_line(number)
            yield line


@dataclass
class FakeUploadCounts:
    counted: dict[tuple[str, datetime], int] = field(default_factory=dict)

    def count(self, caller: str, hour: datetime, most: int) -> bool:
        number = self.counted.get((caller, hour), 0) + 1
        if number > most:
            return False
        self.counted[caller, hour] = number
        return True


@dataclass
class FakeOrderPeriods:
    lines: list[OrderLine] = field(default_factory=list)
    unreadable: list[UnreadableRow] = field(default_factory=list)
    """They come first."""
    on_line: Callable[[], None] = lambda: None
    """What happens while an order is read."""

    def count(self, period: Period) -> int:
        return sum(line.created_at in period for line in self.lines)

    def orders(self, period: Period) -> Iterator[OrderLine | UnreadableRow]:
        yield from self.unreadable
        found = [line for line in self.lines if line.created_at in period]
        for line in sorted(found, key=lambda line: (line.created_at, line.order_id)):
            self.on_line()
            yield line
