"""How the reconciler gets to see all that a dead-letter queue shows: it cannot be browsed, only received from."""

from collections.abc import Callable, Sequence

from comanda.application.delivery.ports import DeadLetters
from comanda.domain.delivery.messages import Delivery, Message, Received

Letter = Delivery[Message]

MOST_SHOWN = 10
"""Messages that SQS hands out at once, of one group too; the others wait until these are deleted ("FIFO delivery
logic")."""


def see_all(
    queue: DeadLetters, look_through: Callable[[Sequence[Letter]], list[Letter]], has_time: Callable[[], bool]
) -> dict[str, list[Letter]]:
    """Have `look_through` deal with each dead letter, as far as the time goes, and give those that it says stay.

    They are given by message group, and visible again by then. Raises Unavailable.
    """
    kept: dict[str, list[Letter]] = {}
    cut_short: list[str] = []
    try:
        while has_time():
            if deliveries := queue.receive():
                for delivery in look_through(deliveries):
                    kept.setdefault(delivery.group, []).append(delivery)
                cut_short += _cut_short(deliveries)
            elif group := _next_to_see_in_full(queue, kept, cut_short):
                queue.release(kept.pop(group))
            else:
                break
    finally:
        queue.release([delivery for some in kept.values() for delivery in some])
    return kept


def _next_to_see_in_full(queue: DeadLetters, kept: dict[str, list[Letter]], cut_short: list[str]) -> str | None:
    """A group of which more may be there, kept back as its first messages are hidden: alone, it is shown up to ten.

    None once nothing is there that was not seen.
    """
    while cut_short and queue.depth() > sum(map(len, kept.values())):
        if kept.get(group := cut_short.pop()):
            return group
    return None


def _cut_short(deliveries: Sequence[Received]) -> list[str]:
    """The groups that shared a full receive: each may have more messages, now locked with those that came."""
    groups = dict.fromkeys(delivery.group for delivery in deliveries)
    return list(groups) if len(deliveries) >= MOST_SHOWN and len(groups) > 1 else []
