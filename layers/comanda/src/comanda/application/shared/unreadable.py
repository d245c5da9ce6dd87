"""A row that cannot be read is reported by its id and what is wrong with it, and by nothing that it holds."""

from comanda.application.shared.telemetry import Level, Telemetry, TelemetryEvent, technical
from comanda.domain.shared.errors import UnreadableRow

UNREADABLE = "UnreadableRow"
"""The class of failure of what stands in such a row."""


class RowUnreadable(TelemetryEvent):
    """A defect: this release should be able to read the row."""

    name = "row.unreadable"
    level = Level.ERROR
    measures = technical("UnreadableRows")
    row_id: str
    reason: str
    message_id: str | None = None
    """Of the message about it."""
    failed: bool | None = None
    """Whether the row was made a failed one."""
    report_id: str | None = None
    """The report that leaves it out."""


class RowOfNewerRelease(TelemetryEvent):
    """No defect: a newer release wrote the row, and it is left as it is."""

    name = "row.of_newer_release"
    level = Level.WARNING
    row_id: str | None = None
    reason: str | None = None
    message_id: str | None = None
    """Of the message about it."""
    pause_seconds: int | None = None
    """Until that message is received again."""
    failed: bool | None = None
    report_id: str | None = None
    """The report that leaves it out."""


def emit_unreadable(
    telemetry: Telemetry,
    row: UnreadableRow,
    *,
    message_id: str | None = None,
    failed: bool | None = None,
    report_id: str | None = None,
) -> None:
    """One of two events: a row that cannot be read, or one that a newer release wrote, which is no defect."""
    event = RowOfNewerRelease if row.newer else RowUnreadable
    telemetry.emit(event(row_id=row.row_id, reason=row.why, message_id=message_id, failed=failed, report_id=report_id))
