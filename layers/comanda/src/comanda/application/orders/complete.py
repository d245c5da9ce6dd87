"""Third stage: order.enriched → `completed`, once, in the recipient's ledger (E6, P3, P4).

Orders of a recipient that arrive together are written together (D6).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Self

from comanda.application.delivery.step import Job
from comanda.application.orders.events import OrderCompleted
from comanda.application.orders.ports import Balance, Ledger, LedgerEntry, Posting
from comanda.application.shared.ports import Clock
from comanda.application.shared.telemetry import Telemetry
from comanda.domain.orders.order import Order, OrderStatus, Stage
from comanda.domain.shared.errors import PermanentError
from comanda.domain.shared.money import money


@dataclass(frozen=True)
class CompleteOrders:
    """Implements `Step` and `Turn`."""

    ledger: Ledger
    telemetry: Telemetry
    clock: Clock
    kind = Order.kind
    stage = Stage.COMPLETION
    group_is = "recipient_id"
    may_kill = True

    def turn(self) -> Self:
        return self

    def has_work(self, row: Order) -> bool:
        return row.status is OrderStatus.PROCESSING

    def begun(self, job: Job[Order]) -> None: ...

    def __call__(self, jobs: Sequence[Job[Order]]) -> int:
        """Complete as many orders from the head on as are ready; give their number."""
        ready = self._ready(jobs)
        now = self.clock()
        balance = self.ledger.balance(ready[0].recipient_id)
        posting = posting_of(balance or Balance(ready[0].recipient_id, ready[0].currency), ready, now)
        self.ledger.post(posting)
        for job, (_, order) in zip(jobs, posting.orders, strict=False):
            completed = OrderCompleted(
                seconds=(now - order.created_at).total_seconds(), stage_seconds=job.delivery.seconds_since_sent(now)
            )
            self.telemetry.emit(completed, order)
        return len(ready)

    def _ready(self, jobs: Sequence[Job[Order]]) -> list[Order]:
        """The head and those behind it that can be posted with it. A head that never can be is a PermanentError."""
        head = jobs[0].row
        if head.status is not OrderStatus.PROCESSING or head.enrichment is None or head.total_amount is None:
            raise PermanentError("NotEnriched", "the order came to its completion without an enrichment")
        ready: list[Order] = []
        for job in jobs:
            order = job.row
            if order.status is not OrderStatus.PROCESSING or order.enrichment is None or order in ready:
                break
            if order.recipient_id != head.recipient_id:
                break
            ready.append(order)
        return ready


def posting_of(before: Balance, orders: Sequence[Order], now: datetime) -> Posting:
    """The entries that follow on `before`, the balance after them, and each order completed."""
    entries: list[LedgerEntry] = []
    amount = before.amount
    for sequence, order in enumerate(orders, start=before.orders_completed + 1):
        total = order.total_amount if order.total_amount is not None else Decimal("0.00")
        entries.append(LedgerEntry(sequence, order.order_id, total, now))
        amount += total
    after = replace(before, amount=money(amount), orders_completed=before.orders_completed + len(orders))
    return Posting(before, after, tuple(entries), tuple((order, order.completed(now)) for order in orders))
