"""What the canary reports."""

from comanda.application.shared.telemetry import Measure, Service, TelemetryEvent, duration


class CanaryChecked(TelemetryEvent):
    """The last canary order was looked for, and the next one sent."""

    name = "canary.checked"
    measures = (Measure(Service.TECHNICAL, "CanaryFailed", "failed"),)
    failed: bool
    reason: str | None


class CanaryCompleted(TelemetryEvent):
    """The last canary order was completed in time."""

    name = "canary.completed"
    measures = duration(Service.TECHNICAL, "CanaryTime", "seconds")
    order_id: str
    seconds: float
    """From its acceptance."""
