"""POST /orders/{id}/cancel: the client takes an order back before work on it starts."""

from dataclasses import dataclass

from comanda.application.delivery.ports import VersionConflict
from comanda.application.orders.events import OrderCancelled
from comanda.application.orders.ports import Orders
from comanda.application.orders.read import visible_order
from comanda.application.shared.ports import Clock
from comanda.application.shared.telemetry import Telemetry
from comanda.domain.orders.order import Order, OrderStatus
from comanda.domain.shared.access import Action, Caller
from comanda.domain.shared.errors import IllegalTransition


@dataclass(frozen=True)
class CancelOrder:
    """Takes an order back before a worker begins it."""

    orders: Orders
    telemetry: Telemetry
    clock: Clock

    def __call__(self, caller: Caller, order_id: str) -> Order:
        """Twice is as good as once. Raises Forbidden, NotFound, IllegalTransition once work has begun, UnreadableRow,
        Unavailable."""
        caller.require(Action.CANCEL_ORDER)
        order = visible_order(self.orders, caller, order_id)
        caller.require(Action.CANCEL_ORDER, caller.whose(order.caller))
        if order.status is OrderStatus.CANCELLED:
            return order
        cancelled = order.cancelled(self.clock())
        try:
            self.orders.save(order, cancelled)
        except VersionConflict as error:
            raise IllegalTransition("work on this order has begun; it can no longer be cancelled") from error
        self.telemetry.emit(OrderCancelled(), cancelled)
        return cancelled
