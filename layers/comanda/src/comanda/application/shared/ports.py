"""What the use cases need from the world outside. Adapters implement these; tests bring small fakes."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from comanda.domain.shared.notify import Notify


class Clock(Protocol):
    """Where the time comes from, so that tests can set it."""

    def __call__(self) -> datetime:
        """The time now, in UTC."""


DefaultNotify = Callable[[str], Notify | None]
"""Who is told, by the caller's name, where an order or a report does not say. Raises Unavailable."""
