"""A change of status → a notification for each receiver that asked for it (B4).

Row first, message second: whoever dies in between is given the same change again, finds its row, and sends.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from comanda.application.delivery.ports import RunPublisher
from comanda.application.notifications.events import NotificationAnnounced
from comanda.application.notifications.ports import Notifications
from comanda.application.shared.ports import Clock
from comanda.application.shared.telemetry import Telemetry
from comanda.application.shared.unreadable import emit_unreadable
from comanda.domain.changes.row_changes import Change
from comanda.domain.notifications.notification import Notification, NotificationStatus, notification_id
from comanda.domain.shared.errors import UnreadableRow
from comanda.domain.shared.notify import Notify


@dataclass(frozen=True)
class NotificationRequest:
    """One change, who asked to be notified, and what the notification says."""

    change: Change
    notify: Notify
    caller: str
    correlation_id: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class AnnounceChanges:
    """Makes a notification of each change that somebody asked to be told of."""

    notifications: Notifications
    publisher: RunPublisher[Notification]
    telemetry: Telemetry
    clock: Clock

    def __call__(self, told: Iterable[NotificationRequest]) -> None:
        """Announce what was asked for, in its order; of one channel after the other. Raises Unavailable: then all of it
        is to be announced again, which doubles nothing."""
        for each in told:
            if each.change.type in each.notify.events:
                self._announce(each)

    def _announce(self, told: NotificationRequest) -> None:
        now = self.clock()
        for channel, target in told.notify.targets():
            new = Notification(
                notification_id=notification_id(told.change, told.caller, channel, target),
                caller=told.caller,
                channel=channel,
                target=target,
                event=told.change.type,
                subject_id=told.change.subject_id,
                happened_at=told.change.at,
                data=told.data,
                correlation_id=told.correlation_id,
                locale=told.notify.locale,
                created_at=now,
                updated_at=now,
            )
            try:
                notification = self.notifications.add(new) or new
            except UnreadableRow as error:
                emit_unreadable(self.telemetry, error)
                continue
            if (
                notification.status is not NotificationStatus.WAITING or notification.replay
            ):  # Read again, after its work.
                continue
            self.publisher.publish(notification)
            self.telemetry.emit(NotificationAnnounced(), notification)
