"""Who operates the system: they redrive by CLI and from the console, and discard, at the worst moments."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from comanda.adapters.delivery.queues import HIDDEN_WHILE_TENDED
from comanda.adapters.orders.queue import QueuePublisher
from comanda.adapters.orders.table import OrderTable
from comanda.application.delivery.open_run import OpenRun
from comanda.application.orders.redrive import DiscardOrder, RedriveOrder
from comanda.domain.orders.order import Order
from comanda.domain.shared.errors import Unavailable
from comanda_cli.dead_letters.bulk import work_through
from comanda_cli.dead_letters.selection import QueueName, Selection, select
from tests.simulation.actors import People
from tests.simulation.faults import OPERATOR, Scenario
from tests.simulation.system import STAGES, WORKERS, System
from tests.support.fakes import FakeTelemetry

MOST_IMPATIENT = 3
"""Operators in a run who act on a dead letter in a way that a scenario has."""
RETENTION_SECONDS = 14 * 24 * 3600


@dataclass
class Operators:
    """Of orders; those of reports and notifications are in report_workload.py and notification_workload.py."""

    system: System
    random: Random
    people: People
    operated: list[tuple[float, str, str]] = field(default_factory=list)
    """Time, deed and order id: what was done to orders."""
    purged: set[str] = field(default_factory=set)
    """Orders that lost a dead letter to somebody."""
    _impatient: int = 0
    _began: float = 0.0

    def begin(self) -> None:
        """Some at any time, some as soon as there is a dead letter."""
        self._began = self.system.scheduler.time()
        faults, deeds = self.system.faults, list[Callable[[str], None]]()
        for _ in range(5 if faults.aims_at(OPERATOR) else self.random.choice((0, 0, 1, 2))):
            self._operate(self.random.uniform(5, 400))
        if self.random.random() < 0.3:
            deeds.append(self._act_on_dead_letter)
        if faults.aims_at_console:
            deeds.append(self._redrive_by_console_soon)
        if Scenario.REDRIVEN_BOTH_WAYS in faults.scenarios:
            deeds.append(self._redrive_both_ways)
        if Scenario.STEWARD_DIES_BETWEEN in faults.scenarios:
            deeds.append(self._redrive_by_console_soon)
        if Scenario.EVERYBODY_REDRIVES in faults.scenarios:
            deeds.append(self._redrive_at_once)
        if Scenario.PURGED_BY_HAND in faults.scenarios:
            deeds.append(self._purge_soon)
        self.system.at_dead_letter = lambda stage: _do_all(deeds, stage)

    def redrive_everything(self) -> None:
        """By the CLI; or from the console alone, while queues have all that failed: that must do as well (P9)."""
        in_time = self.system.scheduler.time() < self._began + RETENTION_SECONDS
        alone = Scenario.REDRIVEN_FROM_THE_CONSOLE in self.system.faults.scenarios and in_time and not self.purged
        self.people.start("operator", 0, self._redrive_all_from_the_console if alone else self._redrive_everything)

    def _redrive_all_from_the_console(self) -> None:
        """Twice: the reconciler may have some in its hands."""
        for _ in range(2):
            for stage in STAGES:
                self._move_back(stage, None)
            self.people.sleep(2 * HIDDEN_WHILE_TENDED)

    def _operate(self, delay: float) -> None:
        deed = self.random.choice((self._redrive_by_cli, self._redrive_by_console, self._discard_one))
        self.people.start("operator", delay, deed)

    def _act_on_dead_letter(self, _: str) -> None:
        """A hasty operator, at the worst moment: about when the reconciler comes by."""
        if self.system.faults.active and self.random.random() < 0.3:
            self._operate(self.random.uniform(0, 70))

    def _redrive_by_cli(self) -> None:
        queue = self.random.choice((None, *QueueName))
        if self.random.random() < 0.2:  # The same again, a moment later: somebody pressed it twice.
            self.people.start("operator", self.random.uniform(0, 2), lambda: self._redrive(Selection(queue)))
        self._redrive(Selection(queue))

    def _redrive(self, selection: Selection) -> None:
        table, redrive, _ = self._cli()

        def act(order_id: str) -> Order:
            self.operated.append((self.system.scheduler.time(), "redrive", order_id))
            self.system.history.tell("redrives by CLI", order_id)
            return redrive(order_id, "operator")

        try:
            chosen, _ = select(table, selection, datetime.now(UTC))
        except Unavailable:
            return
        work_through(chosen, act, 0.1, self.people.sleep, lambda: None)

    def _discard_one(self) -> None:
        table, _, discard = self._cli()
        try:
            chosen, _ = select(table, Selection(limit=1), datetime.now(UTC))
        except Unavailable:
            return

        def act(order_id: str) -> Order:
            self.operated.append((self.system.scheduler.time(), "discard", order_id))
            self.system.history.tell("discards", order_id)
            return discard(order_id, "operator")

        work_through(chosen, act, 0.1, self.people.sleep, lambda: None)

    def _cli(self) -> tuple[OrderTable, RedriveOrder, DiscardOrder]:
        world = self.system.world()
        table, telemetry = OrderTable(world.dynamodb, "orders"), FakeTelemetry()
        publisher = QueuePublisher(world.sqs, self.system.queues["orders"].url)
        redrive = RedriveOrder(table, OpenRun(table, publisher, telemetry, world.clock))
        return table, redrive, DiscardOrder(table, telemetry, world.clock)

    def _redrive_by_console(self) -> None:
        stage = self.random.choice(STAGES)
        for _ in range(self.random.randint(1, 3)):
            self._move_back(stage, self.random.choice((None, 1, 3)))
            self.people.sleep(self.random.uniform(0, 60))

    def _move_back(self, stage: str, most: int | None) -> None:
        for message in self.system.sqs.move_back(self.system.dead_letter_queues[stage], most):
            order_id = json.loads(message.body)["order_id"]
            self.operated.append((self.system.scheduler.time(), "move", order_id))

    def _may_act(self) -> bool:
        """Not again and again: what is redriven fails again, and would call more of them than it took."""
        if not self.system.faults.active or self._impatient == MOST_IMPATIENT or self.random.random() < 0.5:
            return False
        self._impatient += 1
        return True

    def _redrive_both_ways(self, _: str) -> None:
        """Somebody impatient: what was redriven by CLI is held up at the first worker, so the console is tried too."""
        if not self._may_act():
            return

        def redrive() -> None:
            self.system.functions.throttle(WORKERS["orders"], self.system.scheduler.time() + self.random.uniform(5, 20))
            self._redrive(Selection())
            self._move_back("enrichment", None)

        self.people.start("operator", self.random.uniform(0, 20), redrive)

    def _redrive_by_console_soon(self, stage: str) -> None:
        if self._may_act():
            self.people.start("operator", self.random.uniform(0, 70), lambda: self._move_back(stage, None))

    def _redrive_at_once(self, stage: str) -> None:
        """Two by CLI and one from the console, within a second or so."""
        if not self._may_act():
            return
        at = self.random.uniform(3, 70)
        for deed in (self._redrive_everything, self._redrive_everything, lambda: self._move_back(stage, None)):
            self.people.start("operator", at + self.random.uniform(0, 1.2), deed)

    def _redrive_everything(self) -> None:
        self._redrive(Selection())

    def _purge_soon(self, stage: str) -> None:
        if self._may_act():
            self.people.start("operator", self.random.uniform(0, 90), lambda: self._purge(stage))

    def _purge(self, stage: str) -> None:
        """Some of the dead letters of orders that failed: somebody has seen them, and knows the rows."""
        queue = self.system.dead_letter_queues[stage]
        rows = self.system.dynamodb.tables["orders"].rows
        for message in list(queue.messages):
            order_id = json.loads(message.body)["order_id"]
            if rows[order_id,]["status"]["S"] == "failed" and self.random.random() < 0.7:
                queue.messages.remove(message)
                self.purged.add(order_id)
                self.system.history.tell("purges a dead letter", order_id)


def _do_all(deeds: Iterable[Callable[[str], None]], stage: str) -> None:
    for deed in deeds:
        deed(stage)
