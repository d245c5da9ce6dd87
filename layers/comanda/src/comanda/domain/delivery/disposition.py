"""What a delivered message means for the row that it is about.

A queue may hand over a message twice, late, or after its order was failed and redriven. The row decides, read after the
message was received; never the receive count, and no clock.
"""

from datetime import datetime
from enum import Enum, auto

from comanda.domain.delivery.messages import Delivery, Message
from comanda.domain.delivery.work_item import WorkItem


class Disposition(Enum):
    """What is to be done with a delivery, given its row."""

    WORK = auto()
    """The row waits for this step."""
    OPEN = auto()
    """It came back from a dead-letter queue, moved by the console: a new run begins in its place, and it is deleted."""
    DROP = auto()
    """Of an older run, or its row has moved on: acknowledge it."""
    DEAD_LETTER = auto()
    """Leave it unacknowledged, so that the queue's redrive policy moves it to the dead-letter queue."""
    AHEAD = auto()
    """Of a run that its row knows nothing of, which cannot be: left for the dead-letter queue, for a person to see."""
    SUPERSEDED = auto()
    """A later receive of this very message is being worked on: change nothing, whatever was begun here."""


def classify(row: WorkItem | None, delivery: Delivery[Message], stage: str, now: datetime) -> Disposition:
    """Decide what `delivery`, received by the worker of `stage`, means for its row (None: there is none)."""
    message = delivery.message
    if message is None or row is None or message.stage != stage or not row.has_hash(message.payload_hash):
        return Disposition.DEAD_LETTER
    if row.is_over(now) or message.replay < row.replay:
        return Disposition.DROP
    if delivery.came_back:
        return Disposition.OPEN
    if message.replay > row.replay:
        return Disposition.AHEAD
    if _is_superseded(row, delivery):
        return Disposition.SUPERSEDED
    if row.failure is None:
        return Disposition.WORK
    return Disposition.DEAD_LETTER if row.failure.stage == stage else Disposition.DROP


def _is_superseded(row: WorkItem, delivery: Delivery[Message]) -> bool:
    """Attempts are written with the receive count of their message: the fence against a worker that wakes up late."""
    tried = row.attempts
    return (
        tried is not None and tried.message_id == delivery.message_id and tried.receive_count > delivery.receive_count
    )
