"""Message groups of a batch: each in its order, and in backoff together."""

from collections.abc import Sequence
from typing import TypeVar

from comanda.application.delivery.ports import SourceQueue
from comanda.domain.delivery.messages import Received

D = TypeVar("D", bound=Received)


class Backoff(Exception):
    """The group backs off for so many seconds; None leaves it to the worker that has it now."""

    def __init__(self, seconds: int | None) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def in_groups(batch: Sequence[D]) -> list[list[D]]:
    """The deliveries of a batch by message group, in the order in which they came."""
    groups: dict[str, list[D]] = {}
    for delivery in batch:
        groups.setdefault(delivery.group, []).append(delivery)
    return list(groups.values())


def back_off(queue: SourceQueue, waiting: Sequence[Received], seconds: int | None) -> list[str]:
    """Followers back off for as long as their head: one message still in flight would keep the whole group locked.
    Gives the ids of those that stay in the queue."""
    if seconds is not None:
        queue.hide(waiting, seconds)
    return [delivery.message_id for delivery in waiting]
