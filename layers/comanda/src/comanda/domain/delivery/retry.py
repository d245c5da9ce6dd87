"""How often, and after what pause, a row is worked on again (A5)."""

import math
from collections.abc import Callable
from dataclasses import dataclass

GIVE_BACK_PAUSES = (0.5, 1.0, 2.0, 0.0)
"""Seconds after each try to give an attempt back that an outage cut short."""

LONGEST_RETRY_AFTER = 900
"""Seconds. A service that asks for a longer pause is asked again after this one all the same: nobody's slip in a header
may hold a recipient up for days."""


@dataclass(frozen=True)
class RetryPolicy:
    """`max_attempts` tries; the pause after the n-th is `first_pause * 2**(n-1)` seconds, at most `longest_pause`.

    The last fifth of it is drawn at random, so that what failed together does not come back together (AWS Builders'
    Library, "Timeouts, retries, and backoff with jitter").
    """

    max_attempts: int
    first_pause: float
    longest_pause: float

    def pause_after(self, attempts: int, random: Callable[[], float], asked_for: float = 0.0) -> int:
        """Whole seconds, at least 1: ChangeMessageVisibility takes no fractions. `random` gives 0 <= x < 1.

        `asked_for`: seconds that the other side wants to be left alone for. The pause is then no shorter, up to
        LONGEST_RETRY_AFTER, and up to a fifth longer.
        """
        drawn = random()
        pause = min(self.longest_pause, self.first_pause * 2.0 ** (max(attempts, 1) - 1))
        wanted = min(asked_for, LONGEST_RETRY_AFTER)
        return max(1, round(pause * (1 - 0.2 * drawn)), math.ceil(wanted * (1 + 0.2 * drawn)))
