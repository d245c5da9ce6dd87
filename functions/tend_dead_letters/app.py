"""The reconciler of orders: every minute, what is owed and what was dead-lettered (P8)."""

from comanda.adapters.delivery.dead_letter_reconciler import ReconcilerHandler, ReconcilerSettings, reconciler_handler
from comanda.adapters.enrichment.circuit import EnrichmentCircuit
from comanda.adapters.observability.telemetry import PowertoolsTelemetry
from comanda.adapters.orders.queue import QueuePublisher
from comanda.adapters.orders.table import OrderTable
from comanda.adapters.runtime.world import World
from comanda.domain.orders.messages import OrderMessage
from comanda.domain.orders.order import Stage


class Settings(ReconcilerSettings):
    orders_table: str
    orders_queue_url: str
    orders_dlq_url: str
    enrichment_dlq_url: str
    completion_dlq_url: str
    circuits_table: str


def build(settings: Settings, world: World) -> ReconcilerHandler:
    queues: dict[str, str] = {
        Stage.PROCESSING: settings.orders_dlq_url,
        Stage.ENRICHMENT: settings.enrichment_dlq_url,
        Stage.COMPLETION: settings.completion_dlq_url,
    }
    circuit = EnrichmentCircuit(world.dynamodb, settings.circuits_table, PowertoolsTelemetry())
    return reconciler_handler(
        OrderTable(world.dynamodb, settings.orders_table),
        QueuePublisher(world.sqs, settings.orders_queue_url),
        queues,
        OrderMessage.parse,
        settings,
        world,
        in_outage=lambda stage: stage == Stage.ENRICHMENT and not circuit.is_settled(),
    )
