"""order.enrichment.requested → the enrichment service → order.enriched."""

from pydantic import Field

from comanda.adapters.idempotency import EnrichOnce
from comanda.adapters.journal import PowertoolsJournal
from comanda.adapters.lambda_worker import WorkerHandler, WorkerSettings, worker_handler
from comanda.adapters.order_queues import QueuePublisher
from comanda.adapters.order_table import OrderTable
from comanda.adapters.simulated_provider import SimulatedProvider
from comanda.adapters.world import World
from comanda.application.enrich_order import EnrichOrder
from comanda.application.ports import EnrichmentProvider


class Settings(WorkerSettings):
    idempotency_table: str
    next_queue_url: str
    enrichment_delay_seconds: float = Field(ge=0)


def build(settings: Settings, world: World, provider: EnrichmentProvider | None = None) -> WorkerHandler:
    """Without a `provider`, the simulated one."""
    provider = provider or SimulatedProvider(settings.enrichment_delay_seconds, world.sleep)
    once = EnrichOnce(provider, world.dynamodb, settings.idempotency_table)
    step = EnrichOrder(
        orders=OrderTable(world.dynamodb, settings.orders_table),
        publisher=QueuePublisher(world.sqs, settings.next_queue_url),
        provider=once,
        journal=PowertoolsJournal(),
        clock=world.clock,
        asking=world.asking,
    )
    return worker_handler(step, settings, world, begin=once.register)
