"""Every minute: make the status of notifications tell the truth where their message was dead-lettered (P8), as for
reports (tend_reports.py). A group holds what one receiver is told of one order, which is fewer than SQS shows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from comanda.application.notification_ports import NotificationDeadLetters, NotificationPublisher, Notifications
from comanda.application.ports import Clock, Journal, Overtaken
from comanda.domain.messages import NotificationDelivery, NotificationMessage
from comanda.domain.notification import Notification, NotificationFailure, NotificationStatus


@dataclass(frozen=True)
class TendNotifications:
    notifications: Notifications
    publisher: NotificationPublisher
    dead_letters: NotificationDeadLetters
    journal: Journal
    clock: Clock
    max_rescues: int
    reserve_seconds: float

    def __call__(self, seconds_left: Callable[[], float]) -> None:
        """Look at each dead letter as far as the time goes. Raises Unavailable; the next minute goes on."""
        kept: list[NotificationDelivery] = []
        try:
            while seconds_left() > self.reserve_seconds and (deliveries := self.dead_letters.receive()):
                kept += self._look_through(deliveries)
        finally:
            self.dead_letters.release(kept)

    def _look_through(self, deliveries: Sequence[NotificationDelivery]) -> list[NotificationDelivery]:
        """Deal with each dead letter; give those that stay."""
        messages = [delivery.message for delivery in deliveries if delivery.message]
        last_run = {
            message.notification_id: message.replay for message in sorted(messages, key=lambda each: each.replay)
        }
        kept = []
        for delivery in deliveries:
            message = delivery.message
            is_old = message is not None and message.replay < last_run[message.notification_id]
            if is_old or (message and self._is_done_with(message, delivery)):
                self.dead_letters.delete(delivery)
            else:
                kept.append(delivery)
        return kept

    def _is_done_with(self, message: NotificationMessage, delivery: NotificationDelivery) -> bool:
        notification, replay = self.notifications.get(message.notification_id), message.replay
        if notification is None:
            return False
        if replay < notification.replay:
            return True
        if replay == notification.replay and notification.is_over:
            return True
        if notification.status is NotificationStatus.WAITING and notification.rescues < self.max_rescues:
            return self._publish_anew(notification, replay)
        if notification.status is NotificationStatus.WAITING or replay > notification.replay:
            self._fail(notification, delivery, replay)
        return False

    def _publish_anew(self, notification: Notification, replay: int) -> bool:
        """`replay` of the dead letter is ahead of the row where a steward died after sending: that body is used up."""
        rescued = notification.rescued(self.clock(), replay + 1)
        self.publisher.publish(rescued)
        try:
            self.notifications.save(notification, rescued)
        except Overtaken:
            return False
        self.journal.tell("notification.rescued", rescued)
        return True

    def _fail(self, notification: Notification, delivery: NotificationDelivery, replay: int) -> None:
        """Only where the row still is as it was read. It takes on the message's replay: the next has another."""
        failure = NotificationFailure(
            name="WorkerUnavailable",
            message="the workers could not run; the notification was published anew and came back untried",
            attempts=0,
            at=self.clock(),
            message_id=delivery.message_id,
        )
        failed = notification.abandoned(failure, replay)
        try:
            self.notifications.save(notification, failed)
        except Overtaken:
            return
        self.journal.tell("notification.failed", failed, error_class=failure.name, reason=failure.message)
