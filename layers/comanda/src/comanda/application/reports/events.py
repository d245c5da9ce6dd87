"""What the use cases of reports report; delivery/events.py has what every kind of row shares."""

from comanda.application.shared.telemetry import Measure, Service, TelemetryEvent, Unit, business, duration


class ReportAccepted(TelemetryEvent):
    """The report and its message are stored."""

    name = "report.accepted"
    measures = business("ReportsAccepted")


class ReportReplayed(TelemetryEvent):
    """A request came again, and was answered with the report of the first one."""

    name = "report.replayed"
    measures = business("ReportsReplayed")
    report_id: str
    caller: str


class ReportCancelled(TelemetryEvent):
    """A client cancelled the report before work on it began."""

    name = "report.cancelled"
    measures = business("ReportsCancelled")


class ReportDiscarded(TelemetryEvent):
    """A person looked at the failed report and set it aside."""

    name = "report.discarded"


class GenerationStarted(TelemetryEvent):
    """A worker begins to write the report's file."""

    name = "report.begun"
    measures = duration(Service.TECHNICAL, "ReportQueueTime", "queue_seconds")
    queue_seconds: float | None
    """From the sending of its message; None where that was received before."""


class ReportReady(TelemetryEvent):
    """The report's file can be downloaded."""

    name = "report.ready"
    measures = (
        *business("ReportsReady"),
        *duration(Service.BUSINESS, "TimeToReady", "total_seconds"),
        *duration(Service.TECHNICAL, "TimeToGenerate", "seconds"),
        Measure(Service.TECHNICAL, "ReportRows", "rows"),
        Measure(Service.TECHNICAL, "ReportBytes", "bytes", Unit.BYTES),
    )
    rows: int
    left_out: int
    """Rows that could not be read."""
    bytes: int
    seconds: float
    """Of writing the file."""
    total_seconds: float
    """From the first request for it."""
