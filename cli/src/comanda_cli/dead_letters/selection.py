"""Which failed orders a command is about.

They are chosen from their rows, not from the dead-letter queues: a FIFO queue cannot be browsed (it hands out ten
messages of a group and then locks it), and a row outlives the 14 days of a message.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comanda.application.delivery.ports import FAILED
from comanda.domain.orders.order import Order, OrderStatus, Stage
from comanda.domain.shared.errors import UnreadableRow

if TYPE_CHECKING:
    from comanda.adapters.orders.table import OrderTable

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class QueueName(StrEnum):
    """The queues of orders, as `comanda queues` names them."""

    ORDERS = "orders"
    ENRICHMENT = "enrichment"
    COMPLETION = "completion"


QUEUE_OF: Mapping[str, QueueName] = {
    Stage.PROCESSING: QueueName.ORDERS,
    Stage.ENRICHMENT: QueueName.ENRICHMENT,
    Stage.COMPLETION: QueueName.COMPLETION,
}
"""The queue in whose dead-letter queue the message of an order that failed at this stage is."""


def age(text: str) -> timedelta:
    """`90s`, `10m`, `2h` or `3d`."""
    match = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is not an age: write 90s, 10m, 2h or 3d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


@dataclass(frozen=True)
class Selection:
    """Every filter that is given must match. Ages are those of the failure."""

    queue: Annotated[QueueName | None, typer.Option(help="Failed at the worker of this queue.")] = None
    recipient: Annotated[str | None, typer.Option(help="Of this recipient.")] = None
    order: Annotated[str | None, typer.Option(metavar="ORDER_ID", help="This order.")] = None
    error_class: Annotated[str | None, typer.Option(help="With this class of failure, such as ItemRejected.")] = None
    older_than: Annotated[Any, typer.Option(parser=age, metavar="AGE", help="Failed longer ago: 90s, 10m, 2h, 3d.")] = (
        None
    )
    newer_than: Annotated[Any, typer.Option(parser=age, metavar="AGE", help="Failed since: 90s, 10m, 2h, 3d.")] = None
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="At most N, the oldest orders first.")] = None

    @property
    def is_everything(self) -> bool:
        return replace(self, limit=None) == Selection()

    def matches(self, order: Order, now: datetime) -> bool:
        failure = order.failure
        if order.status is not OrderStatus.FAILED or order.discarded or failure is None:
            return False
        ago = now - failure.at
        return (
            self.queue in (None, QUEUE_OF[failure.stage])
            and self.recipient in (None, order.recipient_id)
            and self.order in (None, order.order_id)
            and self.error_class in (None, failure.name)
            and (self.older_than is None or ago > self.older_than)
            and (self.newer_than is None or ago < self.newer_than)
        )


def select(table: "OrderTable", selection: Selection, now: datetime) -> tuple[list[Order], list[UnreadableRow]]:
    """Failed orders, the oldest first: each recipient's are redriven in the order in which they were created. And those
    that cannot be read: whether a filter matches them nobody can say, so they are always among them."""
    one = selection.order
    found: Iterable[Order | UnreadableRow] = (
        table.needing_attention(FAILED) if one is None else table.get_many([one]).values()
    )
    orders, unreadable = dict[str, Order](), dict[str, UnreadableRow]()
    for each in found:
        if isinstance(each, UnreadableRow):
            unreadable[each.row_id] = each
        elif selection.matches(each, now):
            orders[each.order_id] = each
    matching = sorted(orders.values(), key=lambda order: (order.created_at, order.order_id))
    return matching[: selection.limit], list(unreadable.values())
