"""What a delivered message means for the order it finds.

A queue may hand over a message twice, late, or after its order was failed and redriven. The row decides, never the
receive count.
"""

from enum import Enum, auto

from comanda.domain.messages import STAGE_OF, Delivery, Event
from comanda.domain.order import Order, OrderStatus, Stage


class Verdict(Enum):
    WORK = auto()
    """The order waits for this step."""
    TAKE_UP = auto()
    """The order was redriven, or published anew, and its row does not know of it yet: it begins again."""
    DROP = auto()
    """An old copy, or one whose order has moved on: acknowledge it."""
    LET_THROUGH = auto()
    """Leave it unacknowledged, so that the queue's redrive policy brings it to the dead-letter queue."""
    SUPERSEDED = auto()
    """A later receive of this very message is being worked on: change nothing, whatever was begun here."""


def meet(order: Order | None, delivery: Delivery, stage: Stage) -> Verdict:
    """Decide what `delivery`, received by `stage`, means for `order`, its row (None: there is none)."""
    message = delivery.message
    if message is None or order is None or STAGE_OF[message.event] is not stage:
        return Verdict.LET_THROUGH
    if message.payload_hash != order.payload_hash:
        return Verdict.LET_THROUGH
    if order.is_settled or message.replay < order.replay:
        return Verdict.DROP
    if message.replay > order.replay:
        return Verdict.TAKE_UP if message.event is Event.CREATED else Verdict.DROP
    if _is_superseded(order, delivery, stage):
        return Verdict.SUPERSEDED
    return _meet_failed(order, delivery, stage) if order.status is OrderStatus.FAILED else Verdict.WORK


def _meet_failed(order: Order, delivery: Delivery, stage: Stage) -> Verdict:
    """Nothing is dropped at the stage that failed: a copy may be what the console redrove before a worker that woke up
    late failed the order for the message that was there until then, and all that the console has left (P9)."""
    failure = order.failure
    if failure is None or delivery.message_id == failure.message_id:
        return Verdict.LET_THROUGH
    if stage is not failure.stage:
        return Verdict.DROP
    return Verdict.TAKE_UP if delivery.sent_at > failure.at else Verdict.LET_THROUGH


def _is_superseded(order: Order, delivery: Delivery, stage: Stage) -> bool:
    """Attempts are written with the receive count of their message: the fence against a worker that wakes up late."""
    tried = order.attempts
    if tried is None or (tried.stage, tried.message_id) != (stage, delivery.message_id):
        return False
    return tried.receive_count > delivery.receive_count
