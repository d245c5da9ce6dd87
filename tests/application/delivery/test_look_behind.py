"""What lies behind ten dead letters of a message group nobody can see: it is found by its row, for every kind."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from comanda.domain.delivery.work_item import By
from tests.application.delivery.conftest import Scene, reports

MINUTE = timedelta(minutes=1)
QUIET = timedelta(minutes=3)
STANDS_STILL = timedelta(hours=1)


def crowd(scene: Scene, size: int = 10) -> list[Any]:
    """So many failed rows of one group, each with its letter."""
    failed = [scene.add_failed() for _ in range(size)]
    for row in failed:
        scene.dead_letter(row)
    return failed


def hide(scene: Scene, **fields: Any) -> Any:
    """An open row whose letter lies behind the crowd."""
    row = scene.add(**fields)
    scene.dead_letter(row)
    return row


def test_ten_dead_letters_do_not_hide_the_eleventh(grouped: Scene) -> None:
    crowd(grouped)
    behind = [hide(grouped) for _ in range(3)]
    grouped.clock.now += QUIET
    grouped.reconcile()
    assert grouped.first_queue.sent == [(row.row_id, 1) for row in behind]
    assert [grouped.row(row).rescues for row in behind] == [1, 1, 1], "each is a rescue, and counts"


def test_letters_that_were_purged_by_hand_hide_nothing(grouped: Scene) -> None:
    """Far more rows failed than there are letters, and still one letter is hidden."""
    crowd(grouped)
    for _ in range(30):
        grouped.add_failed()
    behind = hide(grouped)
    grouped.clock.now += QUIET
    grouped.reconcile()
    assert grouped.first_queue.sent == [(behind.row_id, 1)]


def test_nothing_is_looked_for_where_no_letter_is_hidden(grouped: Scene) -> None:
    """In an outage rows wait for hours in their queue."""
    crowd(grouped)
    for _ in range(3):
        grouped.add()
    grouped.clock.now += timedelta(hours=3)
    rows = dict(grouped.rows.rows)
    grouped.reconcile()
    assert (grouped.first_queue.sent, grouped.rows.rows) == ([], rows)


def test_a_depth_that_is_behind_hides_nothing(grouped: Scene) -> None:
    """SQS gives it about: ten are seen, and it says eight."""
    crowd(grouped)
    waiting = [grouped.add() for _ in range(3)]
    grouped.clock.now += timedelta(hours=3)
    grouped.dead.depth = lambda: 8  # type: ignore[method-assign]
    grouped.reconcile()
    assert (grouped.first_queue.sent, [grouped.row(row) for row in waiting]) == ([], waiting)


def test_fewer_than_ten_letters_hide_nothing(grouped: Scene) -> None:
    crowd(grouped, 9)
    waiting = grouped.add()
    grouped.clock.now += timedelta(hours=3)
    grouped.reconcile()
    assert (grouped.first_queue.sent, grouped.row(waiting)) == ([], waiting)


def test_as_many_as_are_hidden_are_taken_the_oldest_first(grouped: Scene) -> None:
    crowd(grouped)
    young = grouped.add(created_at=grouped.clock.now + MINUTE)
    old = hide(grouped)
    grouped.clock.now += 2 * QUIET
    grouped.reconcile()
    assert grouped.first_queue.sent == [(old.row_id, 1)]
    assert grouped.row(young) == young


def test_what_somebody_wrote_a_moment_ago_or_owes_its_message_is_not_taken(grouped: Scene) -> None:
    crowd(grouped)
    written, owing = hide(grouped), hide(grouped)
    grouped.clock.now += 2 * QUIET
    written = grouped.put(replace(written, updated_at=grouped.clock.now - QUIET + MINUTE))
    grouped.first_queue.outage = True
    owing = grouped.put(replace(grouped.open_run(owing, By.CONSOLE), updated_at=grouped.clock.now - 2 * QUIET))
    grouped.reconcile()
    assert (grouped.row(written), grouped.row(owing)) == (written, owing)


def test_one_that_is_written_at_this_moment_is_left_alone(grouped: Scene) -> None:
    crowd(grouped)
    behind = hide(grouped)
    grouped.clock.now += QUIET
    tried = behind.tried("m-9", 2, grouped.clock())
    grouped.rows.before_save.append(lambda: grouped.put(tried))
    grouped.reconcile()
    assert (grouped.row(behind), grouped.first_queue.sent) == (tried, [])


def test_used_up_it_fails_where_its_group_stands_still_and_its_message_is_unknown(grouped: Scene) -> None:
    crowd(grouped)
    behind = hide(grouped, rescues=1)
    grouped.clock.now += STANDS_STILL - 2 * MINUTE
    grouped.reconcile()
    assert (grouped.row(behind), grouped.first_queue.sent) == (behind, [])
    grouped.clock.now += 3 * MINUTE
    grouped.reconcile()
    failure = grouped.row(behind).failure
    assert (failure.name, failure.message_id, failure.attempts) == ("WorkerUnavailable", "", 0)
    assert grouped.first_queue.sent == []


def test_used_up_it_is_requeued_after_an_hour_where_its_group_has_a_worker(grouped: Scene) -> None:
    """It may only wait in its queue, behind others."""
    crowd(grouped)
    behind = hide(grouped, rescues=1)
    grouped.clock.now += STANDS_STILL
    at_work = grouped.add()
    grouped.put(replace(at_work, updated_at=grouped.clock.now, created_at=grouped.clock.now))
    grouped.reconcile()
    assert (grouped.row(behind).failure, grouped.first_queue.sent) == (None, [(behind.row_id, 1)])


def test_in_an_outage_it_is_requeued_each_hour_and_not_counted(grouped: Scene) -> None:
    """Its timeline grows with each, and an outage may last for days: a row has 400 KB."""
    crowd(grouped)
    behind = hide(grouped, rescues=1)
    grouped.in_outage = True
    runs = []
    for _ in range(4):
        grouped.clock.now += timedelta(minutes=31)
        grouped.reconcile()
        runs.append(grouped.row(behind).replay)
    assert runs == [0, 1, 1, 2]
    assert (grouped.row(behind).rescues, grouped.row(behind).failure) == (1, None)


def test_a_group_that_shared_a_full_receive_is_seen_in_full(grouped: Scene) -> None:
    """Four of one group and six of another make ten; what is locked with the six no crowd hides (seed 922)."""
    names = ("ana", *["bruno"] * 3, *["carla"] * 3, *["davi"] * 3, *["carla"] * 2, *["davi"] * 3)
    letters = [grouped.dead_letter(grouped.add_failed(), group=name) for name in names]
    behind = [grouped.add(), grouped.add()]
    for row, name in zip(behind, ("davi", "carla"), strict=True):
        grouped.dead_letter(row, group=name)
    grouped.reconcile()
    assert sorted(grouped.first_queue.sent) == sorted((row.row_id, 1) for row in behind)
    assert sorted(each.message_id for each in grouped.dead.messages) == sorted(each.message_id for each in letters)


def test_a_report_hides_no_other() -> None:
    """Each is a group of its own: ten letters of one group are about one report."""
    scene = reports()
    row = scene.add_failed()
    for _ in range(11):
        scene.dead_letter(row)
    waiting = scene.add()
    scene.clock.now += timedelta(hours=3)
    scene.reconcile()
    assert (scene.first_queue.sent, scene.row(waiting)) == ([], waiting)
