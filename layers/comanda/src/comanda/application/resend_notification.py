"""A notification is delivered once more, chosen from its row: failed, or delivered to a receiver that lost it.

Message first, row second, as for orders (redrive_order.py): the worker takes up what it finds by its replay number.
"""

from contextlib import suppress
from dataclasses import dataclass

from comanda.application.notification_ports import NotificationPublisher, Notifications
from comanda.application.ports import Clock, Journal, Overtaken
from comanda.domain.errors import NotFound
from comanda.domain.notification import Notification


@dataclass(frozen=True)
class ResendNotification:
    notifications: Notifications
    publisher: NotificationPublisher
    journal: Journal
    clock: Clock

    def __call__(self, notification_id: str) -> Notification:
        """Give the notification as it goes on its way again. Raises NotFound, IllegalTransition where it is on its way
        already, Unavailable."""
        found = self.notifications.get(notification_id)
        if found is None:
            raise NotFound(f"there is no notification {notification_id}")
        again = found.sent_anew(self.clock(), found.replay + 1)
        self.publisher.publish(again)
        with suppress(Overtaken):  # A worker has taken it up already, or another operator was quicker.
            self.notifications.save(found, again)
        self.journal.tell("notification.sent_anew", again)
        return again
