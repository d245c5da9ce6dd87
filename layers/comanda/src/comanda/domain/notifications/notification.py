"""A notification: one change, told to one receiver. The states it can be in, and every change it can go through.

As with orders, a change gives a new `Notification` with the next `version`, and storage accepts it only where the row
still has the version the change was made from.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Self

from comanda.domain.changes.row_changes import Change
from comanda.domain.delivery.work_item import By, Failure, WorkItem
from comanda.domain.shared.canonical import canonical_json
from comanda.domain.shared.errors import IllegalTransition
from comanda.domain.shared.notify import Channel

STAGE = "delivery"
"""The one stage of a notification."""

_NOTIFICATIONS = uuid.UUID("6d3c1f0e-9a55-4b7e-8c2e-0f6f7a1b2c3d")
_RECEIVERS = uuid.UUID("a2f7c9d4-51b6-4e0f-9d3a-7e8b1c2d3f40")


class NotificationStatus(StrEnum):
    """Where a notification stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"
    ENDED = "ended"
    """Not told: the receiver has said that it wants nothing more (410)."""


@dataclass(frozen=True)
class Notification(WorkItem):
    """One thing that one receiver is to be told, and what became of it."""

    notification_id: str
    """The same at every attempt, and what a receiver tells a repeated event by (P10): its `webhook-id`."""
    caller: str
    channel: Channel
    target: str
    """A URL or an address."""
    event: str
    """`order.completed`."""
    subject_id: str
    """The order's or the report's id."""
    happened_at: datetime
    data: Mapping[str, Any]
    """The order or the report as it was then; plain JSON values."""
    correlation_id: str
    locale: str | None = None
    status: NotificationStatus = NotificationStatus.WAITING

    kind: ClassVar[str] = "notification"

    @property
    def row_id(self) -> str:
        return self.notification_id

    @property
    def receiver_id(self) -> str:
        return receiver_id(self.caller, self.channel, self.target)

    @property
    def message_group(self) -> str:
        """What one receiver is sent about one order or report comes in order, and a receiver that does not answer holds
        up nothing else."""
        return str(uuid.uuid5(uuid.UUID(self.receiver_id), self.subject_id))

    @property
    def log_keys(self) -> Mapping[str, str]:
        return {
            "notification_id": self.notification_id,
            "event": self.event,
            f"{self.event.partition('.')[0]}_id": self.subject_id,
            "channel": self.channel.value,
            "receiver_id": self.receiver_id,
            "caller": self.caller,
            "correlation_id": self.correlation_id,
            "status": self.status.value,
        }

    @property
    def is_failed(self) -> bool:
        return self.status is NotificationStatus.FAILED

    def has_hash(self, payload_hash: str | None) -> bool:
        """What it says never changes."""
        return payload_hash is None

    def is_over(self, now: datetime) -> bool:  # noqa: ARG002
        return self.status in {NotificationStatus.DELIVERED, NotificationStatus.ENDED}

    def delivered(self, now: datetime) -> Self:
        return self._changed(now, status=NotificationStatus.DELIVERED)

    def ended(self, now: datetime) -> Self:
        return self._changed(now, status=NotificationStatus.ENDED)

    def failed(self, failure: Failure) -> Self:
        return self._changed(failure.at, status=NotificationStatus.FAILED, failure=failure)

    def set_aside(self, now: datetime) -> Self:
        """A failed notification that nobody needs to look at any more. Raises IllegalTransition for any other."""
        if not self.is_failed:
            raise IllegalTransition(f"notification {self.notification_id} is {self.status}, and cannot be discarded")
        return self._changed(now, discarded=True)

    def _opening(self, by: By, now: datetime, note: str) -> Mapping[str, Any]:  # noqa: ARG002
        """An operator may want it delivered once more, also where it was delivered already."""
        waits = self.status is NotificationStatus.WAITING
        may = {By.OPERATOR: not waits, By.CONSOLE: waits or self.is_failed, By.CLIENT: False}
        if not may.get(by, waits):
            raise IllegalTransition(f"notification {self.notification_id} is {self.status}, and stays so")
        return {"status": NotificationStatus.WAITING}


def notification_id(change: Change, caller: str, channel: Channel, target: str) -> str:
    """UUIDv5 (RFC 9562) of the change and who is notified of it: the same however often the change is read."""
    named = [change.subject, change.subject_id, change.version, change.status, caller, channel, target]
    return str(uuid.uuid5(_NOTIFICATIONS, canonical_json(named)))


def receiver_id(caller: str, channel: Channel, target: str) -> str:
    """Of a caller's URL or address. Another caller's is another receiver: it has other secrets, and ends on its own."""
    return str(uuid.uuid5(_RECEIVERS, canonical_json([caller, channel, target])))
