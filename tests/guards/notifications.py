"""What keeps a notification told at least once, under one id, in its order, and at nobody else's cost."""

from tests.guards.mutation import Mutation

NOTIFICATIONS = [
    Mutation(
        "a notification's row before its message",
        "application/notifications/announce.py",
        "                notification = self.notifications.add(new) or new\n",
        "                self.publisher.publish(new)\n"
        "                notification = self.notifications.add(new) or new\n",
    ),
    Mutation(
        "the change in a notification's id",
        "domain/notifications/notification.py",
        "change.subject_id, change.version, change.status, caller,",
        "change.subject_id, change.status, caller,",
    ),
    Mutation(
        "the receiver in a notification's id",
        "domain/notifications/notification.py",
        "change.status, caller, channel, target]",
        "change.status, caller, channel]",
    ),
    Mutation(
        "an outage has the stream read again",
        "application/notifications/announce.py",
        "                self._announce(each)\n",
        "                try:\n                    self._announce(each)\n                except Exception:\n"
        "                    pass\n",
    ),
    Mutation(
        "what is over is not announced again",
        "application/notifications/announce.py",
        "notification.status is not NotificationStatus.WAITING or ",
    ),
    Mutation(
        "what was begun again is not announced again",
        "application/notifications/announce.py",
        " or notification.replay\n",
        "\n",
    ),
    Mutation(
        "a message group for each receiver and order",
        "domain/notifications/notification.py",
        "str(uuid.uuid5(uuid.UUID(self.receiver_id), self.subject_id))",
        "self.notification_id",
    ),
    Mutation(
        "the attempt at a notification written before it starts",
        "application/notifications/deliver.py",
        "if delivery.receive_count == 1:",
        "if True:",
    ),
    Mutation(
        "who has answered 410 is not called",
        "application/notifications/deliver.py",
        "if self.subscriptions.has_ended(notification.receiver_id):",
        "if False:",
    ),
    Mutation(
        "410 ends a receiver",
        "application/notifications/deliver.py",
        "            self.subscriptions.end(notification)\n",
    ),
    Mutation(
        "the last attempt is made whatever is known of its receiver",
        "adapters/notifications/webhook_sender.py",
        "return call if is_last else self.circuits",
        "return self.circuits",
    ),
    Mutation(
        "only a failed notification is left at that",
        "domain/notifications/notification.py",
        "        if not self.is_failed:\n",
        "        if False:\n",
    ),
]
