"""order.enriched → `completed`, in the recipient's ledger."""

from comanda.adapters.journal import PowertoolsJournal
from comanda.adapters.lambda_worker import WorkerHandler, WorkerSettings, worker_handler
from comanda.adapters.ledger_table import LedgerTable
from comanda.adapters.world import World
from comanda.application.complete_orders import CompleteOrders


class Settings(WorkerSettings):
    ledger_table: str


def build(settings: Settings, world: World) -> WorkerHandler:
    step = CompleteOrders(
        ledger=LedgerTable(world.dynamodb, settings.ledger_table, settings.orders_table),
        journal=PowertoolsJournal(),
        clock=world.clock,
    )
    return worker_handler(step, settings, world)
