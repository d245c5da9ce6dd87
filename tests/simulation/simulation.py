"""One seed, from the first order to the verdict."""

import contextlib
import io
import logging
import os
import random as library_random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from types import SimpleNamespace

import time_machine
from aws_lambda_powertools.event_handler.api_gateway import BaseRouter
from aws_lambda_powertools.utilities.circuit_breaker import base as circuit_breaker

from comanda.adapters.observability.telemetry import BUSINESS, LOGGER, TECHNICAL
from infra.settings import StageSettings, load_settings
from tests.simulation.auditor import Audit
from tests.simulation.checkers.violation import Violation
from tests.simulation.faults import OPERATOR, RECONCILER, REPORT_STEWARD, Faults, Scenario
from tests.simulation.history import History
from tests.simulation.notification_faults import aim_at_notifications
from tests.simulation.notification_system import NotificationSystem
from tests.simulation.notification_workload import NotificationWorkload
from tests.simulation.report_system import ReportSystem
from tests.simulation.report_workload import ReportWorkload
from tests.simulation.scenarios import add_scenarios
from tests.simulation.scheduler import Scheduler
from tests.simulation.system import System
from tests.simulation.workload import Workload
from tests.strict.refusals import complaint
from tests.support.stage_settings import changed

BUSINESS.namespace = TECHNICAL.namespace = "Comanda"  # A function has it from its environment.

START = 1_792_000_000.0
"""Some day in October 2026; seconds since the epoch."""

LIBRARY_GLOBALS = (
    (BaseRouter, "current_event"),
    (BaseRouter, "lambda_context"),
    *((circuit_breaker, name) for name in ("_LOCAL_FAILURES", "_LOCAL_SUCCESSES", "_LAST_OBSERVED_STATE")),
    (circuit_breaker, "_PROBE_OWNER"),
)
"""What Powertools keeps there, one for each process."""

CALM_LIMIT = 6 * 3600
"""Seconds of virtual time within which everything must have come to rest once nothing goes wrong any more."""
STEWARD_MINUTES = 6 * 60
REPORTS_SHARE = NOTIFICATIONS_SHARE = 0.33
"""Of the seeds."""


@dataclass(frozen=True)
class Result:
    seed: int
    broken: Violation | None
    digest: str
    virtual_seconds: float
    orders: int
    reports: int
    notifications: int
    counts: Counter[str]
    injected: Counter[str]
    points: Counter[tuple[str, str, str]]
    story: str = ""
    """What concerns the order of a broken promise; of a seed that broke none, all that happened."""
    whole_story: str = ""


def simulate(seed: int, *, verbose: bool = False, telling: bool = True) -> Result:
    """Run one seed. The story is told where a promise broke, or if `verbose`.

    `telling`: with notifications, where the seed has some; without, it is what it was before there were any, and has
    no scenarios.
    """
    random = Random(seed)
    with virtual_world(random) as (scheduler, history):
        faults = Faults.drawn(random)
        of_reports, of_notifications = _random_of_reports(seed), _random_of_notifications(seed) if telling else None
        if of_reports:
            faults.aim_at_reports(of_reports)
        if of_notifications:
            aim_at_notifications(faults, of_notifications)
        if telling:
            add_scenarios(faults, Random(f"besides {seed}"), of_reports=of_reports is not None)
        settings = _drawn_settings(random, faults)
        if of_reports:
            settings = changed(settings, _drawn_report_settings(of_reports, faults))
        system = System(scheduler, random, faults, history, settings)
        workload = Workload(system, random)
        asking = ReportWorkload(workload, ReportSystem(system, random), random) if of_reports else None
        asking_to_be_told = None
        if of_notifications:
            settings = changed(settings, _drawn_notification_settings(of_notifications))
            notifications = NotificationSystem(system, of_notifications, settings)
            asking_to_be_told = NotificationWorkload(workload, notifications, of_notifications, asking)
        audit = Audit(system, workload, asking, asking_to_be_told)
        complaint()  # Of an earlier seed in this process.
        broken = _play(system, workload, audit, random) or _refused()
    history.counts.update(audit.states())
    story = whole_story = ""
    if broken or verbose:
        whole_story = "\n".join(map(str, history.happenings))
        about = {broken.order_id} if broken and broken.order_id else {*audit.order_ids(), *audit.report_ids()}
        story = "\n".join(map(str, history.about(about, broken.recipient_id if broken else None)))
    return Result(
        seed=seed,
        broken=broken,
        digest=history.digest(),
        virtual_seconds=scheduler.time() - START,
        orders=len(audit.order_ids()),
        reports=len(audit.report_ids()),
        notifications=len(audit.notification_ids()),
        counts=history.counts,
        injected=faults.injected,
        points=faults.points,
        story=story,
        whole_story=whole_story,
    )


