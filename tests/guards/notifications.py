"""What keeps a notification told at least once, under one id, in its order, and at nobody else's cost."""

from tests.guards.mutation import Mutation

NOTIFICATIONS = [
    Mutation(
        "a notification's row before its message",
        "application/announce_changes.py",
        "            notification = self.notifications.add(new) or new\n",
        "            self.publisher.publish(new)\n            notification = self.notifications.add(new) or new\n",
    ),
    Mutation(
        "the change in a notification's id",
        "domain/notification.py",
        "change.subject_id, change.version, change.status, caller,",
        "change.subject_id, change.status, caller,",
    ),
    Mutation(
        "the receiver in a notification's id",
        "domain/notification.py",
        "change.status, caller, channel, target]",
        "change.status, caller, channel]",
    ),
    Mutation(
        "an outage has the stream read again",
        "application/announce_changes.py",
        "                self._announce(each)\n",
        "                try:\n                    self._announce(each)\n                except Exception:\n"
        "                    pass\n",
    ),
    Mutation(
        "what is over is not announced again",
        "application/announce_changes.py",
        "notification.status is not NotificationStatus.WAITING",
        "False",
    ),
    Mutation(
        "a message group for each receiver and order",
        "domain/notification.py",
        "str(uuid.uuid5(uuid.UUID(self.receiver_id), self.subject_id))",
        "self.notification_id",
    ),
    Mutation(
        "the attempt at a notification written before it starts",
        "application/deliver_notifications.py",
        "if delivery.receive_count == 1:",
        "if True:",
    ),
    Mutation(
        "the attempt at a notification given back",
        "application/deliver_notifications.py",
        "            self._give_back(delivery, found)\n",
        "",
    ),
    Mutation(
        "the group rests behind what its receiver did not take",
        "application/deliver_notifications.py",
        "        raise Rest(pause)\n",
        "        return False\n",
    ),
    Mutation(
        "what has no time for a call is handed back",
        "application/deliver_notifications.py",
        "if seconds_left < self.reserve_seconds:",
        "if False:",
    ),
    Mutation(
        "the fence of notifications",
        "domain/notification.py",
        " and tried.receive_count > delivery.receive_count",
        " and False",
    ),
    Mutation(
        "the very message of a failed notification is let through",
        "domain/notification.py",
        "if notification.failure.message_id == delivery.message_id:",
        "if False:",
    ),
    Mutation(
        "a redrive of a notification is sent after the failure",
        "domain/notification.py",
        "Verdict.TAKE_UP if delivery.sent_at > notification.failure.at else Verdict.DROP",
        "Verdict.TAKE_UP",
    ),
    Mutation(
        "an old replay of a notification is dropped",
        "domain/notification.py",
        "notification.is_over or message.replay < notification.replay",
        "notification.is_over",
    ),
    Mutation(
        "who has answered 410 is not called",
        "application/deliver_notifications.py",
        "if self.subscriptions.has_ended(notification.receiver_id):",
        "if False:",
    ),
    Mutation(
        "410 ends a receiver",
        "application/deliver_notifications.py",
        "            self.subscriptions.end(notification)\n",
    ),
    Mutation(
        "a resent notification's message before its row",
        "application/resend_notification.py",
        "        self.publisher.publish(again)\n",
    ),
    Mutation(
        "a rescue of a notification taken up before it is written counts",
        "domain/notification.py",
        "self.rescues + 1 if self.status is NotificationStatus.WAITING else 0",
        "0",
    ),
    Mutation(
        "dead letters of notifications that are over are removed",
        "application/tend_notifications.py",
        " or (replay == row.replay and row.is_over)",
    ),
    Mutation(
        "the last attempt is made whatever is known of its receiver",
        "adapters/webhook_sender.py",
        "return call if is_last else self.circuits",
        "return self.circuits",
    ),
]
