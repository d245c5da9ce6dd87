"""What the use cases of orders need from the world outside."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from comanda.domain.delivery.work_item import Failure
from comanda.domain.orders.messages import Event
from comanda.domain.orders.order import Item, Order
from comanda.domain.shared.errors import UnreadableRow
from comanda.domain.shared.notify import Notify


class Orders(Protocol):
    """The orders table. Every method raises Unavailable where storage does not answer, and UnreadableRow where it
    gives one row and that cannot be read."""

    def claim(self, order: Order) -> Order | None:
        """Store a claim where there is no row of that id; otherwise change nothing and give the row there is."""

    def get(self, order_id: str) -> Order | None:
        """The row as it stands now (strongly consistent), claims included."""

    def get_many(self, order_ids: Iterable[str]) -> Mapping[str, Order | UnreadableRow]:
        """The rows there are, by id, as they stand now. One that cannot be read takes no other along."""

    def fail_unreadable(self, order_id: str, failure: Failure) -> bool:
        """As Rows.fail_unreadable."""

    def save(self, before: Order, after: Order) -> None:
        """Write what differs, where the row still has `before.version`. Raises VersionConflict otherwise."""

    def mark_sent(self, owed: Order, sent: Order) -> None:
        """Write that nothing is owed, and nothing else, where the row is in the run of `owed` and owes its message."""


@dataclass(frozen=True)
class LedgerEntry:
    """One completed order in its recipient's ledger. `sequence` counts from 1 without a gap."""

    sequence: int
    order_id: str
    amount: Decimal
    completed_at: datetime


@dataclass(frozen=True)
class Balance:
    """A recipient's ledger in one line. `orders_completed` is also the sequence of its last entry."""

    recipient_id: str
    currency: str
    amount: Decimal = Decimal("0.00")
    orders_completed: int = 0


@dataclass(frozen=True)
class Posting:
    """Orders of one recipient that complete together: all of it is written, or none (P3)."""

    before: Balance
    after: Balance
    entries: tuple[LedgerEntry, ...]
    orders: tuple[tuple[Order, Order], ...]
    """Each order before and after its completion."""


class Ledger(Protocol):
    """The recipients' ledgers. Every method raises Unavailable where storage does not answer, and UnreadableRow where a
    row cannot be read: a ledger is given whole, or not at all."""

    def balance(self, recipient_id: str) -> Balance | None:
        """As it stands now (strongly consistent); None before the first completed order."""

    def entries(self, recipient_id: str, after: int, limit: int) -> Sequence[LedgerEntry]:
        """At most `limit` entries with a sequence greater than `after`, in order."""

    def post(self, posting: Posting) -> None:
        """Write all of it in one transaction. Raises VersionConflict where an order or the balance is not as it was
        read."""


class Publisher(Protocol):
    """Sends a message about an order."""

    def publish(self, order: Order, event: Event) -> None:
        """Send the message into its recipient's message group. Raises Unavailable; then it may be stored or not."""


@dataclass(frozen=True)
class NewOrder:
    """A valid order as a client asked for it, in whichever form it was written."""

    items: tuple[Item, ...]
    currency: str
    customer_id: str | None = None
    recipient_id: str | None = None
    client_order_id: str | None = None
    metadata: Mapping[str, str | int | bool | None] = field(default_factory=dict)
    notify: Notify | None = None
    """None: as the caller's default has it."""