def _refused() -> Violation | None:
    """What AWS would not have taken is a defect, also where the code under test lived on (tests/strict)."""
    refused = complaint()
    return Violation("no defects", refused) if refused else None


def has_reports(seed: int) -> bool:
    return _random_of_reports(seed) is not None


def _random_of_reports(seed: int) -> Random | None:
    """None where a seed has no reports: it is what it was before there were any."""
    random = Random(f"reports {seed}")
    return random if random.random() < REPORTS_SHARE else None


def has_notifications(seed: int) -> bool:
    return _random_of_notifications(seed) is not None


def _random_of_notifications(seed: int) -> Random | None:
    """None where nobody asks to be told of anything."""
    random = Random(f"notifications {seed}")
    return random if random.random() < NOTIFICATIONS_SHARE else None


def _play(system: System, workload: Workload, audit: Audit, random: Random) -> Violation | None:
    """Trouble, calm, verdict. Then everything is redriven, now or much later, at times with new trouble; verdict."""
    scheduler = system.scheduler
    workload.begin()
    if broken := _come_to_rest(system, workload, audit):
        return broken
    if random.random() < 0.25:
        system.fortnight_passes()
    workload.ask_again()
    workload.redrive_everything()
    if system.faults.aims_at(OPERATOR) or random.random() < 0.4:
        system.faults.active = True
        if broken := _come_to_rest(system, workload, audit):
            return broken
        workload.redrive_everything()
    rested = scheduler.run(lambda: workload.people.busy == 0 and system.is_drained, CALM_LIMIT)
    drained = _let_the_reconciler_work(system)
    return audit.verdict(rested=rested and drained) or audit.verdict_after_redrive()


def _come_to_rest(system: System, workload: Workload, audit: Audit) -> Violation | None:
    scheduler = system.scheduler
    scheduler.run(lambda: workload.people.busy == 0, 3600)
    scheduler.let_pass(30)
    audit.trouble_ends()
    rested = scheduler.run(lambda: workload.people.busy == 0 and system.is_drained, CALM_LIMIT)
    drained = _let_the_reconciler_work(system)
    return audit.verdict(rested=rested and drained)


def _let_the_reconciler_work(system: System) -> bool:
    """Whether everything came to rest again."""
    rested = _rests_under_the_reconciler(system)
    if system.hides_dead_letters:
        system.scheduler.jump(3600)
        rested = _rests_under_the_reconciler(system)
    return rested


def _rests_under_the_reconciler(system: System) -> bool:
    """It also has its time for what is dead-lettered while it works."""
    scheduler, end = system.scheduler, system.scheduler.time() + CALM_LIMIT
    while scheduler.time() < end:
        letters = system.dead_lettered
        scheduler.let_pass(STEWARD_MINUTES)
        if not scheduler.run(lambda: system.is_drained, CALM_LIMIT):
            return False
        if system.dead_lettered == letters:
            return True
    return False


TIMES = {
    "api.timeout_seconds": 15,
    "orders.timeout_seconds": 10,
    "orders.reserve_seconds": 5,
    "orders.visibility_timeout_seconds": 12,
    "reports.visibility_timeout_seconds": 65,
}
"""Seconds. With others a seed would play another schedule, and hunted seeds would hit nothing. Not every one of them
would be deployed (infra/settings): the promises have to hold also where a lease ends as its report comes back."""


