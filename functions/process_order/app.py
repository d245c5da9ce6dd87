"""order.created → `processing` → order.enrichment.requested."""

from comanda.adapters.delivery.lambda_worker import WorkerHandler
from comanda.adapters.observability.telemetry import PowertoolsTelemetry
from comanda.adapters.orders.queue import QueuePublisher
from comanda.adapters.orders.worker import WorkerSettings, worker_handler
from comanda.adapters.runtime.world import World
from comanda.application.orders.process import ProcessOrder


class Settings(WorkerSettings):
    next_queue_url: str


def build(settings: Settings, world: World) -> WorkerHandler:
    step = ProcessOrder(
        publisher=QueuePublisher(world.sqs, settings.next_queue_url),
        telemetry=PowertoolsTelemetry(),
        clock=world.clock,
    )
    return worker_handler(step, settings, world)
