"""The steward of reports: every minute, what is owed and what was dead-lettered (P8)."""

from comanda.adapters.dead_letter_steward import StewardHandler, StewardSettings, steward_handler
from comanda.adapters.order_queues import ReportQueuePublisher
from comanda.adapters.report_table import ReportTable
from comanda.adapters.world import World
from comanda.domain.messages import ReportMessage
from comanda.domain.report import STAGE


class Settings(StewardSettings):
    reports_table: str
    reports_queue_url: str
    reports_dlq_url: str


def build(settings: Settings, world: World) -> StewardHandler:
    return steward_handler(
        ReportTable(world.dynamodb, settings.reports_table),
        ReportQueuePublisher(world.sqs, settings.reports_queue_url),
        {STAGE: settings.reports_dlq_url},
        ReportMessage.parse,
        settings,
        world,
    )
