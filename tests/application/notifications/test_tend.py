"""The steward of notifications: dead letters, and the status of those they are about (P8)."""

from dataclasses import replace

from comanda.domain.notification import NotificationStatus
from tests.application.notifications.conftest import Scene, a_message


def test_a_rescue_has_a_body_that_no_message_had(scene: Scene) -> None:
    """The steward before died after it had sent replay 1: with that body once more, the queue would swallow it."""
    notification = scene.announced()
    scene.dead.messages = [a_message(notification, "m-dead", 155, replay=1)]
    scene.tend()
    assert scene.publisher.sent[-1].replay == 2
    assert scene.row(notification).replay == 2


def test_of_two_runs_that_were_dead_lettered_only_the_last_counts(scene: Scene) -> None:
    notification = scene.announced()
    letters = [a_message(notification, "m-0", 155, replay=0), a_message(notification, "m-1", 155, replay=1)]
    scene.dead.messages = letters
    scene.tend(max_rescues=0)
    row = scene.row(notification)
    assert (row.status, row.replay) == (NotificationStatus.FAILED, 1)
    assert row.failure
    assert (row.failure.message_id, scene.dead.deleted, scene.dead.released) == ("m-1", ["m-0"], ["m-1"])


def test_a_dead_letter_of_what_was_delivered_goes(scene: Scene) -> None:
    notification = scene.announced()
    scene.deliver(a_message(notification))
    scene.dead.messages = [a_message(notification, "m-copy", 155)]
    scene.tend()
    assert scene.dead.deleted == ["m-copy"]
    assert scene.row(notification).status is NotificationStatus.DELIVERED


def test_a_notification_that_changes_under_its_hands_is_left_alone(scene: Scene) -> None:
    notification = scene.announced()
    scene.dead.messages = [a_message(notification, "m-dead", 155), a_message(scene.announced("failed"), "m-2", 155)]
    changed = replace(notification, version=notification.version + 1)
    scene.notifications.at_save = lambda: scene.notifications.rows.update({notification.notification_id: changed})
    scene.tend(max_rescues=0)
    assert scene.row(notification) == changed
    assert scene.dead.released == ["m-dead", "m-2"]


def test_a_dead_letter_that_a_full_receive_cut_off_from_its_group_is_seen(scene: Scene) -> None:
    """Locked with the first of its group, which stays: it would be seen never (seed 10606)."""
    told = [scene.announced(subject_id=f"o-{number}") for number in range(10)]
    behind = scene.announced("failed", subject_id="o-9")
    scene.dead.messages = [a_message(each, f"m-{number}", 155) for number, each in enumerate([*told, behind])]
    scene.tend(max_rescues=0)
    assert scene.row(behind).status is NotificationStatus.FAILED
    assert not scene.dead.hidden
