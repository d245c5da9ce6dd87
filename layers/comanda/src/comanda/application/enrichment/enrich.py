"""Second stage: order.enrichment.requested → the outside service → order.enriched (E5).

Orders of a recipient that arrive together are asked about at the same time, and saved and handed on one after the other
(D6, P4).
"""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from comanda.application.delivery.ports import Executor
from comanda.application.delivery.step import Job
from comanda.application.enrichment.events import OrderEnriched
from comanda.application.enrichment.ports import EnrichmentProvider, EnrichmentRequest
from comanda.application.orders.ports import Publisher
from comanda.application.shared.ports import Clock
from comanda.application.shared.telemetry import Telemetry
from comanda.domain.orders.messages import Event
from comanda.domain.orders.order import Enrichment, Order, Stage


@dataclass(frozen=True)
class EnrichOrder:
    """Implements `Step`."""

    publisher: Publisher
    provider: EnrichmentProvider
    telemetry: Telemetry
    clock: Clock
    provider_executor: Executor
    """Asks about several orders side by side. Not the executor that works on groups: they wait for it."""
    kind = Order.kind
    stage = Stage.ENRICHMENT
    group_is = "recipient_id"
    may_kill = True

    def turn(self) -> "EnrichTurn":
        return EnrichTurn(self)

    def has_work(self, row: Order) -> bool:
        return row.enrichment is None

    def begun(self, job: Job[Order]) -> None: ...

    def ask(self, job: Job[Order]) -> Future[Enrichment]:
        """What the provider said of an order, or how it refused."""
        order, answer = job.row, Future[Enrichment]()
        request = EnrichmentRequest(
            order_id=order.order_id,
            replay=order.replay,
            items=order.items,
            customer_id=order.customer_id,
            currency=order.currency,
            attempt=job.attempt,
        )
        try:
            answer.set_result(self.provider.enrich(request))
        except Exception as error:  # noqa: BLE001 - raised when its order is the first, and not while another's is
            answer.set_exception(error)
        return answer


@dataclass(frozen=True)
class EnrichTurn:
    """Implements `Turn`."""

    step: EnrichOrder
    answers: dict[str, Future[Enrichment]] = field(default_factory=dict)
    """By order id, for orders whose turn has not come yet."""

    def __call__(self, jobs: Sequence[Job[Order]]) -> int:
        """An enrichment is saved only where there is none; what is saved is final.

        The first order is finished here. What was answered about those behind it waits for their turn, a refusal as
        well: whatever becomes of the first, no attempt is used up before its order is the first (P6).
        """
        job, step = jobs[0], self.step
        if step.has_work(job.row):
            self._ask_about([each for each in jobs if step.has_work(each.row)])
            job.save(job.row.enriched(self.answers[job.row.order_id].result(), step.clock()))
        step.publisher.publish(job.row, Event.ENRICHED)
        step.telemetry.emit(OrderEnriched(stage_seconds=job.delivery.seconds_since_sent(step.clock())), job.row)
        return 1

    def _ask_about(self, jobs: Sequence[Job[Order]]) -> None:
        """Each order is asked about once. All answers are waited for: Lambda stops the clock at the end of a batch, and
        a call still under way would block its order until the record of it expires."""
        unasked = {job.row.order_id: job for job in jobs if job.row.order_id not in self.answers}
        self.answers.update(zip(unasked, self.step.provider_executor.map(self.step.ask, unasked.values()), strict=True))
