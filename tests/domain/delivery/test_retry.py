"""How long the pauses are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comanda.domain.delivery.retry import LONGEST_RETRY_AFTER, RetryPolicy


def test_pauses_grow_to_their_limit() -> None:
    policy = RetryPolicy(max_attempts=5, first_pause=1, longest_pause=5)
    assert [policy.pause_after(n, lambda: 0.0) for n in range(1, 6)] == [1, 2, 4, 5, 5]


@pytest.mark.parametrize(("asked_for", "pause"), [(0, 2), (1.5, 2), (2.1, 3), (7, 7), (10**9, LONGEST_RETRY_AFTER)])
def test_a_pause_is_as_long_as_was_asked_for_within_reason(asked_for: float, pause: int) -> None:
    policy = RetryPolicy(max_attempts=5, first_pause=1, longest_pause=5)
    assert policy.pause_after(2, lambda: 0.0, asked_for=asked_for) == pause
    assert policy.pause_after(2, lambda: 0.99, asked_for=asked_for) >= min(asked_for, LONGEST_RETRY_AFTER)


@given(st.integers(1, 60), st.floats(0, 0.999), st.floats(0.1, 60), st.floats(1, 900))
def test_a_pause_is_a_second_at_least_and_the_limit_at_most(n: int, x: float, first: float, limit: float) -> None:
    assert 1 <= RetryPolicy(5, first, limit).pause_after(n, lambda: x) <= max(1, round(limit))
