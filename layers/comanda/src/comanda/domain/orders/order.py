"""An order: what it holds, the states it can be in, and every change it can go through.

Nothing is changed in place. A change gives a new `Order` with the next `version`; storage accepts it only where the
row still has the version the change was made from, so that two writers never overwrite each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, Self

from comanda.domain.delivery.work_item import By, Failure, WorkItem
from comanda.domain.shared.access import CANARY, Origin
from comanda.domain.shared.errors import IllegalTransition, PermanentError
from comanda.domain.shared.money import MAX_TOTAL, MAX_UNIT_PRICE, money
from comanda.domain.shared.notify import Notify

Metadata = Mapping[str, str | int | bool | None]


class OrderStatus(StrEnum):
    """Where an order stands, as GET shows it."""

    ACCEPTING = "accepting"
    """A claim made by the API before the message is stored. Not an order yet: never shown."""
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


TRANSITIONS: Mapping[OrderStatus, frozenset[OrderStatus]] = {
    # A message may find `accepting` where the API died after sending: that is as good as pending.
    OrderStatus.ACCEPTING: frozenset({OrderStatus.PENDING, OrderStatus.PROCESSING, OrderStatus.FAILED}),
    OrderStatus.PENDING: frozenset({OrderStatus.PROCESSING, OrderStatus.FAILED, OrderStatus.CANCELLED}),
    OrderStatus.PROCESSING: frozenset({OrderStatus.COMPLETED, OrderStatus.FAILED}),
    OrderStatus.FAILED: frozenset({OrderStatus.PROCESSING}),
    OrderStatus.COMPLETED: frozenset(),
    OrderStatus.CANCELLED: frozenset(),
}
"""The legal transitions, all of them."""


class Stage(StrEnum):
    """The three steps of an order, each with a queue and a worker of its own."""

    PROCESSING = "processing"
    ENRICHMENT = "enrichment"
    COMPLETION = "completion"


@dataclass(frozen=True)
class Item:
    """One line of an order: a product by `sku` or by `item_name`, never both. `unit_price` None: to be priced."""

    qty: int
    sku: str | None = None
    item_name: str | None = None
    unit_price: Decimal | None = None

    @property
    def label(self) -> str:
        return self.sku or self.item_name or ""


@dataclass(frozen=True)
class TimelineEntry:
    """One entry of the timeline."""

    status: OrderStatus
    at: datetime
    note: str | None = None
    """Why, where the status alone does not say it: who redrove the order, say."""


@dataclass(frozen=True)
class Enrichment:
    """What the outside service knew: its reference, facts on the customer, and a price for each SKU that had none."""

    provider: str
    reference: str
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    customer: Mapping[str, str] = field(default_factory=dict)
    enriched_at: datetime | None = None


@dataclass(frozen=True)
class Order(WorkItem):
    """An order: what was asked for, and what became of it."""

    order_id: str
    caller: str
    origin: Origin
    recipient_id: str
    items: tuple[Item, ...]
    currency: str
    payload_hash: str
    correlation_id: str
    status: OrderStatus = OrderStatus.ACCEPTING
    customer_id: str | None = None
    client_order_id: str | None = None
    metadata: Metadata = field(default_factory=dict)
    total_amount: Decimal | None = None
    enrichment: Enrichment | None = None
    timeline: tuple[TimelineEntry, ...] = ()
    notify: Notify | None = None
    """Who is told of its changes."""

    kind: ClassVar[str] = "order"

    @property
    def subject_id(self) -> str:
        return self.order_id

    @property
    def row_id(self) -> str:
        return self.order_id

    @property
    def message_group(self) -> str:
        return self.recipient_id

    @property
    def log_keys(self) -> Mapping[str, str]:
        return {
            "order_id": self.order_id,
            "recipient_id": self.recipient_id,
            "caller": self.caller,
            "correlation_id": self.correlation_id,
            "status": self.status.value,
        }

    @property
    def is_canary(self) -> bool:
        return self.caller == CANARY

    @property
    def is_claim(self) -> bool:
        """Only claimed by the API so far, and therefore not to be shown to anybody (P1)."""
        return self.status is OrderStatus.ACCEPTING

    @property
    def is_settled(self) -> bool:
        """Nothing will ever change it again."""
        return not TRANSITIONS[self.status]

    @property
    def is_failed(self) -> bool:
        return self.status is OrderStatus.FAILED

    def has_hash(self, payload_hash: str | None) -> bool:
        return payload_hash == self.payload_hash

    def is_over(self, now: datetime) -> bool:  # noqa: ARG002
        return self.is_settled

    def stored(self, now: datetime) -> Self:
        """Row and message are both stored: the claim is an order."""
        return self._moved(OrderStatus.PENDING, now)

    def started(self, now: datetime) -> Self:
        return self._moved(OrderStatus.PROCESSING, now)

    def cancelled(self, now: datetime) -> Self:
        return self._moved(OrderStatus.CANCELLED, now)

    def completed(self, now: datetime) -> Self:
        return self._moved(OrderStatus.COMPLETED, now)

    def failed(self, failure: Failure) -> Self:
        return replace(self._moved(OrderStatus.FAILED, failure.at), failure=failure)

    def _opening(self, by: By, now: datetime, note: str) -> Mapping[str, Any]:
        """A failed order is processing again. Whoever has a message of a claim knows that it was stored."""
        may = {By.OPERATOR: self.is_failed, By.CONSOLE: not self.is_settled, By.CLIENT: False}
        if not may.get(by, not self.is_settled and not self.is_failed):
            raise IllegalTransition(f"an order that is {self.status} is not begun again by the {by}")
        known = self._known()
        status = OrderStatus.PROCESSING if known.is_failed else known.status
        return {"status": status, "timeline": (*known.timeline, TimelineEntry(status, now, note))}

    def set_aside(self, now: datetime, note: str) -> Self:
        """A failed order that nobody needs to look at any more. Raises IllegalTransition for any other."""
        if self.status is not OrderStatus.FAILED:
            raise IllegalTransition(f"an order that is {self.status} cannot be discarded")
        return self._changed(now, discarded=True, timeline=(*self.timeline, TimelineEntry(self.status, now, note)))

    def enriched(self, enrichment: Enrichment, now: datetime) -> Self:
        """Priced: the total is final from now on. A price that the client gave is kept. Raises what `priced` raises."""
        items, total = priced(self.items, enrichment.prices)
        return self._changed(now, items=items, total_amount=total, enrichment=replace(enrichment, enriched_at=now))

    def tried(self, message_id: str, receive_count: int, now: datetime) -> Self:
        return super(Order, self._known()).tried(message_id, receive_count, now)

    def _known(self) -> Self:
        """Who has its message knows that row and message are stored: whoever overtakes the API shows the order for it,
        as the API then answers 202 without a write of its own."""
        return self.stored(self.created_at) if self.is_claim else self

    def _moved(self, status: OrderStatus, now: datetime, note: str | None = None) -> Self:
        if status not in TRANSITIONS[self.status]:
            raise IllegalTransition(f"an order that is {self.status} cannot become {status}")
        return self._changed(now, status=status, timeline=(*self.timeline, TimelineEntry(status, now, note)))


def total_of(items: tuple[Item, ...]) -> Decimal | None:
    """The sum of all lines, or None while a price is missing. Raises ValueError past the largest amount."""
    total = Decimal(0)
    for item in items:
        if item.unit_price is None:
            return None
        total += item.qty * item.unit_price
    if total > MAX_TOTAL:
        raise ValueError(f"the total is more than {MAX_TOTAL}")
    return money(total)


def priced(items: tuple[Item, ...], prices: Mapping[str, Decimal]) -> tuple[tuple[Item, ...], Decimal | None]:
    """The items with their prices, and their total.

    Raises PermanentError where a price is missing or makes no sense, or where the total is too large.
    """
    with_prices = tuple(_with_price(item, prices) for item in items)
    try:
        return with_prices, total_of(with_prices)
    except ValueError as error:
        raise PermanentError("TotalTooLarge", str(error)) from error


def _with_price(item: Item, prices: Mapping[str, Decimal]) -> Item:
    if item.unit_price is not None:
        return item
    if item.label not in prices:
        raise PermanentError("PriceMissing", f"the provider has no price for {item.label!r}")
    try:
        price = money(prices[item.label])
    except ValueError as error:
        raise PermanentError("PriceInvalid", f"the provider's price for {item.label!r}: {error}") from error
    if not 0 <= price <= MAX_UNIT_PRICE:
        raise PermanentError(
            "PriceInvalid", f"the provider's price for {item.label!r} is not from 0 to {MAX_UNIT_PRICE}"
        )
    return replace(item, unit_price=price)
