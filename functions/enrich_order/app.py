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


class Settings(WorkerSettings):
    idempotency_table: str
    next_queue_url: str
    enrichment_delay_seconds: float = Field(ge=0)


def build(settings: Settings, world: World) -> WorkerHandler:
    provider = EnrichOnce(
        SimulatedProvider(settings.enrichment_delay_seconds, world.sleep), world.dynamodb, settings.idempotency_table
    )
    step = EnrichOrder(
        orders=OrderTable(world.dynamodb, settings.orders_table),
        publisher=QueuePublisher(world.sqs, settings.next_queue_url),
        provider=provider,
        journal=PowertoolsJournal(),
        clock=world.clock,
    )
    return worker_handler(step, settings, world, begin=provider.register)
