"""A worker of each stage, with fakes around it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

from comanda.application.delivery.open_run import OpenRun
from comanda.application.delivery.ports import Executor
from comanda.application.delivery.step import Step
from comanda.application.delivery.worker import Worker
from comanda.application.enrichment.enrich import EnrichOrder
from comanda.application.orders.complete import CompleteOrders
from comanda.application.orders.process import ProcessOrder
from comanda.domain.delivery.retry import RetryPolicy
from comanda.domain.orders.messages import Event, OrderDelivery
from comanda.domain.orders.order import Item, Order
from comanda.domain.shared.errors import ComandaError
from tests.support.builders import a_delivery, a_processing_order, an_enriched_order
from tests.support.fakes import (
    FakeClock,
    FakeLedger,
    FakeOrders,
    FakeProvider,
    FakePublisher,
    FakeQueue,
    FakeSpans,
    FakeTelemetry,
    OneAfterAnother,
)

GOOD = (Item(1, sku="A", unit_price=Decimal("10.00")),)


@dataclass
class Scene:
    orders: FakeOrders = field(default_factory=FakeOrders)
    publisher: FakePublisher = field(default_factory=FakePublisher)
    first_queue: FakePublisher = field(default_factory=FakePublisher)
    """Where runs begin."""
    provider: FakeProvider = field(default_factory=FakeProvider)
    queue: FakeQueue = field(default_factory=FakeQueue)
    telemetry: FakeTelemetry = field(default_factory=FakeTelemetry)
    clock: FakeClock = field(default_factory=FakeClock)
    provider_executor: Executor = field(default_factory=OneAfterAnother)
    seconds_left: float = 10
    slept: list[float] = field(default_factory=list)
    spans: FakeSpans = field(default_factory=FakeSpans)

    def __post_init__(self) -> None:
        self.ledger = FakeLedger(self.orders)

    def process(self, *batch: OrderDelivery) -> list[str]:
        return self._work(ProcessOrder(self.publisher, self.telemetry, self.clock), batch)

    def enrich(self, *batch: OrderDelivery) -> list[str]:
        return self._work(self.enriching, batch)

    @property
    def enriching(self) -> EnrichOrder:
        return EnrichOrder(self.publisher, self.provider, self.telemetry, self.clock, self.provider_executor)

    def complete(self, *batch: OrderDelivery) -> list[str]:
        return self._work(CompleteOrders(self.ledger, self.telemetry, self.clock), batch)

    def _work(self, step: Step[Order], batch: tuple[OrderDelivery, ...]) -> list[str]:
        worker = Worker(
            step=step,
            rows=self.orders,
            open_run=OpenRun(self.orders, self.first_queue, self.telemetry, self.clock),
            queue=self.queue,
            retry=RetryPolicy(max_attempts=3, first_pause=1, longest_pause=5),
            telemetry=self.telemetry,
            clock=self.clock,
            random=lambda: 0.0,
            sleep=self.slept.append,
            executor=OneAfterAnother(),
            reserve_seconds=2,
            spans=self.spans,
        )
        return worker(batch, lambda: self.seconds_left)

    def add(self, make: Callable[..., Order], event: Event, **fields: object) -> OrderDelivery:
        order = make(**fields)
        self.orders.put(order)
        return a_delivery(order, event)

    def to_enrich(self, recipient_id: str = "r-1") -> OrderDelivery:
        return self.add(a_processing_order, Event.ENRICHMENT_REQUESTED, recipient_id=recipient_id, items=GOOD)

    def to_complete(self, recipient_id: str = "r-1") -> OrderDelivery:
        return self.add(an_enriched_order, Event.ENRICHED, recipient_id=recipient_id)

    def row(self, delivery: OrderDelivery) -> Order:
        assert delivery.message
        return self.orders.rows[delivery.message.order_id]

    def attempts_seen(self, delivery: OrderDelivery) -> set[int]:
        """At which attempts the provider was asked about an order."""
        order_id = self.row(delivery).order_id
        return {request.attempt for request in self.provider.asked if request.order_id == order_id}

    def fails(self, delivery: OrderDelivery, error: ComandaError | ValueError) -> None:
        self.provider.errors[self.row(delivery).order_id] = error


def ids(*deliveries: OrderDelivery) -> list[str]:
    return [delivery.message_id for delivery in deliveries]


def again(receive_count: int, *deliveries: OrderDelivery) -> list[OrderDelivery]:
    """The same messages as they are received for the n-th time."""
    return [replace(delivery, receive_count=receive_count) for delivery in deliveries]


@pytest.fixture
def scene() -> Scene:
    return Scene()
