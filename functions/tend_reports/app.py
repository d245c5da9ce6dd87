"""The reconciler of reports: every minute, what is owed and what was dead-lettered (P8)."""

from comanda.adapters.delivery.dead_letter_reconciler import ReconcilerHandler, ReconcilerSettings, reconciler_handler
from comanda.adapters.reports.queue import ReportQueuePublisher
from comanda.adapters.reports.table import ReportTable
from comanda.adapters.runtime.world import World
from comanda.domain.reports.messages import ReportMessage
from comanda.domain.reports.report import STAGE


class Settings(ReconcilerSettings):
    reports_table: str
    reports_queue_url: str
    reports_dlq_url: str


def build(settings: Settings, world: World) -> ReconcilerHandler:
    return reconciler_handler(
        ReportTable(world.dynamodb, settings.reports_table),
        ReportQueuePublisher(world.sqs, settings.reports_queue_url),
        {STAGE: settings.reports_dlq_url},
        ReportMessage.parse,
        settings,
        world,
    )
