"""Whether the enrichment is given orders: off while its provider is down, on again once it may be tried (B8)."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from comanda.adapters.enrichment.circuit import EnrichmentCircuit
from comanda.adapters.enrichment.event_source_mapping import EventSourceMapping
from comanda.adapters.enrichment.providers import ProviderSettings, provider_of
from comanda.adapters.observability.telemetry import PowertoolsTelemetry, measured
from comanda.adapters.runtime.world import World
from comanda.application.enrichment.ports import Health
from comanda.application.enrichment.switch import SwitchEnrichment

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class Settings(ProviderSettings):
    circuits_table: str
    enrichment_mapping: str


def build(
    settings: Settings, world: World, functions: "LambdaClient", provider: Health | None = None
) -> Callable[[dict[str, Any], LambdaContext], None]:
    """Without a `provider`, the one of the settings."""
    telemetry = PowertoolsTelemetry()
    switch = SwitchEnrichment(
        circuit=EnrichmentCircuit(world.dynamodb, settings.circuits_table, telemetry),
        provider=provider or provider_of(settings, world),
        event_source=EventSourceMapping(functions, settings.enrichment_mapping),
        telemetry=telemetry,
    )

    @measured
    def handle(_event: dict[str, Any], _context: LambdaContext) -> None:
        switch()

    return handle
