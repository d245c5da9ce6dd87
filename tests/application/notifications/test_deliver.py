"""notification.due → the receiver, at least once, always under one id (P10)."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from comanda.domain.delivery.work_item import By
from comanda.domain.notifications.notification import NotificationStatus
from comanda.domain.shared.errors import (
    IllegalTransition,
    NotFound,
    PermanentError,
    ReceiverGone,
    ReceiverOutage,
    TransientError,
    Unavailable,
    UnreadableRow,
)
from comanda.domain.shared.notify import Notify
from tests.application.notifications.conftest import MAX_ATTEMPTS, URL, Scene, a_message, a_request
from tests.support.builders import NOW

DOWN = ReceiverOutage("ReceiverTimeout", "no answer in time")
LATER = NOW + timedelta(hours=1)


class _Died(BaseException):
    """The process is gone."""


def test_a_notification_is_delivered_with_one_write(scene: Scene) -> None:
    notification = scene.announced()
    assert scene.deliver(a_message(notification)) == []
    assert scene.receivers.told == [(URL, "order.completed", notification.notification_id)]
    row = scene.row(notification)
    assert (row.status, row.version) == (NotificationStatus.DELIVERED, notification.version + 1)


def test_a_copy_of_what_was_delivered_is_dropped(scene: Scene) -> None:
    notification = scene.announced()
    scene.deliver(a_message(notification))
    assert scene.deliver(a_message(notification, "m-2")) == []
    assert len(scene.receivers.told) == 1


def test_receiver_that_is_down_is_retried_with_backoff_under_the_same_id(scene: Scene) -> None:
    notification = scene.announced()
    scene.receivers.errors[URL] = [DOWN]
    pauses = []
    for receive_count in range(1, MAX_ATTEMPTS):
        assert scene.deliver(a_message(notification, receive_count=receive_count)) == ["m-1"]
        pauses.append(scene.queue.hidden["m-1"])
    assert pauses == [5, 10]
    scene.receivers.errors.clear()
    assert scene.deliver(a_message(notification, receive_count=MAX_ATTEMPTS)) == []
    assert {told[2] for told in scene.receivers.told} == {notification.notification_id}
    assert scene.row(notification).status is NotificationStatus.DELIVERED


def test_last_attempt_fails_the_notification_and_dead_letters_its_message(scene: Scene) -> None:
    notification = scene.announced()
    scene.receivers.errors[URL] = [DOWN]
    for receive_count in range(1, MAX_ATTEMPTS + 1):
        assert scene.deliver(a_message(notification, receive_count=receive_count)) == ["m-1"]
    failure = scene.row(notification).failure
    assert failure
    assert (failure.name, failure.attempts, failure.message_id) == ("ReceiverTimeout", MAX_ATTEMPTS, "m-1")
    assert scene.queue.hidden == {"m-1": 0}
    assert scene.deliver(a_message(notification, receive_count=MAX_ATTEMPTS + 1)) == ["m-1"]
    assert len(scene.receivers.told) == MAX_ATTEMPTS


def test_what_no_retry_mends_fails_at_once_and_its_follower_is_delivered(scene: Scene) -> None:
    first, second = scene.announced("failed"), scene.announced("completed")
    scene.receivers.errors[URL] = [PermanentError("AddressNotAllowed", "no"), TransientError("none", "")]
    scene.receivers.on_call = lambda notification: (
        scene.receivers.errors.clear() if notification.event == "order.completed" else None
    )
    assert scene.deliver(a_message(first), a_message(second, "m-2")) == ["m-1"]
    assert scene.row(first).status is NotificationStatus.FAILED
    assert scene.row(second).status is NotificationStatus.DELIVERED


def test_a_receiver_that_is_down_holds_up_no_other_receiver_and_no_other_order(scene: Scene) -> None:
    down, follower = scene.announced("failed"), scene.announced("completed")
    other_order, other_receiver = scene.announced(subject_id="o-2"), scene.announced(url="https://example.com/other")
    scene.receivers.errors[URL] = [DOWN, DOWN]
    batch = [
        a_message(each, f"m-{number}") for number, each in enumerate([down, follower, other_order, other_receiver])
    ]
    assert scene.deliver(*batch) == ["m-0", "m-1", "m-2"]
    assert scene.queue.hidden == {"m-0": 5, "m-1": 5, "m-2": 5}
    assert scene.row(other_receiver).status is NotificationStatus.DELIVERED
    assert scene.row(follower).attempts is None


def test_a_receiver_that_asks_for_a_pause_gets_it(scene: Scene) -> None:
    notification = scene.announced()
    scene.receivers.errors[URL] = [ReceiverOutage("ReceiverUnavailable", "429", retry_after=120)]
    scene.deliver(a_message(notification))
    assert scene.queue.hidden == {"m-1": 120}


def test_a_receiver_that_wants_nothing_more_is_told_nothing_more(scene: Scene) -> None:
    notification, other = scene.announced(), scene.announced(subject_id="o-2")
    scene.receivers.errors[URL] = [ReceiverGone("ReceiverGone", "410")]
    assert scene.deliver(a_message(notification)) == []
    assert scene.deliver(a_message(other, "m-2")) == []
    assert len(scene.receivers.told) == 1
    assert {scene.row(each).status for each in (notification, other)} == {NotificationStatus.ENDED}


def test_an_outage_of_ours_uses_up_no_attempt(scene: Scene) -> None:
    notification = scene.announced()
    scene.receivers.unprepared = Unavailable("webhook secrets")
    for receive_count in range(1, 20):
        assert scene.deliver(a_message(notification, receive_count=receive_count)) == ["m-1"]
    scene.receivers.unprepared = None
    assert scene.deliver(a_message(notification, receive_count=20)) == []


def test_a_delivery_that_could_not_be_written_down_is_made_again_under_its_id(scene: Scene) -> None:
    notification = scene.announced()
    scene.notifications.lost_saves = 1
    assert scene.deliver(a_message(notification)) == ["m-1"]
    assert scene.deliver(a_message(notification, receive_count=2)) == []
    assert [told[2] for told in scene.receivers.told] == [notification.notification_id] * 2


def test_an_outage_that_hits_what_came_of_an_attempt_uses_up_none(scene: Scene) -> None:
    notification = scene.announced()
    scene.notifications.unwritable = {NotificationStatus.DELIVERED}
    for receive_count in range(1, MAX_ATTEMPTS + 3):
        assert scene.deliver(a_message(notification, receive_count=receive_count)) == ["m-1"]
    scene.notifications.unwritable.clear()
    assert scene.deliver(a_message(notification, receive_count=MAX_ATTEMPTS + 3)) == []
    assert scene.row(notification).status is NotificationStatus.DELIVERED


def test_what_failed_for_good_fails_for_its_own_reason_after_an_outage(scene: Scene) -> None:
    notification = scene.announced()
    scene.receivers.errors[URL] = [PermanentError("AddressNotAllowed", "no")]
    scene.notifications.unwritable = {NotificationStatus.FAILED}
    for receive_count in range(1, MAX_ATTEMPTS + 3):
        scene.deliver(a_message(notification, receive_count=receive_count))
    scene.notifications.unwritable.clear()
    scene.deliver(a_message(notification, receive_count=MAX_ATTEMPTS + 3))
    failure = scene.row(notification).failure
    assert failure
    assert (failure.name, failure.attempts) == ("AddressNotAllowed", 1)


def test_a_notification_that_kills_the_worker_is_found_out(scene: Scene) -> None:
    notification = scene.announced()

    def die(_: object) -> None:
        raise _Died

    scene.receivers.on_call = die
    for receive_count in range(1, MAX_ATTEMPTS + 2):
        with pytest.raises(_Died):
            scene.deliver(a_message(notification, receive_count=receive_count))
    assert scene.deliver(a_message(notification, receive_count=MAX_ATTEMPTS + 2)) == ["m-1"]
    failure = scene.row(notification).failure
    assert failure
    assert failure.name == "WorkerDied"


def test_a_defect_met_by_one_notification_is_its_own_failure(scene: Scene) -> None:
    notification, other = scene.announced(), scene.announced(url="https://example.com/other")
    scene.receivers.errors[URL] = [ZeroDivisionError("oops")]
    assert scene.deliver(a_message(notification), a_message(other, "m-2")) == ["m-1"]
    assert scene.row(other).status is NotificationStatus.DELIVERED


def test_a_failed_one_that_the_console_redrives_begins_again(scene: Scene) -> None:
    notification = scene.announced()
    scene.receivers.errors[URL] = [PermanentError("NoWebhookSecret", "none")]
    scene.deliver(a_message(notification))
    scene.receivers.errors.clear()
    assert scene.deliver(a_message(notification, "m-2", sent_at=LATER)) == ["m-2"], "a copy begins no run"
    assert scene.row(notification).status is NotificationStatus.FAILED
    assert scene.deliver(a_message(notification, "m-3", came_back=True)) == []
    again = scene.row(notification)
    assert (again.status, scene.publisher.sent[-1].replay) == (NotificationStatus.WAITING, 1)
    assert scene.deliver(a_message(again, "m-4")) == []
    assert scene.row(notification).status is NotificationStatus.DELIVERED
    assert [told[2] for told in scene.receivers.told] == [notification.notification_id] * 2


@pytest.mark.parametrize("sent_at", [NOW - timedelta(hours=1), LATER])
def test_a_copy_that_meets_the_failure_of_its_run_is_kept_for_a_person(scene: Scene, sent_at: datetime) -> None:
    """Also one that was sent before the failure: it may be the only one that the console has."""
    notification = scene.announced()
    scene.receivers.errors[URL] = [PermanentError("NoWebhookSecret", "none")]
    scene.deliver(a_message(notification))
    assert scene.deliver(a_message(notification, "copy", sent_at=sent_at)) == ["copy"]
    assert scene.queue.hidden["copy"] == 0
    assert len(scene.receivers.told) == 1


def test_one_that_is_resent_is_delivered_once_more_under_its_id(scene: Scene) -> None:
    notification = scene.announced()
    scene.deliver(a_message(notification))
    again = scene.resend(notification)
    assert scene.publisher.sent[-1].replay == again.replay == 1
    scene.deliver(a_message(again, "m-2"))
    assert [told[2] for told in scene.receivers.told] == [notification.notification_id] * 2


def test_one_that_is_on_its_way_or_unknown_is_not_resent(scene: Scene) -> None:
    notification = scene.announced()
    with pytest.raises(IllegalTransition, match="is waiting"):
        scene.resend(notification)
    with pytest.raises(NotFound):
        scene.resend(replace(notification, notification_id="nobody"))
    assert len(scene.publisher.sent) == 1


def test_of_two_who_resend_it_one_does(scene: Scene) -> None:
    notification = scene.announced()
    scene.deliver(a_message(notification))
    delivered = scene.row(notification)
    scene.notifications.before_save = [
        lambda: scene.notifications.put(delivered.opened(By.OPERATOR, scene.clock(), ""))
    ]
    with pytest.raises(IllegalTransition, match="changing right now"):
        scene.resend(notification)
    assert len(scene.publisher.sent) == 1


def test_a_copy_from_before_it_was_resent_is_dropped(scene: Scene) -> None:
    notification = scene.announced()
    scene.deliver(a_message(notification))
    scene.resend(notification)
    assert scene.deliver(a_message(notification, "m-copy")) == []
    assert len(scene.receivers.told) == 1


def test_a_worker_that_wakes_up_late_changes_nothing(scene: Scene) -> None:
    notification = scene.announced()
    scene.notifications.save(notification, notification.tried("m-1", 3, scene.clock()))
    assert scene.deliver(a_message(notification, receive_count=2)) == ["m-1"]
    assert (scene.receivers.told, scene.queue.hidden) == ([], {})


def test_nothing_is_begun_without_the_time_for_a_call(scene: Scene) -> None:
    notification = scene.announced()
    scene.seconds_left = lambda: 16.0
    assert scene.deliver(a_message(notification)) == ["m-1"]
    assert (scene.receivers.told, scene.queue.hidden) == ([], {"m-1": 0})


@pytest.mark.parametrize("known", [True, False])
def test_what_is_none_of_ours_is_left_for_the_dead_letter_queue(scene: Scene, known: bool) -> None:
    message = a_message(scene.announced())
    if known:
        message = replace(message, message=None)
    else:
        scene.notifications.rows.clear()
    assert scene.deliver(message) == ["m-1"]
    assert scene.queue.hidden == {"m-1": 0}


def test_a_notification_is_told_of_by_id_alone(scene: Scene) -> None:
    scene.announce(a_request())
    scene.deliver(a_message(next(iter(scene.notifications.rows.values()))))
    assert "notification.delivered" in [name for name, _ in scene.telemetry.emitted]


def test_a_message_of_a_newer_release_waits(scene: Scene) -> None:
    message = replace(a_message(scene.announced()), message=None, of_newer_release=True)
    assert scene.deliver(message) == ["m-1"]
    assert scene.queue.hidden["m-1"] > 0


def test_one_that_cannot_be_read_fails_and_its_neighbour_is_delivered(scene: Scene) -> None:
    bad, good = scene.announced(), scene.announced(subject_id="o-2", url=f"{URL}/2")
    scene.notifications.unreadable[bad.notification_id] = UnreadableRow(bad.notification_id, "data is no JSON")
    assert scene.deliver(a_message(bad), a_message(good, "m-2")) == ["m-1"]
    assert scene.queue.hidden == {"m-1": 0}
    assert scene.notifications.failed_unreadable[bad.notification_id].name == "UnreadableRow"
    assert scene.row(good).status is NotificationStatus.DELIVERED
    before = len(scene.telemetry.emitted)
    scene.deliver(a_message(bad, receive_count=2))
    assert len(scene.telemetry.emitted) == before


def test_one_of_a_newer_release_waits_unwritten(scene: Scene) -> None:
    newer = scene.announced()
    scene.notifications.unreadable[newer.notification_id] = UnreadableRow(newer.notification_id, "newer", newer=True)
    assert scene.deliver(a_message(newer)) == ["m-1"]
    assert scene.queue.hidden["m-1"] > 0
    assert scene.notifications.failed_unreadable == {}


def test_a_change_whose_notification_cannot_be_read_holds_up_no_other(scene: Scene) -> None:
    bad = scene.announced()
    scene.notifications.unreadable[bad.notification_id] = UnreadableRow(bad.notification_id, "data is no JSON")
    scene.announce(a_request(notify=Notify(webhook_url=URL)), a_request(subject_id="o-2"))
    assert len(scene.publisher.sent) == 2
    assert scene.telemetry.emitted[-2] == ("row.unreadable", None)
