"""One order after another: at a pace, in order, and able to be ended and begun again at any moment."""

import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from comanda.domain.orders.order import Order
from comanda.domain.shared.errors import IllegalTransition, NotFound, Unavailable, UnreadableRow

TRIES = 4
FIRST_PAUSE_SECONDS = 1.0


@dataclass
class Outcome:
    """What became of each order that was chosen."""

    done: list[Order] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    """By order id: it has moved on meanwhile, or cannot be read any more."""
    unavailable: dict[str, str] = field(default_factory=dict)
    """By order id: storage or queue did not answer. It may have been done or not; doing it again is harmless."""
    owed: list[str] = field(default_factory=list)
    """Done, but that the queue did not take the message: the reconciler sends it within two minutes."""
    held_back: list[str] = field(default_factory=list)
    """Behind an unavailable or an owed one of the same recipient: it would overtake it."""
    left: list[str] = field(default_factory=list)
    """Not reached before Ctrl-C."""
    interrupted: bool = False


def work_through(
    orders: Sequence[Order],
    act: Callable[[str], Order],
    pause_seconds: float,
    sleep: Callable[[float], None],
    advance: Callable[[], None],
) -> Outcome:
    """Do `act` for each order in turn. Ctrl-C ends it once the order in hand is done."""
    outcome = Outcome()
    waiting = deque(orders)
    overtaking: set[str] = set()
    try:
        while waiting:
            order = waiting[0]
            if order.recipient_id in overtaking:
                outcome.held_back.append(waiting.popleft().order_id)
                advance()
                continue
            for attempt in range(TRIES):
                if attempt:
                    sleep(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
                with _not_interrupted():
                    last = attempt == TRIES - 1
                    if _try(order, act, outcome) or last:
                        waiting.popleft()
                        break
            if order.order_id in outcome.unavailable or order.order_id in outcome.owed:
                overtaking.add(order.recipient_id)
            advance()
            if waiting:
                sleep(pause_seconds)
    except KeyboardInterrupt:
        outcome.interrupted = True
        outcome.left = [order.order_id for order in waiting]
        for order_id in outcome.left:
            outcome.unavailable.pop(order_id, None)
    return outcome


def _try(order: Order, act: Callable[[str], Order], outcome: Outcome) -> bool:
    """Whether the order is done with."""
    outcome.unavailable.pop(order.order_id, None)
    try:
        done = act(order.order_id)
    except (NotFound, IllegalTransition, UnreadableRow) as error:
        outcome.skipped[order.order_id] = str(error)
    except Unavailable as error:
        outcome.unavailable[order.order_id] = str(error)
        return False
    else:
        outcome.done.append(done)
        if done.owed:
            outcome.owed.append(done.order_id)
    return True


@contextmanager
def _not_interrupted() -> Iterator[None]:
    """Hold Ctrl-C back until the end of the block."""
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if pressed:
            raise KeyboardInterrupt
