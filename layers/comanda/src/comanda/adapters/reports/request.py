"""The body of POST /reports. What its parameters may be, each type of report says itself; `notify` is read by itself
(notify_request.py)."""

from collections.abc import Mapping
from typing import Any

from comanda.domain.reports.report import ReportFormat
from comanda.domain.shared.errors import FieldError, InvalidRequest

MAX_REPORT_BODY_BYTES = 2**20
"""Larger tables are uploaded first (POST /reports/uploads)."""
_FIELDS = ("type", "format", "parameters", "notify")


def report_request(body: Mapping[str, Any]) -> tuple[str, ReportFormat, Mapping[str, Any]]:
    """Type, format and parameters. Raises InvalidRequest with one entry per broken rule."""
    faults = [FieldError(name[:200], "is not a field of a report") for name in body if name not in _FIELDS]
    report_type, report_format, parameters, _ = (body.get(name) for name in _FIELDS)
    if not isinstance(report_type, str):
        faults.append(FieldError("type", "is the name of a type of report"))
    if not isinstance(report_format, str) or report_format not in list(ReportFormat):
        faults.append(FieldError("format", f"one of {', '.join(ReportFormat)}"))
    if not isinstance(parameters, dict):
        faults.append(FieldError("parameters", "is a JSON object"))
    if faults:
        raise InvalidRequest(*faults)
    return str(report_type), ReportFormat(str(report_format)), dict(parameters or {})
