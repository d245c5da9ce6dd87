"""What the delivery of messages reports. Rows of every kind share these events; a row's kind is part of the name."""

from collections.abc import Mapping
from typing import ClassVar

from comanda.application.shared.telemetry import Level, Measure, TelemetryEvent, business, technical


class RowEvent(TelemetryEvent):
    """About a row. Its name begins with the row's kind, and its metric is that kind's."""

    kind: str
    """`WorkItem.kind`; no key of the log line."""
    what: ClassVar[str]
    """The name after the kind."""
    measured: ClassVar[Mapping[str, tuple[Measure, ...]]] = {}
    """By kind."""

    @property
    def name(self) -> str:
        return f"{self.kind}.{self.what}"

    @property
    def measures(self) -> tuple[Measure, ...]:
        return self.measured.get(self.kind, ())

    def keys(self) -> dict[str, object]:
        return {key: value for key, value in super().keys().items() if key != "kind"}


class RunOpened(RowEvent):
    """A run has begun."""

    by: str


class RunRequested(RunOpened):
    """A client asks again for what is over."""

    what = "asked_again"


class RunRedriven(RunOpened):
    """A person took a failed row, or its message, up again."""

    what = "redriven"
    measured: ClassVar = {"order": technical("OrdersRedriven"), "report": technical("ReportsRedriven")}


class RunRequeued(RunOpened):
    """A message was dead-lettered before anybody tried it, and the reconciler began the next run."""

    what = "rescued"
    level = Level.WARNING
    measured: ClassVar = {
        "order": technical("OrdersRescued"),
        "report": technical("ReportsRescued"),
        "notification": technical("NotificationsRescued"),
    }


class MessageOwed(RowEvent):
    """The first message of a run could not be sent; the reconciler sends it."""

    what = "message_owed"
    level = Level.WARNING
    reason: str


class MessageOwedTooLong(RowEvent):
    """The reconciler could not send it for minutes: somebody has to look."""

    what = "message_owed_too_long"
    level = Level.WARNING
    measures = technical("MessagesOwedTooLong")


class AttemptStarted(RowEvent):
    """An attempt was written down before its work started."""

    what = "attempt_begun"
    stage: str
    attempt: int


class AttemptFailed(RowEvent):
    """A transient failure: the message is tried again after a pause."""

    what = "attempt_failed"
    level = Level.WARNING
    measured: ClassVar = {
        "order": technical("AttemptsFailed"),
        "report": technical("ReportAttemptsFailed"),
        "notification": technical("NotificationAttemptsFailed"),
    }
    error_class: str
    reason: str
    attempt: int
    stage: str
    pause_seconds: int
    outage: bool


class AttemptLost(RowEvent):
    """An attempt that an outage turned away could not be given back, and stays counted."""

    what = "attempt_lost"
    level = Level.WARNING
    measured: ClassVar = {"order": technical("AttemptsLost"), "report": technical("ReportAttemptsLost")}
    stage: str


class UnexpectedErrorRaised(RowEvent):
    """A defect: the work raised an error that it does not document."""

    what = "unexpected_error"
    level = Level.ERROR
    error_class: str
    reason: str
    stage: str
    trace: str


class RunFailed(RowEvent):
    """A run failed for good."""

    what = "failed"
    level = Level.WARNING
    measured: ClassVar = {
        "order": business("OrdersFailed", by="error_class"),
        "report": business("ReportsFailed", by="error_class"),
        "notification": business("NotificationsFailed", by="error_class"),
    }
    row_id: str | None = None
    """Where the row cannot be read, so that there is no subject; its key is `order_id` for an order."""
    error_class: str
    reason: str
    stage: str

    def keys(self) -> dict[str, object]:
        return {f"{self.kind}_id" if key == "row_id" else key: value for key, value in super().keys().items()}


class MessageClassified(TelemetryEvent):
    """Nothing is to be done for a message but what its disposition says."""

    message_id: str


class MessageRedriven(MessageClassified):
    """It came back from a dead-letter queue, and the next run begins in its place."""

    name = "message.open"


class MessageDropped(MessageClassified):
    """It is of an older run, or its row has moved on."""

    name = "message.drop"


class MessageDeadLettered(MessageClassified):
    """It is left for the dead-letter queue; seen again and again until its receives are used up."""

    name = "message.dead_letter"
    level = Level.DEBUG


class MessageAheadOfRow(MessageClassified):
    """It is of a run that its row knows nothing of."""

    name = "message.ahead"
    level = Level.WARNING
    measures = technical("MessagesAheadOfRows")


class MessageSuperseded(MessageClassified):
    """A later receive of it is being worked on."""

    name = "message.superseded"


class MessageOfNewerRelease(TelemetryEvent):
    """It is received again until the newer release is back."""

    name = "message.of_newer_release"
    level = Level.WARNING
    message_id: str
    pause_seconds: int


class GroupEvent(TelemetryEvent):
    """About a message group."""

    group: tuple[str, str]
    """A key of its own, which says what the group is (`recipient_id`), and the group."""

    def keys(self) -> dict[str, object]:
        key, group = self.group
        return {key: group, **{key: value for key, value in super().keys().items() if key != "group"}}


class OutOfTime(GroupEvent):
    """The invocation ends before the group does; the rest stays in the queue."""

    name = "batch.out_of_time"
    level = Level.WARNING
    messages: int


class StorageUnavailable(GroupEvent):
    """The group backs off, and no attempt is used up."""

    name = "storage.unavailable"
    level = Level.WARNING
    measures = technical("StorageUnavailable")
    reason: str
    pause_seconds: int


class VisibilityNotChanged(TelemetryEvent):
    """The queue's own visibility timeout takes the place of the pause."""

    name = "queue.pause_not_set"
    level = Level.WARNING
    reason: str


class MessageNotDeleted(TelemetryEvent):
    """It is received again."""

    name = "queue.not_deleted"
    level = Level.WARNING
    reason: str
