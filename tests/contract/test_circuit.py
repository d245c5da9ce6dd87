"""The circuit breaker of the enrichment: who is let through, who is turned away, and whose attempt it costs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
import time_machine
from aws_lambda_powertools.utilities.circuit_breaker import CircuitBreakerOpenError
from aws_lambda_powertools.utilities.circuit_breaker import base as powertools
from botocore.exceptions import ConnectTimeoutError

from comanda.adapters.circuit import FAILURES, RECOVERY_SECONDS, TRY_SECONDS, EnrichmentCircuit, GuardedProvider
from comanda.application.ports import EnrichmentRequest
from comanda.domain.errors import PermanentError, ProviderOutage, TransientError, Unavailable
from comanda.domain.order import Enrichment
from tests.fakes import FakeJournal
from tests.targets import Resources

OUTAGE = ProviderOutage("ProviderUnavailable", "503")
ENRICHMENT = Enrichment("p", "r", {}, {})
MAX_ATTEMPTS = 3


@dataclass
class FakeProvider:
    """Implements `HealthyProvider`: fails with `error`, if there is one."""

    error: Exception | None = None
    healthy: bool = True
    recovers: bool = False
    """By the time it is asked how it is."""
    calls: int = 0
    meanwhile: list[Callable[[], None]] = field(default_factory=list)
    """Each is called once, during the next call."""

    def enrich(self, request: EnrichmentRequest) -> Enrichment:  # noqa: ARG002
        self.calls += 1
        if self.meanwhile:
            self.meanwhile.pop(0)()
        if self.error:
            raise self.error
        return ENRICHMENT

    def is_healthy(self) -> bool:
        if self.recovers:
            self.error = None
        return self.healthy


@dataclass
class Fleet:
    """Execution environments that share the store; each has its own count of failures."""

    resources: Resources
    monkeypatch: pytest.MonkeyPatch
    provider: FakeProvider = field(default_factory=FakeProvider)
    opened: list[str] = field(default_factory=list)

    def environment(self) -> Callable[..., Enrichment]:
        """A new one. Its `enrich(attempt)`; what Powertools keeps in global variables is its own."""
        counters = ("_LOCAL_FAILURES", "_LOCAL_SUCCESSES", "_LAST_OBSERVED_STATE")
        kept: dict[str, object] = {name: {} for name in counters} | {"_PROBE_OWNER": SimpleNamespace()}
        guarded = GuardedProvider(self.provider, self.circuit(), MAX_ATTEMPTS)

        def enrich(attempt: int = 1) -> Enrichment:
            with self.monkeypatch.context() as patch:
                for name, value in kept.items():
                    patch.setattr(powertools, name, value)
                return guarded.enrich(EnrichmentRequest("o-1", 0, (), None, "BRL", attempt))

        return enrich

    def circuit(self) -> EnrichmentCircuit:
        dynamodb, table = self.resources.dynamodb, self.resources.circuits_table
        return EnrichmentCircuit(dynamodb, table, FakeJournal(), lambda: self.opened.append("opened"))


@pytest.fixture
def fleet(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    return Fleet(resources, monkeypatch)


def test_a_circuit_is_closed_until_enough_outages_in_a_row_open_it_for_everybody(fleet: Fleet) -> None:
    first, second = fleet.environment(), fleet.environment()
    assert first() == ENRICHMENT
    fleet.provider.error = OUTAGE
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


@pytest.mark.parametrize("error", [TransientError("ProviderBusy", "409"), PermanentError("OrderRejected", "422")])
def test_what_is_about_one_order_opens_nothing(fleet: Fleet, error: Exception) -> None:
    enrich, fleet.provider.error = fleet.environment(), error
    for _ in range(2 * FAILURES):
        with pytest.raises(type(error)):
            enrich()
    assert fleet.circuit().is_closed()


def test_a_failure_that_finds_the_circuit_open_by_then_costs_nothing(fleet: Fleet) -> None:
    enrich, fleet.provider.error = fleet.environment(), OUTAGE
    fleet.provider.meanwhile.append(fleet.circuit().open)
    with pytest.raises(Unavailable):
        enrich()


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


def test_a_last_attempt_meets_an_outage_that_could_not_be_written_down(fleet: Fleet) -> None:
    """The third in a row opened the circuit, the table refused it, and the provider was well a moment later."""
    enrich, fleet.provider.error = fleet.environment(), OUTAGE
    for attempt in range(1, MAX_ATTEMPTS):
        with pytest.raises(ProviderOutage):
            enrich(attempt)
    events = fleet.resources.dynamodb.meta.events

    def no_connection(**_: object) -> None:
        raise ConnectTimeoutError(endpoint_url="dynamodb")

    fleet.provider.recovers = True
    events.register_first("before-call.dynamodb.PutItem", no_connection, unique_id="not written")
    assert enrich(MAX_ATTEMPTS) == ENRICHMENT
    events.unregister("before-call.dynamodb.PutItem", unique_id="not written")


def test_two_that_open_it_at_the_same_time_and_two_that_try_end_in_the_right_state(fleet: Fleet) -> None:
    first, second, fleet.provider.error = fleet.environment(), fleet.environment(), OUTAGE
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

    fleet.provider.error = None
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
    fleet.provider.error = OUTAGE
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

    journal = FakeJournal()
    circuit = EnrichmentCircuit(resources.dynamodb, resources.circuits_table, journal, unavailable)
    circuit.open()
    assert not circuit.is_closed()
    with pytest.raises(CircuitBreakerOpenError):
        circuit.guarded(fleet.provider.enrich)(EnrichmentRequest("o-1", 0, (), None, "BRL", 1))
