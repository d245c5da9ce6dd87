"""What the API shows of reports."""

from typing import Any

from comanda.adapters.aws.present import present
from comanda.application.reports.ports import UploadLink
from comanda.domain.delivery.work_item import Failure
from comanda.domain.reports.report import Report, ReportStatus
from comanda.domain.shared.times import to_iso


def accepted_report_view(report: Report) -> dict[str, Any]:
    """The answer to POST /reports: made only of what does not change while this generation lasts."""
    return {
        "report_id": report.report_id,
        "status": ReportStatus.REQUESTED.value,
        "type": report.request.type,
        "format": report.request.format.value,
        "created_at": to_iso(report.created_at),
    }


def report_view(report: Report, download_url: str | None = None) -> dict[str, Any]:
    """The answer to GET /reports/{id}. `rows_written` is its progress, from a little while ago."""
    file = report.file if report.status is ReportStatus.READY else None
    generating = report.status is ReportStatus.GENERATING
    return present(
        {
            "report_id": report.report_id,
            "status": report.status.value,
            "type": report.request.type,
            "format": report.request.format.value,
            "parameters": dict(report.request.parameters),
            "as_of": to_iso(report.as_of),
            "rows_written": report.rows_written if generating else None,
            "rows": file.rows if file else None,
            "rows_left_out": file.left_out or None if file else None,
            "bytes": file.bytes if file else None,
            "generation_ms": file.generation_ms if file else None,
            "sha256": file.sha256 if file else None,
            "download_url": download_url,
            "failure": _failure_view(report.failure) if report.failure else None,
            "created_at": to_iso(report.created_at),
            "updated_at": to_iso(report.updated_at),
            "expires_at": to_iso(report.expires_at),
        }
    )


def upload_view(upload: UploadLink) -> dict[str, Any]:
    """The answer to POST /reports/uploads. `headers` are those of the PUT; clients send the length by themselves."""
    return {
        "upload_id": upload.upload_id,
        "upload_url": upload.url,
        "expires_in": upload.expires_in,
        "headers": {"Content-Type": upload.content_type, "Content-Length": str(upload.size)},
    }


def _failure_view(failure: Failure) -> dict[str, Any]:
    return {
        "class": failure.name,
        "message": failure.message,
        "stage": failure.stage,
        "attempts": failure.attempts,
        "at": to_iso(failure.at),
    }
