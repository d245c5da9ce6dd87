"""The one way to begin a run: row first, message second, and what is owed in between stands in the row (rule 1)."""

from dataclasses import replace
from typing import Any

import pytest

from comanda.application.delivery.ports import VersionConflict
from comanda.domain.delivery.work_item import By
from comanda.domain.shared.errors import IllegalTransition, Unavailable
from tests.application.delivery.conftest import Scene

BEGINS = [(By.RECONCILER, False), (By.OUTAGE, False), (By.CONSOLE, False), (By.CONSOLE, True), (By.OPERATOR, True)]
"""Who begins a run, and whether of a failed row."""


class Dies(BaseException):
    """The process is gone."""


def die(_: object) -> None:
    raise Dies


def unavailable(*_: object) -> None:
    raise Unavailable("table: ThrottlingException")


@pytest.mark.parametrize(("by", "failed"), BEGINS)
def test_the_row_stands_in_its_new_run_and_owes_its_message_before_that_is_sent(
    scene: Scene, by: By, *, failed: bool
) -> None:
    """I1: a row is never behind a message about it."""
    row = scene.add_failed() if failed else scene.add()
    stood: list[Any] = []
    scene.first_queue.at_publish.append(lambda published: stood.extend([published, scene.row(row)]))
    opened = scene.open_run(row, by)
    published, there = stood
    assert published == there
    assert (there.owed, there.replay, there.is_failed) == (True, 1, False)
    assert scene.first_queue.sent == [(row.row_id, 1)]
    assert opened == scene.row(row) == there.sent(opened.updated_at), "nothing is owed any more, and that is all"


def test_a_row_that_is_not_as_it_was_read_begins_no_run_and_nothing_is_sent(scene: Scene) -> None:
    """Or a failed order runs, and nobody knows why."""
    row = scene.add()
    failed = scene.put(row.failed(scene.failure()))
    with pytest.raises(VersionConflict):
        scene.open_run(row, By.RECONCILER)
    assert (scene.row(row), scene.first_queue.sent) == (failed, [])


def test_who_may_not_begin_a_run_writes_and_sends_nothing(scene: Scene) -> None:
    row = scene.add_failed()
    with pytest.raises(IllegalTransition):
        scene.open_run(row, By.RECONCILER)
    assert (scene.row(row), scene.first_queue.sent) == (row, [])


def test_where_the_row_is_not_written_nothing_is_sent(scene: Scene) -> None:
    row = scene.add()
    scene.rows.before_save.append(unavailable)
    with pytest.raises(Unavailable):
        scene.open_run(row, By.CONSOLE)
    assert (scene.row(row), scene.first_queue.sent) == (row, [])


def test_what_cannot_be_sent_is_owed_and_said_so(scene: Scene) -> None:
    row = scene.add()
    scene.first_queue.outage = True
    opened = scene.open_run(row, By.CONSOLE)
    assert opened == scene.row(row)
    assert (opened.owed, opened.replay) == (True, 1)
    assert scene.emitted(f"{scene.kind}.message_owed") == [row.row_id]


def test_who_dies_between_row_and_message_leaves_it_owed(scene: Scene) -> None:
    row = scene.add()
    scene.first_queue.at_publish.append(die)
    with pytest.raises(Dies):
        scene.open_run(row, By.CONSOLE)
    assert (scene.row(row).owed, scene.row(row).replay, scene.first_queue.sent) == (True, 1, [])


def test_worker_that_dies_before_the_clear_leaves_a_message_owed_and_sent_twice(
    scene: Scene,
) -> None:
    row = scene.add()
    scene.first_queue.after_publish.append(die)
    with pytest.raises(Dies):
        scene.open_run(row, By.CONSOLE)
    assert scene.row(row).owed
    scene.open_run.send(scene.row(row))
    assert scene.first_queue.sent == [(row.row_id, 1)] * 2, "of one run: one deduplication id"
    assert not scene.row(row).owed


def test_a_worker_that_is_quicker_than_the_clear_keeps_what_it_wrote(scene: Scene) -> None:
    """Rule 3: only the one attribute is cleared, never the row."""
    row = scene.add()

    def work(_: object) -> None:
        assert scene.work(scene.message(scene.row(row))) == []
        done.append(scene.row(row))

    done: list[Any] = []
    scene.first_queue.after_publish.append(work)
    scene.open_run(row, By.CONSOLE)
    assert scene.row(row) == done[0]
    assert not done[0].owed


def test_a_late_clear_of_a_run_does_not_take_what_a_later_one_owes(scene: Scene) -> None:
    """Rule 3: the sender stalls between its message and its clear, while the run fails and the next one begins."""
    row = scene.add()
    second: list[Any] = []

    def stall(_: object) -> None:
        scene.first_queue.outage = True
        failed = scene.put(scene.row(row).failed(scene.failure()))
        second.append(scene.open_run(failed, By.OPERATOR))

    scene.first_queue.after_publish.append(stall)
    scene.open_run(row, By.CONSOLE)
    assert scene.row(row) == second[0]
    assert (second[0].owed, second[0].replay) == (True, 2)


@pytest.mark.parametrize(("after", "run"), [(0, 1), (4, 5)])
def test_a_run_has_a_higher_number_than_any_message_that_was_met(scene: Scene, after: int, run: int) -> None:
    """I2."""
    row = scene.add()
    scene.open_run(row, By.RECONCILER, after=after)
    assert scene.first_queue.sent == [(row.row_id, run)]


@pytest.mark.parametrize(("by", "failed"), BEGINS)
def test_who_began_a_run_is_told(scene: Scene, by: By, *, failed: bool) -> None:
    row = scene.add_failed() if failed else scene.add()
    scene.open_run(row, by)
    event = f"{scene.kind}.{'redriven' if by in {By.CONSOLE, By.OPERATOR} else 'rescued'}"
    assert scene.emitted(event) == [row.row_id]
    assert scene.keys_of(event) == {"by": by.value}


def test_runs_begin_one_after_the_other_and_never_share_a_number(scene: Scene) -> None:
    row = scene.add()
    for by in (By.RECONCILER, By.CONSOLE, By.OUTAGE, By.RECONCILER):
        scene.open_run(scene.row(row), by)
    failed = scene.put(scene.row(row).failed(scene.failure()))
    scene.open_run(replace(failed, discarded=True), By.OPERATOR)
    assert scene.first_queue.sent == [(row.row_id, run) for run in range(1, 6)]
    assert scene.row(row).rescues == 0
