"""Schedules that once lost an order, or ran a failed one untold, on the real handlers and without a fault injected.

Each is a script: what was sent, what died, and what the console, the CLI and the reconciler did meanwhile.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

import pytest

from comanda.adapters.delivery.queues import DeadLetterQueue
from comanda.adapters.orders.queue import QueuePublisher
from comanda.adapters.orders.table import OrderTable
from comanda.adapters.runtime.world import World
from comanda.application.delivery.open_run import OpenRun
from comanda.application.delivery.ports import RunPublisher
from comanda.application.delivery.reconciler import Reconciler
from comanda.application.orders.redrive import RedriveOrder
from comanda.domain.delivery.work_item import Failure
from comanda.domain.orders.messages import Event, OrderMessage
from comanda.domain.orders.order import Enrichment, Order, OrderStatus, Stage
from comanda.domain.shared.errors import IllegalTransition, UnreadableRow
from infra.settings import load_settings
from tests.simulation.faults import RECONCILER, Faults
from tests.simulation.scheduler import Scheduler
from tests.simulation.simulation import virtual_world
from tests.simulation.sqs import Message
from tests.simulation.system import System
from tests.simulation.workload import Workload
from tests.support.fakes import FakeTelemetry

S = OrderStatus
HOURS = 3600.0


class Dies(Exception):
    """The process is gone."""


@dataclass
class Play:
    """One order that was accepted, and no worker runs until `wake`."""

    scheduler: Scheduler
    system: System
    workload: Workload
    order_id: str = field(init=False)

    def __post_init__(self) -> None:
        for mapping in self.system.mappings.values():
            mapping.enabled = False

    def accept(self, sku: str) -> None:
        body = json.dumps({"customer_id": "ana", "items": [{"sku": sku, "qty": 1}]})
        self.act(lambda: self.workload.exchange("web", "POST", "/orders", body))
        ((self.order_id, *_),) = self.system.dynamodb.tables["orders"].rows

    def act(self, script: Callable[[], object]) -> None:
        self.workload.people.start("script", 0, script)
        assert self.scheduler.run(lambda: self.workload.people.busy == 0, 600)

    def wake(self) -> None:
        for mapping in self.system.mappings.values():
            mapping.enabled = True
            mapping.wake()

    def world(self) -> World:
        return self.system.world()

    def table(self) -> OrderTable:
        return OrderTable(self.world().dynamodb, "orders")

    def publisher(self, queue: str = "orders") -> QueuePublisher:
        return QueuePublisher(self.world().sqs, self.system.queues[queue].url)

    def row(self) -> Order:
        order = self.table().get(self.order_id)
        assert order
        return order

    def save(self, before: Order, after: Order) -> Order:
        self.table().save(before, after)
        return after

    def dead_letter(self, queue: str) -> Message:
        """Its only message is received once too often."""
        (message,) = self.system.queues[queue].messages
        self.system.sqs._dead_letter(self.system.queues[queue], message)
        return message

    def move_back(self, queue: str) -> None:
        """What the console does."""
        assert self.system.sqs.move_back(self.system.dead_letter_queues[queue])

    def reconciler(self, table: OrderTable, publisher: RunPublisher[Order]) -> Reconciler[Order]:
        world, telemetry = self.world(), FakeTelemetry()
        url = self.system.dead_letter_queues["orders"].url
        return Reconciler(
            rows=table,
            open_run=OpenRun(table, publisher, telemetry, world.clock),
            dead_letters=[DeadLetterQueue(world.sqs, url, telemetry, OrderMessage.parse, Stage.PROCESSING)],
            telemetry=telemetry,
            clock=world.clock,
            max_rescues=1,
            reserve_seconds=1,
        )

    def in_the_end(self, after: float = HOURS) -> Order:
        """The order as it is then; nothing of it may wait anywhere."""
        self.scheduler.let_pass(after)
        found: list[Order] = []
        self.act(lambda: found.append(self.row()))
        return found[0]

    def left(self) -> dict[str, int]:
        return {queue.name: len(queue.messages) for queue in self.system.sqs.queues.values() if queue.messages}

    def in_the_ledger(self) -> int:
        return sum("order_id" in row for row in self.system.dynamodb.tables["ledger"].rows.values())


@contextmanager
def played(sku: str) -> Iterator[Play]:
    random = Random(1)
    with virtual_world(random) as (scheduler, history):
        system = System(scheduler, random, Faults(random, active=False), history, load_settings("dev"))
        play = Play(scheduler, system, Workload(system, random))
        play.accept(sku)
        yield play


def steps(order: Order) -> list[tuple[OrderStatus, str | None]]:
    return [(moment.status, moment.note) for moment in order.timeline]


@pytest.mark.parametrize("wait", [60, 200, 400])
@pytest.mark.parametrize("stage", [Stage.PROCESSING, Stage.ENRICHMENT])
def test_order_redriven_from_the_console_completes_whatever_it_left_behind(stage: Stage, wait: int) -> None:
    """A worker sent it on and died before it acknowledged, at its last receive; the reconciler, out of rescues,
    failed it.

    What was under way for the next stage met the failure and was dropped. Redriven within the five minutes of the
    deduplication, the same message again was swallowed as its copy, and the order was `processing` forever.
    """
    with played("ABC") as play:

        def die_at_the_last_receive() -> None:
            last = play.row().started(play.world().clock())
            play.save(play.row(), last)
            source, following, event = "orders", "enrichment", Event.ENRICHMENT_REQUESTED
            if stage is Stage.ENRICHMENT:
                play.system.queues["orders"].messages.clear()
                play.publisher("enrichment").publish(last, event)
                found = Enrichment("simulated", "ref", {"ABC": Decimal("19.90")})
                last = play.save(last, last.enriched(found, play.world().clock()))
                source, following, event = "enrichment", "completion", Event.ENRICHED
            play.publisher(following).publish(last, event)
            letter = play.dead_letter(source)
            failure = Failure("WorkerUnavailable", "…", stage, 0, play.world().clock(), letter.message_id)
            play.save(last, last.failed(failure))
            play.wake()

        play.act(die_at_the_last_receive)
        play.scheduler.let_pass(wait)
        play.move_back("orders" if stage is Stage.PROCESSING else "enrichment")
        order = play.in_the_end()
        assert (order.status, order.replay, order.rescues, play.left()) == (S.COMPLETED, 1, 0, {})
        assert (S.PROCESSING, "redriven from the dead-letter queue") in steps(order)
        assert play.in_the_ledger() == 1


def test_a_failed_order_begins_no_run_that_nobody_asked_for() -> None:
    """Its first message could not be acknowledged and was dead-lettered. The reconciler read the row, and before it
    wrote, the order failed for good at the next stage: then it ran again, "redriven", though nobody had redriven it."""
    with played("BOMBA") as play:

        class Slow(OrderTable):
            def get_many(self, order_ids: Iterable[str]) -> Mapping[str, Order | UnreadableRow]:
                found = super().get_many(order_ids)
                play.system.mappings["enrichment"].enabled = True
                play.system.mappings["enrichment"].wake()
                play.world().sleep(2)
                return found

        def reconcile() -> None:
            started = play.row().started(play.world().clock())
            play.save(play.row(), started)
            play.publisher("enrichment").publish(started, Event.ENRICHMENT_REQUESTED)
            play.dead_letter("orders")
            play.reconciler(Slow(play.world().dynamodb, "orders"), play.publisher())(lambda: 50)
            assert play.row().status is S.FAILED
            play.wake()

        play.act(reconcile)
        order = play.in_the_end()
        assert steps(order) == [(S.PENDING, None), (S.PROCESSING, None), (S.FAILED, None)]
        assert (order.replay, order.rescues, order.owed) == (0, 0, False)


@pytest.mark.parametrize("cli_first", [False, True])
def test_of_cli_and_console_at_once_one_begins_the_run_and_the_timeline_says_which(*, cli_first: bool) -> None:
    """Both sent a message; whoever came second was taken for the reconciler, and the only rescue was used up."""
    with played("ABC") as play:
        answers: list[str] = []

        class Slow(OrderTable):
            def get(self, order_id: str) -> Order | None:
                found = super().get(order_id)
                if not answers:
                    answers.append("read")
                    redrive_from_the_console()
                    play.world().sleep(2.5)
                return found

        def redrive_from_the_console() -> None:
            play.move_back("enrichment")
            play.wake()

        def redrive_both_ways() -> None:
            started = play.row().started(play.world().clock())
            play.save(play.row(), started)
            play.system.queues["orders"].messages.clear()
            play.publisher("enrichment").publish(started, Event.ENRICHMENT_REQUESTED)
            letter = play.dead_letter("enrichment")
            failure = Failure("ProviderError", "…", Stage.ENRICHMENT, 5, play.world().clock(), letter.message_id)
            play.save(started, started.failed(failure))
            play.world().sleep(400)
            table = (OrderTable if cli_first else Slow)(play.world().dynamodb, "orders")
            open_run = OpenRun(table, play.publisher(), FakeTelemetry(), play.world().clock)
            try:
                RedriveOrder(table, open_run)(play.order_id, "ops")
            except IllegalTransition as error:
                answers.append(str(error))
            if cli_first:
                redrive_from_the_console()

        play.act(redrive_both_ways)
        order = play.in_the_end()
        notes = [note for _, note in steps(order) if note]
        assert (order.status, order.replay, order.rescues, play.left()) == (S.COMPLETED, 1, 0, {})
        if cli_first:
            assert notes == ["redriven by ops"]
        else:
            assert notes == ["redriven from the dead-letter queue"]
            assert "nothing was done" in answers[-1] or "look at it again" in answers[-1]
        assert play.in_the_ledger() == 1


def test_message_owed_by_a_dead_reconciler_is_sent_though_the_old_one_was_moved() -> None:
    """A row that is in its next run drops the only message there is: without `owed`, nobody would ever send one."""
    with played("ABC") as play:

        class DiesBeforeItSends:
            def publish(self, row: Order, /) -> None:  # noqa: ARG002
                raise Dies

        def die_and_redrive() -> None:
            play.save(play.row(), play.row().started(play.world().clock()))
            play.dead_letter("orders")
            with pytest.raises(Dies):
                play.reconciler(play.table(), DiesBeforeItSends())(lambda: 50)
            assert (play.row().owed, play.row().replay) == (True, 1)
            play.system.functions.throttle(RECONCILER, play.scheduler.time() + 150)
            play.world().sleep(121)  # The dead reconciler had hidden the letter.
            play.move_back("orders")
            play.wake()

        play.act(die_and_redrive)
        order = play.in_the_end()
        assert (order.status, order.replay, order.rescues, order.owed) == (S.COMPLETED, 1, 1, False)
        assert (play.left(), play.in_the_ledger()) == ({}, 1)


def test_a_message_that_is_redriven_again_and_again_begins_one_run_after_the_other() -> None:
    """Each time it fails for good, within the five minutes of the deduplication: each run has a message of its own."""
    with played("BOMBA") as play:
        play.act(play.wake)
        for run in (1, 2, 3):
            play.scheduler.let_pass(60)
            play.move_back("enrichment")
            order = play.in_the_end(60)
            assert (order.status, order.replay, order.rescues) == (S.FAILED, run, 0)
        assert [note for _, note in steps(order) if note] == ["redriven from the dead-letter queue"] * 3
