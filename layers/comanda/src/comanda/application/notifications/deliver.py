"""notification.due → the receiver: at least once, always with the same id (P10), and never at the cost of an order.

A call made twice does no harm, as it repeats its id: an attempt is written down before the call from the second receive
on only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from comanda.application.delivery.step import Job
from comanda.application.notifications.events import NotificationDelivered, NotificationEnded
from comanda.application.notifications.ports import Sender, Subscriptions
from comanda.application.shared.ports import Clock
from comanda.application.shared.telemetry import Telemetry
from comanda.domain.notifications.notification import STAGE, Notification
from comanda.domain.shared.errors import ReceiverGone
from comanda.domain.shared.notify import Channel


@dataclass(frozen=True)
class DeliverNotifications:
    """Implements `Step` and `Turn`."""

    subscriptions: Subscriptions
    senders: Mapping[Channel, Sender]
    telemetry: Telemetry
    clock: Clock
    kind = Notification.kind
    stage = STAGE
    group_is = "receiver_group"
    may_kill = False
    """One receiver that does not answer must not hold up the others of its batch."""

    def turn(self) -> Self:
        return self

    def has_work(self, row: Notification) -> bool:  # noqa: ARG002
        return True

    def begun(self, job: Job[Notification]) -> Notification | None:
        """The worker may have died of it before."""
        delivery = job.delivery
        if delivery.receive_count == 1:
            return None
        return job.row.tried(delivery.message_id, delivery.receive_count, self.clock())

    def __call__(self, jobs: Sequence[Job[Notification]]) -> int:
        job, notification = jobs[0], jobs[0].row
        job.span.note(**{f"{notification.event.partition('.')[0]}_id": notification.subject_id})
        if self.subscriptions.has_ended(notification.receiver_id):
            self._end(job)
            return 1
        try:
            self.senders[notification.channel].prepare(notification)()
        except ReceiverGone:
            self.subscriptions.end(notification)
            self._end(job)
            return 1
        job.save(job.row.delivered(self.clock()))
        seconds = (self.clock() - notification.happened_at).total_seconds()
        self.telemetry.emit(NotificationDelivered(seconds=seconds, attempt=job.attempt), job.row)
        return 1

    def _end(self, job: Job[Notification]) -> None:
        job.save(job.row.ended(self.clock()))
        self.telemetry.emit(NotificationEnded(), job.row)
