"""A notification is delivered once more, chosen from its row: failed, or delivered to a receiver that lost it."""

from dataclasses import dataclass

from comanda.application.delivery.open_run import OpenRun
from comanda.application.notification_ports import Notifications
from comanda.application.ports import Overtaken
from comanda.domain.errors import IllegalTransition, NotFound
from comanda.domain.notification import Notification
from comanda.domain.work_item import By


@dataclass(frozen=True)
class ResendNotification:
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
        except Overtaken:
            raise IllegalTransition(f"notification {notification_id} is changing right now; look at it again") from None
