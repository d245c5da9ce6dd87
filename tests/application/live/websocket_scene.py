"""Subscribing and broadcasting with fakes around them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from comanda.application.live.broadcast import Broadcast
from comanda.application.live.drop_connection import DropConnection
from comanda.application.live.ports import Message
from comanda.application.live.subscribe import Snapshots, Subscribe
from comanda.application.orders.read import ReadOrder
from comanda.domain.changes.row_changes import changes_of_order
from comanda.domain.live.subscriptions import Connection, Notice, Topic, TopicKind
from comanda.domain.orders.order import Order
from comanda.domain.shared.access import Caller, Scope
from tests.support.builders import NOW, a_caller
from tests.support.fakes import FakeClock, FakeLedger, FakeOrders, FakeTelemetry, OneAfterAnother
from tests.support.report_fakes import FakeReports
from tests.support.websocket_fakes import FakeClients, FakeSubscriptions

OPS = a_caller("ops", scopes=frozenset(Scope))


def write(message: Message) -> Notice:
    """`snapshot 2` or `order.completed 5`, and of which order where it is one of a recipient's."""
    about = f" of {message.subject.order_id}" if isinstance(message.subject, Order) and not _is_own(message) else ""
    return Notice(message.version, f"{message.type} {message.version}{about}")


def _is_own(message: Message) -> bool:
    return message.topic.kind is not TopicKind.RECIPIENT


@dataclass
class Scene:
    orders: Any = field(default_factory=FakeOrders)
    reports: FakeReports = field(default_factory=FakeReports)
    subscriptions: Any = field(default_factory=FakeSubscriptions)
    clients: Any = field(default_factory=FakeClients)
    clock: FakeClock = field(default_factory=FakeClock)
    telemetry: FakeTelemetry = field(default_factory=FakeTelemetry)

    def __post_init__(self) -> None:
        self.ledger = FakeLedger(self.orders)
        snapshots = Snapshots(ReadOrder(self.orders), self.reports, self.ledger, "BRL", self.clock)
        self._subscribe = Subscribe(self.subscriptions, self.clients, snapshots, write, self.clock)
        drop = DropConnection(self.subscriptions, self.clients, self.telemetry)
        self._broadcast = Broadcast(self.subscriptions, self.clients, write, drop, self.clock, OneAfterAnother())

    def connect(self, connection_id: str = "c-1", caller: Caller = OPS) -> Connection:
        connection = Connection(connection_id, caller, NOW)
        self.subscriptions.open(connection)
        return connection

    def subscribe(self, connection: Connection, topic: Topic) -> None:
        self._subscribe(connection, topic)

    def broadcast(self, *writes: tuple[Order | None, Order]) -> None:
        """Each an order before and after a write."""
        self._broadcast([(after, changes_of_order(before, after)) for before, after in writes])

    def received(self, connection_id: str = "c-1") -> Sequence[str]:
        texts: list[str] = self.clients.received[connection_id]
        return texts


def topic_of(order: Order) -> Topic:
    return Topic(TopicKind.ORDER, order.order_id)


def recipient_of(order: Order) -> Topic:
    return Topic(TopicKind.RECIPIENT, order.recipient_id)
