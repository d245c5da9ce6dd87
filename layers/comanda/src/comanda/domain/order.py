"""An order: what it holds, the states it can be in, and every change it can go through.

Nothing is changed in place. A change gives a new `Order` with the next `version`; storage accepts it only where the
row still has the version the change was made from, so that two writers never overwrite each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Self

from comanda.domain.access import Origin
from comanda.domain.errors import IllegalTransition, PermanentError
from comanda.domain.money import MAX_TOTAL, MAX_UNIT_PRICE, money
from comanda.domain.notify import Notify

Metadata = Mapping[str, str | int | bool | None]


class OrderStatus(StrEnum):
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
    # `processing` again: published anew by the steward because the message had been dead-lettered untried.
    OrderStatus.PROCESSING: frozenset({OrderStatus.PROCESSING, OrderStatus.COMPLETED, OrderStatus.FAILED}),
    OrderStatus.FAILED: frozenset({OrderStatus.PROCESSING}),
    OrderStatus.COMPLETED: frozenset(),
    OrderStatus.CANCELLED: frozenset(),
}
"""The legal transitions, all of them."""

PUBLISHED_ANEW = "published anew by the steward"


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
class Moment:
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
class Failure:
    """Why an order failed. `message_id` is the message that failed, so that it is known when it is met again."""

    name: str
    message: str
    stage: Stage
    attempts: int
    at: datetime
    message_id: str


@dataclass(frozen=True)
class Attempts:
    """How often one message of one stage was tried, and at which receive of it that was written last."""

    stage: Stage
    message_id: str
    count: int
    receive_count: int


@dataclass(frozen=True)
class Order:
    order_id: str
    caller: str
    origin: Origin
    recipient_id: str
    items: tuple[Item, ...]
    currency: str
    payload_hash: str
    correlation_id: str
    created_at: datetime
    updated_at: datetime
    status: OrderStatus = OrderStatus.ACCEPTING
    customer_id: str | None = None
    client_order_id: str | None = None
    metadata: Metadata = field(default_factory=dict)
    total_amount: Decimal | None = None
    enrichment: Enrichment | None = None
    failure: Failure | None = None
    attempts: Attempts | None = None
    timeline: tuple[Moment, ...] = ()
    replay: int = 0
    """Rises each time a failed order is published anew, so that the new messages have new bodies."""
    rescues: int = 0
    """How often the steward published the order anew because its message was dead-lettered untried; not counting
    outages of the provider."""
    discarded: bool = False
    """Failed, looked at by a person, and left at that: it no longer asks for attention."""
    notify: Notify | None = None
    """Who is told of its changes."""
    version: int = 1

    @property
    def subject_id(self) -> str:
        return self.order_id

    @property
    def is_claim(self) -> bool:
        """Only claimed by the API so far, and therefore not to be shown to anybody (P1)."""
        return self.status is OrderStatus.ACCEPTING

    @property
    def is_settled(self) -> bool:
        """Nothing will ever change it again."""
        return not TRANSITIONS[self.status]

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

    def taken_up(self, now: datetime, replay: int, note: str, *, counts: bool = True) -> Self:
        """A failed order, or one whose message was lost on the way, begins again with a new budget of attempts.

        What was enriched stays. A failed order was published anew by a person, so rescues count anew; any other by the
        steward, whose rescue has not been counted yet, if it counts (see `rescued`).
        """
        failed = self.status is OrderStatus.FAILED
        moved = self._moved(OrderStatus.PROCESSING, now, note)
        rescues = 0 if failed else self.rescues + counts
        return replace(moved, failure=None, attempts=None, discarded=False, replay=replay, rescues=rescues)

    def rescued(self, now: datetime, replay: int, *, counts: bool = True) -> Self:
        """Published anew by the steward as `replay`: whatever is left of earlier runs is an old copy from now on.

        One that does not count is owed to an outage of the provider, which must not cost the order anything.
        """
        known = self._known()
        timeline = (*known.timeline, Moment(known.status, now, PUBLISHED_ANEW))
        return replace(
            known,
            replay=replay,
            rescues=known.rescues + counts,
            timeline=timeline,
            updated_at=now,
            version=known.version + 1,
        )

    def set_aside(self, now: datetime, note: str) -> Self:
        """A failed order that nobody needs to look at any more. Raises IllegalTransition for any other."""
        if self.status is not OrderStatus.FAILED:
            raise IllegalTransition(f"an order that is {self.status} cannot be discarded")
        timeline = (*self.timeline, Moment(self.status, now, note))
        return replace(self, discarded=True, timeline=timeline, updated_at=now, version=self.version + 1)

    def enriched(self, enrichment: Enrichment, now: datetime) -> Self:
        """Priced: the total is final from now on. A price that the client gave is kept. Raises what `priced` raises."""
        items, total = priced(self.items, enrichment.prices)
        return replace(
            self,
            items=items,
            total_amount=total,
            enrichment=replace(enrichment, enriched_at=now),
            updated_at=now,
            version=self.version + 1,
        )

    def tried(self, stage: Stage, message_id: str, receive_count: int, now: datetime, attempts: int = 1) -> Self:
        """One attempt of this message is used up; with `attempts=-1`, it is given back."""
        count = self.attempts_of(stage, message_id) + attempts
        used = Attempts(stage, message_id, count, receive_count)
        known = self._known()
        return replace(known, attempts=used, updated_at=now, version=known.version + 1)

    def attempts_of(self, stage: Stage, message_id: str) -> int:
        """Attempts used up by this message at this stage; another message has a budget of its own."""
        if self.attempts and (self.attempts.stage, self.attempts.message_id) == (stage, message_id):
            return self.attempts.count
        return 0

    def _known(self) -> Self:
        """Who has its message knows that row and message are stored: whoever overtakes the API shows the order for it,
        as the API then answers 202 without a write of its own."""
        return self.stored(self.created_at) if self.is_claim else self

    def _moved(self, status: OrderStatus, now: datetime, note: str | None = None) -> Self:
        if status not in TRANSITIONS[self.status]:
            raise IllegalTransition(f"an order that is {self.status} cannot become {status}")
        return replace(
            self,
            status=status,
            timeline=(*self.timeline, Moment(status, now, note)),
            updated_at=now,
            version=self.version + 1,
        )


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
