"""The GETs: an order, a recipient's balance and entries. What a caller may not see is as if it were not there."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from comanda.application.ports import Balance, Ledger, LedgerEntry, Orders
from comanda.domain.access import Caller, Scope
from comanda.domain.errors import NotFound
from comanda.domain.order import Order

REMEMBERED_ORDERS = 1000


def visible_order(order: Order | None, caller: Caller, order_id: str) -> Order:
    """The order if it is one (a claim is not, P1) and this caller's, or the caller may read all. Raises NotFound."""
    if order is None or order.is_claim or (order.caller != caller.name and not caller.may(Scope.ORDERS_READ_ALL)):
        raise NotFound(f"there is no order {order_id}")
    return order


@dataclass(frozen=True)
class ReadOrder:
    """Orders that are settled for ever are remembered while the function stays warm (E9)."""

    orders: Orders
    _settled: dict[str, Order] = field(default_factory=dict)

    def __call__(self, caller: Caller, order_id: str) -> Order:
        """Raises Forbidden, NotFound, Unavailable."""
        caller.require(Scope.ORDERS_READ)
        order = self._settled.get(order_id) or self.orders.get(order_id)
        if order and order.is_settled:
            self._remember(order)
        return visible_order(order, caller, order_id)

    def _remember(self, order: Order) -> None:
        self._settled[order.order_id] = order
        if len(self._settled) > REMEMBERED_ORDERS:
            del self._settled[next(iter(self._settled))]


@dataclass(frozen=True)
class ReadRecipient:
    ledger: Ledger

    def balance(self, caller: Caller, recipient_id: str) -> Balance:
        """Raises Forbidden, NotFound before the first completed order, Unavailable."""
        caller.require(Scope.LEDGER_READ)
        balance = self.ledger.balance(recipient_id)
        if balance is None:
            raise NotFound(f"no order of recipient {recipient_id} has completed yet")
        return balance

    def entries(self, caller: Caller, recipient_id: str, after: int, limit: int) -> Sequence[LedgerEntry]:
        """At most `limit` entries past sequence `after`. Raises as `balance` does."""
        self.balance(caller, recipient_id)
        return self.ledger.entries(recipient_id, after, limit)
