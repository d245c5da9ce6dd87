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
    """The order had failed and was redriven: it begins again."""
    DROP = auto()
    """An old copy, or one whose order has moved on: acknowledge it."""
    LET_THROUGH = auto()
    """Leave it unacknowledged, so that the queue's redrive policy brings it to the dead-letter queue."""


def meet(order: Order | None, delivery: Delivery, stage: Stage) -> Verdict:
    """Decide what `delivery`, received by `stage`, means for `order`, its row (None: there is none)."""
    message = delivery.message
    if message is None or order is None or STAGE_OF[message.event] is not stage:
        return Verdict.LET_THROUGH
    if message.payload_hash != order.payload_hash:
        return Verdict.LET_THROUGH
    if order.is_settled or message.replay < order.replay:
        return Verdict.DROP
    if order.status is OrderStatus.FAILED:
        return _meet_failed(order, delivery, stage)
    return Verdict.WORK if message.replay == order.replay else Verdict.DROP


def _meet_failed(order: Order, delivery: Delivery, stage: Stage) -> Verdict:
    message, failure = delivery.message, order.failure
    if message is None or failure is None:
        return Verdict.LET_THROUGH
    if message.replay == order.replay + 1 and message.event is Event.CREATED:
        return Verdict.TAKE_UP
    if message.replay != order.replay:
        return Verdict.DROP
    if delivery.message_id == failure.message_id:
        return Verdict.LET_THROUGH
    if stage is failure.stage and delivery.sent_at > failure.at:
        return Verdict.TAKE_UP
    return Verdict.DROP
