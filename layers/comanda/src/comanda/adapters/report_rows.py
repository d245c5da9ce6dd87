"""A report as a row of the reports table, and back. Under 1 KB but for its parameters, as each write costs its size."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from comanda.adapters.notify_rows import notify_of, notify_to_text
from comanda.adapters.present import present
from comanda.adapters.row_fields import (
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
from comanda.adapters.tried_rows import attempts_from_row, attempts_to_row, failure_from_row, failure_to_row
from comanda.domain.canonical import canonical_json
from comanda.domain.report import Lease, Report, ReportFile, ReportFormat, ReportRequest, ReportStatus
from comanda.domain.times import to_iso

KEPT_AFTER_EXPIRY = timedelta(days=15)
"""Longer than a queue keeps a message (14 days): a report is never forgotten before its message (P1)."""


def to_row(report: Report) -> dict[str, Any]:
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
            "attempts": attempts_to_row(report.attempts) if report.attempts else None,
            "failure": failure_to_row(report.failure) if report.failure else None,
            "file": _file_to_row(report.file) if report.file else None,
            "replay": report.replay,
            "rescues": report.rescues or None,
            "discarded": report.discarded or None,
            "notify": notify_to_text(*report.notify),
            "version": report.version,
            "created_at": to_iso(report.created_at),
            "updated_at": to_iso(report.updated_at),
            "usable_until": to_iso(report.expires_at),
            "expires_at": int((report.expires_at + KEPT_AFTER_EXPIRY).timestamp()),
        }
    )


def from_row(row: Mapping[str, Any]) -> Report:
    """Raises UnreadableRow."""
    return reading(str(row.get("report_id")), row, _report)


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
        created_at=row.get("created_at", moment),
        updated_at=row.get("updated_at", moment),
        expires_at=row.get("usable_until", moment),
        status=row.get("status", one_of(ReportStatus)),
        rows_written=row.get("rows_written", count),
        lease=row.find("lease", inside(_lease)),
        attempts=row.find("attempts", inside(attempts_from_row)),
        failure=row.find("failure", inside(failure_from_row)),
        file=row.find("file", inside(_file)),
        replay=row.get("replay", count),
        rescues=row.find("rescues", count) or 0,
        discarded=row.find("discarded", flag) or False,
        notify=notify_of(row),
        version=row.get("version", count),
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
