"""A report as a row of the reports table, and back. Under 1 KB but for its parameters, as each write costs its size."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from comanda.adapters.notify_rows import notify_from_text, notify_to_text
from comanda.adapters.present import present
from comanda.adapters.work_item_rows import attention_kind_of, work_from_row, work_to_row
from comanda.application.delivery.ports import OPEN
from comanda.domain.canonical import canonical_json
from comanda.domain.report import OVER, STAGE, Lease, Report, ReportFile, ReportFormat, ReportRequest, ReportStatus
from comanda.domain.times import from_iso, to_iso

KEPT_AFTER_EXPIRY = timedelta(days=15)
"""Longer than a queue keeps a message (14 days): a report is never forgotten before its message (P1)."""


def to_row(report: Report) -> dict[str, Any]:
    request = report.request
    return present(
        {
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
            "file": asdict(report.file) if report.file else None,
            "notify": notify_to_text(*report.notify),
            "attention": attention_of(report),
            **work_to_row(report),
            "created_at": to_iso(report.created_at),
            "usable_until": to_iso(report.expires_at),
            "expires_at": int((report.expires_at + KEPT_AFTER_EXPIRY).timestamp()),
        }
    )


def from_row(row: Mapping[str, Any]) -> Report:
    return Report(
        report_id=row["report_id"],
        request=ReportRequest(
            caller=row["caller"],
            sees_all=row["sees_all"],
            type=row["type"],
            format=ReportFormat(row["format"]),
            parameters=json.loads(row["parameters"]),
        ),
        keyed=row["keyed"],
        correlation_id=row["correlation_id"],
        created_at=from_iso(row["created_at"]),
        expires_at=from_iso(row["usable_until"]),
        status=ReportStatus(row["status"]),
        rows_written=int(row["rows_written"]),
        lease=_lease_from_row(row["lease"]) if "lease" in row else None,
        file=file_from_row(row["file"]) if "file" in row else None,
        notify=notify_from_text(row.get("notify")),
        **work_from_row(row, STAGE),
    )


def attention_of(report: Report) -> str | None:
    """The key of the sparse index `attention`: what is owed, and what failed. Each report is a message group of
    its own, of which no dead letter can hide another: nobody has to look for open ones."""
    kind = attention_kind_of(report, is_over=report.status in OVER)
    return None if kind == OPEN else kind


def file_from_row(row: Mapping[str, Any]) -> ReportFile:
    return ReportFile(row["key"], int(row["rows"]), int(row["bytes"]), row["sha256"], int(row["generation_ms"]))


def _lease_to_row(lease: Lease) -> dict[str, Any]:
    return {**asdict(lease), "until": to_iso(lease.until)}


def _lease_from_row(row: Mapping[str, Any]) -> Lease:
    return Lease(row["owner"], from_iso(row["until"]), int(row["number"]))
