"""Small fakes of the ports. They keep the promises the real ones make; tests/contract holds both to them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from comanda.adapters.delivery.work_item_rows import attention_kind_of
from comanda.application.delivery.ports import OPEN, VersionConflict
from comanda.application.enrichment.ports import EnrichmentRequest
from comanda.application.orders.ports import Balance, LedgerEntry, Posting
from comanda.application.shared.telemetry import TelemetryEvent
from comanda.domain.delivery.messages import Received
from comanda.domain.delivery.work_item import Failure, WorkItem
from comanda.domain.orders.messages import Event, OrderMessage
from comanda.domain.orders.order import Enrichment, Order
from comanda.domain.shared.errors import ComandaError, Unavailable, UnreadableRow
from tests.support.builders import NOW

T = TypeVar("T")
R = TypeVar("R")
Item = TypeVar("Item", bound=WorkItem)
Letter = TypeVar("Letter", bound=Received)


def mark_sent(rows: dict[str, Item], owed: Item, sent: Item) -> None:
    """As tables do it: nothing but that is changed, and only in the run that was sent."""
    row = rows.get(owed.row_id)
    if row and row.owed and row.replay == owed.replay:
        rows[owed.row_id] = replace(row, owed=False, updated_at=sent.updated_at)


@dataclass
class FakeClock:
    """Goes on by one second each time it is read."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


class StillClock(FakeClock):
    """Stands until somebody sets it."""

    def __call__(self) -> datetime:
        return self.now


@dataclass
class FakeOrders:
    rows: dict[str, Order] = field(default_factory=dict)
    outage: bool = False
    before_save: list[Callable[[], None]] = field(default_factory=list)
    """Each is called once, before the next save: what somebody else does in between."""
    lost_answers: int = 0
    """So many saves take effect, and answer with an outage."""
    unreadable: dict[str, UnreadableRow] = field(default_factory=dict)
    failed_unreadable: dict[str, Failure] = field(default_factory=dict)

    def put(self, *orders: Order) -> None:
        self.rows |= {order.order_id: order for order in orders}

    def claim(self, order: Order) -> Order | None:
        self._answer()
        if order.order_id in self.rows:
            return self.rows[order.order_id]
        self.put(order)
        return None

    def get(self, order_id: str) -> Order | None:
        self._answer()
        if order_id in self.unreadable:
            raise self.unreadable[order_id]
        return self.rows.get(order_id)

    def get_many(self, order_ids: Iterable[str]) -> Mapping[str, Order | UnreadableRow]:
        self._answer()
        rows = self.rows | self.unreadable
        return {order_id: rows[order_id] for order_id in order_ids if order_id in rows}

    def fail_unreadable(self, order_id: str, failure: Failure) -> bool:
        self._answer()
        if order_id not in self.unreadable or order_id in self.failed_unreadable:
            return False
        self.failed_unreadable[order_id] = failure
        return True

    def save(self, before: Order, after: Order) -> None:
        self._answer()
        if self.before_save:
            self.before_save.pop(0)()
        if self.rows[after.order_id].version != before.version:
            raise VersionConflict(after.order_id)
        self.put(after)
        if self.lost_answers:
            self.lost_answers -= 1
            raise Unavailable("orders table: ConnectionClosedError")

    def mark_sent(self, owed: Order, sent: Order) -> None:
        self._answer()
        mark_sent(self.rows, owed, sent)

    def needing_attention(self, kind: str) -> Iterator[Order | UnreadableRow]:
        self._answer()
        rows = (row for row in self.rows.values() if attention_kind_of(row, is_over=row.is_settled) == kind)
        return iter([*self.unreadable.values(), *rows])

    def open_in(self, groups: Collection[str], shown: Iterable[Order]) -> Iterator[Order | UnreadableRow]:  # noqa: ARG002
        for found in self.needing_attention(OPEN):
            if isinstance(found, UnreadableRow) or found.recipient_id in groups:
                yield found

    def _answer(self) -> None:
        if self.outage:
            raise Unavailable("orders table: ThrottlingException")


