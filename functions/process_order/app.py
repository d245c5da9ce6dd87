"""order.created → `processing` → order.enrichment.requested."""

from comanda.adapters.journal import PowertoolsJournal
from comanda.adapters.lambda_worker import WorkerHandler, WorkerSettings, worker_handler
from comanda.adapters.order_queues import QueuePublisher
from comanda.adapters.world import World
from comanda.application.process_order import ProcessOrder


class Settings(WorkerSettings):
    next_queue_url: str


def build(settings: Settings, world: World) -> WorkerHandler:
    step = ProcessOrder(
        publisher=QueuePublisher(world.sqs, settings.next_queue_url),
        journal=PowertoolsJournal(),
        clock=world.clock,
    )
    return worker_handler(step, settings, world)
