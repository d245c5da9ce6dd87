"""A notification: one change, told to one receiver. The states it can be in, and every change it can go through.

As with orders, a change gives a new `Notification` with the next `version`, and storage accepts it only where the row
still has the version the change was made from.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from comanda.domain.canonical import canonical_json
from comanda.domain.changes import Change
from comanda.domain.errors import IllegalTransition
from comanda.domain.meeting import Verdict
from comanda.domain.messages import NotificationDelivery
from comanda.domain.notify import Channel
from comanda.domain.tried import MessageAttempts, MessageFailure

_NOTIFICATIONS = uuid.UUID("6d3c1f0e-9a55-4b7e-8c2e-0f6f7a1b2c3d")
_RECEIVERS = uuid.UUID("a2f7c9d4-51b6-4e0f-9d3a-7e8b1c2d3f40")


class NotificationStatus(StrEnum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"
    ENDED = "ended"
    """Not told: the receiver has said that it wants nothing more (410)."""


@dataclass(frozen=True)
class Notification:
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
    created_at: datetime
    updated_at: datetime
    locale: str | None = None
    status: NotificationStatus = NotificationStatus.WAITING
    attempts: MessageAttempts | None = None
    failure: MessageFailure | None = None
    replay: int = 0
    """Rises each time it is sent anew, so that the new messages have new bodies."""
    rescues: int = 0
    """How often the steward published it anew because its message was dead-lettered untried."""
    version: int = 1

    @property
    def receiver_id(self) -> str:
        return receiver_id(self.caller, self.channel, self.target)

    @property
    def group(self) -> str:
        """The message group: what one receiver is told of one order or report comes in its order, and a receiver that
        does not answer holds up nothing else."""
        return str(uuid.uuid5(uuid.UUID(self.receiver_id), self.subject_id))

    @property
    def is_over(self) -> bool:
        return self.status in {NotificationStatus.DELIVERED, NotificationStatus.ENDED}

    def attempts_of(self, message_id: str) -> int:
        return self.attempts.count if self.attempts and self.attempts.message_id == message_id else 0

    def tried(self, message_id: str, receive_count: int, now: datetime) -> Self:
        """One attempt of this message is used up."""
        used = MessageAttempts(message_id, self.attempts_of(message_id) + 1, receive_count)
        return replace(self, attempts=used, updated_at=now, version=self.version + 1)

    def is_trying(self, message_id: str, receive_count: int) -> bool:
        """The attempt that was written down at this receive has had no outcome yet."""
        used = self.attempts
        waits = self.status is NotificationStatus.WAITING
        return waits and used is not None and (used.message_id, used.receive_count) == (message_id, receive_count)

    def given_back(self, now: datetime) -> Self:
        """The last attempt came to nothing, and counts for nothing."""
        if self.attempts is None:
            raise IllegalTransition(f"notification {self.notification_id} was not tried")
        used = replace(self.attempts, count=self.attempts.count - 1)
        return replace(self, attempts=used, updated_at=now, version=self.version + 1)

    def delivered(self, now: datetime) -> Self:
        return self._moved(NotificationStatus.DELIVERED, now)

    def ended(self, now: datetime) -> Self:
        return self._moved(NotificationStatus.ENDED, now)

    def failed(self, failure: MessageFailure) -> Self:
        return replace(self._moved(NotificationStatus.FAILED, failure.at), failure=failure)

    def taken_up(self, now: datetime, replay: int) -> Self:
        """It begins again with a new budget of attempts. A waiting one was sent anew by the steward, whose rescue has
        not been counted yet; any other by a person, so that rescues count anew."""
        rescues = self.rescues + 1 if self.status is NotificationStatus.WAITING else 0
        return self._again(now, replay, rescues)

    def rescued(self, now: datetime, replay: int) -> Self:
        """Published anew by the steward as `replay`: whatever is left of earlier runs is an old copy from now on."""
        return self._again(now, replay, self.rescues + 1)

    def sent_anew(self, now: datetime, replay: int) -> Self:
        """A person wants it delivered once more, also where it was delivered already."""
        if self.status is NotificationStatus.WAITING:
            raise IllegalTransition(f"notification {self.notification_id} is waiting to be delivered as it is")
        return self._again(now, replay, 0)

    def abandoned(self, failure: MessageFailure, replay: int) -> Self:
        """No worker could run for it: failed, or failed once more after a redrive that nobody took up."""
        return replace(self._moved(NotificationStatus.FAILED, failure.at), failure=failure, replay=replay)

    def _again(self, now: datetime, replay: int, rescues: int) -> Self:
        waiting = self._moved(NotificationStatus.WAITING, now)
        return replace(waiting, attempts=None, failure=None, replay=replay, rescues=rescues)

    def _moved(self, status: NotificationStatus, now: datetime) -> Self:
        return replace(self, status=status, updated_at=now, version=self.version + 1)


def notification_id(change: Change, caller: str, channel: Channel, target: str) -> str:
    """UUIDv5 (RFC 9562) of the change and who is told of it: the same however often the change is read."""
    named = [change.subject, change.subject_id, change.version, change.status, caller, channel, target]
    return str(uuid.uuid5(_NOTIFICATIONS, canonical_json(named)))


def receiver_id(caller: str, channel: Channel, target: str) -> str:
    """Of a caller's URL or address. Another caller's is another receiver: it has other secrets, and ends on its own."""
    return str(uuid.uuid5(_RECEIVERS, canonical_json([caller, channel, target])))


def meet_notification(notification: Notification | None, delivery: NotificationDelivery) -> Verdict:
    """Decide what `delivery` means for its row (None: there is none), as for orders (meeting.py)."""
    message = delivery.message
    if message is None or notification is None:
        return Verdict.LET_THROUGH
    if message.replay > notification.replay:
        return Verdict.TAKE_UP
    if notification.is_over or message.replay < notification.replay:
        return Verdict.DROP
    tried = notification.attempts
    if tried and tried.message_id == delivery.message_id and tried.receive_count > delivery.receive_count:
        return Verdict.SUPERSEDED
    if notification.failure is None:
        return Verdict.WORK
    if notification.failure.message_id == delivery.message_id:
        return Verdict.LET_THROUGH
    return Verdict.TAKE_UP if delivery.sent_at > notification.failure.at else Verdict.DROP
