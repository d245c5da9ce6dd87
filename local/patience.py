"""How long to wait for what takes as long as the machine is slow."""

import time
from collections.abc import Callable


class Patience:
    """Waits for as long as something changes, and no longer than a limit: a slow machine is no reason to give up."""

    def __init__(self, still_seconds: float, limit_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """It is over once nothing changed for `still_seconds`, or `limit_seconds` after now. `clock` in seconds."""
        self._still_seconds, self._limit_seconds, self._clock = still_seconds, limit_seconds, clock
        self._begun = self._changed = clock()
        self._seen: object = None

    def is_over(self, seen: object) -> bool:
        """`seen` is what there is to see now; where it differs from what was seen last, something has changed."""
        now = self._clock()
        if seen != self._seen:
            self._seen, self._changed = seen, now
        return self.why_over is not None

    @property
    def why_over(self) -> str | None:
        """As of now: "nothing has changed for 300 s", "1200 s are over", or None where it is not over."""
        now = self._clock()
        if now - self._changed >= self._still_seconds:
            return f"nothing has changed for {self._still_seconds:.0f} s"
        if now - self._begun >= self._limit_seconds:
            return f"{self._limit_seconds:.0f} s are over"
        return None
