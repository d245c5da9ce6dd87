"""What a WebSocket client can subscribe to, and what it has been sent so far.

A subscription begins *pending*: its snapshot is on the way, and changes that come meanwhile are held for the one who
sends it. Once it is *active*, changes are sent straight to the client. So the snapshot comes first, and nothing is lost
between the two (docs/decisions/0012).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from comanda.domain.orders.order import Order
from comanda.domain.reports.report import Report
from comanda.domain.shared.access import Caller

MAX_SUBSCRIPTIONS = 50
"""On one connection. Who watches more orders than that subscribes to their recipient."""

MAX_HELD = 10
"""Changes that one pending subscription holds, which it does for tenths of a second. At 32 KB each, they fit a row."""

PENDING_AT_MOST = timedelta(seconds=60)
"""Longer than any function that sends a snapshot may run: what is still pending then, nobody goes on with."""


class TopicKind(StrEnum):
    """What can be subscribed to."""

    ORDER = "order"
    RECIPIENT = "recipient"
    REPORT = "report"


@dataclass(frozen=True)
class Topic:
    """One order, one report, or all orders of one recipient."""

    kind: TopicKind
    id: str

    @property
    def key(self) -> str:
        return f"{self.kind}#{self.id}"

    @property
    def id_field(self) -> str:
        """What the id is called on the wire: `order_id`."""
        return f"{self.kind}_id"

    @property
    def has_one_row(self) -> bool:
        """Its changes are those of one row, and so in the order of its versions. A recipient's are of many orders."""
        return self.kind is not TopicKind.RECIPIENT


def topics_of(subject: Order | Report) -> tuple[Topic, ...]:
    """Whoever subscribed to one of these is notified of the subject's changes."""
    if isinstance(subject, Report):
        return (Topic(TopicKind.REPORT, subject.report_id),)
    return (Topic(TopicKind.ORDER, subject.order_id), Topic(TopicKind.RECIPIENT, subject.recipient_id))


@dataclass(frozen=True)
class Notice:
    """A change or a snapshot as it goes over the wire, and the version of the row it shows."""

    version: int
    text: str


@dataclass(frozen=True)
class Connection:
    """An open WebSocket, and who opened it."""

    connection_id: str
    caller: Caller
    connected_at: datetime


@dataclass(frozen=True)
class Subscription:
    """One topic of one connection."""

    connection_id: str
    topic: Topic
    attempt: str
    """Whoever subscribes to the same topic once more begins another one, which takes the place of the first."""
    since: datetime
    told: int | None = None
    """The version that the client knows; None while pending, and 0 where versions do not compare."""

    @property
    def is_pending(self) -> bool:
        return self.told is None

    def is_abandoned(self, now: datetime) -> bool:
        """Whoever was to send its snapshot died; the client was told so, and subscribes again."""
        return self.is_pending and now > self.since + PENDING_AT_MOST

    def knows(self, notice: Notice) -> bool:
        return self.told is not None and self.topic.has_one_row and notice.version <= self.told
