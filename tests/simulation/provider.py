"""The enrichment service, as an outsider: it keeps a list of its calls, has outages, and some items kill its caller or
get no answer."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from comanda.adapters.enrichment.simulated_provider import SimulatedProvider
from comanda.application.enrichment.ports import EnrichmentRequest
from comanda.domain.orders.order import Enrichment
from comanda.domain.shared.errors import ProviderOutage
from tests.simulation.history import History
from tests.simulation.scheduler import Killed, Scheduler

KILLER = "KILLER"
"""An item whose enrichment kills the process that asks for it."""
HANGS = "HANGS"
"""An item about which there is never an answer in time, however well the provider is."""


@dataclass(frozen=True)
class Call:
    at: float
    key: str
    """The idempotency key it came with (P10)."""
    outcome: str
    """`ok`, `killed`, or the class of the error."""
    replay: int
    """The run of its order."""
    who: str
    """The process that called."""


@dataclass
class Provider:
    """Implements `EnrichmentProvider` around the product's own simulated one. Each answer has a reference of its own,
    as from a provider that pays no heed to idempotency keys: what was saved first must stay."""

    scheduler: Scheduler
    history: History
    delay: Callable[[], float]
    """Seconds, drawn for each call."""
    time_limit: float
    """Seconds after which the caller gives up."""
    calls: list[Call] = field(default_factory=list)
    down_until: float = 0.0
    said_down: list[tuple[float, str]] = field(default_factory=list)
    """When it said that it is not healthy, and to which process."""

    def enrich(self, request: EnrichmentRequest) -> Enrichment:
        if any(item.label == KILLER for item in request.items):
            self._note(request, "killed")
            self.scheduler.process.kill()
            raise Killed
        if any(item.label == HANGS for item in request.items):
            self.scheduler.sleep(self.time_limit)
            self._note(request, "ProviderTimeout")
            raise ProviderOutage("ProviderTimeout", f"no answer within {self.time_limit:g} s")
        if self.scheduler.time() < self.down_until:
            self.scheduler.sleep(self.delay())
            self._note(request, "ProviderDown")
            raise ProviderOutage("ProviderDown", "the provider answered 503")
        try:
            enrichment = SimulatedProvider(self.delay(), self.scheduler.sleep).enrich(request)
        except Exception as error:
            self._note(request, getattr(error, "name", type(error).__name__))
            raise
        self._note(request, "ok")
        return replace(enrichment, reference=f"{enrichment.reference}/{len(self.calls)}")

    def is_healthy(self) -> bool:
        """It tells the truth; but the way to it is as broken as any."""
        self.scheduler.sleep(self.delay())
        healthy = self.scheduler.time() >= self.down_until
        self.history.tell(f"asks the provider how it is: {'well' if healthy else 'down'}")
        if not healthy:
            self.said_down.append((self.scheduler.time(), self.scheduler.who()))
        return healthy

    def _note(self, request: EnrichmentRequest, outcome: str) -> None:
        if any(call.key == request.order_id for call in self.calls):
            self.history.counts["provider asked again"] += 1
        self.history.counts[f"provider: {outcome}"] += 1
        self.history.tell(f"asks the provider: {outcome}", request.order_id)
        now, who = self.scheduler.time(), self.scheduler.who()
        self.calls.append(Call(now, request.order_id, outcome, request.replay, who))
