"""A client subscribes: the snapshot first, then what came while it was on the way, then every change as it comes."""

from dataclasses import dataclass

from comanda.application.live.ports import SNAPSHOT, Clients, Message, Subscriptions, Write
from comanda.application.orders.ports import Balance, Ledger
from comanda.application.orders.read import ReadOrder
from comanda.application.reports.ports import Reports
from comanda.application.reports.read import readable_report
from comanda.application.shared.ports import Clock
from comanda.domain.live.subscriptions import Connection, Subscription, Topic, TopicKind
from comanda.domain.shared.access import Action, Caller
from comanda.domain.shared.errors import RequestError, Unavailable, UnreadableRow


@dataclass(frozen=True)
class Snapshots:
    """What a topic shows now, to those who may see it."""

    read_order: ReadOrder
    reports: Reports
    ledger: Ledger
    currency: str
    clock: Clock

    def __call__(self, caller: Caller, topic: Topic) -> Message:
        """Raises Forbidden, NotFound and UnreadableRow where GET does, and Unavailable."""
        match topic.kind:
            case TopicKind.ORDER:
                order = self.read_order(caller, topic.id)
                return Message(SNAPSHOT, topic, order.version, self.clock(), order)
            case TopicKind.REPORT:
                report = readable_report(self.reports, caller, topic.id).at(self.clock())
                return Message(SNAPSHOT, topic, report.version, self.clock(), report)
            case TopicKind.RECIPIENT:
                balance = self._balance(caller, topic.id)
                return Message(SNAPSHOT, topic, balance.orders_completed, self.clock(), balance)

    def _balance(self, caller: Caller, recipient_id: str) -> Balance:
        """What follows it is every order of the recipient, whoever sent it: so it takes the right to read all orders
        beside the one that GET /recipients/{id} asks for. Who waits for a recipient's first order can subscribe too."""
        caller.require(Action.FOLLOW_RECIPIENT)
        return self.ledger.balance(recipient_id) or Balance(recipient_id, self.currency)


@dataclass(frozen=True)
class Subscribe:
    """Subscribes a connection to an order, a report or a recipient, and gives a snapshot."""

    subscriptions: Subscriptions
    clients: Clients
    snapshot_of: Snapshots
    write: Write
    clock: Clock

    def __call__(self, connection: Connection, topic: Topic) -> None:
        """Raises Forbidden, NotFound, TooManySubscriptions, UnreadableRow, Unavailable: then the subscription does not
        stand. Raises Gone and TooSlow, where the connection is not to be used any more.

        It is stored before the row is read, so that a change that the snapshot does not show finds it there.
        """
        subscription = self.subscriptions.begin(connection, topic, self.clock())
        try:
            snapshot = self.write(self.snapshot_of(connection.caller, topic))
            self.clients.post(connection.connection_id, snapshot.text)
            self._catch_up(subscription, snapshot.version)
        except (RequestError, Unavailable, UnreadableRow):
            self.subscriptions.end(connection.connection_id, topic)
            raise

    def _catch_up(self, subscription: Subscription, version: int) -> None:
        """Send what was held, until nothing more is."""
        versions_compare = subscription.topic.has_one_row
        told, sent = version if versions_compare else 0, 0
        while held := self.subscriptions.activate(subscription, told, sent):
            news = [notice for notice in held[sent:] if notice.version > told]
            for notice in news:
                self.clients.post(subscription.connection_id, notice.text)
            sent = len(held)
            if versions_compare:
                told = max([told, *(notice.version for notice in news)])
