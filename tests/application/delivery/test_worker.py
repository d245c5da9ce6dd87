"""What every worker does with a message, whatever the kind of its row: rules 5 to 8, and the budget of attempts."""

from dataclasses import replace
from typing import Any

from comanda.domain.delivery.work_item import By
from comanda.domain.shared.errors import PermanentError, TransientError, Unavailable
from tests.application.delivery.conftest import MAX_ATTEMPTS, Scene

SLOW = TransientError("Timeout", "slow")
NEVER = PermanentError("Rejected", "no")


def unavailable() -> None:
    raise Unavailable("table: ThrottlingException")


# Rules 5 to 7: what a message means.


def test_what_came_back_is_never_worked_on_but_begins_a_run(scene: Scene) -> None:
    """Rule 6: it is deleted, as the run has a message of its own."""
    for row in (scene.add(), scene.add_failed()):
        assert scene.work(scene.message(row, came_back=True)) == []
        there = scene.row(row)
        assert (there.replay, there.is_failed, there.owed, scene.tries(row)) == (1, False, False, 0)
        assert scene.first_queue.sent[-1] == (row.row_id, 1)
        assert scene.keys_of(f"{scene.kind}.redriven") == {"by": "console"}
        assert scene.work(scene.message(there)) == []
        assert scene.tries(row) == 1


def test_every_later_copy_of_what_came_back_is_of_an_old_run(scene: Scene) -> None:
    """Rule 6."""
    row = scene.add_failed()
    moved = [scene.message(row, came_back=True) for _ in range(2)]
    assert scene.work(*moved) == [], "two in one batch"
    assert scene.work(replace(moved[0], receive_count=2)) == [], "one that could not be deleted"
    assert scene.work(scene.message(row, message_id="copy")) == [], "one that never was in a dead-letter queue"
    assert (scene.first_queue.sent, scene.row(row).replay, scene.tries(row)) == ([(row.row_id, 1)], 1, 0)


def test_what_came_back_and_is_ahead_of_its_row_begins_a_run_past_its_own(scene: Scene) -> None:
    """I2: that row was restored from a backup, say."""
    row = scene.add()
    ahead = scene.message(replace(row, replay=3), came_back=True)
    assert scene.work(ahead) == []
    assert scene.first_queue.sent == [(row.row_id, 4)]


def test_what_came_back_is_deleted_although_its_runs_message_cannot_be_sent_now(scene: Scene) -> None:
    """The row owes it."""
    row = scene.add_failed()
    scene.first_queue.outage = True
    assert scene.work(scene.message(row, came_back=True)) == []
    assert (scene.row(row).owed, scene.row(row).replay) == (True, 1)


def test_what_came_back_while_the_table_is_down_waits(scene: Scene) -> None:
    row = scene.add_failed()
    scene.rows.before_save.append(unavailable)
    moved = scene.message(row, came_back=True)
    assert scene.work(moved) == [moved.message_id]
    assert (scene.row(row), scene.first_queue.sent) == (row, [])
    assert scene.queue.hidden[moved.message_id] > 0


def test_a_console_that_an_operator_overtakes_begins_no_second_run(scene: Scene) -> None:
    """CLI and console at once: the worker looks again, and finds its message of an old run."""
    row = scene.add_failed(rescues=1)

    def redrive() -> None:
        scene.open_run(row, By.OPERATOR, "redriven by ana")

    scene.rows.before_save.append(redrive)
    assert scene.work(scene.message(row, came_back=True)) == []
    assert (scene.row(row).replay, scene.row(row).rescues, scene.first_queue.sent) == (1, 0, [(row.row_id, 1)])
    assert scene.keys_of(f"{scene.kind}.redriven") == {"by": "operator"}


def test_a_message_of_an_older_run_is_dropped(scene: Scene) -> None:
    """Rule 5."""
    row = scene.add()
    old = scene.message(row)
    scene.open_run(row, By.RECONCILER)
    there = scene.row(row)
    assert scene.work(old) == []
    assert (scene.row(row), scene.tries(row)) == (there, 0)


def test_a_message_ahead_of_its_row_is_left_for_the_dead_letter_queue_and_said_so(scene: Scene) -> None:
    """Rule 5: an alarm looks for it."""
    row = scene.add()
    ahead = scene.message(replace(row, replay=1))
    assert scene.work(ahead) == [ahead.message_id]
    assert scene.queue.hidden == {ahead.message_id: 0}
    assert (scene.row(row), scene.tries(row), scene.first_queue.sent) == (row, 0, [])
    assert scene.emitted("message.ahead") == [row.row_id]


def test_copy_behind_its_runs_failure_is_dead_lettered_unwritten(scene: Scene) -> None:
    """Rule 7: again and again, until its receives are used up."""
    row = scene.add_failed()
    for receive_count in range(1, 60):
        copy = scene.message(row, message_id="copy", receive_count=receive_count)
        assert scene.work(copy) == ["copy"]
    assert scene.queue.hidden == {"copy": 0}
    assert (scene.row(row), scene.tries(row), scene.first_queue.sent) == (row, 0, [])


def test_a_copy_that_meets_a_failure_at_another_stage_is_dropped(scene: Scene) -> None:
    """Rule 7."""
    row = scene.add()
    failed = scene.put(row.failed(scene.failure(stage="another")))
    assert scene.work(scene.message(row)) == []
    assert (scene.row(row), scene.queue.hidden) == (failed, {})


