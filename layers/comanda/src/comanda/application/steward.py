"""Every minute: make the status tell the truth about messages that were dead-lettered (P8).

A message gets into a dead-letter queue in two ways. Its order failed, and it was let through: nothing to do. Or it was
received too often without its order ever being tried, because the workers could not run at all, or were throttled, or
died of somebody else: then the order is published anew, once, and only failed if that comes back too (P6). While the
circuit of the enrichment provider is not closed, orders are turned away however well the workers run: what was
dead-lettered of that is published anew as well, and neither counted nor failed (docs/decisions/0009).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from comanda.application.ports import AttentiveOrders, Circuit, Clock, DeadLetters, Journal, Overtaken, Publisher
from comanda.application.see_dead_letters import MOST_SHOWN, see_all
from comanda.application.unreadable import tell_unreadable
from comanda.domain.errors import UnreadableRow
from comanda.domain.messages import Delivery, Event, last_runs
from comanda.domain.order import Failure, Order, OrderStatus, Stage

STALE = timedelta(minutes=2)
"""An open order untouched for so long, behind dead letters that hide it, is taken for a dead letter too."""
STALE_AGAIN = timedelta(hours=1)
"""The same, once its rescues are used up: it may only wait in its queue."""
RETENTION = timedelta(days=14)
"""So long a dead-letter queue keeps a message."""


@dataclass(frozen=True)
class Steward:
    orders: AttentiveOrders
    publisher: Publisher
    """Into the first queue."""
    dead_letters: Sequence[DeadLetters]
    circuit: Circuit
    """Of the enrichment provider."""
    journal: Journal
    clock: Clock
    max_rescues: int
    reserve_seconds: float

    def __call__(self, seconds_left: Callable[[], float]) -> None:
        """Look through every dead-letter queue as far as the time goes. Raises Unavailable; the next minute goes on."""
        for queue in self.dead_letters:
            self._tend(queue, seconds_left)

    def _tend(self, queue: DeadLetters, seconds_left: Callable[[], float]) -> None:
        kept = see_all(queue, partial(self._look_through, queue), lambda: seconds_left() > self.reserve_seconds)
        hiding = {group for group, deliveries in kept.items() if len(deliveries) >= MOST_SHOWN}
        if hiding:
            self._look_behind(queue, hiding, seconds_left)

    def _look_through(self, queue: DeadLetters, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Deal with each dead letter; give those that stay."""
        messages = [delivery.message for delivery in deliveries if delivery.message]
        rows = self.orders.get_many(message.order_id for message in messages)
        last_run = last_runs(messages)
        kept = []
        for delivery in deliveries:
            message = delivery.message
            order = rows.get(message.order_id) if message else None
            if isinstance(order, UnreadableRow):
                tell_unreadable(self.journal, order)
                kept.append(delivery)
                continue
            is_old = message is not None and message.replay < last_run[message.order_id]
            if is_old or self._is_done_with(order, delivery, queue.stage):
                queue.delete(delivery)
            else:
                kept.append(delivery)
        return kept

    def _is_done_with(self, order: Order | None, delivery: Delivery, stage: Stage) -> bool:
        message = delivery.message
        if order is None or message is None:
            return False
        if order.is_settled or message.replay < order.replay or (order.discarded and message.replay == order.replay):
            return True
        if order.status is not OrderStatus.FAILED:
            return self._save_from_oblivion(order, stage, delivery.message_id, message.replay)
        # Redriven, and dead-lettered again before any worker could take it up. A discarded one takes on the number too.
        if message.replay > order.replay:
            self._fail(order, stage, delivery.message_id, message.replay)
            return False
        return order.failure is not None and order.failure.stage is not stage

    def _save_from_oblivion(self, order: Order, stage: Stage, message_id: str, replay: int) -> bool:
        """Publish an open order anew, or fail it if that was done before. Whether its dead letter has done its duty.

        `replay` of the dead letter is ahead of the row where a steward died after sending: that body is used up.
        """
        outage = self._is_in_outage(stage)
        if order.rescues >= self.max_rescues and not outage:
            self._fail(order, stage, message_id, replay)
            return False
        return self._publish_anew(order, stage, replay, counts=not outage)

    def _is_in_outage(self, stage: Stage) -> bool:
        return stage is Stage.ENRICHMENT and not self.circuit.is_closed()

    def _publish_anew(self, order: Order, stage: Stage, replay: int, *, counts: bool) -> bool:
        rescued = order.rescued(self.clock(), replay + 1, counts=counts)
        self.publisher.publish(rescued, Event.CREATED, uncounted=not counts)
        try:
            self.orders.save(order, rescued)
        except Overtaken:
            return False
        self.journal.tell("order.rescued", order, stage=stage)
        return True

    def _fail(self, order: Order, stage: Stage, message_id: str, replay: int) -> None:
        """Only where the row still is as it was read. It takes on the message's replay: the next has another."""
        failure = Failure(
            name="WorkerUnavailable",
            message=f"the workers of stage {stage} could not run; the order was published anew and came back untried",
            stage=stage,
            attempts=0,
            at=self.clock(),
            message_id=message_id,
        )
        if order.status is OrderStatus.FAILED:
            failed = replace(order, failure=failure, replay=replay, updated_at=failure.at, version=order.version + 1)
        else:
            failed = replace(order.failed(failure), replay=replay)
        try:
            self.orders.save(order, failed)
        except Overtaken:
            return
        self.journal.tell("order.failed", failed, error_class=failure.name, reason=failure.message, stage=stage)

    def _look_behind(self, queue: DeadLetters, hiding: set[str], seconds_left: Callable[[], float]) -> None:
        """Dead letters that no failed order accounts for, behind those that stay: of stale open orders, the oldest.

        Which order a hidden letter is of, nobody can see: so they are published anew, and never failed.
        """
        now = self.clock()
        failures = (order.failure for order in self._needing_attention("failed"))
        kept = [each for each in failures if each and each.stage is queue.stage and each.at > now - RETENTION]
        unaccounted = queue.depth() - len(kept)
        if unaccounted <= 0:
            return
        behind = (
            order
            for order in self._needing_attention("open")
            if order.recipient_id in hiding and order.updated_at < now - self._stale_after(order)
        )
        for order in sorted(behind, key=lambda order: order.created_at)[:unaccounted]:
            if seconds_left() <= self.reserve_seconds:
                return
            self._publish_anew(order, queue.stage, order.replay, counts=not self._is_in_outage(queue.stage))

    def _needing_attention(self, kind: str) -> Iterator[Order]:
        for found in self.orders.needing_attention(kind):
            if isinstance(found, UnreadableRow):
                tell_unreadable(self.journal, found)
            else:
                yield found

    def _stale_after(self, order: Order) -> timedelta:
        return STALE if order.rescues < self.max_rescues else STALE_AGAIN
