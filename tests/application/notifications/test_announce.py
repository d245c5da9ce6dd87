"""A change of status → a notification for each receiver that asked for it."""

import pytest

from comanda.domain.delivery.work_item import By
from comanda.domain.shared.errors import Unavailable
from comanda.domain.shared.notify import Channel, Notify
from tests.application.notifications.conftest import URL, Scene, a_request


def test_each_receiver_that_asked_is_told(scene: Scene) -> None:
    scene.announce(a_request(notify=Notify(URL, "ana@example.com")), a_request("processing", 4))
    rows = list(scene.notifications.rows.values())
    assert [(row.channel, row.target, row.event) for row in rows] == [
        (Channel.WEBHOOK, URL, "order.completed"),
        (Channel.EMAIL, "ana@example.com", "order.completed"),
    ]
    assert [message.notification_id for message in scene.publisher.sent] == [row.notification_id for row in rows]


def test_what_was_asked_for_is_told_and_nothing_else(scene: Scene) -> None:
    notify = Notify(URL, events=("order.processing",))
    scene.announce(a_request("processing", 4, notify=notify), a_request("completed", 5, notify=notify))
    assert [row.event for row in scene.notifications.rows.values()] == ["order.processing"]


def test_a_stream_that_is_read_twice_says_the_same(scene: Scene) -> None:
    """The message again, as the first may not have been sent; it has the same body."""
    scene.announce(a_request())
    scene.announce(a_request())
    assert len(scene.notifications.rows) == 1
    assert scene.publisher.sent[0] == scene.publisher.sent[1]


def test_who_dies_between_row_and_message_sends_it_the_next_time(scene: Scene) -> None:
    scene.publisher.outage = True
    with pytest.raises(Unavailable):
        scene.announce(a_request())
    scene.publisher.outage = False
    scene.announce(a_request())
    assert (len(scene.notifications.rows), len(scene.publisher.sent)) == (1, 1)


def test_the_row_stands_before_the_message_is_sent(scene: Scene) -> None:
    """Or a worker would find nothing to deliver, and let the message go."""
    stood: list[bool] = []
    scene.publisher.at_publish = lambda told: stood.append(told.notification_id in scene.notifications.rows)
    scene.announce(a_request())
    assert stood == [True]


def test_what_is_over_is_not_sent_again_by_a_late_reading(scene: Scene) -> None:
    notification = scene.announced()
    scene.notifications.save(notification, notification.delivered(scene.clock()))
    scene.announce(a_request())
    assert len(scene.publisher.sent) == 1


def test_one_whose_next_run_has_begun_is_not_sent_again_by_a_late_reading(scene: Scene) -> None:
    """Whoever began that run sends its message, or the reconciler does."""
    notification = scene.announced()
    scene.notifications.save(notification, notification.opened(By.RECONCILER, scene.clock(), ""))
    scene.announce(a_request())
    assert len(scene.publisher.sent) == 1


def test_each_order_of_a_receiver_is_a_group_of_its_own(scene: Scene) -> None:
    scene.announce(a_request("failed", 4), a_request("completed", 6), a_request(subject_id="o-2"))
    scene.announce(a_request(notify=Notify("https://example.com/other")))
    first, second, other_order, other_receiver = scene.publisher.groups
    assert first == second
    assert len({first, other_order, other_receiver}) == 3


def test_an_id_is_of_the_change_and_of_who_is_told(scene: Scene) -> None:
    scene.announce(a_request(), a_request(version=6), a_request(notify=Notify("https://example.com/other")))
    assert len(scene.notifications.rows) == 3
