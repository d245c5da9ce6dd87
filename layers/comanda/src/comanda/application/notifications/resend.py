"""A notification is delivered once more, chosen from its row: failed, or delivered to a receiver that lost it; or a
failed one is left at that."""

from dataclasses import dataclass

from comanda.application.delivery.open_run import OpenRun
from comanda.application.delivery.ports import VersionConflict
from comanda.application.notifications.events import NotificationDiscarded
from comanda.application.notifications.ports import Notifications
from comanda.application.shared.ports import Clock
from comanda.application.shared.telemetry import Telemetry
from comanda.domain.delivery.work_item import By
from comanda.domain.notifications.notification import Notification
from comanda.domain.shared.errors import IllegalTransition, NotFound


@dataclass(frozen=True)
class ResendNotification:
    """Begins a notification again that failed or was delivered, for an operator."""

    notifications: Notifications
    open_run: OpenRun[Notification]

    def __call__(self, notification_id: str) -> Notification:
        """Give the notification as it goes on its way again. Raises NotFound, IllegalTransition where it is on its way
        already, Unavailable."""
        found = self.notifications.get(notification_id)
        if found is None:
            raise NotFound(f"there is no notification {notification_id}")
        try:
            return self.open_run(found, By.OPERATOR)
        except VersionConflict:
            raise IllegalTransition(f"notification {notification_id} is changing right now; look at it again") from None


@dataclass(frozen=True)
class DiscardNotification:
    """A failed notification that a person has looked at and leaves at that. It can still be delivered once more."""

    notifications: Notifications
    telemetry: Telemetry
    clock: Clock

    def __call__(self, notification_id: str) -> Notification:
        """Twice is as good as once. Raises NotFound, IllegalTransition where it is not failed, Unavailable."""
        found = self.notifications.get(notification_id)
        if found is None:
            raise NotFound(f"there is no notification {notification_id}")
        if found.discarded:
            return found
        aside = found.set_aside(self.clock())
        try:
            self.notifications.save(found, aside)
        except VersionConflict as error:
            raise IllegalTransition(
                f"notification {notification_id} has changed in the meantime; look at it again"
            ) from error
        self.telemetry.emit(NotificationDiscarded(), aside)
        return aside
