"""First stage: order.created → `processing` → order.enrichment.requested (E4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from comanda.application.delivery.step import Job
from comanda.application.orders.events import OrderProcessed
from comanda.application.orders.ports import Publisher
from comanda.application.shared.ports import Clock
from comanda.application.shared.telemetry import Telemetry
from comanda.domain.orders.messages import Event
from comanda.domain.orders.order import Order, OrderStatus, Stage


@dataclass(frozen=True)
class ProcessOrder:
    """Implements `Step` and `Turn`."""

    publisher: Publisher
    telemetry: Telemetry
    clock: Clock
    kind = Order.kind
    stage = Stage.PROCESSING
    group_is = "recipient_id"
    may_kill = True

    def turn(self) -> Self:
        return self

    def has_work(self, row: Order) -> bool:
        return row.status is not OrderStatus.PROCESSING

    def begun(self, job: Job[Order]) -> None: ...

    def __call__(self, jobs: Sequence[Job[Order]]) -> int:
        """Row first, message second: a crash in between leaves the message to be delivered again, and sent then."""
        job = jobs[0]
        if self.has_work(job.row):
            # The API may have died after sending: a claim is as good as pending.
            order = job.row.stored(job.row.created_at) if job.row.is_claim else job.row
            job.save(order.started(self.clock()))
        self.publisher.publish(job.row, Event.ENRICHMENT_REQUESTED)
        self.telemetry.emit(OrderProcessed(stage_seconds=job.delivery.seconds_since_sent(self.clock())), job.row)
        return 1
