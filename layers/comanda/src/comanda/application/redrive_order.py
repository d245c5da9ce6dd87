"""A failed order is published anew, chosen from its row, which outlives the dead-letter queue (P5, P9).

Message first, row second: a redrive that is interrupted in between has sent a message that the worker takes up by its
replay number, and one that is interrupted before has done nothing.
"""

from contextlib import suppress
from dataclasses import dataclass, replace

from comanda.application.ports import Clock, Journal, Orders, Overtaken, Publisher
from comanda.domain.errors import IllegalTransition, NotFound
from comanda.domain.messages import Event
from comanda.domain.order import Order, OrderStatus


@dataclass(frozen=True)
class RedriveOrder:
    orders: Orders
    publisher: Publisher
    """Into the first queue: a redriven order goes all the way again, and what was enriched is not asked for again."""
    journal: Journal
    clock: Clock

    def __call__(self, order_id: str, by: str) -> Order:
        """Give the order as it goes on its way again. `by` stands on its timeline.

        Raises NotFound, IllegalTransition where the order is not failed (any more), Unavailable.
        """
        failed = self.orders.get(order_id)
        if failed is None:
            raise NotFound(f"there is no order {order_id}")
        if failed.status is not OrderStatus.FAILED:
            raise IllegalTransition(f"order {order_id} is {failed.status}, not failed; nothing was done")
        self.publisher.publish(replace(failed, replay=failed.replay + 1), Event.CREATED)
        redriven = failed.taken_up(self.clock(), failed.replay + 1, f"redriven by {by}")
        with suppress(Overtaken):  # A worker has taken it up already, or another operator was quicker.
            self.orders.save(failed, redriven)
        self.journal.tell("order.redriven", redriven, by=by)
        return redriven


@dataclass(frozen=True)
class DiscardOrder:
    """A failed order that a person has looked at and leaves at that. It can still be redriven."""

    orders: Orders
    journal: Journal
    clock: Clock

    def __call__(self, order_id: str, by: str) -> Order:
        """`by` stands on its timeline. Twice is as good as once.

        Raises NotFound, IllegalTransition where the order is not failed, Unavailable.
        """
        order = self.orders.get(order_id)
        if order is None:
            raise NotFound(f"there is no order {order_id}")
        if order.discarded:
            return order
        aside = order.set_aside(self.clock(), f"discarded by {by}")
        try:
            self.orders.save(order, aside)
        except Overtaken as error:
            raise IllegalTransition(f"order {order_id} has changed in the meantime; look at it again") from error
        self.journal.tell("order.discarded", aside)
        return aside
