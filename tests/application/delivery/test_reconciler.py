"""Every minute, for every kind: what is owed is sent (rule 4), and the status tells the truth of dead letters (P8)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from comanda.domain.delivery.work_item import By
from comanda.domain.shared.errors import Unavailable
from tests.application.delivery.conftest import Scene

MINUTE = timedelta(minutes=1)


class Dies(BaseException):
    """The process is gone."""


def die(_: object) -> None:
    raise Dies


def owe(scene: Scene, **fields: Any) -> Any:
    """A row in its first redriven run, whose message nobody sent."""
    scene.first_queue.outage = True
    row = scene.open_run(scene.add(**fields), By.CONSOLE)
    scene.first_queue.outage = False
    return row


# Rule 4: what is owed.


def test_what_is_owed_for_a_minute_is_sent_once(scene: Scene) -> None:
    row = owe(scene)
    scene.reconcile()
    assert scene.first_queue.sent == [], "whoever began the run may be about to send it"
    scene.clock.now += MINUTE
    scene.reconcile()
    scene.clock.now += 10 * MINUTE
    scene.reconcile()
    assert scene.first_queue.sent == [(row.row_id, 1)]
    assert scene.row(row) == replace(row, owed=False, updated_at=scene.row(row).updated_at)


def test_it_is_sent_before_it_is_cleared(scene: Scene) -> None:
    """Or who dies in between leaves a row that nobody ever works on."""
    row = owe(scene)
    scene.clock.now += MINUTE
    scene.first_queue.at_publish.append(die)
    with pytest.raises(Dies):
        scene.reconcile()
    assert scene.row(row).owed
    scene.reconcile()
    assert (scene.first_queue.sent, scene.row(row).owed) == ([(row.row_id, 1)], False)


def test_a_row_is_read_again_before_its_message_is_sent(scene: Scene) -> None:
    """The index is behind: a worker has it by now, it failed, or there is no row any more."""
    worked, failed, gone, begun = (owe(scene) for _ in range(4))
    listed = [worked, failed, gone, begun]
    scene.put(worked.tried("m-1", 1, scene.clock()))
    scene.put(failed.failed(scene.failure()))
    del scene.rows.rows[gone.row_id]
    scene.clock.now += MINUTE
    scene.put(begun.opened(By.CONSOLE, scene.clock(), ""))
    scene.rows.needing_attention = lambda _: iter(listed)
    scene.reconcile()
    assert scene.first_queue.sent == [], "of the last one the next run has just begun"


def test_one_that_cannot_be_read_again_stops_no_other(scene: Scene) -> None:
    first, second = owe(scene), owe(scene)
    scene.clock.now += MINUTE
    reads, get_many = [], scene.rows.get_many

    def fails_once(row_ids: Any) -> Any:
        reads.append(row_ids)
        if len(reads) == 1:
            raise Unavailable("table: ThrottlingException")
        return get_many(row_ids)

    scene.rows.get_many = fails_once
    scene.reconcile()
    assert scene.first_queue.sent == [(second.row_id, 1)]
    assert scene.row(first).owed


def test_one_that_cannot_be_sent_stops_no_other(scene: Scene) -> None:
    first, second, third = (owe(scene) for _ in range(3))
    scene.clock.now += MINUTE
    scene.first_queue.down_for = {first.row_id}
    before = scene.emitted(f"{scene.kind}.message_owed").count(first.row_id)
    scene.reconcile()
    assert scene.first_queue.sent == [(second.row_id, 1), (third.row_id, 1)]
    assert [scene.row(row).owed for row in (first, second, third)] == [True, False, False]
    assert scene.emitted(f"{scene.kind}.message_owed").count(first.row_id) == before + 1


def test_what_is_owed_for_ten_minutes_raises_its_event_each_minute(scene: Scene) -> None:
    row = owe(scene)
    scene.first_queue.outage = True
    event = f"{scene.kind}.message_owed_too_long"
    scene.clock.now = row.updated_at + 9 * MINUTE
    scene.reconcile()
    assert scene.emitted(event) == []
    for minute in (10, 11):
        scene.clock.now = row.updated_at + minute * MINUTE
        scene.reconcile()
    assert scene.emitted(event) == [row.row_id] * 2


def test_a_late_clear_of_the_sweep_does_not_take_what_a_later_run_owes(scene: Scene) -> None:
    """Rule 3."""
    row = owe(scene)
    scene.clock.now += MINUTE
    second: list[Any] = []

    def stall(_: object) -> None:
        second.append(scene.put(scene.row(row).opened(By.CONSOLE, scene.clock(), "redriven")))

    scene.first_queue.after_publish.append(stall)
    scene.reconcile()
    assert scene.row(row) == second[0]
    assert (second[0].owed, second[0].replay) == (True, 2)


def test_a_worker_that_is_quicker_than_the_sweeps_clear_keeps_what_it_wrote(scene: Scene) -> None:
    row = owe(scene)
    scene.clock.now += MINUTE
    done: list[Any] = []

    def work(_: object) -> None:
        assert scene.work(scene.message(scene.row(row))) == []
        done.append(scene.row(row))

    scene.first_queue.after_publish.append(work)
    scene.reconcile()
    assert [scene.row(row)] == done


def test_worker_that_dies_within_a_rescue_owes_its_message_to_the_next_sweep(scene: Scene) -> None:
    """It is sent once, after a minute, and the dead letter of the old run goes."""
    row = scene.add()
    scene.dead_letter(row)
    scene.first_queue.at_publish.append(die)
    with pytest.raises(Dies):
        scene.reconcile()
    assert (scene.row(row).owed, scene.row(row).replay, scene.row(row).rescues) == (True, 1, 1)
    scene.dead.hidden.clear()  # Two minutes later.
    scene.clock.now += 2 * MINUTE
    for _ in range(3):
        scene.reconcile()
    assert scene.first_queue.sent == [(row.row_id, 1)]
    assert (scene.row(row).rescues, scene.dead.messages) == (1, [])


def test_what_there_is_no_time_for_waits_for_the_next_minute(scene: Scene) -> None:
    owe(scene)
    letter = scene.dead_letter(scene.add())
    scene.clock.now += MINUTE
    scene.seconds_left = 4
    scene.reconcile()
    assert (scene.first_queue.sent, scene.dead.messages) == ([], [letter])


# Dead letters.


def test_what_was_dead_lettered_untried_begins_again_and_its_letter_goes(scene: Scene) -> None:
    row = scene.add()
    scene.dead_letter(row)
    scene.reconcile()
    there = scene.row(row)
    assert scene.first_queue.sent == [(row.row_id, 1)]
    assert (there.replay, there.rescues, there.owed, there.status) == (1, 1, False, row.status)
    assert scene.dead.messages == []
    assert scene.emitted(f"{scene.kind}.rescued") == [row.row_id]
    assert scene.work(scene.message(there)) == []
    assert scene.tries(row) == 1


def test_what_comes_back_untried_is_failed_once_nobody_is_at_it_and_its_letter_stays(scene: Scene) -> None:
    """P6: a row that somebody wrote within three minutes is none that nobody can work on."""
    row = scene.add()
    scene.dead_letter(row)
    scene.reconcile()
    letter = scene.comes_back(row)
    written = scene.row(row).updated_at
    scene.clock.now = written + 3 * MINUTE - timedelta(seconds=30)
    scene.reconcile()
    assert (scene.row(row).failure, scene.dead.messages) == (None, [letter])
    scene.clock.now = written + 3 * MINUTE
    scene.reconcile()
    failed = scene.row(row)
    assert (failed.failure.name, failed.failure.attempts, failed.failure.stage) == ("WorkerUnavailable", 0, scene.stage)
    assert (failed.failure.message_id, scene.dead.messages) == (letter.message_id, [letter])
    assert scene.emitted(f"{scene.kind}.failed") == [row.row_id]
    scene.reconcile()
    assert (scene.row(row), scene.dead.messages, len(scene.first_queue.sent)) == (failed, [letter], 1)


def test_an_outage_of_the_provider_is_not_counted_nor_failed(scene: Scene) -> None:
    """Rule 2; P6."""
    row = scene.add()
    scene.dead_letter(row)
    scene.in_outage = True
    for run in range(1, 4):
        scene.clock.now += 5 * MINUTE
        scene.reconcile()
        assert (scene.row(row).replay, scene.row(row).rescues, scene.row(row).is_failed) == (run, 0, False)
        scene.comes_back(row)
    assert scene.keys_of(f"{scene.kind}.rescued") == {"by": "outage"}
    scene.in_outage = False
    scene.reconcile()
    assert (scene.row(row).replay, scene.row(row).rescues) == (4, 1)


def test_one_that_was_rescued_before_is_not_failed_in_an_outage(scene: Scene) -> None:
    row = scene.add(rescues=1)
    scene.dead_letter(row)
    scene.in_outage = True
    scene.clock.now += 10 * MINUTE
    scene.reconcile()
    assert (scene.row(row).is_failed, scene.row(row).rescues, scene.row(row).replay) == (False, 1, 1)


def test_an_outage_excuses_no_other_stage(scene: Scene) -> None:
    row = scene.add(rescues=1)
    scene.dead_letter(row)
    scene.dead.stage, scene.in_outage = "another", True
    scene.clock.now += 10 * MINUTE
    scene.reconcile()
    assert (scene.row(row).failure.name, scene.row(row).failure.stage) == ("WorkerUnavailable", "another")


@pytest.mark.parametrize("stage", [None, "another"])
def test_a_failed_run_keeps_its_letters_at_whatever_stage(scene: Scene, stage: str | None) -> None:
    """Each may be the only one that the console has."""
    row = scene.add()
    letter = scene.dead_letter(row)
    failed = scene.put(row.failed(scene.failure("another message", stage)))
    scene.clock.now += timedelta(days=1)
    scene.reconcile()
    assert (scene.dead.messages, scene.row(row)) == ([letter], failed)


def test_letters_that_have_done_their_duty_go(scene: Scene) -> None:
    """Depth and alarms fall: the next run has begun, or it is over, or was looked at and left at that."""
    redriven = scene.add_failed()
    scene.dead_letter(redriven)
    scene.open_run(redriven, By.OPERATOR)
    discarded = scene.put(replace(scene.add_failed(), discarded=True))
    scene.dead_letter(discarded)
    done = scene.add()
    scene.dead_letter(done)
    scene.put(scene.settled(done))
    rows, sent = dict(scene.rows.rows), list(scene.first_queue.sent)
    scene.clock.now += timedelta(days=1)
    scene.reconcile()
    assert (scene.dead.messages, scene.first_queue.sent, scene.rows.rows) == ([], sent, rows)


def test_what_is_none_of_ours_stays_for_a_person(scene: Scene) -> None:
    row = scene.add()
    foreign = scene.dead_letter(row, message=None)
    orphan = scene.dead_letter(row)
    del scene.rows.rows[row.row_id]
    scene.clock.now += timedelta(days=1)
    scene.reconcile()
    assert (scene.dead.messages, scene.first_queue.sent) == ([foreign, orphan], [])


@pytest.mark.parametrize("rescues", [0, 1])
def test_a_row_that_changes_under_its_hands_is_left_alone(scene: Scene, rescues: int) -> None:
    """Redriven at this very moment, say: neither requeued nor failed, and the next minute looks again."""
    row = scene.add(rescues=rescues)
    letter = scene.dead_letter(row)
    scene.clock.now += 10 * MINUTE
    begun = row.opened(By.CONSOLE, scene.clock(), "redriven")
    scene.rows.before_save.append(lambda: scene.put(begun))
    scene.reconcile()
    assert (scene.row(row), scene.first_queue.sent, scene.dead.messages) == (begun, [], [letter])


def test_what_fails_at_this_moment_does_not_run_again(scene: Scene) -> None:
    """Or a failed order runs, and nobody knows why."""
    row = scene.add()
    scene.dead_letter(row)
    failed = row.failed(scene.failure())
    scene.rows.before_save.append(lambda: scene.put(failed))
    scene.reconcile()
    assert (scene.row(row), scene.first_queue.sent, len(scene.dead.messages)) == (failed, [], 1)


@pytest.mark.parametrize("rescues", [0, 1])
def test_a_row_that_owes_its_message_is_neither_requeued_nor_failed(scene: Scene, rescues: int) -> None:
    """A letter of its own run: its message was stored, and whoever sent it died before it could clear what is owed."""
    row = owe(scene)
    row = scene.put(replace(row, rescues=rescues))
    letter = scene.dead_letter(row)
    scene.first_queue.outage = True
    scene.clock.now += 20 * MINUTE
    scene.reconcile()
    assert (scene.row(row), scene.dead.messages) == (row, [letter])


def test_of_two_runs_that_were_dead_lettered_only_the_last_counts(scene: Scene) -> None:
    row = scene.add()
    scene.dead_letter(row)
    scene.open_run(row, By.CONSOLE)
    last = scene.comes_back(row)
    scene.clock.now += 10 * MINUTE
    scene.reconcile(max_rescues=0)
    assert (scene.row(row).failure.message_id, scene.row(row).replay) == (last.message_id, 1)
    assert scene.dead.messages == [last]


def test_a_letter_ahead_of_its_row_begins_a_run_past_its_own(scene: Scene) -> None:
    """It cannot be, and if it is, no run shares its number: SQS would take the message for a copy (I2)."""
    row = scene.add()
    scene.dead_letter(replace(row, replay=3))
    scene.dead_letter(row)
    scene.reconcile()
    scene.reconcile()
    assert (scene.first_queue.sent, scene.row(row).replay, scene.dead.messages) == ([(row.row_id, 4)], 4, [])


def test_a_letter_ahead_of_its_row_fails_no_run(scene: Scene) -> None:
    """Only a letter of its own run does: that one may be at work."""
    row = scene.add()
    ahead = scene.dead_letter(replace(row, replay=3))
    scene.clock.now += 10 * MINUTE
    scene.reconcile(max_rescues=0)
    assert (scene.row(row), scene.dead.messages) == (row, [ahead])


def test_a_run_whose_message_the_sweep_has_just_sent_is_not_failed(scene: Scene) -> None:
    """Nobody has written the row for three minutes, the sweep included: that message may be at work."""
    row = owe(scene)
    letter = scene.dead_letter(row)
    scene.clock.now += 10 * MINUTE
    scene.reconcile(max_rescues=0)
    assert (scene.first_queue.sent, scene.row(row).is_failed, scene.dead.messages) == (
        [(row.row_id, 1)],
        False,
        [letter],
    )
    scene.clock.now += 4 * MINUTE
    scene.reconcile(max_rescues=0)
    assert scene.row(row).failure.message_id == letter.message_id


def test_two_letters_of_one_run_begin_one(scene: Scene) -> None:
    """Its worker sent it on and died before it deleted it: two messages of one run, and both dead-lettered untried."""
    row = scene.add()
    scene.dead_letter(row)
    scene.dead_letter(row)
    for _ in range(2):
        scene.reconcile()
    assert (scene.first_queue.sent, scene.row(row).rescues) == ([(row.row_id, 1)], 1)
    assert scene.dead.messages == []


def test_a_table_that_is_down_ends_the_minute_and_nothing_is_changed(scene: Scene) -> None:
    row = scene.add()
    letter = scene.dead_letter(row)

    def unavailable() -> None:
        raise Unavailable("table: ThrottlingException")

    scene.rows.before_save.append(unavailable)
    with pytest.raises(Unavailable):
        scene.reconcile()
    assert (scene.row(row), scene.first_queue.sent, scene.dead.messages) == (row, [], [letter])
