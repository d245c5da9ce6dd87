"""What the enrichment reports: of its stage, of its provider, and of the circuit between them."""

from comanda.application.shared.telemetry import (
    Level,
    Measure,
    Service,
    TelemetryEvent,
    duration,
    technical,
)


class OrderEnriched(TelemetryEvent):
    """The order's enrichment is saved, and its completion is requested."""

    name = "order.enriched"
    measures = duration(Service.TECHNICAL, "TimeInEnrichment", "stage_seconds")
    stage_seconds: float
    """From the sending of the stage's message to its end."""


class ProviderCalled(TelemetryEvent):
    """One call of the provider, whatever came of it."""

    name = "enrichment.asked"
    measures = duration(Service.TECHNICAL, "EnrichmentLatency", "seconds")
    order_id: str
    attempt: int
    seconds: float
    outcome: str
    """`answered`, or the class of the failure."""


class ProviderProbed(TelemetryEvent):
    """The provider was asked about its health while the circuit is open."""

    name = "enrichment.probed"
    healthy: bool


class CircuitTransitioned(TelemetryEvent):
    """The provider's circuit changed its state."""

    was: str
    """The state before."""


class CircuitOpened(CircuitTransitioned):
    """Calls are turned away."""

    name = "enrichment.circuit_open"
    level = Level.WARNING
    measures = technical("CircuitOpened")


class CircuitHalfOpened(CircuitTransitioned):
    """One call is the trial."""

    name = "enrichment.circuit_half_open"


class CircuitClosed(CircuitTransitioned):
    """Calls go through again."""

    name = "enrichment.circuit_closed"
    measures = technical("CircuitClosed")


class CircuitNotWritten(TelemetryEvent):
    """A trial was answered and the circuit could not be closed; the switch closes it within a minute."""

    name = "enrichment.circuit_not_written"
    level = Level.WARNING
    reason: str


class EnrichmentSwitched(TelemetryEvent):
    """The switch has looked: whether the queue of enrichments is to be paused."""

    name = "enrichment.switched"
    measures = (Measure(Service.TECHNICAL, "EnrichmentPaused", "paused"),)
    paused: bool


class SwitchBusy(TelemetryEvent):
    """The event source mapping is changing its state, and takes no other one now."""

    name = "enrichment.switch_busy"
    level = Level.WARNING
    wanted: str
    """`on` or `off`."""


class SwitchNotCalled(TelemetryEvent):
    """The circuit opened and the switch could not be called; it looks by itself within a minute."""

    name = "enrichment.switch_not_called"
    level = Level.WARNING
    reason: str
