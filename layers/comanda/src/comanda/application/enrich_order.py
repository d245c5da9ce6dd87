"""Second stage: order.enrichment.requested → the outside service → order.enriched (E5)."""

from collections.abc import Sequence
from dataclasses import dataclass

from comanda.application.ports import Clock, EnrichmentProvider, EnrichmentRequest, Journal, Orders, Publisher
from comanda.application.work import Job
from comanda.domain.messages import Event
from comanda.domain.order import Order, Stage


@dataclass(frozen=True)
class EnrichOrder:
    orders: Orders
    publisher: Publisher
    provider: EnrichmentProvider
    journal: Journal
    clock: Clock
    stage = Stage.ENRICHMENT

    def begins(self, order: Order) -> bool:
        return order.enrichment is None

    def __call__(self, jobs: Sequence[Job]) -> int:
        """An enrichment is saved only where there is none; what is saved is final."""
        order = jobs[0].order
        if self.begins(order):
            enrichment = self.provider.enrich(
                EnrichmentRequest(
                    order_id=order.order_id,
                    replay=order.replay,
                    items=order.items,
                    customer_id=order.customer_id,
                    currency=order.currency,
                    attempt=jobs[0].attempt,
                )
            )
            enriched = order.enriched(enrichment, self.clock())
            self.orders.save(order, enriched)
            order = enriched
        self.publisher.publish(order, Event.ENRICHED)
        self.journal.tell("order.enriched", order)
        return 1
