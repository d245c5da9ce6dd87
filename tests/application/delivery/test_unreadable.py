"""A row that cannot be read hurts nobody but whom it is about; what a newer release wrote is left alone."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from comanda.domain.shared.errors import UnreadableRow
from tests.application.delivery.conftest import Scene

WHY = "origin is missing"


def spoil(scene: Scene, *, newer: bool = False) -> Any:
    row = scene.add()
    scene.rows.unreadable[row.row_id] = UnreadableRow(row.row_id, WHY, newer=newer)
    return row


def test_it_fails_with_a_class_of_its_own_and_its_neighbour_goes_on(scene: Scene) -> None:
    bad, good = spoil(scene), scene.add()
    message = scene.message(bad)
    assert scene.work(message, scene.message(good)) == [message.message_id]
    assert scene.queue.hidden[message.message_id] == 0, "left for the dead-letter queue"
    failure = scene.rows.failed_unreadable[bad.row_id]
    assert (failure.name, failure.stage, failure.message_id) == ("UnreadableRow", scene.stage, message.message_id)
    assert WHY in failure.message
    assert scene.keys_of("row.unreadable")["failed"] is True
    assert scene.tries(good) == 1


def test_it_is_failed_and_told_of_once(scene: Scene) -> None:
    message = scene.message(spoil(scene))
    for receive_count in (1, 2, 3):
        assert scene.work(replace(message, receive_count=receive_count)) == [message.message_id]
    assert len(scene.emitted("row.unreadable")) == 1
    assert len(scene.emitted(f"{scene.kind}.failed")) == 1


def test_one_that_a_newer_release_wrote_is_left_to_it(scene: Scene) -> None:
    """Neither failed nor acknowledged: it is received again, with growing pauses."""
    message = scene.message(spoil(scene, newer=True))
    for receive_count, pause in ((1, 1), (2, 2), (3, 4)):
        assert scene.work(replace(message, receive_count=receive_count)) == [message.message_id]
        assert scene.queue.hidden[message.message_id] == pause
    assert scene.rows.failed_unreadable == {}
    assert scene.emitted("row.unreadable") == []


def test_a_message_of_a_newer_release_is_left_to_it(scene: Scene) -> None:
    row = scene.add()
    message = replace(scene.message(row), message=None, of_newer_release=True)
    assert scene.work(message) == [message.message_id]
    assert scene.queue.hidden[message.message_id] == 1
    assert scene.row(row) == row


@pytest.mark.parametrize(("newer", "told"), [(False, "row.unreadable"), (True, "row.of_newer_release")])
def test_its_dead_letter_stays_and_hides_no_other(scene: Scene, *, newer: bool, told: str) -> None:
    """Where no worker could run, the reconciler fails it (P8); not what a newer release wrote (seed 7000043)."""
    bad, good = spoil(scene, newer=newer), scene.add()
    letter, other = scene.dead_letter(bad), scene.dead_letter(good)
    scene.reconcile()
    assert scene.dead.messages == [letter]
    assert scene.dead.deleted == [other.message_id]
    assert scene.keys_of(told) == {"row_id": bad.row_id, "reason": WHY, "failed": not newer}
    assert list(scene.rows.failed_unreadable) == ([] if newer else [bad.row_id])


def test_what_is_owed_and_cannot_be_read_fails(scene: Scene) -> None:
    """Or it would owe its message for good: nobody could send it."""
    bad = spoil(scene)
    scene.reconcile()
    assert scene.rows.failed_unreadable[bad.row_id].message_id == ""


def test_what_is_owed_is_found_past_it(scene: Scene) -> None:
    spoil(scene)
    row = scene.put(replace(scene.add(), owed=True))
    scene.clock.now += timedelta(minutes=2)
    scene.reconcile()
    assert scene.first_queue.sent == [(row.row_id, 0)]
