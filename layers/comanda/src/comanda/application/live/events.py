"""What the WebSocket use cases report."""

from comanda.application.shared.telemetry import TelemetryEvent


class ConnectionDropped(TelemetryEvent):
    """A client is gone, or too slow, and its subscriptions are closed."""

    name = "connection.dropped"
    connection_id: str
    reason: str
    """`Gone` or `TooSlow`."""
