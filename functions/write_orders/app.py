"""POST /orders and POST /orders/{order_id}/cancel."""

from dataclasses import replace
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from comanda.adapters.http.api import (
    ApiHandler,
    api_handler,
    caller_of,
    correlation_id_of,
    json_response,
    new_api,
)
from comanda.adapters.http.bodies import json_object
from comanda.adapters.http.cors import CorsSettings
from comanda.adapters.http.key_header import idempotency_key_of
from comanda.adapters.http.notify_request import NotifyRules, NotifySettings
from comanda.adapters.notifications.table import CachedDefaults, SubscriptionTable
from comanda.adapters.observability.telemetry import PowertoolsTelemetry
from comanda.adapters.orders.idempotency import AcceptOnce
from comanda.adapters.orders.queue import QueuePublisher
from comanda.adapters.orders.request import order_request
from comanda.adapters.orders.table import OrderTable
from comanda.adapters.orders.views import order_view
from comanda.adapters.runtime.world import World
from comanda.application.orders.accept import AcceptOrder
from comanda.application.orders.cancel import CancelOrder
from comanda.application.orders.events import OrderReplayed
from comanda.domain.shared.access import Action


class Settings(NotifySettings, CorsSettings):
    orders_table: str
    idempotency_table: str
    orders_queue_url: str
    currency: str


def build(settings: Settings, world: World) -> ApiHandler:
    telemetry = PowertoolsTelemetry()
    orders = OrderTable(world.dynamodb, settings.orders_table)
    publisher = QueuePublisher(world.sqs, settings.orders_queue_url)
    defaults = CachedDefaults(SubscriptionTable(world.dynamodb, settings.subscriptions_table), world.clock)
    accept = AcceptOrder(orders, publisher, telemetry, world.clock, settings.currency, defaults)
    accept_once = AcceptOnce(accept, world.dynamodb, settings.idempotency_table)
    cancel = CancelOrder(orders, telemetry, world.clock)
    notify = NotifyRules.of(settings)
    app = new_api(settings.cors_origins)

    @app.post("/orders")
    def post_order() -> Response[str]:
        event = app.current_event
        caller = caller_of(event)
        caller.require(Action.SUBMIT_ORDER)
        body = json_object(event)
        new = replace(order_request(body, settings.currency), notify=notify.read(body.get("notify")))
        key = idempotency_key_of(event, caller, new.client_order_id)
        answer, replayed = accept_once(caller, new, key, correlation_id_of(event), app.lambda_context)
        headers = {"Location": f"orders/{answer['order_id']}"}
        if replayed:
            telemetry.emit(OrderReplayed(order_id=answer["order_id"], caller=caller.name))
            headers["Idempotency-Replayed"] = "true"
        return json_response(HTTPStatus.ACCEPTED, answer, headers)

    @app.post("/orders/<order_id>/cancel")
    def cancel_order(order_id: str) -> Response[str]:
        return json_response(HTTPStatus.OK, order_view(cancel(caller_of(app.current_event), order_id)))

    return api_handler(app)
