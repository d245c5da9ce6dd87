"""notifications.fifo → webhooks and mails."""

from collections.abc import Mapping
from dataclasses import dataclass

from comanda.adapters.delivery.lambda_worker import SourceSettings, WorkerHandler, batch_handler, worker_of
from comanda.adapters.delivery.queues import deliveries_of
from comanda.adapters.notifications.queue import NotificationQueuePublisher
from comanda.adapters.notifications.table import NotificationTable, SubscriptionTable
from comanda.adapters.notifications.webhook_sender import ReceiverCircuits, WebhookSender
from comanda.adapters.observability.telemetry import PowertoolsTelemetry
from comanda.adapters.runtime.world import World
from comanda.application.notifications.deliver import DeliverNotifications
from comanda.application.notifications.ports import NotificationLinks, Sender
from comanda.application.notifications.webhook_ports import Receivers, WebhookSecrets
from comanda.domain.notifications.messages import NotificationMessage
from comanda.domain.shared.notify import Channel


class Settings(SourceSettings):
    notifications_table: str
    subscriptions_table: str
    circuits_table: str


@dataclass(frozen=True)
class ExternalServices:
    """What is outside of Comanda's own tables and queues."""

    receivers: Receivers
    secrets: WebhookSecrets
    links: NotificationLinks
    mail: Sender | None = None
    """Unset where the stage sends none."""


def build(settings: Settings, world: World, services: ExternalServices) -> WorkerHandler:
    telemetry = PowertoolsTelemetry()
    webhooks = WebhookSender(
        receivers=services.receivers,
        secrets=services.secrets,
        circuits=ReceiverCircuits(world.dynamodb, settings.circuits_table, telemetry),
        links=services.links,
        clock=world.clock,
        max_attempts=settings.max_attempts,
    )
    senders: Mapping[Channel, Sender] = {
        Channel.WEBHOOK: webhooks,
        **({Channel.EMAIL: services.mail} if services.mail else {}),
    }
    deliver = DeliverNotifications(
        subscriptions=SubscriptionTable(world.dynamodb, settings.subscriptions_table),
        senders=senders,
        telemetry=telemetry,
        clock=world.clock,
    )
    notifications = NotificationTable(world.dynamodb, settings.notifications_table)
    publisher = NotificationQueuePublisher(world.sqs, settings.source_queue_url)
    worker = worker_of(deliver, notifications, publisher, settings, world, world.executor)
    return batch_handler(deliveries_of(NotificationMessage.parse), worker)
