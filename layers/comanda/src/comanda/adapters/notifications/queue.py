"""Sending about notifications."""

from dataclasses import dataclass

from comanda.adapters.delivery.queues import FifoPublisher
from comanda.domain.notifications.messages import NotificationMessage
from comanda.domain.notifications.notification import Notification


@dataclass(frozen=True)
class NotificationQueuePublisher(FifoPublisher[Notification]):
    """Implements `RunPublisher`."""

    def publish(self, notification: Notification) -> None:
        self.send(NotificationMessage.about(notification), notification)
