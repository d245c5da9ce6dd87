"""First stage: order.created → `processing` → order.enrichment.requested (E4)."""

from collections.abc import Sequence
from dataclasses import dataclass

from comanda.application.ports import Clock, Journal, Orders, Publisher
from comanda.application.work import Job
from comanda.domain.messages import Event
from comanda.domain.order import Order, OrderStatus, Stage


@dataclass(frozen=True)
class ProcessOrder:
    orders: Orders
    publisher: Publisher
    journal: Journal
    clock: Clock
    stage = Stage.PROCESSING

    def begins(self, order: Order) -> bool:
        return order.status is not OrderStatus.PROCESSING

    def __call__(self, jobs: Sequence[Job]) -> int:
        """Row first, message second: a crash in between leaves the message to be delivered again, and sent then."""
        found = order = jobs[0].order
        if order.is_claim:  # The API died after sending: as good as pending.
            order = order.stored(order.created_at)
        if self.begins(order):
            order = order.started(self.clock())
            self.orders.save(found, order)
        self.publisher.publish(order, Event.ENRICHMENT_REQUESTED)
        self.journal.tell("order.processing", order, stage_seconds=jobs[0].delivery.seconds_since_sent(self.clock()))
        return 1
