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
from tests.crashes.report_play import LARGE, ReportPlay
from tests.crashes.report_promises import promises_hold
from tests.crashes.theatre import FAILURES, crash_points, die
from tests.support.builders import NOW
from tests.support.report_targets import make_report_resources


@dataclass(frozen=True)
class Scenario:
    name: str
    given: Callable[[ReportPlay], None]
    """What went before; nothing fails in it."""
    play: Callable[[ReportPlay], None]
    calls: Mapping[str, int]
    """AWS calls of each handler in it."""
    ends: Mapping[str, str]
    """For `promises_hold`."""


# What is given


def nothing(_: ReportPlay) -> None: ...


def accepted(play: ReportPlay) -> None:
    play.post("first")


def accepted_large(play: ReportPlay) -> None:
    play.post("first", LARGE)


def accepted_ragged(play: ReportPlay) -> None:
    play.post("first", ragged=True)


def failed(play: ReportPlay) -> None:
    accepted_ragged(play)
    play.drain()


def dead_lettered_untried(play: ReportPlay, *, keyed: bool = True) -> None:
    play.post("first", keyed=keyed)
    play.broken = True
    play.drain()


def rescued_and_dead_lettered_again(play: ReportPlay, *, keyed: bool = True) -> None:
    dead_lettered_untried(play, keyed=keyed)
    play.minute()
    play.drain()


def abandoned(play: ReportPlay, *, keyed: bool = True) -> None:
    """Failed by the steward; the workers can run again."""
    rescued_and_dead_lettered_again(play, keyed=keyed)
    wait_for_the_steward(play)
    play.broken = False


def abandoned_without_a_key(play: ReportPlay) -> None:
    abandoned(play, keyed=False)


def abandoned_and_owed(play: ReportPlay) -> None:
    """Whoever redrove it died between row and message."""
    abandoned(play)
    play.strike("redrive", REDRIVEN_ROW, "after", die)
    play.redrive("first")
    assert play.was_struck


def redriven_and_ready(play: ReportPlay) -> None:
    """Its old message is still in the dead-letter queue."""
    abandoned(play)
    play.redrive("first")
    play.drain()


# What is played


def ask_and_write(play: ReportPlay) -> None:
    play.post("first")
    play.drain()


def ask_without_a_key(play: ReportPlay) -> None:
    play.post("first", keyed=False)


def ask_again(play: ReportPlay) -> None:
    play.post_again("first")


def write(play: ReportPlay) -> None:
    play.drain()


def redrive(play: ReportPlay) -> None:
    play.redrive("first")
    play.drain()


def wait_for_the_steward(play: ReportPlay) -> None:
    """Until nobody can be at it any more."""
    play.clock.shift(QUIET)
    play.minute()


def redrive_from_console(play: ReportPlay) -> None:
    play.move_back(play.dead_letters, play.source)
    play.drain()


def discard(play: ReportPlay) -> None:
    play.discard("first")


def repair(play: ReportPlay) -> None:
    play.minute()
    play.broken = False
    play.drain()


def cancel(play: ReportPlay) -> None:
    play.cancel("first")
    play.drain()


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
    Scenario("rescued by the steward", dead_lettered_untried, repair, {"steward": 8, "generate": 7}, READY),
    Scenario("failed by the steward", rescued_and_dead_lettered_again, wait_for_the_steward, {"steward": 6}, FAILED),
    Scenario("owed and sent by the steward", abandoned_and_owed, repair, {"steward": 9, "generate": 7}, READY),
    Scenario("dead letter deleted by the steward", redriven_and_ready, ReportPlay.minute, {"steward": 5}, READY),
    Scenario("cancelled", accepted, cancel, {"cancel": 2, "generate": 1}, CANCELLED),
]
POINTS = [
    pytest.param(scenario, handler, number, *FAILURES[how], id=f"{scenario.name}: {handler} {how} call {number}")
    for scenario in SCENARIOS
    for handler, how, number in crash_points(scenario.calls)
]


@pytest.fixture(scope="module")
def stage(moto_session: boto3.Session) -> Iterator[ReportPlay]:
    with mock_aws(), ThreadPoolExecutor(2) as threads:
        resources = make_report_resources(moto_session, threads)
        resources.sqs.meta.events.register("before-parameter-build.sqs.ReceiveMessage", do_not_wait)
        yield ReportPlay(resources)


@pytest.fixture
def play(stage: ReportPlay, scenario: Scenario) -> Iterator[ReportPlay]:
    """As it is when the scenario has what it is given."""
    with time_machine.travel(NOW, tick=False) as clock:
        stage.clear(clock)
        scenario.given(stage)
        yield stage


@pytest.mark.parametrize(("scenario", "handler", "number", "when", "how"), POINTS)
def test_all_promises_hold_whatever_call_fails(
    play: ReportPlay, scenario: Scenario, handler: str, number: int, when: str, how: Callable[[], None]
) -> None:
    play.strike(handler, number, when, how)
    scenario.play(play)
    assert play.was_struck
    play.five_minutes()
    promises_hold(play, **scenario.ends)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_table_of_calls_is_whole(play: ReportPlay, scenario: Scenario) -> None:
    """A handler that makes one more call than the table says would have a crash point that nobody tried."""
    play.calls.clear()
    scenario.play(play)
    assert play.calls == scenario.calls
    play.five_minutes()
    promises_hold(play, **scenario.ends)
    assert play.unfinished_uploads() == []
