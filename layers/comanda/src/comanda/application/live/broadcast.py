"""Changes of orders and reports, read off the tables' streams, go to every client that subscribed to them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from comanda.application.delivery.ports import Executor
from comanda.application.live.drop_connection import DropConnection
from comanda.application.live.ports import Clients, Gone, Message, Subscriptions, TooSlow, Write
from comanda.application.shared.ports import Clock
from comanda.domain.changes.row_changes import Change
from comanda.domain.live.subscriptions import Notice, Subscription, Topic, topics_of
from comanda.domain.orders.order import Order
from comanda.domain.reports.report import Report
from comanda.domain.shared.errors import Unavailable

Changed = tuple[Order | Report, Sequence[Change]]
"""A row after a write, and the changes that the write made."""


@dataclass(frozen=True)
class Broadcast:
    """Each connection is served on its own and in order, so that none waits for another."""

    subscriptions: Subscriptions
    clients: Clients
    write: Write
    drop: DropConnection
    clock: Clock
    executor: Executor

    def __call__(self, batch: Sequence[Changed]) -> None:
        """Raises Unavailable, once everybody else was served, for the stream to hand the batch over again. What a
        client was sent is written down by then, and not sent twice."""
        messages = _by_topic(batch)
        found = [each for of_topic in self.executor.map(self.subscriptions.to, messages) for each in of_topic]
        notices = {topic: [self.write(each) for each in messages[topic]] for topic in {each.topic for each in found}}
        connections: dict[str, list[Subscription]] = defaultdict(list)
        for subscription in found:
            connections[subscription.connection_id].append(subscription)
        outages = [*self.executor.map(lambda each: self._serve(each, notices), connections.values())]
        if unserved := [outage for outage in outages if outage]:
            raise Unavailable(f"{len(unserved)} of {len(connections)} connections were not served: {unserved[0]}")

    def _serve(
        self, subscriptions: Sequence[Subscription], notices: Mapping[Topic, Sequence[Notice]]
    ) -> Unavailable | None:
        """Tell one connection all that is new to it; give the outage for which it could not be notified."""
        try:
            try:
                for subscription in subscriptions:
                    self._tell(subscription, notices[subscription.topic])
            except (Gone, TooSlow) as reason:
                self.drop(subscriptions[0].connection_id, reason, [each.topic for each in subscriptions])
        except Unavailable as outage:
            return outage
        return None

    def _tell(self, subscription: Subscription, notices: Sequence[Notice]) -> None:
        if subscription.is_pending:
            if subscription.is_abandoned(self.clock()):
                return
            now_active = self.subscriptions.hold(subscription, notices)
            if now_active is None:
                return
            subscription = now_active
        news = (notice for notice in notices if not subscription.knows(notice))
        for version, of_one_write in groupby(news, lambda notice: notice.version):
            for notice in of_one_write:
                self.clients.post(subscription.connection_id, notice.text)
            if subscription.topic.has_one_row:
                self.subscriptions.told(subscription, version)


def _by_topic(batch: Sequence[Changed]) -> dict[Topic, list[Message]]:
    """All messages there may be to send, by whom they are for, each topic's in their order."""
    messages: dict[Topic, list[Message]] = defaultdict(list)
    for subject, changes in batch:
        for topic in topics_of(subject):
            messages[topic] += [Message(each.type, topic, each.version, each.at, subject) for each in changes]
    return messages
