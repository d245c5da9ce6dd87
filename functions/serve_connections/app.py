"""WebSockets that open, close and speak: subscribe, unsubscribe, ping."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from comanda.adapters.live.connection_table import ConnectionTable
from comanda.adapters.live.conversation import Conversation
from comanda.adapters.live.handshake import protocol_answer
from comanda.adapters.live.messages import notice_of
from comanda.adapters.live.world import ConnectionWorld
from comanda.adapters.observability.telemetry import LOGGER, PowertoolsTelemetry, measured
from comanda.adapters.orders.ledger import LedgerTable
from comanda.adapters.orders.table import OrderTable
from comanda.adapters.reports.table import ReportTable
from comanda.adapters.runtime.caller_context import caller_in
from comanda.adapters.runtime.settings import Settings as BaseSettings
from comanda.application.live.drop_connection import DropConnection
from comanda.application.live.subscribe import Snapshots, Subscribe
from comanda.application.orders.read import ReadOrder
from comanda.domain.live.subscriptions import Connection

ConnectionHandler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


class Settings(BaseSettings):
    connections_table: str
    orders_table: str
    reports_table: str
    ledger_table: str
    currency: str
    callback_url: str
    aws_endpoint_url: str | None = None
    """An emulator's, in whose functions the AWS SDK reads it too."""


def build(settings: Settings, world: ConnectionWorld) -> ConnectionHandler:
    subscriptions = ConnectionTable(world.dynamodb, settings.connections_table)
    subscribe = Subscribe(
        subscriptions=subscriptions,
        clients=world.clients,
        snapshot_of=Snapshots(
            read_order=ReadOrder(OrderTable(world.dynamodb, settings.orders_table)),
            reports=ReportTable(world.dynamodb, settings.reports_table),
            ledger=LedgerTable(world.dynamodb, settings.ledger_table, settings.orders_table),
            currency=settings.currency,
            clock=world.clock,
        ),
        write=notice_of,
        clock=world.clock,
    )
    conversation = Conversation(
        subscriptions, world.clients, subscribe, DropConnection(subscriptions, world.clients, PowertoolsTelemetry())
    )

    @measured
    def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        # The route is what a message says it is; what happened is not.
        request = event["requestContext"]
        happened, connection_id = request["eventType"], request["connectionId"]
        answer: dict[str, Any] = {"statusCode": HTTPStatus.OK.value}
        match happened:
            case "CONNECT":
                subscriptions.open(Connection(connection_id, caller_in(request["authorizer"]), world.clock()))
                answer["headers"] = protocol_answer(event)
            case "DISCONNECT":
                subscriptions.close(connection_id)
            case _:
                conversation.hear(connection_id, event.get("body") or "", request["requestId"])
        facts = {"event": happened, "connection_id": connection_id, "function_request_id": context.aws_request_id}
        LOGGER.info("connection.served", extra=facts)
        return answer

    return handle