@dataclass
class FakeLedger:
    orders: FakeOrders
    balances: dict[str, Balance] = field(default_factory=dict)
    written: dict[str, list[LedgerEntry]] = field(default_factory=dict)
    postings: int = 0

    def balance(self, recipient_id: str) -> Balance | None:
        return self.balances.get(recipient_id)

    def entries(self, recipient_id: str, after: int, limit: int) -> Sequence[LedgerEntry]:
        return [entry for entry in self.written.get(recipient_id, []) if entry.sequence > after][:limit]

    def post(self, posting: Posting) -> None:
        recipient_id = posting.after.recipient_id
        there = self.balances.get(recipient_id, Balance(recipient_id, posting.before.currency))
        if there.orders_completed != posting.before.orders_completed:
            raise VersionConflict(recipient_id)
        if any(self.orders.rows[before.order_id].version != before.version for before, _ in posting.orders):
            raise VersionConflict(recipient_id)
        self.orders.put(*(after for _, after in posting.orders))
        self.balances[recipient_id] = posting.after
        self.written.setdefault(recipient_id, []).extend(posting.entries)
        self.postings += 1


@dataclass
class FakePublisher:
    sent: list[tuple[str, OrderMessage]] = field(default_factory=list)
    """Message group and message, in the order of sending."""
    outage: bool = False

    def publish(self, order: Order, event: Event = Event.CREATED) -> None:
        if self.outage:
            raise Unavailable("queue: ServiceUnavailable")
        self.sent.append((order.recipient_id, OrderMessage.about(order, event)))


@dataclass
class FakeQueue:
    hidden: dict[str, int] = field(default_factory=dict)
    """Seconds, by message id."""
    deleted: list[str] = field(default_factory=list)

    def hide(self, deliveries: Sequence[Received], seconds: int) -> None:
        self.hidden |= {delivery.message_id: seconds for delivery in deliveries}

    def delete(self, delivery: Received) -> None:
        self.deleted.append(delivery.message_id)


@dataclass
class FakeProvider:
    """Answers, or raises what it was told to for an order."""

    errors: dict[str, ComandaError | ValueError] = field(default_factory=dict)
    asked: list[EnrichmentRequest] = field(default_factory=list)
    on_enrich: Callable[[EnrichmentRequest], None] = lambda _: None
    """What happens while it is asked."""

    def enrich(self, request: EnrichmentRequest) -> Enrichment:
        self.asked.append(request)
        self.on_enrich(request)
        if request.order_id in self.errors:
            raise self.errors[request.order_id]
        return Enrichment("test", f"ref-{request.order_id}")


@dataclass
class FakeTelemetry:
    emitted: list[tuple[str, str | None]] = field(default_factory=list)
    """The event's name, and the id of the order, report or notification."""
    keys: list[dict[str, object]] = field(default_factory=list)
    """Of each event, without those of its subject."""

    def emit(self, event: TelemetryEvent, subject: WorkItem | None = None) -> None:
        self.emitted.append((event.name, subject.row_id if subject else None))
        self.keys.append(event.keys())


class OneAfterAnother:
    """An executor without threads."""

    def map(self, function: Callable[[T], R], things: Iterable[T], /) -> Iterator[R]:
        return iter([function(thing) for thing in things])


@dataclass
class FakeSpans:
    """Implements `Spans`; `ended` has the message's id, whether it was done, and what was noted."""

    ended: list[tuple[str, bool, dict[str, str]]] = field(default_factory=list)

    def begin(self) -> "FakeSpan":
        return FakeSpan(self)


@dataclass
class FakeSpan:
    """Implements `Span`."""

    spans: FakeSpans
    facts: dict[str, str] = field(default_factory=dict)

    def note(self, **facts: str) -> None:
        self.facts |= facts

    def end(self, *deliveries: Received, done: bool) -> None:
        self.spans.ended += [(delivery.message_id, done, self.facts) for delivery in deliveries]


@dataclass
class FakeDeadLetters(Generic[Letter]):
    """Implements `DeadLetters`: of each group the first ten, until they go; nothing twice before a release."""

    messages: list[Letter] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)
    deleted: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    stage: str = "processing"

    def receive(self) -> Sequence[Letter]:
        locked = {each.group for each in self.messages if each.message_id in self.hidden}
        shown = [each for each in self.messages if each.group not in locked][:10]
        self.hidden |= {each.message_id for each in shown}
        return shown

    def delete(self, delivery: Received) -> None:
        self.messages = [each for each in self.messages if each.message_id != delivery.message_id]
        self.hidden.discard(delivery.message_id)
        self.deleted.append(delivery.message_id)

    def release(self, deliveries: Sequence[Received]) -> None:
        self.hidden -= {each.message_id for each in deliveries}
        self.released += [each.message_id for each in deliveries]

    def depth(self) -> int:
        return len(self.messages)
