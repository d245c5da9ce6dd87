"""Small fakes of the ports of notifications."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from comanda.adapters.notifications.table import attention_of
from comanda.application.delivery.ports import VersionConflict
from comanda.domain.delivery.work_item import Failure
from comanda.domain.notifications.messages import NotificationMessage
from comanda.domain.notifications.notification import Notification, NotificationStatus
from comanda.domain.shared.errors import Unavailable, UnreadableRow
from comanda.domain.shared.notify import Notify
from tests.support.fakes import mark_sent


@dataclass
class FakeNotifications:
    rows: dict[str, Notification] = field(default_factory=dict)
    unreadable: dict[str, UnreadableRow] = field(default_factory=dict)
    failed_unreadable: dict[str, Failure] = field(default_factory=dict)
    outage: bool = False
    lost_saves: int = 0
    """So many saves do nothing, and answer with an outage."""
    unwritable: set[NotificationStatus] = field(default_factory=set)
    """Saves of such a status meet an outage."""
    before_save: list[Callable[[], None]] = field(default_factory=list)
    """Each is called once, before the next save: what somebody else does in between."""
    lost_answers: int = 0
    """So many saves take effect, and answer with an outage."""

    def put(self, notification: Notification) -> None:
        self.rows[notification.notification_id] = notification

    def add(self, notification: Notification) -> Notification | None:
        self._answer()
        if notification.notification_id in self.unreadable:
            raise self.unreadable[notification.notification_id]
        return self.rows.get(notification.notification_id) or self.rows.update(
            {notification.notification_id: notification}
        )

    def get(self, notification_id: str) -> Notification | None:
        self._answer()
        if notification_id in self.unreadable:
            raise self.unreadable[notification_id]
        return self.rows.get(notification_id)

    def get_many(self, row_ids: Iterable[str]) -> Mapping[str, Notification | UnreadableRow]:
        self._answer()
        rows = self.rows | self.unreadable
        return {row_id: rows[row_id] for row_id in row_ids if row_id in rows}

    def mark_sent(self, owed: Notification, sent: Notification) -> None:
        self._answer()
        mark_sent(self.rows, owed, sent)

    def needing_attention(self, kind: str) -> Iterator[Notification | UnreadableRow]:
        self._answer()
        return iter([*self.unreadable.values(), *(row for row in self.rows.values() if attention_of(row) == kind)])

    def open_in(self, groups: Collection[str], shown: Iterable[Notification]) -> Iterator[Notification | UnreadableRow]:
        self._answer()
        subjects = {row.subject_id for row in shown}
        for row in list(self.rows.values()):
            if row.subject_id in subjects and row.message_group in groups and row.status is NotificationStatus.WAITING:
                yield row

    def fail_unreadable(self, notification_id: str, failure: Failure) -> bool:
        self._answer()
        if notification_id not in self.unreadable or notification_id in self.failed_unreadable:
            return False
        self.failed_unreadable[notification_id] = failure
        return True

    def save(self, before: Notification, after: Notification) -> None:
        self._answer()
        if self.before_save:
            self.before_save.pop(0)()
        if after.status in self.unwritable:
            raise Unavailable("notifications table: ThrottlingException")
        if self.lost_saves:
            self.lost_saves -= 1
            raise Unavailable("notifications table: ThrottlingException")
        if self.rows[after.notification_id].version != before.version:
            raise VersionConflict(after.notification_id)
        self.put(after)
        if self.lost_answers:
            self.lost_answers -= 1
            raise Unavailable("notifications table: ConnectionClosedError")

    def _answer(self) -> None:
        if self.outage:
            raise Unavailable("notifications table: ThrottlingException")


@dataclass
class FakeSubscriptions:
    ended: set[str] = field(default_factory=set)
    defaults: dict[str, Notify] = field(default_factory=dict)

    def default_of(self, caller: str) -> Notify | None:
        return self.defaults.get(caller)

    def has_ended(self, receiver_id: str) -> bool:
        return receiver_id in self.ended

    def end(self, notification: Notification) -> None:
        self.ended.add(notification.receiver_id)


@dataclass
class FakeNotificationPublisher:
    sent: list[NotificationMessage] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    outage: bool = False
    at_publish: Callable[[Notification], object] = lambda _: None

    def publish(self, notification: Notification) -> None:
        if self.outage:
            raise Unavailable("queue: ServiceUnavailable")
        self.at_publish(notification)
        self.sent.append(NotificationMessage(notification.notification_id, notification.replay))
        self.groups.append(notification.message_group)


@dataclass
class FakeReceivers:
    """Implements `Sender`: who is told what, and what happens by target."""

    told: list[tuple[str, str, str]] = field(default_factory=list)
    """Target, event and notification id."""
    errors: dict[str, list[Exception]] = field(default_factory=dict)
    """By target: the next call raises the first; the last one stays."""
    unprepared: Exception | None = None
    on_call: Callable[[Notification], None] = lambda _: None

    def prepare(self, notification: Notification) -> Callable[[], None]:
        if self.unprepared:
            raise self.unprepared
        return lambda: self._call(notification)

    def _call(self, notification: Notification) -> None:
        self.told.append((notification.target, notification.event, notification.notification_id))
        self.on_call(notification)
        errors = self.errors.get(notification.target, [])
        if errors:
            raise errors.pop(0) if len(errors) > 1 else errors[0]


class NoLinks:
    """Implements `NotificationLinks`."""

    def added_to(self, notification: Notification) -> Mapping[str, Any]:
        return notification.data
