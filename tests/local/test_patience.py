"""How long is waited for something."""

from local.patience import Patience


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_it_lasts_while_something_changes_up_to_its_limit() -> None:
    clock = Clock()
    patience = Patience(still_seconds=10, limit_seconds=35, clock=clock)
    for seen in (1, 2, 3, 4):
        assert not patience.is_over(seen)
        clock.now += 9
    assert patience.is_over(5)
    assert patience.why_over == "35 s are over"


def test_it_ends_when_nothing_changed_for_so_long() -> None:
    clock = Clock()
    patience = Patience(still_seconds=10, limit_seconds=35, clock=clock)
    assert not patience.is_over({"status": "pending"})
    clock.now += 9.9
    assert not patience.is_over({"status": "pending"})
    assert patience.why_over is None
    clock.now += 0.1
    assert patience.is_over({"status": "pending"})
    assert patience.why_over == "nothing has changed for 10 s"


def test_what_changes_at_the_last_moment_counts() -> None:
    clock = Clock()
    patience = Patience(still_seconds=10, limit_seconds=35, clock=clock)
    assert not patience.is_over("pending")
    clock.now += 10
    assert not patience.is_over("processing")
