"""How long the enrichment provider takes and what it answers: one event per call."""

from dataclasses import dataclass

from comanda.adapters.enrichment.circuit import HealthyProvider
from comanda.application.enrichment.events import ProviderCalled
from comanda.application.enrichment.ports import EnrichmentRequest
from comanda.application.shared.ports import Clock
from comanda.application.shared.telemetry import Telemetry
from comanda.domain.orders.order import Enrichment
from comanda.domain.shared.errors import WorkError


@dataclass(frozen=True)
class MeasuredProvider:
    """Implements `EnrichmentProvider` and `Health`, inside the circuit: a call that was not made is not measured."""

    provider: HealthyProvider
    telemetry: Telemetry
    clock: Clock

    def enrich(self, request: EnrichmentRequest) -> Enrichment:
        """As the provider does."""
        began, outcome = self.clock(), "Error"
        try:
            enrichment = self.provider.enrich(request)
            outcome = "answered"
        except WorkError as error:
            outcome = error.name
            raise
        finally:
            seconds = max(0.0, (self.clock() - began).total_seconds())
            self.telemetry.emit(
                ProviderCalled(order_id=request.order_id, attempt=request.attempt, seconds=seconds, outcome=outcome)
            )
        return enrichment

    def is_healthy(self) -> bool:
        return self.provider.is_healthy()
