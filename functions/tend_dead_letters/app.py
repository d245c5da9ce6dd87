"""The steward: every minute, the status of what was dead-lettered (P8)."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field

from comanda.adapters.circuit import EnrichmentCircuit
from comanda.adapters.journal import PowertoolsJournal, measured
from comanda.adapters.order_queues import DeadLetterQueue, QueuePublisher
from comanda.adapters.order_table import OrderTable
from comanda.adapters.settings import Settings as BaseSettings
from comanda.adapters.world import World
from comanda.application.steward import Steward
from comanda.domain.order import Stage

StewardHandler = Callable[[dict[str, Any], LambdaContext], None]


class Settings(BaseSettings):
    orders_table: str
    orders_queue_url: str
    orders_dlq_url: str
    enrichment_dlq_url: str
    completion_dlq_url: str
    circuits_table: str
    max_rescues: int = Field(ge=0)
    worker_reserve_seconds: float = Field(ge=0)


def build(settings: Settings, world: World) -> StewardHandler:
    journal = PowertoolsJournal()
    queues = {
        Stage.PROCESSING: settings.orders_dlq_url,
        Stage.ENRICHMENT: settings.enrichment_dlq_url,
        Stage.COMPLETION: settings.completion_dlq_url,
    }
    steward = Steward(
        orders=OrderTable(world.dynamodb, settings.orders_table),
        publisher=QueuePublisher(world.sqs, settings.orders_queue_url),
        dead_letters=[DeadLetterQueue(world.sqs, url, journal, stage) for stage, url in queues.items()],
        circuit=EnrichmentCircuit(world.dynamodb, settings.circuits_table, journal),
        journal=journal,
        clock=world.clock,
        max_rescues=settings.max_rescues,
        reserve_seconds=settings.worker_reserve_seconds,
    )

    @measured
    def handle(_: dict[str, Any], context: LambdaContext) -> None:
        steward(lambda: context.get_remaining_time_in_millis() / 1000)

    return handle
