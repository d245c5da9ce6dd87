"""What the use cases of orders report; delivery/events.py has what every kind of row shares."""

from comanda.application.shared.telemetry import Service, TelemetryEvent, business, duration


class OrderAccepted(TelemetryEvent):
    """The order and its message are stored."""

    name = "order.accepted"
    measures = business("OrdersAccepted")


class OrderReplayed(TelemetryEvent):
    """A request came again with its key, and was answered as the first time."""

    name = "order.replayed"
    measures = business("OrdersReplayed")
    order_id: str
    caller: str


class OrderCancelled(TelemetryEvent):
    """A client cancelled the order before work on it began."""

    name = "order.cancelled"
    measures = business("OrdersCancelled")


class OrderDiscarded(TelemetryEvent):
    """A person looked at the failed order and set it aside."""

    name = "order.discarded"


class OrderProcessed(TelemetryEvent):
    """The first stage is done, and the enrichment is requested."""

    name = "order.processing"
    measures = duration(Service.TECHNICAL, "TimeInProcessing", "stage_seconds")
    stage_seconds: float
    """From the sending of the stage's message to its end."""


class OrderCompleted(TelemetryEvent):
    """The order stands in its recipient's ledger."""

    name = "order.completed"
    measures = (
        *business("OrdersCompleted"),
        *duration(Service.BUSINESS, "TimeToComplete", "seconds"),
        *duration(Service.TECHNICAL, "TimeInCompletion", "stage_seconds"),
    )
    seconds: float
    """From its acceptance."""
    stage_seconds: float
    """From the sending of the stage's message to its end."""
