"""A scene: what is announced, and what becomes of it, with fakes all around."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from comanda.application.delivery.open_run import OpenRun
from comanda.application.delivery.worker import Worker
from comanda.application.notifications.announce import AnnounceChanges, NotificationRequest
from comanda.application.notifications.deliver import DeliverNotifications
from comanda.application.notifications.resend import ResendNotification
from comanda.domain.changes.row_changes import Change, Subject
from comanda.domain.delivery.messages import Delivery
from comanda.domain.delivery.retry import RetryPolicy
from comanda.domain.notifications.messages import NotificationDelivery, NotificationMessage
from comanda.domain.notifications.notification import Notification
from comanda.domain.shared.notify import Channel, Notify
from tests.support.builders import NOW
from tests.support.fakes import FakeClock, FakeQueue, FakeTelemetry
from tests.support.notification_fakes import (
    FakeNotificationPublisher,
    FakeNotifications,
    FakeReceivers,
    FakeSubscriptions,
)

URL = "https://example.com/hook"
MAX_ATTEMPTS = 3


@dataclass
class Scene:
    notifications: FakeNotifications = field(default_factory=FakeNotifications)
    subscriptions: FakeSubscriptions = field(default_factory=FakeSubscriptions)
    publisher: FakeNotificationPublisher = field(default_factory=FakeNotificationPublisher)
    receivers: FakeReceivers = field(default_factory=FakeReceivers)
    queue: FakeQueue = field(default_factory=FakeQueue)
    telemetry: FakeTelemetry = field(default_factory=FakeTelemetry)
    clock: FakeClock = field(default_factory=FakeClock)
    seconds_left: Callable[[], float] = lambda: 60.0

    def announce(self, *requests: NotificationRequest) -> None:
        AnnounceChanges(self.notifications, self.publisher, self.telemetry, self.clock)(requests)

    def announced(self, status: str = "completed", subject_id: str = "o-1", url: str = URL) -> Notification:
        requests = a_request(status, subject_id=subject_id, notify=Notify(webhook_url=url))
        self.announce(requests)
        return self.notifications.rows[self.publisher.sent[-1].notification_id]

    def row(self, notification: Notification) -> Notification:
        return self.notifications.rows[notification.notification_id]

    def deliver(self, *batch: NotificationDelivery) -> list[str]:
        worker = Worker(
            step=self.step,
            rows=self.notifications,
            open_run=self.open_run,
            queue=self.queue,
            retry=RetryPolicy(MAX_ATTEMPTS, 5, 3600),
            telemetry=self.telemetry,
            clock=self.clock,
            random=lambda: 0.0,
            sleep=lambda _: None,
            reserve_seconds=17,
        )
        return worker(batch, self.seconds_left)

    def resend(self, notification: Notification) -> Notification:
        return ResendNotification(self.notifications, self.open_run)(notification.notification_id)

    @property
    def step(self) -> DeliverNotifications:
        return DeliverNotifications(self.subscriptions, {Channel.WEBHOOK: self.receivers}, self.telemetry, self.clock)

    @property
    def open_run(self) -> OpenRun[Notification]:
        return OpenRun(self.notifications, self.publisher, self.telemetry, self.clock)


def a_request(
    status: str = "completed", version: int = 5, subject_id: str = "o-1", notify: Notify | None = None
) -> NotificationRequest:
    change = Change(Subject.ORDER, subject_id, version, status, NOW)
    return NotificationRequest(
        change, notify or Notify(webhook_url=URL), "web", "corr-1", {"order_id": subject_id, "status": status}
    )


def a_message(
    notification: Notification, message_id: str = "m-1", receive_count: int = 1, **fields: Any
) -> NotificationDelivery:
    body = NotificationMessage.about(notification)
    sent_at = NOW - timedelta(seconds=5)
    delivery = Delivery(message_id, f"r-{message_id}", notification.message_group, receive_count, sent_at, message=body)
    return replace(delivery, **fields)


@pytest.fixture
def scene() -> Scene:
    return Scene()
