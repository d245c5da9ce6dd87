"""The reconciler of notifications: every minute, what is owed and what was dead-lettered (P8)."""

from comanda.adapters.delivery.dead_letter_reconciler import ReconcilerHandler, ReconcilerSettings, reconciler_handler
from comanda.adapters.notifications.queue import NotificationQueuePublisher
from comanda.adapters.notifications.table import NotificationTable
from comanda.adapters.runtime.world import World
from comanda.domain.notifications.messages import NotificationMessage
from comanda.domain.notifications.notification import STAGE


class Settings(ReconcilerSettings):
    notifications_table: str
    notifications_queue_url: str
    notifications_dlq_url: str


def build(settings: Settings, world: World) -> ReconcilerHandler:
    return reconciler_handler(
        NotificationTable(world.dynamodb, settings.notifications_table),
        NotificationQueuePublisher(world.sqs, settings.notifications_queue_url),
        {STAGE: settings.notifications_dlq_url},
        NotificationMessage.parse,
        settings,
        world,
    )
