"""A failed order begins again, chosen from its row, which outlives the dead-letter queue (P5, P9)."""

from dataclasses import dataclass

from comanda.application.delivery.open_run import OpenRun
from comanda.application.delivery.ports import VersionConflict
from comanda.application.orders.events import OrderDiscarded
from comanda.application.orders.ports import Orders
from comanda.application.shared.ports import Clock
from comanda.application.shared.telemetry import Telemetry
from comanda.domain.delivery.work_item import By
from comanda.domain.orders.order import Order, OrderStatus
from comanda.domain.shared.errors import IllegalTransition, NotFound


@dataclass(frozen=True)
class RedriveOrder:
    """Begins a failed order again, for an operator."""

    orders: Orders
    open_run: OpenRun[Order]

    def __call__(self, order_id: str, by: str) -> Order:
        """Give the order as it goes on its way again. `by` stands on its timeline.

        Raises NotFound, IllegalTransition where the order is not failed (any more), Unavailable.
        """
        failed = _failed(self.orders.get(order_id), order_id)
        try:
            return self.open_run(failed, By.OPERATOR, f"redriven by {by}")
        except VersionConflict:
            _failed(self.orders.get(order_id), order_id)
            raise IllegalTransition(f"order {order_id} is changing right now; look at it again") from None


@dataclass(frozen=True)
class DiscardOrder:
    """A failed order that a person has looked at and leaves at that. It can still be redriven."""

    orders: Orders
    telemetry: Telemetry
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
        except VersionConflict as error:
            raise IllegalTransition(f"order {order_id} has changed in the meantime; look at it again") from error
        self.telemetry.emit(OrderDiscarded(), aside)
        return aside


def _failed(order: Order | None, order_id: str) -> Order:
    if order is None:
        raise NotFound(f"there is no order {order_id}")
    if order.status is not OrderStatus.FAILED:
        raise IllegalTransition(f"order {order_id} is {order.status}, not failed; nothing was done")
    return order
