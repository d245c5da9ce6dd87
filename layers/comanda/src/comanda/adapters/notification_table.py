"""The notifications table, and what callers have said once for all about being told."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from comanda.adapters.aws import answering, decoded, to_dynamodb
from comanda.adapters.notify_rows import notify_of, notify_to_text
from comanda.adapters.present import present
from comanda.adapters.row_fields import (
    SCHEMA,
    Fields,
    count,
    from_json,
    inside,
    is_unreadable,
    moment,
    name,
    one_of,
    reading,
    text,
)
from comanda.adapters.tried_rows import attempts_from_row, attempts_to_row, failure_from_row, failure_to_row
from comanda.adapters.versioned_rows import VersionedRows
from comanda.application.ports import Clock
from comanda.domain.canonical import canonical_json
from comanda.domain.errors import UnreadableRow
from comanda.domain.notification import Notification, NotificationStatus
from comanda.domain.notify import Channel, Notify
from comanda.domain.times import to_iso
from comanda.domain.tried import MessageFailure

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT = timedelta(days=30)
"""Longer than a queue keeps a message (14 days), twice over: one that was redriven is not forgotten either."""
MAX_AGE = timedelta(minutes=1)
"""So long, at most, a caller's new default is not known everywhere."""
SUBJECT_INDEX = "subject"
FAILED_INDEX = "failed"
_OVER = frozenset({NotificationStatus.DELIVERED, NotificationStatus.ENDED})


@dataclass(frozen=True)
class NotificationTable:
    """Implements `Notifications`."""

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

    def fail_unreadable(self, notification_id: str, failure: MessageFailure) -> bool:
        row = self._rows.get(notification_id)
        if row is None or not is_unreadable(row, from_row):
            return False
        return self._rows.fail_unreadable(row, _OVER, failure_to_row(failure), {"failed": "failed"})

    def of_subject(self, subject_id: str) -> Iterator[Notification | UnreadableRow]:
        """All about an order or a report, in the order in which they happened; the index is a moment behind."""
        return self._query(SUBJECT_INDEX, "subject_id", subject_id)

    def failed(self) -> Iterator[Notification | UnreadableRow]:
        """All that failed, the oldest first; the index is a moment behind."""
        return self._query(FAILED_INDEX, "failed", "failed")

    def _query(self, index: str, key: str, value: str) -> Iterator[Notification | UnreadableRow]:
        """The index names the rows, which are read as they stand now."""
        with answering("notifications table"):
            for page in self.client.get_paginator("query").paginate(
                TableName=self.name,
                IndexName=index,
                KeyConditionExpression="#key = :value",
                ExpressionAttributeNames={"#key": key},
                ExpressionAttributeValues=to_dynamodb({":value": value}),
            ):
                for item in page["Items"]:
                    try:
                        found: Notification | UnreadableRow | None = self.get(item["notification_id"]["S"])
                    except UnreadableRow as error:
                        found = error
                    if found:
                        yield found

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
        """The receiver is told again."""
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
    failed = notification.status is NotificationStatus.FAILED
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
            "failed": "failed" if failed else None,
            "attempts": attempts_to_row(notification.attempts) if notification.attempts else None,
            "failure": failure_to_row(notification.failure) if notification.failure else None,
            "replay": notification.replay,
            "rescues": notification.rescues or None,
            "version": notification.version,
            "created_at": to_iso(notification.created_at),
            "updated_at": to_iso(notification.updated_at),
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
        attempts=row.find("attempts", inside(attempts_from_row)),
        failure=row.find("failure", inside(failure_from_row)),
        replay=row.get("replay", count),
        rescues=row.find("rescues", count) or 0,
        version=row.get("version", count),
        created_at=row.get("created_at", moment),
        updated_at=row.get("updated_at", moment),
    )
