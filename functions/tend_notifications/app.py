"""The steward of notifications: every minute, the status of what was dead-lettered (P8)."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field

from comanda.adapters.journal import PowertoolsJournal, measured
from comanda.adapters.notification_table import NotificationTable
from comanda.adapters.order_queues import NotificationDeadLetterQueue, NotificationQueuePublisher
from comanda.adapters.settings import Settings as BaseSettings
from comanda.adapters.world import World
from comanda.application.tend_notifications import TendNotifications

StewardHandler = Callable[[dict[str, Any], LambdaContext], None]


class Settings(BaseSettings):
    notifications_table: str
    notifications_queue_url: str
    notifications_dlq_url: str
    max_rescues: int = Field(ge=0)
    worker_reserve_seconds: float = Field(ge=0)


def build(settings: Settings, world: World) -> StewardHandler:
    journal = PowertoolsJournal()
    tend = TendNotifications(
        rows=NotificationTable(world.dynamodb, settings.notifications_table),
        publisher=NotificationQueuePublisher(world.sqs, settings.notifications_queue_url),
        dead_letters=NotificationDeadLetterQueue(world.sqs, settings.notifications_dlq_url, journal),
        journal=journal,
        clock=world.clock,
        max_rescues=settings.max_rescues,
        reserve_seconds=settings.worker_reserve_seconds,
    )

    @measured
    def handle(_: dict[str, Any], context: LambdaContext) -> None:
        tend(lambda: context.get_remaining_time_in_millis() / 1000)

    return handle
