"""Every AWS call of every handler fails once, before and after it took effect: after redelivery all promises hold.

The process dies (nothing of it gets out any more), or the call's answer is lost (a connection error). The client asks
again with its key, the queue delivers again, the operator gives the command again, as they do in production.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import boto3
import pytest
import time_machine
from moto import mock_aws

from comanda.adapters.enrichment.circuit import EnrichmentCircuit
from comanda.application.delivery.reconciler import QUIET
from comanda.domain.orders.order import Stage
from comanda_cli.stack.connection import QuietTelemetry
from tests.conftest import resources_on_moto
from tests.crashes.crash_harness import FAILURES, crash_points, die
from tests.crashes.invariants import promises_hold
from tests.crashes.system import Memory, System
from tests.support.builders import NOW

BAD, FLAKY, HOPELESS = "BOMBA", "FLAKY-1", "FLAKY-99"


@dataclass(frozen=True)
class Scenario:
    name: str
    given: Callable[[System], None]
    """What went before; nothing fails in it."""
    system: Callable[[System], None]
    calls: Mapping[str, int]
    """AWS calls of each handler in it."""
    ends: Mapping[str, str]
    """For `promises_hold`."""


# What is given


def nothing(_: System) -> None: ...


def two_orders(sku: str) -> Callable[[System], None]:
    """One of this item, and behind it a good one of the same recipient, both as far as the second stage."""

    def given(system: System) -> None:
        system.post("first", sku)
        system.post("second")
        system.drain(Stage.PROCESSING)

    return given


def one_accepted_order(system: System) -> None:
    system.post("first")


def two_accepted_orders(system: System) -> None:
    system.post("first")
    system.post("second")


def failed(system: System) -> None:
    """An order that failed for good, and whose row was mended since."""
    system.post("first", BAD)
    system.drain()
    system.correct("first")


def dead_lettered_untried(system: System) -> None:
    system.post("first")
    system.broken = True
    system.drain()


def dead_lettered_twice(system: System) -> None:
    dead_lettered_untried(system)
    system.minute()
    system.drain()


def redriven_and_owed(system: System) -> None:
    """Whoever redrove it died between row and message."""
    failed(system)
    system.strike("redrive", REDRIVEN_ROW, "after", die)
    system.redrive("first")
    assert system.was_struck


def redriven_and_completed(system: System) -> None:
    """Its old message is still in the dead-letter queue."""
    failed(system)
    system.redrive("first")
    system.drain()


# What is played


def order_and_work(system: System) -> None:
    system.post("first")
    system.drain()


def enrich(system: System) -> None:
    system.drain(Stage.ENRICHMENT)


def work_with_care(system: System) -> None:
    for stage in Stage:
        system.crash_on_arrival(stage)
        system.drain(stage)


def wait_for_the_reconciler(system: System) -> None:
    """Until nobody can be at it any more."""
    system.clock.shift(QUIET)
    system.minute()


def redrive_from_console(system: System) -> None:
    system.redrive_from_console(Stage.ENRICHMENT)
    system.drain(Stage.ENRICHMENT)


def redrive(system: System) -> None:
    system.redrive("first")
    system.drain(Stage.PROCESSING)


def discard(system: System) -> None:
    system.discard("first")


def repair(system: System) -> None:
    system.minute()
    system.broken = False
    system.drain(Stage.PROCESSING)


def cancel(system: System) -> None:
    system.cancel("first")
    system.drain()


FIRST, BOTH = {"completed": "first"}, {"completed": "first second"}
SECOND, FIRST_FAILED = {"completed": "second"}, {"failed": "first"}
HAPPY_PATH = {"post": 6, "process": 3, "enrich": 6, "complete": 3}
CAREFUL_PATH = {"process": 9, "enrich": 15, "complete": 9}
REDRIVEN_ROW = 2
"""The call of a redrive by which the row leads; its message is the next."""
SCENARIOS = [
    Scenario("an order completes", nothing, order_and_work, HAPPY_PATH, FIRST),
    Scenario("fails for good and is dead-lettered", two_orders(BAD), enrich, {"enrich": 19}, FIRST_FAILED | SECOND),
    Scenario("fails for now, then succeeds", two_orders(FLAKY), enrich, {"enrich": 22}, BOTH),
    Scenario("fails for now at every attempt", two_orders(HOPELESS), enrich, {"enrich": 31}, FIRST_FAILED | SECOND),
    Scenario("two received before", two_accepted_orders, work_with_care, CAREFUL_PATH, BOTH),
    Scenario("redriven from the console", failed, redrive_from_console, {"enrich": 4}, FIRST),
    Scenario("redriven from the terminal", failed, redrive, {"redrive": 4, "process": 2}, FIRST),
    Scenario("discarded", failed, discard, {"discard": 2}, FIRST_FAILED),
    Scenario("rescued by the reconciler", dead_lettered_untried, repair, {"reconciler": 17, "process": 3}, FIRST),
    Scenario(
        "failed by the reconciler", dead_lettered_twice, wait_for_the_reconciler, {"reconciler": 15}, FIRST_FAILED
    ),
    Scenario("owed and sent by the reconciler", redriven_and_owed, System.minute, {"reconciler": 18}, FIRST),
    Scenario("dead letter deleted by the reconciler", redriven_and_completed, System.minute, {"reconciler": 14}, FIRST),
    Scenario("cancelled", one_accepted_order, cancel, {"cancel": 2, "process": 1}, {"cancelled": "first"}),
]

POINTS = [
    pytest.param(scenario, handler, number, *FAILURES[how], id=f"{scenario.name}: {handler} {how} call {number}")
    for scenario in SCENARIOS
    for handler, how, number in crash_points(scenario.calls)
]


@pytest.fixture(scope="module")
def stage(moto_session: boto3.Session) -> Iterator[System]:
    with mock_aws():
        yield System(resources_on_moto(moto_session), moto_session)


@pytest.fixture(scope="module")
def given(stage: System) -> Callable[[str], Memory]:
    """What each scenario is given, played once."""

    @cache
    def played(name: str) -> Memory:
        with time_machine.travel(NOW, tick=False) as clock:
            stage.clear(clock)
            next(scenario for scenario in SCENARIOS if scenario.name == name).given(stage)
            return stage.remember()

    return played


@pytest.fixture
def system(stage: System, given: Callable[[str], Memory], scenario: Scenario) -> Iterator[System]:
    """As it is when the scenario has what it is given."""
    memory = given(scenario.name)
    with time_machine.travel(NOW, tick=False) as clock:
        stage.go_back(clock, memory)
        yield stage


@pytest.mark.parametrize(("scenario", "handler", "number", "when", "how"), POINTS)
def test_all_promises_hold_whatever_call_fails(
    system: System, scenario: Scenario, handler: str, number: int, when: str, how: Callable[[], None]
) -> None:
    system.strike(handler, number, when, how)
    scenario.system(system)
    assert system.was_struck
    system.five_minutes()
    promises_hold(system, **scenario.ends)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_table_of_calls_is_whole(system: System, scenario: Scenario) -> None:
    """A handler that makes one more call than the table says would have a crash point that nobody tried."""
    system.calls.clear()
    scenario.system(system)
    assert system.calls == scenario.calls
    system.five_minutes()
    promises_hold(system, **scenario.ends)


def test_an_outage_of_the_provider_excuses_no_other_stage(stage: System) -> None:
    """The workers of the first stage could not run, whatever the provider does."""
    with time_machine.travel(NOW, tick=False) as clock:
        stage.clear(clock)
        dead_lettered_twice(stage)
        EnrichmentCircuit(stage.resources.dynamodb, stage.resources.circuits_table, QuietTelemetry()).open()
        wait_for_the_reconciler(stage)
        assert stage.rows()["first"].is_failed
