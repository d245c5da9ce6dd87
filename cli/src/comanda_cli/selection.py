"""Which failed orders a command is about.

They are chosen from their rows, not from the dead-letter queues: a FIFO queue cannot be browsed (it hands out ten
messages of a group and then locks it), and a row outlives the 14 days of a message.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import typer

from comanda.adapters.order_rows import ATTENTION_FAILED
from comanda.adapters.order_table import OrderTable
from comanda.domain.order import Order, OrderStatus, Stage

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class QueueName(StrEnum):
    ORDERS = "orders"
    ENRICHMENT = "enrichment"
    COMPLETION = "completion"


QUEUE_OF = {
    Stage.PROCESSING: QueueName.ORDERS,
    Stage.ENRICHMENT: QueueName.ENRICHMENT,
    Stage.COMPLETION: QueueName.COMPLETION,
}
"""The queue in whose dead-letter queue the message of an order that failed at this stage is."""


@dataclass(frozen=True)
class Selection:
    """Every filter that is given must match. Ages are those of the failure."""

    queue: QueueName | None = None
    recipient_id: str | None = None
    order_id: str | None = None
    error_class: str | None = None
    older_than: timedelta | None = None
    newer_than: timedelta | None = None

    @property
    def is_everything(self) -> bool:
        return self == Selection()

    def matches(self, order: Order, now: datetime) -> bool:
        failure = order.failure
        if order.status is not OrderStatus.FAILED or order.discarded or failure is None:
            return False
        age = now - failure.at
        return (
            self.queue in (None, QUEUE_OF[failure.stage])
            and self.recipient_id in (None, order.recipient_id)
            and self.order_id in (None, order.order_id)
            and self.error_class in (None, failure.name)
            and (self.older_than is None or age > self.older_than)
            and (self.newer_than is None or age < self.newer_than)
        )


def select(table: OrderTable, selection: Selection, now: datetime, limit: int | None = None) -> list[Order]:
    """Failed orders, the oldest first: each recipient's are redriven in the order in which they were created."""
    if selection.order_id:
        order = table.get(selection.order_id)
        candidates = [order] if order else []
    else:
        candidates = list({order.order_id: order for order in table.needing_attention(ATTENTION_FAILED)}.values())
    matching = [order for order in candidates if selection.matches(order, now)]
    matching.sort(key=lambda order: (order.created_at, order.order_id))
    return matching[:limit]


def age(text: str) -> timedelta:
    """`90s`, `10m`, `2h` or `3d`."""
    match = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is not an age: write 90s, 10m, 2h or 3d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
