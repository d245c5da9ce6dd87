"""Second stage: order.enrichment.requested → the outside service → order.enriched (E5).

Orders of a recipient that arrive together are asked about at the same time, and saved and handed on one after the other
(D6, P4).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from comanda.application.ports import Clock, EnrichmentProvider, EnrichmentRequest, Journal, Orders, Publisher
from comanda.application.work import Executor, Job
from comanda.domain.messages import Event
from comanda.domain.order import Enrichment, Order, Stage


@dataclass(frozen=True)
class EnrichOrder:
    orders: Orders
    publisher: Publisher
    provider: EnrichmentProvider
    journal: Journal
    clock: Clock
    asking: Executor
    """Asks about several orders side by side. Not the executor that works on groups: they wait for it."""
    stage = Stage.ENRICHMENT

    def begins(self, order: Order) -> bool:
        return order.enrichment is None

    def __call__(self, jobs: Sequence[Job]) -> int:
        """An enrichment is saved only where there is none; what is saved is final.

        The first order is finished here. What was answered about those behind it waits in `ahead` for their turn, a
        refusal as well: whatever becomes of the first, nobody's attempt is used up before it is the first (P6).
        """
        order, ahead = jobs[0].order, jobs[0].ahead
        if self.begins(order):
            self._ask_about([job for job in jobs if self.begins(job.order)], ahead)
            answer = ahead[order.order_id]
            if isinstance(answer, Exception):
                raise answer
            enriched = order.enriched(answer, self.clock())
            self.orders.save(order, enriched)
            order = enriched
        self.publisher.publish(order, Event.ENRICHED)
        self.journal.tell("order.enriched", order, stage_seconds=jobs[0].delivery.seconds_since_sent(self.clock()))
        return 1

    def _ask_about(self, jobs: Sequence[Job], ahead: dict[str, Any]) -> None:
        """Each order is asked about once. All answers are waited for: Lambda stops the clock at the end of a batch, and
        a call still under way would block its order until the record of it expires."""
        unasked = {job.order.order_id: job for job in jobs if job.order.order_id not in ahead}
        ahead.update(zip(unasked, self.asking.map(self._answer, unasked.values()), strict=True))

    def _answer(self, job: Job) -> Enrichment | Exception:
        order = job.order
        request = EnrichmentRequest(
            order_id=order.order_id,
            replay=order.replay,
            items=order.items,
            customer_id=order.customer_id,
            currency=order.currency,
            attempt=job.attempt,
        )
        try:
            return self.provider.enrich(request)
        except Exception as error:  # noqa: BLE001 - told when its order is the first, and not while another's is
            return error
