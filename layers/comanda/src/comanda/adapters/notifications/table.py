"""The notifications table, and what callers have said once for all about being told."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from comanda.adapters.aws.errors import answering
from comanda.adapters.aws.notify_rows import notify_of, notify_to_text
from comanda.adapters.aws.present import present
from comanda.adapters.aws.row_fields import (
    SCHEMA,
    Fields,
    from_json,
    inside,
    moment,
    name,
    one_of,
    reading,
    text,
)
from comanda.adapters.aws.values import decoded, to_dynamodb
from comanda.adapters.aws.versioned_rows import ATTENTION_INDEX
from comanda.adapters.delivery.work_item_rows import attention_kind_of, work_from_row, work_to_row
from comanda.adapters.delivery.work_item_table import WorkItemTable
from comanda.application.delivery.ports import FAILED, OPEN
from comanda.application.shared.ports import Clock
from comanda.domain.notifications.notification import STAGE, Notification, NotificationStatus
from comanda.domain.shared.canonical import canonical_json
from comanda.domain.shared.errors import UnreadableRow
from comanda.domain.shared.notify import Channel, Notify
from comanda.domain.shared.times import to_iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT = timedelta(days=30)
"""Longer than a queue keeps a message (14 days), twice over: one that was redriven is not forgotten either."""
MAX_AGE = timedelta(minutes=1)
"""So long, at most, a caller's new default is not known everywhere."""
SUBJECT_INDEX = "subject"
_OVER = frozenset({NotificationStatus.DELIVERED, NotificationStatus.ENDED})


class NotificationTable(WorkItemTable[Notification]):
    """Implements `Notifications` and `RowsInNeed`."""

    key = "notification_id"
    what = "notifications table"
    over = _OVER

    def to_row(self, item: Notification) -> dict[str, Any]:
        return to_row(item)

    def from_row(self, row: Mapping[str, Any]) -> Notification:
        return from_row(row)

    def attention_of_failed(self, row_id: str) -> str:  # noqa: ARG002
        return FAILED

    def add(self, notification: Notification) -> Notification | None:
        return self.claim(notification)

    def of_subject(self, subject_id: str) -> Iterator[Notification | UnreadableRow]:
        """All about an order or a report, the oldest of each page first; the index is a moment behind, the rows are
        not."""
        for page in self._listed(SUBJECT_INDEX, "subject_id", subject_id):
            yield from page

    def needing_attention(self, kind: str) -> Iterator[Notification | UnreadableRow]:
        """All that are OWED or FAILED, the oldest of each page first. The index is a moment behind, the rows are
        not."""
        for page in self._listed(ATTENTION_INDEX, "attention", kind):
            yield from page

    def open_in(self, groups: Collection[str], shown: Iterable[Notification]) -> Iterator[Notification | UnreadableRow]:
        for subject_id in {notification.subject_id for notification in shown}:
            for found in self.of_subject(subject_id):
                if isinstance(found, UnreadableRow) or _waits_in(groups, found):
                    yield found

    def failed(self) -> Iterator[Notification | UnreadableRow]:
        return self.needing_attention(FAILED)


@dataclass(frozen=True)
class SubscriptionTable:
    """Implements `Subscriptions`. One item `default/<caller>`, one item `ended/<receiver id>`."""

    client: "DynamoDBClient"
    name: str

    def default_of(self, caller: str) -> Notify | None:
        row = self._get(_default(caller))
        return next(iter(reading(_default(caller), row, notify_of)), None) if row else None

    def set_default(self, caller: str, notify: Notify) -> None:
        self._put({"id": _default(caller), "caller": caller, "notify": notify_to_text(notify)})

    def clear_default(self, caller: str) -> None:
        self._delete(_default(caller))

    def has_ended(self, receiver_id: str) -> bool:
        return self._get(_ended(receiver_id)) is not None

    def end(self, notification: Notification) -> None:
        self._put(
            {"id": _ended(notification.receiver_id), "caller": notification.caller, "target": notification.target}
        )

    def resume(self, receiver_id: str) -> None:
        """The receiver is notified again."""
        self._delete(_ended(receiver_id))

    def _get(self, key: str) -> Mapping[str, Any] | None:
        with answering("subscriptions table"):
            answer = self.client.get_item(TableName=self.name, Key=to_dynamodb({"id": key}))
        return decoded(answer["Item"]) if "Item" in answer else None

    def _put(self, row: Mapping[str, Any]) -> None:
        with answering("subscriptions table"):
            self.client.put_item(TableName=self.name, Item=to_dynamodb(row))

    def _delete(self, key: str) -> None:
        with answering("subscriptions table"):
            self.client.delete_item(TableName=self.name, Key=to_dynamodb({"id": key}))


class CachedDefaults:
    """Implements `DefaultNotify`. What was read, also that there is none, is gone on with for MAX_AGE."""

    def __init__(self, table: SubscriptionTable, clock: Clock) -> None:
        self._table = table
        self._clock = clock
        self._read: dict[str, tuple[datetime, Notify | None]] = {}

    def __call__(self, caller: str) -> Notify | None:
        now = self._clock()
        if caller not in self._read or self._read[caller][0] <= now - MAX_AGE:
            self._read[caller] = now, self._table.default_of(caller)
        return self._read[caller][1]


def _default(caller: str) -> str:
    return f"default/{caller}"


def _ended(receiver_id: str) -> str:
    return f"ended/{receiver_id}"


def to_row(notification: Notification) -> dict[str, Any]:
    """A notification as its row."""
    return present(
        {
            "schema": SCHEMA,
            "notification_id": notification.notification_id,
            "caller": notification.caller,
            "channel": notification.channel.value,
            "target": notification.target,
            "event": notification.event,
            "subject_id": notification.subject_id,
            "happened_at": to_iso(notification.happened_at),
            "data": canonical_json(dict(notification.data)),
            "correlation_id": notification.correlation_id,
            "locale": notification.locale,
            "status": notification.status.value,
            "attention": attention_of(notification),
            **work_to_row(notification),
            "expires_at": int((notification.created_at + KEPT).timestamp()),
        }
    )


def from_row(row: Mapping[str, Any]) -> Notification:
    """Raises UnreadableRow."""
    return reading(str(row.get("notification_id")), row, _notification)


def _notification(row: Fields) -> Notification:
    return Notification(
        notification_id=row.get("notification_id", name),
        caller=row.get("caller", name),
        channel=row.get("channel", one_of(Channel)),
        target=row.get("target", name),
        event=row.get("event", name),
        subject_id=row.get("subject_id", name),
        happened_at=row.get("happened_at", moment),
        data=row.get("data", from_json(inside(lambda fields: dict(fields.values)))),
        correlation_id=row.get("correlation_id", text),
        locale=row.find("locale", text),
        status=row.get("status", one_of(NotificationStatus)),
        **work_from_row(row, STAGE),
    )


def _waits_in(groups: Collection[str], notification: Notification) -> bool:
    return notification.status is NotificationStatus.WAITING and notification.message_group in groups


def attention_of(notification: Notification) -> str | None:
    """The key of the sparse index `attention`: what is owed, and what failed. What waits is found by its subject."""
    kind = attention_kind_of(notification, is_over=notification.status in _OVER)
    return None if kind == OPEN else kind
