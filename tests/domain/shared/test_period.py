"""A period knows whether it is empty, at the resolution in which times are kept."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comanda.domain.shared.period import Period
from comanda.domain.shared.times import to_iso
from tests.support.builders import NOW

MOMENTS = st.integers(-5_000, 5_000).map(lambda microseconds: NOW + timedelta(microseconds=microseconds))


@pytest.mark.parametrize(
    ("microseconds", "empty"), [(-86_400_000_000, True), (0, True), (1, True), (999, True), (1_000, False)]
)
def test_it_is_empty_where_no_time_that_is_kept_lies_in_it(microseconds: int, empty: bool) -> None:
    assert Period(NOW, NOW + timedelta(microseconds=microseconds)).is_empty is empty


@given(MOMENTS, MOMENTS, MOMENTS)
def test_what_is_written_down_lies_in_it_as_the_moments_do(begin: datetime, end: datetime, at: datetime) -> None:
    """The text of a time decides in DynamoDB, and the time itself here: they never disagree."""
    period, kept = Period(begin, end), datetime.fromisoformat(to_iso(at))
    assert (kept in period) is (to_iso(begin) <= to_iso(at) < to_iso(end))
    assert period.is_empty is (to_iso(end) <= to_iso(begin))
    if period.is_empty:
        assert kept not in period


@given(MOMENTS, MOMENTS, MOMENTS)
def test_until_a_moment_it_is_never_the_wrong_way_round(begin: datetime, end: datetime, moment: datetime) -> None:
    period = Period(begin, end).until(moment)
    assert period.begin <= period.end <= max(period.begin, Period(begin, moment).end)


def test_bounds_of_any_zone_are_the_same_bounds() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=14)))
    assert Period(there, there + timedelta(days=1)) == Period(NOW, NOW + timedelta(days=1))
    assert Period(there, there).begin.tzinfo is UTC
