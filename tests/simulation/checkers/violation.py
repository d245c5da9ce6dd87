"""A broken promise, and what is looked for in the same way wherever something is promised."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from tests.simulation.events import MessageEvent
from tests.simulation.sqs import Message
from tests.simulation.system import System
from tests.simulation.workload import Exchange

TRUTH_SECONDS = 300
"""P8: five minutes."""
DEAD_LETTER_SECONDS = 15
"""P7: seconds until the message of what failed for good is in its dead-letter queue."""
NOBODY_DIED = "none of its workers died, and each attempt came to its end"

_SENT_AGAIN = {"sent", "moved back", "swallowed"}


@dataclass(frozen=True)
class Violation:
    """The first promise that was found broken."""

    promise: str
    why: str
    order_id: str | None = None
    recipient_id: str | None = None

    def __str__(self) -> str:
        about = " ".join(name for name in (self.recipient_id, self.order_id) if name)
        return f"{self.promise}: {self.why}" + (f"  [{about}]" if about else "")


def wrong_answers(exchanges: Iterable[Exchange], *, is_quiet: bool) -> Iterator[Violation]:
    """`is_quiet`: nothing goes wrong in this run."""
    for exchange in exchanges:
        asked = f"{exchange.method} {exchange.path}"
        if exchange.status == 500:
            yield Violation("errors over HTTP", f"500 to {asked}: {exchange.answer}")
        if exchange.status >= 500 and is_quiet:
            yield Violation("errors over HTTP", f"{exchange.status} to {asked} although nothing went wrong")


class _Write(Protocol):
    @property
    def at(self) -> float: ...

    @property
    def replay(self) -> int: ...


W = TypeVar("W", bound=_Write)


def left_alone(letter: MessageEvent, deadline: float, writes: Sequence[W], events: Iterable[MessageEvent]) -> W | None:
    """P8: how the row of a dead letter stood at `deadline`, where nobody had written to it nor sent it again since. A
    dead letter says nothing of a later run than its own."""
    known = [write for write in writes if write.at <= deadline]
    if any(write.replay > letter.replay for write in known):
        return None
    touched = any(write.at > letter.at for write in known)
    again = any(letter.at < event.at <= deadline and event.what in _SENT_AGAIN for event in events)
    return known[-1] if known and not touched and not again else None


def console_moves(letter: Message, system: System) -> bool:
    """P9: whether a message move task would take it now, once everything has come to rest: it knows where the message
    came from, and nobody hides it."""
    return bool(letter.dead_letter_source) and letter.visible_at <= system.scheduler.time()


def messages_ahead(
    events: Iterable[MessageEvent], runs: Mapping[str, Sequence[tuple[float, int]]]
) -> Iterator[Violation]:
    """I1: each message whose row did not know of its run when it was sent. `runs`: when each row was written, and which
    run it was in."""
    for event in events:
        if event.what not in {"sent", "swallowed"}:
            continue
        known = max((run for at, run in runs.get(event.subject_id, []) if at <= event.at), default=-1)
        if event.replay > known:
            yield Violation(
                "I1", f"a message of run {event.replay} was sent, and its row knew of {known}", event.subject_id
            )
