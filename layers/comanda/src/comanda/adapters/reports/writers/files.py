"""Finished reports in the bucket: written while rows stream by, under a key that only one worker has."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from comanda.adapters.reports.bucket import AlreadyStored, ReportBucket
from comanda.adapters.reports.writers import chart_xlsx, csv, pdf, xlsx
from comanda.application.shared.ports import Clock
from comanda.domain.reports.report import Report, ReportFile, ReportFormat
from comanda.domain.reports.table import Row, Table
from comanda.domain.shared.errors import Unavailable

CONTENT_TYPES = {
    ReportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ReportFormat.PDF: "application/pdf",
    ReportFormat.CSV: "text/csv; charset=utf-8",
}

Write = Callable[[Table, Iterable[Row]], Iterator[bytes]]

_WRITERS: dict[ReportFormat, Write] = {
    ReportFormat.XLSX: xlsx.write,
    ReportFormat.PDF: pdf.write,
    ReportFormat.CSV: csv.write,
}


def chunks_of(report_format: ReportFormat, table: Table, rows: Iterable[Row]) -> Iterator[bytes]:
    """The bytes of a report, while its rows are read."""
    if report_format is ReportFormat.XLSX and table.chart:
        return chart_xlsx.write(table, rows)
    return _WRITERS[report_format](table, rows)


@dataclass(frozen=True)
class ReportWriter:
    """Implements `ReportFiles`, without a memory of what it wrote."""

    bucket: ReportBucket
    clock: Clock

    def write(self, report: Report, table: Table, rows: Iterable[Row], left_out: Callable[[], int]) -> ReportFile:
        report_format, counted, begun = report.request.format, _Counted(rows), self.clock()
        chunks = chunks_of(report_format, table, counted)
        try:
            stored = self.bucket.store(report.file_key, CONTENT_TYPES[report_format], chunks)
        except AlreadyStored as error:  # It should not be there; the next lease has another key.
            raise Unavailable("reports bucket: the file of this lease is there already") from error
        spent = self.clock() - begun
        return ReportFile(
            key=report.file_key,
            rows=counted.number,
            bytes=stored.bytes,
            sha256=stored.sha256,
            generation_ms=round(spent.total_seconds() * 1000),
            left_out=left_out(),
        )


class _Counted:
    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self.number = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.number += 1
            yield row
