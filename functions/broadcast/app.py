"""The streams of orders and reports → the WebSockets of those who subscribed."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from comanda.adapters.changes.streams import row_writes_of
from comanda.adapters.live.connection_table import ConnectionTable
from comanda.adapters.live.messages import notice_of
from comanda.adapters.live.world import ConnectionWorld
from comanda.adapters.observability.telemetry import LOGGER, PowertoolsTelemetry, measured
from comanda.adapters.runtime.settings import Settings as BaseSettings
from comanda.application.live.broadcast import Broadcast
from comanda.application.live.drop_connection import DropConnection

BroadcastHandler = Callable[[dict[str, Any], LambdaContext], None]


class Settings(BaseSettings):
    connections_table: str
    callback_url: str
    aws_endpoint_url: str | None = None
    """An emulator's, in whose functions the AWS SDK reads it too."""


def build(settings: Settings, world: ConnectionWorld) -> BroadcastHandler:
    subscriptions = ConnectionTable(world.dynamodb, settings.connections_table)
    telemetry = PowertoolsTelemetry()
    broadcast = Broadcast(
        subscriptions=subscriptions,
        clients=world.clients,
        write=notice_of,
        drop=DropConnection(subscriptions, world.clients, telemetry),
        clock=world.clock,
        executor=world.executor,
    )

    @measured
    def handle(event: dict[str, Any], context: LambdaContext) -> None:
        changed = [(write.after, write.changes) for write in row_writes_of(event, telemetry) if write.changes]
        broadcast(changed)
        facts = {"changed": len(changed), "function_request_id": context.aws_request_id}
        LOGGER.debug("changes.broadcast", extra=facts)

    return handle
