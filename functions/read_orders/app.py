"""The GETs: orders, recipients and their entries, liveness and readiness."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from pydantic import field_validator

from comanda.adapters.enrichment.circuit import EnrichmentCircuit
from comanda.adapters.http.api import ApiHandler, api_handler, caller_of, json_response, new_api
from comanda.adapters.http.caching import conditional_response
from comanda.adapters.http.cors import CorsSettings
from comanda.adapters.http.paging import cursor_of, page_of
from comanda.adapters.observability.telemetry import PowertoolsTelemetry
from comanda.adapters.operations.readiness import Readiness
from comanda.adapters.orders.ledger import LedgerTable
from comanda.adapters.orders.table import OrderTable
from comanda.adapters.orders.views import balance_view, entries_view, order_view
from comanda.adapters.runtime.world import World
from comanda.application.orders.read import ReadOrder, ReadRecipient


class Settings(CorsSettings):
    orders_table: str
    ledger_table: str
    circuits_table: str
    queue_urls: tuple[str, ...]

    @field_validator("queue_urls", mode="before")
    @classmethod
    def _split(cls, urls: str) -> list[str]:
        return urls.split(",")


def build(settings: Settings, world: World) -> ApiHandler:
    read_order = ReadOrder(OrderTable(world.dynamodb, settings.orders_table))
    recipients = ReadRecipient(LedgerTable(world.dynamodb, settings.ledger_table, settings.orders_table))
    tables = (settings.orders_table, settings.ledger_table, settings.circuits_table)
    readiness = Readiness(world.dynamodb, world.sqs, tables, settings.queue_urls)
    circuit = EnrichmentCircuit(world.dynamodb, settings.circuits_table, PowertoolsTelemetry())
    app = new_api(settings.cors_origins)

    @app.get("/orders/<order_id>")
    def get_order(order_id: str) -> Response[str]:
        order = read_order(caller_of(app.current_event), order_id)
        return conditional_response(app.current_event, order_view(order), settled=order.is_settled)

    @app.get("/recipients/<recipient_id>")
    def get_recipient(recipient_id: str) -> Response[str]:
        return json_response(
            HTTPStatus.OK, balance_view(recipients.balance(caller_of(app.current_event), recipient_id))
        )

    @app.get("/recipients/<recipient_id>/entries")
    def get_entries(recipient_id: str) -> Response[str]:
        after, limit = page_of(app.current_event)
        entries = recipients.entries(caller_of(app.current_event), recipient_id, after, limit)
        return json_response(HTTPStatus.OK, entries_view(entries, cursor_of(entries, limit)))

    @app.get("/health")
    def health() -> Response[str]:
        return json_response(HTTPStatus.OK, {"status": "ok"})

    @app.get("/ready")
    def ready() -> Response[str]:
        checks = readiness()
        if all(state == "ok" for state in checks.values()):
            enrichment = "running" if circuit.is_closed() else "paused: the provider is down, orders wait"
            return json_response(HTTPStatus.OK, {"status": "ready", "enrichment": enrichment, "checks": checks})
        return json_response(
            HTTPStatus.SERVICE_UNAVAILABLE, {"status": "not ready", "checks": checks}, {"Retry-After": "2"}
        )

    return api_handler(app)
