"""The GETs: an order, a recipient's balance and entries. What a caller may not see is as if it were not there."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from comanda.application.orders.ports import Balance, Ledger, LedgerEntry, Orders
from comanda.domain.orders.order import Order
from comanda.domain.shared.access import Action, Caller, Whose
from comanda.domain.shared.errors import NotFound, UnreadableRow

REMEMBERED_ORDERS = 1000


def visible_order(orders: Orders, caller: Caller, order_id: str) -> Order:
    """The order if it is one (a claim is not, P1) and this caller's, or the caller may read all.

    Raises NotFound, UnreadableRow, Unavailable.
    """
    with seen_by(caller, Action.READ_ORDER, f"there is no order {order_id}"):
        return _checked(orders.get(order_id), caller, order_id)


@contextmanager
def seen_by(caller: Caller, reading: Action, otherwise: str) -> Iterator[None]:
    """What cannot be read is not there either, for whom it is not the own: also where it is not known whose it is."""
    try:
        yield
    except UnreadableRow as error:
        if not sees(caller, reading, error.caller):
            raise NotFound(otherwise) from error
        raise


def sees(caller: Caller, reading: Action, owner: str | None) -> bool:
    """Whether a thing is there for this caller: its own always is, whatever of it the caller may do."""
    whose = caller.whose(owner)
    return whose is Whose.OWN or caller.may(reading, whose)


def _checked(order: Order | None, caller: Caller, order_id: str) -> Order:
    if order is None or order.is_claim or not sees(caller, Action.READ_ORDER, order.caller):
        raise NotFound(f"there is no order {order_id}")
    return order


@dataclass(frozen=True)
class ReadOrder:
    """Orders that are settled forever are remembered while the function stays warm (E9)."""

    orders: Orders
    _settled: dict[str, Order] = field(default_factory=dict)

    def __call__(self, caller: Caller, order_id: str) -> Order:
        """Raises Forbidden, NotFound, UnreadableRow, Unavailable."""
        caller.require(Action.READ_ORDER)
        if known := self._settled.get(order_id):
            return _checked(known, caller, order_id)
        order = visible_order(self.orders, caller, order_id)
        if order.is_settled:
            self._remember(order)
        return order

    def _remember(self, order: Order) -> None:
        self._settled[order.order_id] = order
        if len(self._settled) > REMEMBERED_ORDERS:
            del self._settled[next(iter(self._settled))]


@dataclass(frozen=True)
class ReadRecipient:
    """A recipient's balance and entries."""

    ledger: Ledger

    def balance(self, caller: Caller, recipient_id: str) -> Balance:
        """Raises Forbidden, NotFound before the first completed order, Unavailable."""
        caller.require(Action.READ_LEDGER)
        balance = self.ledger.balance(recipient_id)
        if balance is None:
            raise NotFound(f"no order of recipient {recipient_id} has completed yet")
        return balance

    def entries(self, caller: Caller, recipient_id: str, after: int, limit: int) -> Sequence[LedgerEntry]:
        """At most `limit` entries past sequence `after`. Raises as `balance` does."""
        self.balance(caller, recipient_id)
        return self.ledger.entries(recipient_id, after, limit)
