"""order.enriched → `completed`, in the recipient's ledger."""

from comanda.adapters.delivery.lambda_worker import WorkerHandler
from comanda.adapters.observability.telemetry import PowertoolsTelemetry
from comanda.adapters.orders.ledger import LedgerTable
from comanda.adapters.orders.worker import WorkerSettings, worker_handler
from comanda.adapters.runtime.world import World
from comanda.application.orders.complete import CompleteOrders


class Settings(WorkerSettings):
    ledger_table: str


def build(settings: Settings, world: World) -> WorkerHandler:
    step = CompleteOrders(
        ledger=LedgerTable(world.dynamodb, settings.ledger_table, settings.orders_table),
        telemetry=PowertoolsTelemetry(),
        clock=world.clock,
    )
    return worker_handler(step, settings, world)
