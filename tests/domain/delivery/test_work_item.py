"""How a run begins, and what belongs to it: "The row leads", as far as one row can tell; alike for all three kinds."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from comanda.domain.delivery.work_item import Attempts, By, WorkItem
from comanda.domain.reports.report import Report
from comanda.domain.shared.errors import IllegalTransition
from tests.domain.delivery.kinds import FAILED_ORDER, KINDS, LEASED, ORDER, Kind, of_each_kind
from tests.support.builders import NOW, a_claim, an_enriched_order

LATER = NOW + timedelta(minutes=9)
STATES = [
    pytest.param(kind, state, id=f"{name}-{state}") for name, kind in KINDS.items() for state in KINDS[name].begin
]
WRITES = [pytest.param(KINDS[name], write, id=f"{name}-{write}") for name in KINDS for write in KINDS[name].writes]


def owing(row: WorkItem) -> WorkItem:
    return replace(row, owed=True)


def worn(row: WorkItem) -> Any:
    """In its fourth run, with all that a run can leave behind."""
    return replace(row, replay=3, rescues=1, discarded=True, attempts=Attempts("m-9", 4, 7))


@pytest.mark.parametrize(("kind", "state"), STATES)
@pytest.mark.parametrize("by", By)
def test_only_who_may_begin_a_run_begins_one(kind: Kind, state: str, by: By) -> None:
    """Rule 1: operator from failed; console from failed or open; reconciler and outage from open; a settled one
    stays."""
    row, may, status = kind.begin[state]
    if by not in may:
        with pytest.raises(IllegalTransition):
            row.opened(by, LATER, "")
        return
    opened: Any = row.opened(by, LATER, "")
    assert opened.status == status


@of_each_kind
def test_a_run_begins_in_one_write_that_owes_its_message(kind: Kind) -> None:
    """Rule 1."""
    for row, may, _ in kind.begin.values():
        for by in may:
            opened = row.opened(by, LATER, "")
            assert (opened.owed, opened.replay, opened.version) == (True, row.replay + 1, row.version + 1)
            assert opened.updated_at == LATER


@of_each_kind
@pytest.mark.parametrize(("after", "run"), [(0, 4), (2, 4), (3, 4), (4, 5), (7, 8)])
def test_a_run_has_a_higher_number_than_the_row_and_than_the_message_that_was_met(
    kind: Kind, after: int, run: int
) -> None:
    """I2: or SQS would take its message for a copy of an earlier run's."""
    assert replace(kind.row, replay=3).opened(By.CONSOLE, NOW, "", after=after).replay == run


@of_each_kind
def test_attempts_and_failure_end_with_their_run(kind: Kind) -> None:
    """Rule 2."""
    for row, may, _ in kind.begin.values():
        for by in may:
            opened = worn(row).opened(by, NOW, "")
            assert (opened.attempts, opened.failure, opened.discarded, opened.is_failed) == (None, None, False, False)


@of_each_kind
def test_rescues_are_counted_across_runs_and_begin_again_with_a_person(kind: Kind) -> None:
    """Rule 2: only a client, an operator or the console resets them; an outage neither counts nor resets."""
    rescues = {by: worn(row).opened(by, NOW, "").rescues for row, may, _ in kind.begin.values() for by in may}
    asked_again = {By.CLIENT: 0} if kind.row.kind == Report.kind else {}
    assert rescues == {By.RECONCILER: 2, By.OUTAGE: 1, By.OPERATOR: 0, By.CONSOLE: 0} | asked_again
    assert worn(kind.row).failed(kind.failed().failure).rescues == 1, "nor does a failure reset them"


@pytest.mark.parametrize(("kind", "write"), WRITES)
def test_every_write_but_the_one_that_opens_takes_away_what_is_owed(kind: Kind, write: str) -> None:
    """Rule 3."""
    assert not kind.writes[write](owing(kind.row), LATER).owed


def test_one_more_who_is_told_of_a_report_takes_nothing_away_that_is_owed() -> None:
    """Whoever asks for it again has no message of its run."""
    report = KINDS[Report.kind].row
    assert isinstance(report, Report)
    from_now_on: list[Any] = [replace(report, owed=owed).also_telling(object(), NOW) for owed in (False, True)]  # type: ignore[arg-type]
    assert [each.owed for each in from_now_on] == [False, True]


@of_each_kind
def test_that_its_message_was_sent_changes_nothing_else_of_a_row(kind: Kind) -> None:
    """Rule 3: no version either, as a worker may have the row in its hands by now."""
    opened = kind.row.opened(By.RECONCILER, NOW, "")
    assert opened.sent(LATER) == replace(opened, owed=False, updated_at=LATER)


@of_each_kind
def test_attempts_belong_to_one_message(kind: Kind) -> None:
    once = kind.row.tried("m-1", 1, NOW)
    twice = once.tried("m-1", 2, LATER)
    assert (once.attempts_of("m-1"), twice.attempts_of("m-1"), twice.attempts_of("m-2")) == (1, 2, 0)
    assert twice.attempts == Attempts("m-1", 2, 2)
    assert twice.tried("m-2", 1, NOW).attempts_of("m-2") == 1
    assert twice.tried("m-2", 1, NOW).attempts_of("m-1") == 0


@of_each_kind
def test_attempts_of_one_receive_are_counted_once(kind: Kind) -> None:
    """Rule 8: an answer that was lost makes no second attempt."""
    row = kind.row.tried("m-1", 1, NOW).tried("m-1", 2, NOW)
    assert row.tried("m-1", 2, LATER).attempts == row.attempts


@of_each_kind
def test_an_attempt_that_is_given_back_counts_for_nothing(kind: Kind) -> None:
    row = kind.row.tried("m-1", 1, NOW).tried("m-1", 2, NOW)
    assert row.given_back(LATER).attempts == Attempts("m-1", 1, 2)
    with pytest.raises(IllegalTransition, match="was not tried"):
        kind.row.given_back(NOW)


def test_what_was_achieved_outlives_a_run() -> None:
    enriched = an_enriched_order()
    again = enriched.failed(FAILED_ORDER.failure).opened(By.OPERATOR, LATER, "redriven by ana")  # type: ignore[arg-type]
    assert (again.enrichment, again.total_amount) == (enriched.enrichment, enriched.total_amount)
    assert (again.timeline[-1].note, again.timeline[-1].at) == ("redriven by ana", LATER)


def test_a_claim_whose_message_was_met_is_shown_from_the_time_it_was_asked_for() -> None:
    """The API answers 202 without a write of its own then (P1)."""
    claim = a_claim()
    for order in (claim.tried("m-1", 2, LATER), claim.opened(By.CONSOLE, LATER, "redriven")):
        assert not order.is_claim
        assert (order.timeline[0].status, order.timeline[0].at) == ("pending", claim.created_at)


def test_report_given_back_has_no_owner_and_keeps_its_lease_number() -> None:
    """Or the next worker would write where an earlier one may still be writing."""
    assert LEASED.seconds_held(NOW) == 60
    for report in (LEASED.tried("m-1", 1, NOW), LEASED.given_back(NOW)):
        assert report.seconds_held(NOW) == 0
        assert report.lease
        assert LEASED.lease
        assert report.lease.number == LEASED.lease.number
        assert report.version > LEASED.version


def test_nobody_holds_what_has_no_lease() -> None:
    assert ORDER.seconds_held(datetime.max.replace(tzinfo=NOW.tzinfo)) == 0
