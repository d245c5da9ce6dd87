"""Messages come in while the provider may be called, and wait in their queue while not."""

from dataclasses import dataclass, field
from itertools import product

import pytest

from comanda.application.enrichment.switch import SwitchEnrichment
from comanda.domain.shared.errors import Unavailable
from tests.support.fakes import FakeTelemetry


@dataclass
class FakeCircuit:
    state: str = "closed"
    """Or `open`, or `open for one`."""

    def is_closed(self) -> bool:
        return self.state == "closed"

    def keep_open(self) -> None:
        self.state = "open"

    def let_one_try(self) -> None:
        self.state = "open for one"


@dataclass
class FakeProvider:
    healthy: bool = True
    asked: int = 0

    def is_healthy(self) -> bool:
        self.asked += 1
        return self.healthy


@dataclass
class FakeIntake:
    on: bool = True
    busy: int = 0
    """So many changes are refused."""
    broken: bool = False

    def switch(self, *, on: bool) -> bool:
        if self.broken:
            raise Unavailable("event source mapping: ServiceException")
        if self.busy and self.on is not on:
            self.busy -= 1
            return False
        self.on = on
        return True


@dataclass
class Scene:
    circuit: FakeCircuit = field(default_factory=FakeCircuit)
    provider: FakeProvider = field(default_factory=FakeProvider)
    event_source: FakeIntake = field(default_factory=FakeIntake)
    telemetry: FakeTelemetry = field(default_factory=FakeTelemetry)

    def minute(self) -> None:
        SwitchEnrichment(self.circuit, self.provider, self.event_source, self.telemetry)()


@pytest.mark.parametrize(
    ("state", "healthy", "was_on"), list(product(["closed", "open", "open for one"], [True, False], [True, False]))
)
def test_whatever_it_finds_one_call_makes_it_right(state: str, healthy: bool, was_on: bool) -> None:
    scene = Scene(FakeCircuit(state), FakeProvider(healthy), FakeIntake(on=was_on))
    scene.minute()
    assert scene.event_source.on == (state == "closed" or healthy)
    if state != "closed":
        assert scene.circuit.state == ("open for one" if healthy else "open")


def test_nobody_asks_a_provider_whose_circuit_is_closed() -> None:
    scene = Scene(provider=FakeProvider(healthy=False))
    scene.minute()
    assert (scene.provider.asked, scene.circuit.state) == (0, "closed")


def test_a_mapping_that_is_still_changing_is_asked_again() -> None:
    scene = Scene(FakeCircuit("open"), FakeProvider(healthy=False), FakeIntake(busy=2))
    scene.minute()
    assert (scene.event_source.on, scene.telemetry.emitted[-1][0]) == (True, "enrichment.switch_busy")
    scene.minute()
    scene.minute()
    assert not scene.event_source.on


def test_a_call_that_dies_half_way_is_made_good_by_the_next() -> None:
    scene = Scene(FakeCircuit("open"), event_source=FakeIntake(on=False, broken=True))
    with pytest.raises(Unavailable):
        scene.minute()
    scene.event_source.broken = False
    scene.minute()
    assert (scene.event_source.on, scene.circuit.state) == (True, "open for one")
