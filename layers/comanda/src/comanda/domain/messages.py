"""What travels through the queues.

A body holds what stays the same however often it is sent, and nothing else: content-based deduplication must
recognise a repeated send, and must never swallow a new run of an order (`replay`). Everything that differs between
sends, such as correlation ids, travels in message attributes. One thing may differ all the same: whether a rescue
counts (`uncounted`), where the steward died after its send and the outage ended. Then the run comes twice, and its
second message is met as a copy.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self

from comanda.domain.canonical import canonical_json
from comanda.domain.order import Order, Stage
from comanda.domain.report import Report


class Event(StrEnum):
    CREATED = "order.created"
    ENRICHMENT_REQUESTED = "order.enrichment.requested"
    ENRICHED = "order.enriched"


STAGE_OF = {
    Event.CREATED: Stage.PROCESSING,
    Event.ENRICHMENT_REQUESTED: Stage.ENRICHMENT,
    Event.ENRICHED: Stage.COMPLETION,
}
"""The stage each event is worked on by."""


@dataclass(frozen=True)
class OrderMessage:
    """A message body: `{"event", "order_id", "payload_hash", "replay"}`, and `"uncounted": true` where it is so."""

    event: Event
    order_id: str
    payload_hash: str
    replay: int
    uncounted: bool = False
    """It was published anew for an outage of the provider: no rescue, also for a worker that takes it up before the
    steward has written so down."""

    @classmethod
    def about(cls, order: Order, event: Event, *, uncounted: bool = False) -> Self:
        return cls(event, order.order_id, order.payload_hash, order.replay, uncounted)

    @classmethod
    def parse(cls, body: str) -> Self:
        """Raises ValueError for anything that was not made by `body`."""
        try:
            fields = json.loads(body)
            event, uncounted = Event(fields["event"]), fields.get("uncounted", False) is True
            message = cls(event, fields["order_id"], fields["payload_hash"], int(fields["replay"]), uncounted)
        except (AttributeError, TypeError, KeyError, ValueError) as error:
            raise ValueError(f"not an order message: {error}") from error
        if not isinstance(message.order_id, str) or not isinstance(message.payload_hash, str):
            raise ValueError("not an order message: order_id and payload_hash are text")  # noqa: TRY004
        return message

    @property
    def row_id(self) -> str:
        """The key of the row that it is about."""
        return self.order_id

    @property
    def body(self) -> str:
        fields = asdict(self)
        if not self.uncounted:
            del fields["uncounted"]
        return canonical_json(fields)


REPORT_REQUESTED = "report.requested"


@dataclass(frozen=True)
class ReportMessage:
    """A message body: `{"event", "report_id", "payload_hash", "replay"}`. The parameters stand in the row, and data too
    large for a row in the bucket (B2)."""

    report_id: str
    payload_hash: str
    replay: int

    @classmethod
    def about(cls, report: Report) -> Self:
        return cls(report.report_id, report.request.payload_hash, report.replay)

    @classmethod
    def parse(cls, body: str) -> Self:
        """Raises ValueError for anything that was not made by `body`."""
        try:
            fields = json.loads(body)
            message = cls(fields["report_id"], fields["payload_hash"], int(fields["replay"]))
            event = fields["event"]
        except (TypeError, KeyError, ValueError) as error:
            raise ValueError(f"not a report message: {error}") from error
        if event != REPORT_REQUESTED or not isinstance(message.report_id, str):
            raise ValueError("not a report message: another event, or a report_id that is no text")
        return message

    @property
    def row_id(self) -> str:
        """The key of the row that it is about."""
        return self.report_id

    @property
    def body(self) -> str:
        return canonical_json({"event": REPORT_REQUESTED, **asdict(self)})


NOTIFICATION_DUE = "notification.due"


@dataclass(frozen=True)
class NotificationMessage:
    """A message body: `{"event", "notification_id", "replay"}`. What is told stands in the row."""

    notification_id: str
    replay: int

    @classmethod
    def parse(cls, body: str) -> Self:
        """Raises ValueError for anything that was not made by `body`."""
        try:
            fields = json.loads(body)
            message, event = cls(fields["notification_id"], int(fields["replay"])), fields["event"]
        except (TypeError, KeyError, ValueError) as error:
            raise ValueError(f"not a notification's message: {error}") from error
        if event != NOTIFICATION_DUE or not isinstance(message.notification_id, str):
            raise ValueError("not a notification's message: another event, or a notification_id that is no text")
        return message

    @property
    def row_id(self) -> str:
        """The key of the row that it is about."""
        return self.notification_id

    @property
    def body(self) -> str:
        return canonical_json({"event": NOTIFICATION_DUE, **asdict(self)})


def last_runs(messages: Iterable[OrderMessage | ReportMessage | NotificationMessage | None]) -> dict[str, int]:
    """By row: the highest replay there is among them. Messages of lower ones are old copies."""
    ours = (message for message in messages if message)
    return {message.row_id: message.replay for message in sorted(ours, key=lambda each: each.replay)}


@dataclass(frozen=True)
class Received:
    """One message as a worker received it, whatever it says."""

    message_id: str
    receipt_handle: str
    group: str
    receive_count: int
    sent_at: datetime
    correlation_id: str | None = field(default=None, kw_only=True)
    traceparent: str | None = field(default=None, kw_only=True)
    """The trace it was sent in ("Trace Context", 3.2); None where nobody traced."""

    def seconds_since_sent(self, now: datetime) -> float:
        """Never less than none: SQS and the worker have a clock each."""
        return max(0.0, (now - self.sent_at).total_seconds())


@dataclass(frozen=True)
class Delivery(Received):
    """A message about an order. `message` is None where the body is not one of ours."""

    message: OrderMessage | None


@dataclass(frozen=True)
class ReportDelivery(Received):
    """A message about a report. `message` is None where the body is not one of ours."""

    message: ReportMessage | None


@dataclass(frozen=True)
class NotificationDelivery(Received):
    """A message about a notification. `message` is None where the body is not one of ours."""

    message: NotificationMessage | None