def test_rows_are_read_after_the_receive_and_again_where_they_changed(scene: Scene) -> None:
    """Rule 5: by the time that the attempt is written, the run has failed elsewhere."""
    row = scene.add()

    def fail() -> None:
        scene.put(scene.row(row).failed(scene.failure()))

    scene.rows.before_save.append(fail)
    message = scene.message(row, receive_count=2)
    assert scene.work(message) == [message.message_id]
    assert scene.row(row).is_failed
    assert scene.queue.hidden == {message.message_id: 0}


def test_a_worker_that_wakes_up_late_changes_nothing(scene: Scene) -> None:
    row = scene.put(scene.add().tried("m-1", 3, scene.clock()))
    assert scene.work(scene.message(row, message_id="m-1", receive_count=2)) == ["m-1"]
    assert (scene.row(row), scene.tries(row), scene.queue.hidden) == (row, 0, {})


# Attempts belong to a run, and are not receives.


def test_with_its_last_attempt_a_run_fails_after_growing_pauses(scene: Scene) -> None:
    row = scene.add()
    scene.set_error(row, SLOW)
    pauses = []
    for receive_count in range(1, MAX_ATTEMPTS + 1):
        assert scene.work(scene.message(row, message_id="m-1", receive_count=receive_count)) == ["m-1"]
        pauses.append(scene.queue.hidden["m-1"])
    failure = scene.row(row).failure
    assert (pauses, scene.tries(row)) == ([1, 2, 0], MAX_ATTEMPTS)
    assert (failure.name, failure.attempts, failure.stage, failure.message_id) == ("Timeout", 3, scene.stage, "m-1")


def test_a_permanent_error_fails_at_once_and_makes_nobody_wait(scene: Scene) -> None:
    """P7."""
    row = scene.add()
    scene.set_error(row, NEVER)
    message = scene.message(row)
    assert scene.work(message) == [message.message_id]
    assert (scene.row(row).is_failed, scene.row(row).failure.attempts) == (True, 1)
    assert scene.queue.hidden == {message.message_id: 0}


def test_the_next_run_has_a_new_budget(scene: Scene) -> None:
    """Rule 2."""
    row = scene.add()
    scene.set_error(row, SLOW)
    for receive_count in range(1, MAX_ATTEMPTS + 1):
        scene.work(scene.message(row, message_id="m-1", receive_count=receive_count))
    scene.work(scene.message(row, message_id="m-2", came_back=True))
    again = scene.row(row)
    assert scene.work(scene.message(again, message_id="m-3")) == ["m-3"]
    assert (scene.row(row).failure, scene.row(row).attempts_of("m-3")) == (None, 1)


def test_an_outage_uses_up_no_attempt(scene: Scene) -> None:
    """P6."""
    row = scene.add()
    scene.set_error(row, Unavailable("another table"))
    for receive_count in range(1, 3 * MAX_ATTEMPTS):
        assert scene.work(scene.message(row, message_id="m-1", receive_count=receive_count)) == ["m-1"]
        assert scene.row(row).attempts_of("m-1") == 0
    scene.set_error(row, None)
    assert scene.work(scene.message(row, message_id="m-1", receive_count=20)) == []


def test_an_attempt_whose_record_was_not_answered_is_given_back(scene: Scene) -> None:
    row = scene.add()
    scene.rows.lost_answers = 1
    assert scene.work(scene.message(row, message_id="m-1", receive_count=2)) == ["m-1"]
    assert (scene.tries(row), scene.row(row).attempts_of("m-1")) == (0, 0)


def test_attempts_of_one_receive_are_counted_once(scene: Scene) -> None:
    """Rule 8: the record was written, whatever became of its answer."""
    row = scene.put(scene.add().tried("m-1", 1, scene.clock()).tried("m-1", 2, scene.clock()))
    scene.set_error(row, SLOW)
    assert scene.work(scene.message(row, message_id="m-1", receive_count=2)) == ["m-1"]
    assert (scene.tries(row), scene.row(row).attempts_of("m-1"), scene.row(row).failure) == (1, 2, None)
    assert scene.queue.hidden == {"m-1": 2}, "the pause after the second attempt"


def test_an_attempt_is_written_before_it_starts_from_the_second_receive_on(scene: Scene) -> None:
    """What kills the worker is found out, and never starts more often than it may, and once more."""
    row = scene.add()
    for receive_count in range(2, MAX_ATTEMPTS + 2):
        scene.put(scene.row(row).tried("m-1", receive_count, scene.clock()))
    assert scene.work(scene.message(row, message_id="m-1", receive_count=9)) == ["m-1"]
    assert (scene.row(row).failure.name, scene.tries(row)) == ("WorkerDied", 0)


def test_what_a_worker_writes_takes_away_what_is_owed(scene: Scene) -> None:
    """Rule 3: whoever has the message knows that it was sent."""
    row = scene.put(replace(scene.add(), owed=True, replay=1))
    scene.set_error(row, SLOW)
    scene.work(scene.message(row))
    assert not scene.row(row).owed
    failing: Any = scene.put(replace(scene.add(), owed=True, replay=1))
    scene.set_error(failing, NEVER)
    scene.work(scene.message(failing))
    assert (scene.row(failing).is_failed, scene.row(failing).owed) == (True, False)