def _drawn_settings(random: Random, faults: Faults) -> StageSettings:
    """The local stage's, with budgets of this seed's own; small ones where much is to be dead-lettered untried."""
    of_small = {
        Scenario.NO_WORKER_AFTER_AN_OUTAGE,
        Scenario.WAKES_UNDER_THE_STEWARD,
        Scenario.HIDDEN_BEHIND_TEN,
    }
    small = faults.aims_at(RECONCILER) or bool(of_small & faults.scenarios)
    drawn = load_settings(
        "local",
        {
            "delivery.batch_size": random.choice((1, 2) if small else (1, 2, 5, 10)),
            "delivery.max_attempts": random.choice((2,) if small else (2, 3, 5)),
            "enrichment.delay_seconds": random.choice((0.02, 0.3)),
            "functions.python_version": "3.11",
            "functions.architecture": "arm64",
        },
    )
    return changed(drawn, TIMES)


def _drawn_report_settings(random: Random, faults: Faults) -> dict[str, int]:
    """Long and short time-outs, and a pace at which the longest tables are too large."""
    short = faults.aims_at(REPORT_STEWARD) or random.random() < 0.5
    times = ("timeout", 20), ("visibility_timeout", 22), ("lease", 6)
    settings = {f"reports.{name}_seconds": seconds for name, seconds in times} if short else {}
    settings["delivery.batch_size"] = random.choice((1, 2))
    if faults.aims_at(REPORT_STEWARD):
        settings["delivery.max_attempts"] = 2
    rows_a_second = random.choice((3000, 3000, 3))
    if Scenario.LONG_LEASES in faults.scenarios:
        settings["reports.lease_seconds"] = 100
    return settings | {"reports.settle_seconds": 2, "reports.rows_per_second": rows_a_second}


def _drawn_notification_settings(random: Random) -> dict[str, int]:
    """Few attempts, so that dead letters are reached, and a time-out that leaves time for one slow call or for two."""
    timeout = random.choice((20, 35))
    return {
        "delivery.batch_size": random.choice((1, 2)),
        "notifications.max_attempts": random.choice((2, 3)),
        "notifications.timeout_seconds": timeout,
        "notifications.visibility_timeout_seconds": timeout + 2,
    }


class _Happenings(logging.Handler):
    """What the handlers log, into the history."""

    history: History | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if self.history is None:
            return
        happening = record.getMessage()
        self.history.counts[happening] += 1
        self.history.counts[f"{self.history.who().partition('.')[0]}: {happening}"] += 1
        facts = [str(getattr(record, name)) for name in ("reason", "error_class", "note") if hasattr(record, name)]
        subject = getattr(record, "order_id", None) or getattr(record, "report_id", None)
        recipient_id = getattr(record, "recipient_id", None)
        self.history.tell(f"log: {happening} {' '.join(facts)}".rstrip(), subject, recipient_id)


@contextlib.contextmanager
def virtual_world(random: Random) -> Iterator[tuple[Scheduler, History]]:
    """Clock, sleep, randomness, logs and standard output belong to the simulation."""
    urandom, sleep, state = os.urandom, time.sleep, library_random.getstate()
    probe_owner, circuit_breaker._PROBE_OWNER = circuit_breaker._PROBE_OWNER, SimpleNamespace()  # type: ignore[assignment]
    happenings = _Happenings()
    stream = LOGGER.registered_handler
    stream_level = stream.level
    stream.setLevel(logging.CRITICAL + 1)
    logger = logging.getLogger(LOGGER.name)
    logger.addHandler(happenings)
    os.urandom = random.randbytes
    library_random.seed(random.getrandbits(64))
    try:
        with time_machine.travel(START, tick=False) as traveller, contextlib.redirect_stdout(io.StringIO()):
            scheduler = Scheduler(START, traveller, LIBRARY_GLOBALS)
            happenings.history = History(lambda: scheduler.time() - START, scheduler.who)
            time.sleep = scheduler.sleep  # type: ignore[assignment]  # botocore waits between its retries
            yield scheduler, happenings.history
    finally:
        os.urandom, time.sleep, circuit_breaker._PROBE_OWNER = urandom, sleep, probe_owner
        library_random.setstate(state)
        logger.removeHandler(happenings)
        stream.setLevel(stream_level)
