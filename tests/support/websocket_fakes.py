"""Small fakes of what WebSockets need.

tests/contract/live/test_connection_table.py holds them to what the table does.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from comanda.application.live.ports import Gone
from comanda.domain.live.subscriptions import MAX_HELD, MAX_SUBSCRIPTIONS, Connection, Notice, Subscription, Topic
from comanda.domain.shared.errors import TooManySubscriptions, Unavailable

Key = tuple[str, Topic]


@dataclass
class FakeSubscriptions:
    connections: dict[str, Connection] = field(default_factory=dict)
    topics: dict[str, set[Topic]] = field(default_factory=dict)
    rows: dict[Key, Subscription] = field(default_factory=dict)
    held: dict[Key, list[Notice]] = field(default_factory=dict)
    begun: int = 0

    def open(self, connection: Connection) -> None:
        self.connections[connection.connection_id] = connection
        self.topics[connection.connection_id] = set()

    def connection(self, connection_id: str) -> Connection | None:
        return self.connections.get(connection_id)

    def close(self, connection_id: str, known: Iterable[Topic] = ()) -> None:
        for topic in {*self.topics.pop(connection_id, set()), *known}:
            self.rows.pop((connection_id, topic), None)
        self.connections.pop(connection_id, None)

    def begin(self, connection: Connection, topic: Topic, now: datetime) -> Subscription:
        connection_id = connection.connection_id
        if connection_id not in self.connections:
            raise Gone(connection_id)
        topics = self.topics[connection_id]
        if topic not in topics and len(topics) >= MAX_SUBSCRIPTIONS:
            raise TooManySubscriptions("too many")
        topics.add(topic)
        self.begun += 1
        begun = Subscription(connection_id, topic, f"attempt-{self.begun}", now)
        self.rows[connection_id, topic], self.held[connection_id, topic] = begun, []
        return begun

    def activate(self, subscription: Subscription, told: int, sent: int) -> Sequence[Notice]:
        key = (subscription.connection_id, subscription.topic)
        there = self.rows.get(key)
        if there is None or there.attempt != subscription.attempt or not there.is_pending:
            return ()
        if len(self.held[key]) != sent:
            return tuple(self.held[key])
        self.rows[key] = replace(there, told=told)
        return ()

    def hold(self, subscription: Subscription, notices: Sequence[Notice]) -> Subscription | None:
        key = (subscription.connection_id, subscription.topic)
        there = self.rows.get(key)
        if there is None or not there.is_pending:
            return there
        if len(self.held[key]) + len(notices) > MAX_HELD:
            raise Unavailable("holds too much")
        self.held[key] += notices
        return None

    def told(self, subscription: Subscription, version: int) -> None:
        key = (subscription.connection_id, subscription.topic)
        there = self.rows.get(key)
        if there and there.attempt == subscription.attempt and there.told is not None and there.told < version:
            self.rows[key] = replace(there, told=version)

    def end(self, connection_id: str, topic: Topic) -> None:
        self.rows.pop((connection_id, topic), None)
        self.topics.get(connection_id, set()).discard(topic)

    def to(self, topic: Topic) -> Sequence[Subscription]:
        return [row for (_, of), row in self.rows.items() if of == topic]


@dataclass
class FakeClients:
    received: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    disconnected: list[str] = field(default_factory=list)
    errors: dict[str, list[Exception]] = field(default_factory=lambda: defaultdict(list))
    """By connection; each is raised once, and nothing is sent then."""
    before_post: Callable[[str, str], Any] = lambda *_: None

    def post(self, connection_id: str, text: str) -> None:
        self.before_post(connection_id, text)
        if self.errors[connection_id]:
            raise self.errors[connection_id].pop(0)
        self.received[connection_id].append(text)

    def disconnect(self, connection_id: str) -> None:
        self.disconnected.append(connection_id)
