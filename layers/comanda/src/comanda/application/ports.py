"""What the use cases need from the world outside. Adapters implement these; tests bring small fakes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from comanda.domain.errors import UnreadableRow
from comanda.domain.messages import Event
from comanda.domain.notify import Notify
from comanda.domain.order import Enrichment, Item, Order
from comanda.domain.work_item import Failure, WorkItem


class Overtaken(Exception):
    """The row is no longer what the change was made from, so nothing was written."""


class Clock(Protocol):
    def __call__(self) -> datetime:
        """The time now, in UTC."""


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
        """Write what differs, where the row still has `before.version`. Raises Overtaken otherwise."""

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
        """Write all of it in one transaction. Raises Overtaken where an order or the balance is not as it was read."""


class Publisher(Protocol):
    def publish(self, order: Order, event: Event) -> None:
        """Send the message into its recipient's message group. Raises Unavailable; then it may be stored or not."""


@dataclass(frozen=True)
class EnrichmentRequest:
    """What the outside service is asked. `attempt` counts from 1."""

    order_id: str
    replay: int
    items: tuple[Item, ...]
    customer_id: str | None
    currency: str
    attempt: int


class EnrichmentProvider(Protocol):
    def enrich(self, request: EnrichmentRequest) -> Enrichment:
        """Called with the order id as its idempotency key (P10), for several orders at once, from threads.

        Raises PermanentError or TransientError, and Unavailable where it was not asked: that uses up no attempt.
        """


class Journal(Protocol):
    """Where what happened is told: structured logs and metrics."""

    def tell(self, happening: str, subject: WorkItem | None = None, **facts: object) -> None: ...


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


DefaultNotify = Callable[[str], Notify | None]
"""Who is told, by the caller's name, where an order or a report does not say. Raises Unavailable."""


class Circuit(Protocol):
    """What everybody who calls an outside service knows of its health. Every method raises Unavailable."""

    def is_closed(self) -> bool:
        """Whether it may be called, as it stands now (strongly consistent)."""

    def keep_open(self) -> None:
        """It was looked at, and is not healthy: nobody calls it until it is looked at again."""

    def let_one_try(self) -> None:
        """It was looked at, and is healthy: the next call decides whether the circuit closes; others wait for it.

        Where one has tried already and never came back, the circuit closes.
        """


class Health(Protocol):
    def is_healthy(self) -> bool:
        """What an outside service says of itself. Never raises: no answer is an answer."""


class Intake(Protocol):
    """Whether a worker is given messages at all: an event source mapping, enabled or disabled."""

    def switch(self, *, on: bool) -> bool:
        """Whether it is as wanted now, or on its way; False where it is busy changing, and has to be asked again.

        Raises Unavailable.
        """
