"""Every AWS call of every handler of reports fails once, as those of orders do (test_crash_points.py)."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import boto3
import pytest
import time_machine
from moto import mock_aws

from comanda.application.delivery.reconciler import QUIET
from tests.conftest import do_not_wait
from tests.crashes.crash_harness import FAILURES, crash_points, die
from tests.crashes.report_invariants import promises_hold
from tests.crashes.report_system import LARGE, ReportSystem
from tests.support.builders import NOW
from tests.support.report_targets import make_report_resources


@dataclass(frozen=True)
class Scenario:
    name: str
    given: Callable[[ReportSystem], None]
    """What went before; nothing fails in it."""
    system: Callable[[ReportSystem], None]
    calls: Mapping[str, int]
    """AWS calls of each handler in it."""
    ends: Mapping[str, str]
    """For `promises_hold`."""


# What is given


def nothing(_: ReportSystem) -> None: ...


def accepted(system: ReportSystem) -> None:
    system.post("first")


def accepted_large(system: ReportSystem) -> None:
    system.post("first", LARGE)


def accepted_ragged(system: ReportSystem) -> None:
    system.post("first", ragged=True)


def failed(system: ReportSystem) -> None:
    accepted_ragged(system)
    system.drain()


def dead_lettered_untried(system: ReportSystem, *, keyed: bool = True) -> None:
    system.post("first", keyed=keyed)
    system.broken = True
    system.drain()


def rescued_and_dead_lettered_again(system: ReportSystem, *, keyed: bool = True) -> None:
    dead_lettered_untried(system, keyed=keyed)
    system.minute()
    system.drain()


def abandoned(system: ReportSystem, *, keyed: bool = True) -> None:
    """Failed by the reconciler; the workers can run again."""
    rescued_and_dead_lettered_again(system, keyed=keyed)
    wait_for_the_reconciler(system)
    system.broken = False


def abandoned_without_a_key(system: ReportSystem) -> None:
    abandoned(system, keyed=False)


def abandoned_and_owed(system: ReportSystem) -> None:
    """Whoever redrove it died between row and message."""
    abandoned(system)
    system.strike("redrive", REDRIVEN_ROW, "after", die)
    system.redrive("first")
    assert system.was_struck


def redriven_and_ready(system: ReportSystem) -> None:
    """Its old message is still in the dead-letter queue."""
    abandoned(system)
    system.redrive("first")
    system.drain()


# What is played


def ask_and_write(system: ReportSystem) -> None:
    system.post("first")
    system.drain()


def ask_without_a_key(system: ReportSystem) -> None:
    system.post("first", keyed=False)


def ask_again(system: ReportSystem) -> None:
    system.post_again("first")


def write(system: ReportSystem) -> None:
    system.drain()


def redrive(system: ReportSystem) -> None:
    system.redrive("first")
    system.drain()


def wait_for_the_reconciler(system: ReportSystem) -> None:
    """Until nobody can be at it any more."""
    system.clock.shift(QUIET)
    system.minute()


def redrive_from_console(system: ReportSystem) -> None:
    system.move_back(system.dead_letters, system.source)
    system.drain()


def discard(system: ReportSystem) -> None:
    system.discard("first")


def repair(system: ReportSystem) -> None:
    system.minute()
    system.broken = False
    system.drain()


def cancel(system: ReportSystem) -> None:
    system.cancel("first")
    system.drain()


REDRIVEN_ROW = 2
"""The call of a redrive by which the row leads; its message is the next."""
READY, FAILED, CANCELLED = {"ready": "first"}, {"failed": "first"}, {"cancelled": "first"}
SCENARIOS = [
    Scenario("a report is written", nothing, ask_and_write, {"post": 7, "generate": 7}, READY),
    Scenario("asked for without a key", nothing, ask_without_a_key, {"post": 5}, READY),
    Scenario("a file in two parts", accepted_large, write, {"generate": 10}, READY),
    Scenario("fails for good and is dead-lettered", accepted_ragged, write, {"generate": 15}, FAILED),
    Scenario("asked for again", abandoned_without_a_key, ask_again, {"post": 6}, READY),
    Scenario("redriven from the console", abandoned, redrive_from_console, {"generate": 11}, READY),
    Scenario("redriven from the terminal", abandoned, redrive, {"redrive": 4, "generate": 7}, READY),
    Scenario("discarded", failed, discard, {"discard": 2}, FAILED),
    Scenario("rescued by the reconciler", dead_lettered_untried, repair, {"reconciler": 8, "generate": 7}, READY),
    Scenario(
        "failed by the reconciler", rescued_and_dead_lettered_again, wait_for_the_reconciler, {"reconciler": 6}, FAILED
    ),
    Scenario("owed and sent by the reconciler", abandoned_and_owed, repair, {"reconciler": 9, "generate": 7}, READY),
    Scenario(
        "dead letter deleted by the reconciler", redriven_and_ready, ReportSystem.minute, {"reconciler": 5}, READY
    ),
    Scenario("cancelled", accepted, cancel, {"cancel": 2, "generate": 1}, CANCELLED),
]
POINTS = [
    pytest.param(scenario, handler, number, *FAILURES[how], id=f"{scenario.name}: {handler} {how} call {number}")
    for scenario in SCENARIOS
    for handler, how, number in crash_points(scenario.calls)
]


@pytest.fixture(scope="module")
def stage(moto_session: boto3.Session) -> Iterator[ReportSystem]:
    with mock_aws(), ThreadPoolExecutor(2) as threads:
        resources = make_report_resources(moto_session, threads)
        resources.sqs.meta.events.register("before-parameter-build.sqs.ReceiveMessage", do_not_wait)
        yield ReportSystem(resources)


@pytest.fixture
def system(stage: ReportSystem, scenario: Scenario) -> Iterator[ReportSystem]:
    """As it is when the scenario has what it is given."""
    with time_machine.travel(NOW, tick=False) as clock:
        stage.clear(clock)
        scenario.given(stage)
        yield stage


@pytest.mark.parametrize(("scenario", "handler", "number", "when", "how"), POINTS)
def test_all_promises_hold_whatever_call_fails(
    system: ReportSystem, scenario: Scenario, handler: str, number: int, when: str, how: Callable[[], None]
) -> None:
    system.strike(handler, number, when, how)
    scenario.system(system)
    assert system.was_struck
    system.five_minutes()
    promises_hold(system, **scenario.ends)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_table_of_calls_is_whole(system: ReportSystem, scenario: Scenario) -> None:
    """A handler that makes one more call than the table says would have a crash point that nobody tried."""
    system.calls.clear()
    scenario.system(system)
    assert system.calls == scenario.calls
    system.five_minutes()
    promises_hold(system, **scenario.ends)
    assert system.unfinished_uploads() == []
