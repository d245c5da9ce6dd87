"""A report as a row of the reports table, and back. Under 1 KB but for its parameters, as each write costs its size."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from comanda.adapters.aws.notify_rows import notify_of, notify_to_text
from comanda.adapters.aws.present import present
from comanda.adapters.aws.row_fields import (
    SCHEMA,
    Fields,
    count,
    flag,
    from_json,
    inside,
    moment,
    name,
    one_of,
    reading,
    text,
)
from comanda.adapters.delivery.work_item_rows import attention_kind_of, work_from_row, work_to_row
from comanda.application.delivery.ports import OPEN
from comanda.domain.reports.report import (
    OVER,
    STAGE,
    Lease,
    Report,
    ReportFile,
    ReportFormat,
    ReportRequest,
    ReportStatus,
)
from comanda.domain.shared.canonical import canonical_json
from comanda.domain.shared.times import to_iso

KEPT_AFTER_EXPIRY = timedelta(days=15)
"""Longer than a queue keeps a message (14 days): a report is never forgotten before its message (P1)."""


def to_row(report: Report) -> dict[str, Any]:
    """A report as its row."""
    request = report.request
    return present(
        {
            "schema": SCHEMA,
            "report_id": report.report_id,
            "caller": request.caller,
            "sees_all": request.sees_all,
            "type": request.type,
            "format": request.format.value,
            "parameters": canonical_json(dict(request.parameters)),
            "keyed": report.keyed,
            "correlation_id": report.correlation_id,
            "status": report.status.value,
            "rows_written": report.rows_written,
            "lease": _lease_to_row(report.lease) if report.lease else None,
            "file": _file_to_row(report.file) if report.file else None,
            "notify": notify_to_text(*report.notify),
            "attention": attention_of(report),
            **work_to_row(report),
            "usable_until": to_iso(report.expires_at),
            "expires_at": int((report.expires_at + KEPT_AFTER_EXPIRY).timestamp()),
        }
    )


def from_row(row: Mapping[str, Any]) -> Report:
    """Raises UnreadableRow."""
    return reading(str(row.get("report_id")), row, _report)


def attention_of(report: Report) -> str | None:
    """The key of the sparse index `attention`: what is owed, and what failed. Each report is a message group of its
    own, of which no dead letter can hide another: nobody has to look for open ones."""
    kind = attention_kind_of(report, is_over=report.status in OVER)
    return None if kind == OPEN else kind


def file_from_row(row: Mapping[str, Any]) -> ReportFile:
    """Raises UnreadableRow."""
    return reading(str(row.get("key")), row, _file)


def _report(row: Fields) -> Report:
    return Report(
        report_id=row.get("report_id", name),
        request=ReportRequest(
            caller=row.get("caller", name),
            sees_all=row.get("sees_all", flag),
            type=row.get("type", name),
            format=row.get("format", one_of(ReportFormat)),
            parameters=row.get("parameters", from_json(inside(lambda fields: dict(fields.values)))),
        ),
        keyed=row.get("keyed", flag),
        correlation_id=row.get("correlation_id", text),
        expires_at=row.get("usable_until", moment),
        status=row.get("status", one_of(ReportStatus)),
        rows_written=row.get("rows_written", count),
        lease=row.find("lease", inside(_lease)),
        file=row.find("file", inside(_file)),
        notify=notify_of(row),
        **work_from_row(row, STAGE),
    )


def _file(row: Fields) -> ReportFile:
    return ReportFile(
        key=row.get("key", name),
        rows=row.get("rows", count),
        bytes=row.get("bytes", count),
        sha256=row.get("sha256", name),
        generation_ms=row.get("generation_ms", count),
        left_out=row.find("left_out", count) or 0,
    )


def _lease(row: Fields) -> Lease:
    return Lease(row.get("owner", name), row.get("until", moment), row.get("number", count))


def _file_to_row(file: ReportFile) -> dict[str, Any]:
    return present({**asdict(file), "left_out": file.left_out or None})


def _lease_to_row(lease: Lease) -> dict[str, Any]:
    return {**asdict(lease), "until": to_iso(lease.until)}
