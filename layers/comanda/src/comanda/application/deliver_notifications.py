"""notification.due → the receiver: at least once, always with the same id (P10), and never at the cost of an order.

Groups are worked on side by side. Attempts, pauses and dead letters are as for orders (work.py), but that a call made
twice does no harm: it repeats its id. So an attempt is written down before the call from the second receive on only.
It is given back where what came of it could not be written.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

from comanda.application.message_groups import Rest, in_groups, let_rest
from comanda.application.notification_ports import Notifications, Sender, Subscriptions
from comanda.application.ports import Clock, Journal, Overtaken, SourceQueue
from comanda.application.spans import NO_SPANS, Span, Spans
from comanda.application.unreadable import UNREADABLE, tell_unreadable
from comanda.application.work import Executor
from comanda.domain.errors import PermanentError, ReceiverGone, TransientError, Unavailable, UnreadableRow, WorkError
from comanda.domain.meeting import Verdict
from comanda.domain.messages import NotificationDelivery
from comanda.domain.notification import Notification, meet_notification
from comanda.domain.notify import Channel
from comanda.domain.retry import GIVE_BACK_PAUSES, RetryPolicy
from comanda.domain.tried import MessageFailure


@dataclass(frozen=True)
class DeliverNotifications:
    notifications: Notifications
    subscriptions: Subscriptions
    senders: Mapping[Channel, Sender]
    queue: SourceQueue
    retry: RetryPolicy
    journal: Journal
    clock: Clock
    draw: Callable[[], float]
    sleep: Callable[[float], None]
    """Seconds."""
    executor: Executor
    reserve_seconds: float
    """Nothing is begun with less time left than this: a call may take all of it."""
    spans: Spans = NO_SPANS

    def __call__(self, batch: Sequence[NotificationDelivery], seconds_left: Callable[[], float]) -> list[str]:
        """Work on a batch; give the ids of the messages that must stay in the queue."""
        work = partial(self._work_group, seconds_left=seconds_left)
        return [message_id for stay in self.executor.map(work, in_groups(batch)) for message_id in stay]

    def _work_group(self, group: Sequence[NotificationDelivery], *, seconds_left: Callable[[], float]) -> list[str]:
        stay: list[str] = []
        for place, delivery in enumerate(group):
            span, done = self.spans.begin(), False
            try:
                done = self._deliver(delivery, seconds_left(), span)
            except Rest as rest:
                return stay + let_rest(self.queue, group[place:], rest.seconds)
            except Overtaken:  # The row changed under our hands: to be met again as it is now.
                return stay + let_rest(self.queue, group[place:], 1)
            except Unavailable as error:
                pause = self.retry.pause_after(delivery.receive_count, self.draw)
                self.journal.tell("storage.unavailable", reason=str(error), pause_seconds=pause)
                span.note(error_class=type(error).__name__)
                return stay + let_rest(self.queue, group[place:], pause)
            finally:
                span.end(delivery, done=done)
            if not done:
                self.queue.hide([delivery], 0)
                stay.append(delivery.message_id)
        return stay

    def _deliver(self, delivery: NotificationDelivery, seconds_left: float, span: Span) -> bool:
        """Whether the message is done with; else it is let through to the dead-letter queue."""
        if seconds_left < self.reserve_seconds:
            raise Rest(0)
        if delivery.of_newer_release:
            self._leave_to_newer_release(delivery, "message")
        message = delivery.message
        try:
            found = self.notifications.get(message.notification_id) if message else None
        except UnreadableRow as error:
            return self._fail_unreadable(delivery, error)
        verdict = meet_notification(found, delivery)
        if found is None or message is None or verdict not in (Verdict.WORK, Verdict.TAKE_UP):
            self.journal.tell(f"message.{verdict.name.lower()}", found, message_id=delivery.message_id)
            if verdict is Verdict.SUPERSEDED:
                raise Rest(None)
            return verdict is Verdict.DROP
        if verdict is Verdict.TAKE_UP:
            found = self._save(found, found.taken_up(self.clock(), message.replay))
            self.journal.tell("notification.taken_up", found)
        span.note(**{f"{found.event.partition('.')[0]}_id": found.subject_id})
        try:
            return self._attempt(found, delivery, span)
        except Unavailable:
            self._give_back(delivery, found)
            raise

    def _fail_unreadable(self, delivery: NotificationDelivery, row: UnreadableRow) -> bool:
        """As for orders (work.py)."""
        if row.newer:
            self._leave_to_newer_release(delivery, "row")
        failure = MessageFailure(UNREADABLE, str(row), 0, self.clock(), delivery.message_id)
        failed = self.notifications.fail_unreadable(row.row_id, failure)
        if failed:
            self.journal.tell("notification.failed", notification_id=row.row_id, error_class=UNREADABLE, reason=row.why)
        if failed or delivery.receive_count == 1:
            tell_unreadable(self.journal, row, message_id=delivery.message_id, failed=failed)
        return False

    def _leave_to_newer_release(self, delivery: NotificationDelivery, what: str) -> NoReturn:
        """As for orders (work.py)."""
        seconds = self.retry.pause_after(delivery.receive_count, self.draw)
        self.journal.tell(f"{what}.of_newer_release", message_id=delivery.message_id, pause_seconds=seconds)
        raise Rest(seconds)

    def _attempt(self, notification: Notification, delivery: NotificationDelivery, span: Span) -> bool:
        if self.subscriptions.has_ended(notification.receiver_id):
            return self._end(notification)
        try:
            send = self.senders[notification.channel].prepare(notification)
            notification = self._begin(notification, delivery)
            send()
        except ReceiverGone:
            self.subscriptions.end(notification)
            return self._end(notification)
        except PermanentError as error:
            return self._fail(notification, delivery, error, span)
        except TransientError as error:
            return self._failed_for_now(notification, delivery, error, span)
        except (Overtaken, Unavailable):
            raise
        except Exception as error:  # noqa: BLE001 - a defect met by one notification must not stop its neighbours
            defect = TransientError(type(error).__name__, str(error))
            return self._failed_for_now(notification, delivery, defect, span)
        delivered = self._save(notification, notification.delivered(self.clock()))
        seconds = (self.clock() - notification.happened_at).total_seconds()
        self.journal.tell(
            "notification.delivered", delivered, seconds=seconds, attempt=self._number(delivery, delivered)
        )
        return True

    def _begin(self, notification: Notification, delivery: NotificationDelivery) -> Notification:
        """Write the attempt down where the worker before may have died of it.

        Raises PermanentError where all attempts were begun, and the last never came to an end.
        """
        if delivery.receive_count == 1:
            return notification
        if notification.attempts_of(delivery.message_id) >= self.retry.max_attempts:
            raise PermanentError("WorkerDied", "all attempts are used up; the last had no outcome: the worker died")
        return self._save(notification, notification.tried(delivery.message_id, delivery.receive_count, self.clock()))

    def _give_back(self, delivery: NotificationDelivery, notification: Notification) -> None:
        """The attempt came to nothing through no fault of the receiver's. Whether it was written down, the row says.

        The outage may go on: it is tried for some seconds, as for orders (P6).
        """
        for pause in GIVE_BACK_PAUSES:
            try:
                found = self.notifications.get(notification.notification_id)
                if found is None or not found.is_trying(delivery.message_id, delivery.receive_count):
                    return
                self._save(found, found.given_back(self.clock()))
            except UnreadableRow:
                return
            except (Overtaken, Unavailable):
                self.sleep(pause)
            else:
                return
        self.journal.tell("notification.attempt_lost", notification)

    def _end(self, notification: Notification) -> bool:
        self.journal.tell("notification.ended", self._save(notification, notification.ended(self.clock())))
        return True

    def _failed_for_now(
        self, notification: Notification, delivery: NotificationDelivery, error: TransientError, span: Span
    ) -> bool:
        """One attempt is used up: the group rests, or the notification fails with its last one."""
        number = self._number(delivery, notification)
        if number >= self.retry.max_attempts:
            return self._fail(notification, delivery, error, span)
        if notification.attempts_of(delivery.message_id) < number:
            tried = notification.tried(delivery.message_id, delivery.receive_count, self.clock())
            notification = self._save(notification, tried)
        pause = self.retry.pause_after(number, self.draw, asked_for=error.retry_after)
        facts = {"error_class": error.name, "reason": str(error), "attempt": number, "pause_seconds": pause}
        self.journal.tell("notification.attempt_failed", notification, **facts)
        span.note(error_class=error.name)
        raise Rest(pause)

    def _fail(self, notification: Notification, delivery: NotificationDelivery, error: WorkError, span: Span) -> bool:
        number = min(self._number(delivery, notification), self.retry.max_attempts)
        failure = MessageFailure(error.name, str(error), number, self.clock(), delivery.message_id)
        failed = self._save(notification, notification.failed(failure))
        self.journal.tell("notification.failed", failed, error_class=error.name, reason=str(error))
        span.note(error_class=error.name)
        return False

    def _number(self, delivery: NotificationDelivery, notification: Notification) -> int:
        """Of the present attempt, from 1: the one that was written down at this receive, or the next."""
        used = notification.attempts
        if used and used.message_id == delivery.message_id:
            return used.count if used.receive_count == delivery.receive_count else used.count + 1
        return 1

    def _save(self, before: Notification, after: Notification) -> Notification:
        self.notifications.save(before, after)
        return after
