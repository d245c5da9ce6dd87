"""Trouble that comes to everybody: deployments, sound and broken, outages of the provider, throttled workers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from tests.simulation.faults import RECONCILER, Scenario, WorldFault
from tests.simulation.system import WORKERS, System


@dataclass
class Trouble:
    system: System
    random: Random

    def begin(self) -> None:
        """Plan all of it."""
        system, random, rates = self.system, self.random, self.system.faults.world_rates
        names = [*system.functions.functions]
        later: Callable[[], float] = lambda: random.uniform(1, 120)  # noqa: E731
        if WorldFault.DEPLOYMENT in rates:
            for name in random.sample(names, 2):
                system.scheduler.after(later(), lambda name=name: system.functions.deploy(name))  # type: ignore[misc]
            if random.random() < 0.3:
                system.scheduler.after(later(), system.deploy_mapping)
        if WorldFault.BROKEN_DEPLOYMENT in rates:
            self._plan_broken_deployment(names, later)
        if WorldFault.PROVIDER_OUTAGE in rates:
            soon = system.faults.aims_at_circuit or self._no_worker_after_an_outage
            system.scheduler.after(random.uniform(0, 5) if soon else later(), self._break_provider)
        if WorldFault.INVOCATION_THROTTLED in rates and random.random() < 0.4:
            worker = random.choice([*WORKERS.values()])
            until = system.scheduler.time() + random.choice((20, 200, 2000))
            system.scheduler.after(later(), lambda: system.functions.throttle(worker, until))
        if WorldFault.RECORD_EXPIRED in rates:
            for _ in range(3):
                system.scheduler.after(later(), system.expire_records)
        self._plan_spoiled_rows()

    def _plan_broken_deployment(self, names: Sequence[str], later: Callable[[], float]) -> None:
        """Where dead letters are aimed at: early, for long, and of the worker whose they are."""
        system, aim = self.system, self.system.faults.aim
        name, at = self.random.choice([*WORKERS.values(), *names]), later()
        lasts = self.random.choice((60, 900, 900, 1800))
        if aim and aim.function == RECONCILER:
            of_stage = [worker for stage, worker in WORKERS.items() if aim.call.endswith(f" {stage}-dlq.fifo")]
            if aim.call == "GetItem circuits":
                of_stage = [WORKERS["enrichment"]]
            name, at, lasts = self.random.choice(of_stage or [*WORKERS.values()]), self.random.uniform(1, 20), 900
            at += 20 if system.faults.needs_a_crowd else 0
        if {Scenario.NO_RESCUE_IS_WRITTEN, Scenario.STEWARD_DIES_BETWEEN} & system.faults.scenarios:
            name, at, lasts = WORKERS["orders"], self.random.uniform(1, 20), 900
        if self._no_worker_after_an_outage:
            name, at, lasts = WORKERS["orders"], self.random.uniform(40, 100), 900
        if Scenario.HIDDEN_BEHIND_TEN in system.faults.scenarios:
            name, at, lasts = WORKERS["enrichment"], self.random.uniform(75, 85), 1500
        if Scenario.WAKES_UNDER_THE_STEWARD in system.faults.scenarios:
            name, at, lasts = WORKERS["enrichment"], self.random.uniform(2, 6), 600
        system.functions.break_for(name, at, lasts)

    @property
    def _no_worker_after_an_outage(self) -> bool:
        return Scenario.NO_WORKER_AFTER_AN_OUTAGE in self.system.faults.scenarios

    def _break_provider(self) -> None:
        if not self.system.faults.active:
            return
        self.system.faults.injected[WorldFault.PROVIDER_OUTAGE] += 1
        long = self.system.faults.aims_at_circuit or self._no_worker_after_an_outage
        lasts = self.random.choice((60, 120, 300) if long else (3, 20, 120))
        self.system.provider.down_until = self.system.scheduler.time() + lasts
        self.system.history.tell("the provider is down")

    def _plan_spoiled_rows(self) -> None:
        if Scenario.ROWS_OF_OTHERS in self.system.faults.scenarios and not self.system.parts:
            for _ in range(self.random.randint(1, 4)):
                self.system.scheduler.after(self.random.uniform(1, 60), self._spoil_a_row)

    def _spoil_a_row(self) -> None:
        """No release can read it; or a newer one alone, which is back once nothing goes wrong any more."""
        system, random = self.system, self.random
        rows = system.dynamodb.tables["orders"].rows
        known = [key for key in rows if key[0] not in system.spoiled | system.newer]
        if not known or not system.faults.active:
            return
        (order_id, *_) = key = random.choice(known)
        row = dict(rows[key])
        if random.random() < 0.5:
            row["schema"] = {"N": "99"}
            system.newer.add(order_id)
        elif random.random() < 0.5:
            row["origin"] = {"S": "kiosk"}
            system.spoiled.add(order_id)
        else:
            del row["correlation_id"]
            system.spoiled.add(order_id)
        rows[key] = row
        system.history.tell("its row is spoiled", order_id)
