"""How often, and after what pause, an order is tried again (A5)."""

from collections.abc import Callable
from dataclasses import dataclass

GIVE_BACK_PAUSES = (0.5, 1.0, 2.0, 0.0)
"""Seconds after each try to give an attempt back that an outage cut short."""


@dataclass(frozen=True)
class RetryPolicy:
    """`max_attempts` tries; the pause after the n-th is `first_pause * 2**(n-1)` seconds, at most `longest_pause`.

    The last fifth of it is drawn at random, so that what failed together does not come back together (AWS Builders'
    Library, "Timeouts, retries, and backoff with jitter").
    """

    max_attempts: int
    first_pause: float
    longest_pause: float

    def pause_after(self, attempts: int, draw: Callable[[], float]) -> int:
        """Whole seconds, at least 1: ChangeMessageVisibility takes no fractions. `draw` gives 0 <= x < 1."""
        pause = min(self.longest_pause, self.first_pause * 2.0 ** (max(attempts, 1) - 1))
        return max(1, round(pause * (1 - 0.2 * draw())))
