"""What the use cases need from the world outside. Adapters implement these; tests bring small fakes."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from comanda.domain.delivery.work_item import WorkItem
from comanda.domain.shared.notify import Notify


class Clock(Protocol):
    def __call__(self) -> datetime:
        """The time now, in UTC."""


class Telemetry(Protocol):
    """Where what happened is told: structured logs and metrics."""

    def tell(self, happening: str, subject: WorkItem | None = None, **facts: object) -> None: ...


DefaultNotify = Callable[[str], Notify | None]
"""Who is told, by the caller's name, where an order or a report does not say. Raises Unavailable."""
