"""An outage pauses the queue of enrichments, it does not burn it (B8, P6).

Called each minute, and when the circuit opens. What it does follows from what it finds, not from why it was called: a
call that is lost, comes twice or dies half-way is made good by the next.
"""

from dataclasses import dataclass

from comanda.application.enrichment.events import EnrichmentSwitched, ProviderProbed, SwitchBusy
from comanda.application.enrichment.ports import Circuit, EventSource, Health
from comanda.application.shared.telemetry import Telemetry


@dataclass(frozen=True)
class SwitchEnrichment:
    """Pauses the queue while the provider is down, and lets it go on once it is up. Called each minute."""

    circuit: Circuit
    provider: Health
    event_source: EventSource
    telemetry: Telemetry

    def __call__(self) -> None:
        """Let messages come in while the provider may be called, and leave them in their queue while not.

        Raises Unavailable.
        """
        on = self.circuit.is_closed() or self._is_worth_a_try()
        self.telemetry.emit(EnrichmentSwitched(paused=not on))
        if not self.event_source.switch(on=on):
            self.telemetry.emit(SwitchBusy(wanted="on" if on else "off"))

    def _is_worth_a_try(self) -> bool:
        healthy = self.provider.is_healthy()
        if healthy:
            self.circuit.let_one_try()
        else:
            self.circuit.keep_open()
        self.telemetry.emit(ProviderProbed(healthy=healthy))
        return healthy
