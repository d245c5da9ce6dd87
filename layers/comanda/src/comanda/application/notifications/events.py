"""What the use cases of notifications report; delivery/events.py has what every kind of row shares."""

from comanda.application.shared.telemetry import Level, Service, TelemetryEvent, business, duration, technical


class NotificationAnnounced(TelemetryEvent):
    """A change was read off a table's stream, and its notification is stored and sent to the queue."""

    name = "notification.announced"
    measures = technical("NotificationsAnnounced")


class NotificationDelivered(TelemetryEvent):
    """The receiver has taken it."""

    name = "notification.delivered"
    measures = (*business("NotificationsDelivered"), *duration(Service.TECHNICAL, "TimeToDeliver", "seconds"))
    seconds: float
    """From the change that it is about."""
    attempt: int


class NotificationEnded(TelemetryEvent):
    """The receiver wants no more of its kind."""

    name = "notification.ended"
    measures = business("NotificationsEnded")


class NotificationDiscarded(TelemetryEvent):
    """A person looked at the failed notification and set it aside."""

    name = "notification.discarded"


class ReceiverCircuitOpened(TelemetryEvent):
    """A receiver failed several times in a row, and is not called for a while."""

    name = "receiver.circuit_open"
    level = Level.WARNING
    receiver_id: str
