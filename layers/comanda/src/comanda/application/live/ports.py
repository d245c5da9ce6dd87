"""What the use cases of WebSockets need from the world outside."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from comanda.application.orders.ports import Balance
from comanda.domain.live.subscriptions import Connection, Notice, Subscription, Topic
from comanda.domain.orders.order import Order
from comanda.domain.reports.report import Report

SNAPSHOT = "snapshot"


class Gone(Exception):
    """The connection is closed, and nothing can be sent to it any more."""


class TooSlow(Exception):
    """The client does not read what it is sent, and API Gateway takes no more for it."""


@dataclass(frozen=True)
class Message:
    """What a client is sent about a topic. `type` is `snapshot`, or that of a change: `order.completed`."""

    type: str
    topic: Topic
    version: int
    at: datetime
    subject: Order | Report | Balance
    """As it stood at that version."""


Write = Callable[[Message], Notice]
"""Puts a message into the form in which clients get it."""


class Subscriptions(Protocol):
    """Connections and their subscriptions. Every method raises Unavailable where storage does not answer."""

    def open(self, connection: Connection) -> None: ...

    def connection(self, connection_id: str) -> Connection | None:
        """As it stands now (strongly consistent); None once it is closed."""

    def close(self, connection_id: str, known: Iterable[Topic] = ()) -> None:
        """Forget a connection with all its subscriptions, those to the topics in `known` in any case."""

    def begin(self, connection: Connection, topic: Topic, now: datetime) -> Subscription:
        """Store a pending subscription, in the place of one that there may be.

        Raises Gone where the connection is closed, TooManySubscriptions past MAX_SUBSCRIPTIONS.
        """

    def activate(self, subscription: Subscription, told: int, sent: int) -> Sequence[Notice]:
        """Make it active, where it holds no more than the `sent` notices that are known; then give nothing.

        Otherwise change nothing, and give all it holds. What was ended or begun again meanwhile has nothing to give.
        """

    def hold(self, subscription: Subscription, notices: Sequence[Notice]) -> Subscription | None:
        """Hold notices for whoever sends the snapshot; then give None. Where it is not pending any more, change
        nothing, and give it as it stands now; None too where it was ended. Raises Unavailable past MAX_HELD."""

    def told(self, subscription: Subscription, version: int) -> None:
        """The client knows this version. Changes nothing where it knows a later one, or the subscription ended."""

    def end(self, connection_id: str, topic: Topic) -> None: ...

    def to(self, topic: Topic) -> Sequence[Subscription]:
        """All there are, as they stand now (strongly consistent): a subscription stored before a change is seen by
        whoever tells of that change."""


class Clients(Protocol):
    """The open WebSockets, side by side from threads."""

    def post(self, connection_id: str, text: str) -> None:
        """Send a message; those sent one after another arrive in that order. Raises Gone, TooSlow, Unavailable."""

    def disconnect(self, connection_id: str) -> None:
        """Close it, so that the client connects again. Never raises for an outage: it then stays open, in silence."""
