"""The notifications table, and what callers have said once for all about being told."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from comanda.adapters.aws import answering, from_dynamodb, to_dynamodb
from comanda.adapters.notify_rows import notify_from_text, notify_to_text
from comanda.adapters.present import present
from comanda.adapters.versioned_rows import ATTENTION_INDEX, VersionedRows
from comanda.adapters.work_item_rows import attention_kind_of, work_from_row, work_to_row
from comanda.application.delivery.ports import FAILED, OPEN
from comanda.application.ports import Clock
from comanda.domain.canonical import canonical_json
from comanda.domain.notification import STAGE, Notification, NotificationStatus
from comanda.domain.notify import Channel, Notify
from comanda.domain.times import from_iso, to_iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT = timedelta(days=30)
"""Longer than a queue keeps a message (14 days), twice over: one that was redriven is not forgotten either."""
MAX_AGE = timedelta(minutes=1)
"""So long, at most, a caller's new default is not known everywhere."""
SUBJECT_INDEX = "subject"


@dataclass(frozen=True)
class NotificationTable:
    """Implements `Notifications` and `RowsInNeed`."""

    client: "DynamoDBClient"
    name: str

    def add(self, notification: Notification) -> Notification | None:
        found = self._rows.claim(to_row(notification))
        return from_row(found) if found else None

    def get(self, notification_id: str) -> Notification | None:
        row = self._rows.get(notification_id)
        return from_row(row) if row else None

    def save(self, before: Notification, after: Notification) -> None:
        self._rows.save(to_row(before), to_row(after))

    def get_many(self, notification_ids: Iterable[str]) -> Mapping[str, Notification]:
        return {
            notification_id: from_row(row) for notification_id, row in self._rows.get_many(notification_ids).items()
        }

    def mark_sent(self, owed: Notification, sent: Notification) -> None:
        self._rows.mark_sent(to_row(owed), to_row(sent))

    def of_subject(self, subject_id: str) -> Iterator[Notification]:
        """All about an order or a report, in the order in which they happened; the index is a moment behind."""
        for rows in self._rows.listed(SUBJECT_INDEX, "subject_id", subject_id):
            yield from sorted(map(from_row, rows.values()), key=lambda each: each.happened_at)

    def needing_attention(self, kind: str) -> Iterator[Notification]:
        """All that are OWED or FAILED, the oldest of each page first; the index is a moment behind,
        the rows are not."""
        for rows in self._rows.listed(ATTENTION_INDEX, "attention", kind):
            yield from sorted(map(from_row, rows.values()), key=lambda each: each.created_at)

    def open_in(self, groups: Collection[str], shown: Iterable[Notification]) -> Iterator[Notification]:
        for subject_id in {notification.subject_id for notification in shown}:
            for notification in self.of_subject(subject_id):
                if notification.status is NotificationStatus.WAITING and notification.message_group in groups:
                    yield notification

    def failed(self) -> Iterator[Notification]:
        return self.needing_attention(FAILED)

    @property
    def _rows(self) -> VersionedRows:
        return VersionedRows(self.client, self.name, "notification_id", "notifications table")


@dataclass(frozen=True)
class SubscriptionTable:
    """Implements `Subscriptions`. One item `default/<caller>`, one item `ended/<receiver id>`."""

    client: "DynamoDBClient"
    name: str

    def default_of(self, caller: str) -> Notify | None:
        row = self._get(_default(caller))
        return next(iter(notify_from_text(row["notify"])), None) if row else None

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
        """The receiver is told again."""
        self._delete(_ended(receiver_id))

    def _get(self, key: str) -> Mapping[str, Any] | None:
        with answering("subscriptions table"):
            answer = self.client.get_item(TableName=self.name, Key=to_dynamodb({"id": key}))
        return from_dynamodb(answer["Item"]) if "Item" in answer else None

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
    return present(
        {
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
            "created_at": to_iso(notification.created_at),
            "expires_at": int((notification.created_at + KEPT).timestamp()),
        }
    )


def from_row(row: Mapping[str, Any]) -> Notification:
    return Notification(
        notification_id=row["notification_id"],
        caller=row["caller"],
        channel=Channel(row["channel"]),
        target=row["target"],
        event=row["event"],
        subject_id=row["subject_id"],
        happened_at=from_iso(row["happened_at"]),
        data=json.loads(row["data"]),
        correlation_id=row["correlation_id"],
        locale=row.get("locale"),
        status=NotificationStatus(row["status"]),
        created_at=from_iso(row["created_at"]),
        **work_from_row(row, STAGE),
    )


def attention_of(notification: Notification) -> str | None:
    """The key of the sparse index `attention`: what is owed, and what failed. What waits is found by its subject."""
    over = notification.status in {NotificationStatus.DELIVERED, NotificationStatus.ENDED}
    kind = attention_kind_of(notification, is_over=over)
    return None if kind == OPEN else kind
