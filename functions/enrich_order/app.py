"""order.enrichment.requested → the enrichment service → order.enriched."""

from typing import TYPE_CHECKING

from comanda.adapters.delivery.lambda_worker import WorkerHandler
from comanda.adapters.enrichment.circuit import EnrichmentCircuit, GuardedProvider, HealthyProvider
from comanda.adapters.enrichment.event_source_mapping import SwitchFunction
from comanda.adapters.enrichment.idempotency import EnrichOnce
from comanda.adapters.enrichment.measured_provider import MeasuredProvider
from comanda.adapters.enrichment.providers import ProviderSettings, provider_of
from comanda.adapters.observability.telemetry import PowertoolsTelemetry
from comanda.adapters.orders.queue import QueuePublisher
from comanda.adapters.orders.worker import WorkerSettings, worker_handler
from comanda.adapters.runtime.world import World
from comanda.application.enrichment.enrich import EnrichOrder

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

TRIALS_PER_LONGEST_PAUSE = 5
"""An order that the open circuit turns away comes back after the longest pause at the latest. Were trials further
apart, it would use up its receives before it was tried."""


class Settings(WorkerSettings, ProviderSettings):
    idempotency_table: str
    circuits_table: str
    switch_function: str
    next_queue_url: str


def build(
    settings: Settings, world: World, functions: "LambdaClient", provider: HealthyProvider | None = None
) -> WorkerHandler:
    """Without a `provider`, the one of the settings."""
    telemetry = PowertoolsTelemetry()
    switch = SwitchFunction(functions, settings.switch_function)
    circuit = EnrichmentCircuit(world.dynamodb, settings.circuits_table, telemetry, switch.call)
    measured = MeasuredProvider(provider or provider_of(settings, world), telemetry, world.clock)
    trial_pause = max(1, round(settings.retry_pause_limit_seconds / TRIALS_PER_LONGEST_PAUSE))
    guarded = GuardedProvider(measured, circuit, settings.max_attempts, trial_pause)
    once = EnrichOnce(guarded, world.dynamodb, settings.idempotency_table)
    step = EnrichOrder(
        publisher=QueuePublisher(world.sqs, settings.next_queue_url),
        provider=once,
        telemetry=telemetry,
        clock=world.clock,
        provider_executor=world.provider_executor,
    )
    return worker_handler(step, settings, world, begin=once.register)
