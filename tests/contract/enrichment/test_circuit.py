"""The circuit breaker of the enrichment: who is let through, who is turned away, and whose attempt it costs."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

import pytest
import time_machine
from botocore.exceptions import ConnectTimeoutError

from comanda.adapters.enrichment.circuit import (
    FAILURES,
    OUTAGE_LINGERS,
    RECOVERY_SECONDS,
    TRY_SECONDS,
    EnrichmentCircuit,
    GuardedProvider,
)
from comanda.application.enrichment.ports import EnrichmentRequest
from comanda.domain.orders.order import Enrichment
from comanda.domain.shared.errors import PermanentError, ProviderOutage, TransientError, Unavailable
from tests.support.fakes import FakeTelemetry
from tests.support.targets import Resources

OUTAGE = ProviderOutage("ProviderUnavailable", "503")
TIMEOUT = ProviderOutage("ProviderTimeout", "no answer in time")
ENRICHMENT = Enrichment("p", "r", {}, {})
MAX_ATTEMPTS = 3
TRIAL_PAUSE = 60


@dataclass
class FakeProvider:
    """Implements `HealthyProvider`: fails with `error`, if there is one."""

    error: Exception | None = None
    hangs: frozenset[str] = frozenset()
    """Orders whose calls time out."""
    healthy: bool = True
    recovers: bool = False
    """By the time it is asked how it is."""
    at_health: list[Callable[[], None]] = field(default_factory=list)
    """Each is called once, when it is asked how it is."""
    calls: int = 0
    asked: list[str] = field(default_factory=list)
    """The orders of the calls."""
    meanwhile: list[Callable[[], None]] = field(default_factory=list)
    """Each is called once, during the next call."""

    def enrich(self, request: EnrichmentRequest) -> Enrichment:
        self.calls += 1
        self.asked.append(request.order_id)
        if self.meanwhile:
            self.meanwhile.pop(0)()
        if request.order_id in self.hangs:
            raise TIMEOUT
        if self.error:
            raise self.error
        return ENRICHMENT

    def is_healthy(self) -> bool:
        if self.at_health:
            self.at_health.pop(0)()
        if self.recovers:
            self.error = None
        return self.healthy


@dataclass
class Fleet:
    """Execution environments that share the store; each has its own count of failures."""

    resources: Resources
    provider: FakeProvider = field(default_factory=FakeProvider)
    opened: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)

    def environment(self) -> Callable[..., Enrichment]:
        """A new one. Its `enrich(attempt, order_id)`; without an id, each call is about an order of its own."""
        guarded = GuardedProvider(self.provider, self.circuit(), MAX_ATTEMPTS, TRIAL_PAUSE)

        def enrich(attempt: int = 1, order_id: str | None = None) -> Enrichment:
            order_id = order_id or f"o-{next(self.numbers)}"
            return guarded.enrich(EnrichmentRequest(order_id, 0, (), None, "BRL", attempt))

        return enrich

    def circuit(self) -> EnrichmentCircuit:
        dynamodb, table = self.resources.dynamodb, self.resources.circuits_table
        return EnrichmentCircuit(dynamodb, table, FakeTelemetry(), lambda: self.opened.append("opened"))


@pytest.fixture
def fleet(resources: Resources) -> Fleet:
    return Fleet(resources)


def test_a_circuit_is_closed_until_enough_orders_in_a_row_open_it_for_everybody(fleet: Fleet) -> None:
    first, second = fleet.environment(), fleet.environment()
    assert first() == ENRICHMENT
    fleet.provider.error, fleet.provider.healthy = OUTAGE, False
    for _ in range(FAILURES - 1):
        with pytest.raises(ProviderOutage):
            first()
    assert (fleet.circuit().is_closed(), fleet.opened) == (True, [])
    with pytest.raises(Unavailable):
        first()
    assert (fleet.circuit().is_closed(), fleet.opened) == (False, ["opened"])
    calls = fleet.provider.calls
    with pytest.raises(Unavailable, match="circuit is open"):
        second()
    assert fleet.provider.calls == calls, "nobody asks a provider that is known to be down"


def test_an_order_that_always_times_out_is_asked_about_so_often_and_opens_nothing(fleet: Fleet) -> None:
    enrich, fleet.provider.hangs = fleet.environment(), frozenset({"slow"})
    for attempt in range(1, MAX_ATTEMPTS + 1):
        with pytest.raises(ProviderOutage, match="no answer in time"):
            enrich(attempt, "slow")
        assert fleet.circuit().is_closed()
    assert (fleet.provider.calls, fleet.opened) == (MAX_ATTEMPTS + 1, [])
    assert enrich() == ENRICHMENT, "whoever was behind it"


def test_one_order_opens_nothing_however_often_it_fails(fleet: Fleet) -> None:
    """Also not together with fewer others than it takes."""
    enrich, fleet.provider.hangs = fleet.environment(), frozenset({"slow", "slow too"})
    for order_id in [*["slow"] * 2 * FAILURES, "slow too"]:
        with pytest.raises(ProviderOutage):
            enrich(1, order_id)
    assert fleet.circuit().is_closed()


def test_an_answer_about_another_order_ends_the_row(fleet: Fleet) -> None:
    enrich, fleet.provider.hangs = fleet.environment(), frozenset({f"slow {n}" for n in range(2 * FAILURES)})
    for order_id in sorted(fleet.provider.hangs):
        with pytest.raises(ProviderOutage):
            enrich(1, order_id)
        enrich()
    assert fleet.circuit().is_closed()


def test_many_orders_that_always_time_out_are_each_asked_about_so_often(fleet: Fleet) -> None:
    """They open the circuit, and are what it is tried with. The provider says that it is well, and each failure counts:
    the bound holds for each of them, and with the last of them the circuit closes."""
    fleet.provider.hangs = frozenset(f"slow {n}" for n in range(FAILURES + 2))
    attempts, failed = Counter[str](), set[str]()
    enrich = fleet.environment()
    for _ in range(30):
        for order_id in sorted(fleet.provider.hangs - failed):
            try:
                enrich(attempts[order_id] + 1, order_id)
            except ProviderOutage:
                attempts[order_id] += 1
                failed |= {order_id} if attempts[order_id] == MAX_ATTEMPTS else set()
            except Unavailable:
                fleet.circuit().let_one_try()
    assert failed == fleet.provider.hangs
    assert max(Counter(fleet.provider.asked).values()) <= MAX_ATTEMPTS + 1
    fleet.circuit().let_one_try()
    assert enrich() == ENRICHMENT
    assert fleet.circuit().is_closed()


def test_a_failure_that_is_tried_with_costs_an_attempt_where_the_provider_is_well(fleet: Fleet) -> None:
    """And nobody else is let through for a while, or all would use up their attempts in an outage that it denies."""
    enrich, fleet.provider.hangs = fleet.environment(), frozenset({"slow"})
    with time_machine.travel("2026-11-22T10:00:00Z", tick=False) as clock:
        fleet.circuit().open()
        fleet.circuit().let_one_try()
        fleet.opened.clear()
        with pytest.raises(ProviderOutage):
            enrich(1, "slow")
        clock.shift(TRIAL_PAUSE - 1)
        with pytest.raises(Unavailable, match="circuit is open"):
            enrich()
        assert (fleet.provider.calls, fleet.opened) == (1, []), "the switch is not called: it would let one try at once"
        clock.shift(1)
        assert enrich() == ENRICHMENT


def test_an_order_at_its_end_that_is_tried_with_closes_the_circuit(fleet: Fleet) -> None:
    fleet.circuit().open()
    fleet.circuit().let_one_try()
    enrich, fleet.provider.hangs = fleet.environment(), frozenset({"slow"})
    with pytest.raises(ProviderOutage):
        enrich(MAX_ATTEMPTS, "slow")
    assert fleet.circuit().is_closed()
    assert enrich() == ENRICHMENT


def test_outage_at_the_last_attempt_keeps_the_attempt_and_the_circuit_open(fleet: Fleet) -> None:
    fleet.circuit().open()
    fleet.circuit().let_one_try()
    fleet.provider.error, fleet.provider.healthy = OUTAGE, False
    with pytest.raises(Unavailable):
        fleet.environment()(MAX_ATTEMPTS)
    assert (fleet.provider.calls, fleet.circuit().is_closed()) == (1, False)


def test_failure_under_an_open_circuit_counts_only_if_the_provider_is_healthy(fleet: Fleet) -> None:
    enrich, fleet.provider.error = fleet.environment(), OUTAGE
    for healthy, error in ((False, Unavailable), (True, ProviderOutage)):
        fleet.circuit().close()
        fleet.opened.clear()
        fleet.provider.healthy = healthy
        fleet.provider.meanwhile.append(fleet.circuit().open)
        with pytest.raises(error):
            enrich()
        assert fleet.opened == ["opened"], "by the others"


@pytest.mark.parametrize("error", [TransientError("ProviderBusy", "409"), PermanentError("OrderRejected", "422")])
def test_what_is_about_one_order_opens_nothing(fleet: Fleet, error: Exception) -> None:
    enrich, fleet.provider.error = fleet.environment(), error
    for _ in range(2 * FAILURES):
        with pytest.raises(type(error)):
            enrich()
    assert fleet.circuit().is_closed()


def test_a_last_attempt_asks_how_the_provider_is(fleet: Fleet) -> None:
    """An order may meet an outage in one environment after the other, and none has counted enough."""
    fleet.provider.error, fleet.provider.healthy = OUTAGE, False
    for attempt in range(1, MAX_ATTEMPTS):
        with pytest.raises(ProviderOutage):
            fleet.environment()(attempt)
    with pytest.raises(Unavailable):
        fleet.environment()(MAX_ATTEMPTS)
    assert (fleet.circuit().is_closed(), fleet.opened) == (False, ["opened"])


def test_a_last_attempt_at_a_healthy_provider_is_the_last(fleet: Fleet) -> None:
    fleet.provider.error = OUTAGE
    with pytest.raises(ProviderOutage):
        fleet.environment()(MAX_ATTEMPTS)
    assert (fleet.provider.calls, fleet.circuit().is_closed()) == (2, True)


def test_a_last_attempt_that_met_the_end_of_an_outage_is_made_good(fleet: Fleet) -> None:
    """The provider says that it is well by now: its own word is put to the test before the order fails."""
    fleet.provider.error, fleet.provider.recovers = OUTAGE, True
    assert fleet.environment()(MAX_ATTEMPTS) == ENRICHMENT


def test_an_outage_that_begins_after_the_provider_said_that_it_is_well_fails_nobody(fleet: Fleet) -> None:
    def goes_down() -> None:
        fleet.provider.at_health.append(admits_it)

    def admits_it() -> None:
        fleet.provider.healthy = False

    fleet.provider.error, fleet.provider.at_health = OUTAGE, [goes_down]
    with pytest.raises(Unavailable):
        fleet.environment()(MAX_ATTEMPTS)
    assert (fleet.provider.calls, fleet.circuit().is_closed()) == (2, False)


def test_an_outage_that_cannot_be_written_down_costs_nothing(fleet: Fleet) -> None:
    """The third in a row opens the circuit, and the table refuses it."""
    enrich, fleet.provider.error = fleet.environment(), OUTAGE
    for _ in range(FAILURES - 1):
        with pytest.raises(ProviderOutage):
            enrich()
    events = fleet.resources.dynamodb.meta.events

    def no_connection(**_: object) -> None:
        raise ConnectTimeoutError(endpoint_url="dynamodb")

    events.register_first("before-call.dynamodb.PutItem", no_connection, unique_id="not written")
    with pytest.raises(Unavailable, match="circuits table"):
        enrich(MAX_ATTEMPTS)
    events.unregister("before-call.dynamodb.PutItem", unique_id="not written")


def test_an_answer_is_not_lost_where_the_circuit_cannot_be_closed(fleet: Fleet) -> None:
    fleet.circuit().open()
    fleet.circuit().let_one_try()
    enrich, events = fleet.environment(), fleet.resources.dynamodb.meta.events

    def no_connection(**_: object) -> None:
        raise ConnectTimeoutError(endpoint_url="dynamodb")

    events.register_first("before-call.dynamodb.UpdateItem", no_connection, unique_id="not closed")
    assert enrich() == ENRICHMENT
    events.unregister("before-call.dynamodb.UpdateItem", unique_id="not closed")
    assert not fleet.circuit().is_closed()


def test_two_that_open_it_at_the_same_time_and_two_that_try_end_in_the_right_state(fleet: Fleet) -> None:
    first, second, fleet.provider.error = fleet.environment(), fleet.environment(), OUTAGE
    fleet.provider.healthy = False
    for enrich in (first, second):
        for _ in range(FAILURES - 1):
            with pytest.raises(ProviderOutage):
                enrich()

    def second_too() -> None:
        with pytest.raises(Unavailable):
            second()

    fleet.provider.meanwhile.append(second_too)
    with pytest.raises(Unavailable):
        first()
    assert (fleet.circuit().is_closed(), fleet.opened) == (False, ["opened", "opened"])

    fleet.provider.error, fleet.provider.healthy = None, True
    fleet.circuit().let_one_try()
    fleet.provider.meanwhile.append(second_too)
    calls = fleet.provider.calls
    assert first() == ENRICHMENT
    assert fleet.provider.calls == calls + 1, "the second is turned away while the first tries"
    assert fleet.circuit().is_closed()
    assert second() == ENRICHMENT


def test_one_try_decides_whether_the_circuit_closes(fleet: Fleet) -> None:
    fleet.circuit().open()
    enrich, other = fleet.environment(), fleet.environment()
    fleet.circuit().keep_open()
    with pytest.raises(Unavailable):
        enrich()
    fleet.provider.error, fleet.provider.healthy = OUTAGE, False
    fleet.circuit().let_one_try()
    with pytest.raises(Unavailable):
        enrich()
    assert (fleet.provider.calls, fleet.circuit().is_closed()) == (1, False), "it was tried, and costs nothing"
    with pytest.raises(Unavailable):
        other()
    fleet.provider.error = None
    fleet.circuit().let_one_try()
    assert other() == ENRICHMENT
    assert fleet.circuit().is_closed()
    assert enrich() == ENRICHMENT


@pytest.mark.parametrize("error", [TransientError("ProviderBusy", "409"), PermanentError("OrderRejected", "422")])
def test_an_answer_closes_the_circuit_whatever_it_says_of_the_order(fleet: Fleet, error: Exception) -> None:
    """Left half open, it would turn everybody else away."""
    fleet.circuit().open()
    fleet.circuit().let_one_try()
    fleet.provider.error = error
    with pytest.raises(type(error)):
        fleet.environment()()
    fleet.provider.error = None
    assert fleet.circuit().is_closed()
    assert fleet.environment()() == ENRICHMENT


def test_an_order_that_kills_whoever_tries_holds_nobody_up_for_long(fleet: Fleet) -> None:
    def die() -> None:
        raise SystemExit

    with time_machine.travel("2026-11-22T10:00:00Z", tick=False) as clock:
        fleet.circuit().open()
        fleet.circuit().let_one_try()
        fleet.provider.meanwhile.append(die)
        with pytest.raises(SystemExit):
            fleet.environment()()
        clock.shift(TRY_SECONDS - 1)
        fleet.circuit().let_one_try()
        with pytest.raises(Unavailable):
            fleet.environment()()
        clock.shift(1)
        fleet.circuit().let_one_try()
        assert fleet.circuit().is_closed()
        assert fleet.environment()() == ENRICHMENT


def test_an_outage_lingers_for_whoever_sees_what_it_turned_away(fleet: Fleet) -> None:
    """What was dead-lettered a moment before its end is seen by the reconciler a minute after (seeds 2049 and
    2000272)."""
    with time_machine.travel("2026-11-22T10:00:00Z", tick=False) as clock:
        assert fleet.circuit().is_settled(), "there was none"
        fleet.circuit().open()
        clock.shift(OUTAGE_LINGERS)
        assert not fleet.circuit().is_settled()
        fleet.circuit().close()
        clock.shift(OUTAGE_LINGERS - 1)
        assert (fleet.circuit().is_closed(), fleet.circuit().is_settled()) == (True, False)
        clock.shift(1)
        assert fleet.circuit().is_settled()
        fleet.circuit().open()
        assert not fleet.circuit().is_settled()


def test_after_one_that_died_another_order_is_tried_whoever_looks_after_it(fleet: Fleet) -> None:
    def die() -> None:
        raise SystemExit

    with time_machine.travel("2026-11-22T10:00:00Z", tick=False) as clock:
        fleet.circuit().open()
        fleet.circuit().let_one_try()
        fleet.provider.meanwhile.append(die)
        with pytest.raises(SystemExit):
            fleet.environment()()
        clock.shift(TRY_SECONDS)
        assert fleet.environment()() == ENRICHMENT
        assert fleet.circuit().is_closed()


def test_a_defect_at_the_one_call_is_no_answer(fleet: Fleet) -> None:
    fleet.circuit().open()
    fleet.circuit().let_one_try()
    fleet.provider.error = KeyError("prices")
    with pytest.raises(KeyError):
        fleet.environment()()
    assert not fleet.circuit().is_closed()


def test_who_cannot_be_written_down_as_the_one_that_tries_is_turned_away(fleet: Fleet) -> None:
    fleet.circuit().open()
    fleet.circuit().let_one_try()
    enrich, events = fleet.environment(), fleet.resources.dynamodb.meta.events

    def no_connection(**_: object) -> None:
        raise ConnectTimeoutError(endpoint_url="dynamodb")

    events.register_first("before-call.dynamodb.PutItem", no_connection, unique_id="no connection")
    with pytest.raises(Unavailable, match="circuits table"):
        enrich()
    events.unregister("before-call.dynamodb.PutItem", unique_id="no connection")
    assert enrich() == ENRICHMENT


def test_an_open_circuit_is_read_anew_each_time(fleet: Fleet) -> None:
    fleet.circuit().open()
    enrich = fleet.environment()
    with pytest.raises(Unavailable):
        enrich()
    fleet.circuit().let_one_try()
    assert enrich() == ENRICHMENT, "as soon as it may, and not after some seconds"


def test_without_anybody_who_looks_after_it_a_call_tries_by_itself(fleet: Fleet) -> None:
    with time_machine.travel("2026-11-22T10:00:00Z", tick=False) as clock:
        fleet.circuit().open()
        enrich = fleet.environment()
        clock.shift(RECOVERY_SECONDS - 1)
        with pytest.raises(Unavailable):
            enrich()
        clock.shift(1)
        assert enrich() == ENRICHMENT


def test_a_switch_function_that_cannot_be_called_stops_nobody(fleet: Fleet, resources: Resources) -> None:
    def unavailable() -> None:
        raise Unavailable("switch function: TooManyRequestsException")

    telemetry = FakeTelemetry()
    circuit = EnrichmentCircuit(resources.dynamodb, resources.circuits_table, telemetry, unavailable)
    circuit.open()
    assert not circuit.is_closed()
    with pytest.raises(Unavailable):
        circuit.admit("o-1")
