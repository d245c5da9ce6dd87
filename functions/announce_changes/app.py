"""The stream of orders and reports → notifications.fifo."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from comanda.adapters.notifications.announcing import notification_requests_of
from comanda.adapters.notifications.queue import NotificationQueuePublisher
from comanda.adapters.notifications.table import NotificationTable
from comanda.adapters.observability.telemetry import PowertoolsTelemetry, measured
from comanda.adapters.runtime.settings import Settings as BaseSettings
from comanda.adapters.runtime.world import World
from comanda.application.notifications.announce import AnnounceChanges

AnnouncerHandler = Callable[[dict[str, Any], LambdaContext], None]


class Settings(BaseSettings):
    notifications_table: str
    notifications_queue_url: str


def build(settings: Settings, world: World) -> AnnouncerHandler:
    telemetry = PowertoolsTelemetry()
    announce = AnnounceChanges(
        notifications=NotificationTable(world.dynamodb, settings.notifications_table),
        publisher=NotificationQueuePublisher(world.sqs, settings.notifications_queue_url),
        telemetry=telemetry,
        clock=world.clock,
    )

    @measured
    def handle(event: dict[str, Any], _: LambdaContext) -> None:
        """What it raises has the stream hand over the same records again, in the same order."""
        announce(notification_requests_of(event, telemetry))

    return handle
