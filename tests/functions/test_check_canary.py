"""The canary through real HTTP: its handler, a server, the real handlers of the API and of the workers behind it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.parameters import SecretsProvider

from comanda.adapters.orders.table import OrderTable
from comanda.domain.orders.messages import Event, OrderMessage
from comanda.domain.orders.order import Order
from comanda.domain.shared.access import CANARY, Caller, Origin, Scope
from functions.check_canary.app import CanaryHandler, Settings, build
from tests.functions.conftest import Api, Context, Pipeline
from tests.functions.test_metrics import BUSINESS, TECHNICAL, Printed, printed  # noqa: F401 - a fixture
from tests.golden import scheduled_event
from tests.support.builders import NOW, a_delivery, an_api_event, an_sqs_event

TOKEN = "Bearer 0123456789abcdef.of-the-canary"  # noqa: S105
CALLER = Caller(CANARY, Origin.API, frozenset({Scope.ORDERS_WRITE, Scope.ORDERS_READ}))
EVERY = timedelta(minutes=5)


@dataclass
class Gateway:
    """Hands requests to the handlers as API Gateway does, if they come with the token."""

    api: Api
    url: str = ""
    broken: bool = False
    tokens: list[str | None] = field(default_factory=list)

    def answer(self, method: str, path: str, headers: dict[str, str], body: str | None) -> tuple[int, str]:
        self.tokens.append(headers.get("authorization"))
        if self.broken:
            return 503, "{}"
        if headers.get("authorization") != TOKEN:
            return 401, "{}"
        answer = self.api.raw(an_api_event(method, path, body, headers, caller=CALLER))
        return answer.status, answer.text


@pytest.fixture
def gateway(api: Api) -> Iterator[Gateway]:
    gateway = Gateway(api)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            length = int(headers.get("content-length", 0))
            path = self.path.removeprefix("/v1")
            status, text = gateway.answer(self.command, path, headers, self.rfile.read(length).decode() or None)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST  # noqa: N815 - as the base class calls it

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        gateway.url = f"http://127.0.0.1:{server.server_port}/v1"
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield gateway
        server.shutdown()
        thread.join()


@dataclass
class Scene:
    gateway: Gateway
    pipeline: Pipeline
    secrets: Any
    now: datetime = NOW

    def tick(self) -> None:
        """The canary is called, and some minutes go by."""
        self.handler()(scheduled_event(), Context())  # type: ignore[arg-type]
        self.now += EVERY

    def handler(self) -> CanaryHandler:
        settings = {"API_URL": self.gateway.url, "CANARY_SECRET": "canary", "CANARY_MINUTES": "5"}
        return build(Settings.load(settings), SecretsProvider(boto3_client=self.secrets), lambda: self.now)

    def work(self) -> Order:
        """The workers complete what was sent last."""
        resources = self.pipeline.resources
        message = self.lose()[0]
        order = OrderTable(resources.dynamodb, resources.orders_table).get(OrderMessage.parse(message["Body"]).order_id)
        assert order
        self.pipeline.process(an_sqs_event(a_delivery(order, Event.CREATED)))
        self.pipeline.enrich(an_sqs_event(a_delivery(order, Event.ENRICHMENT_REQUESTED)))
        self.pipeline.complete(an_sqs_event(a_delivery(order, Event.ENRICHED)))
        self.lose()
        return order

    def lose(self) -> list[Any]:
        """Everything that is in the queue."""
        resources, lost = self.pipeline.resources, list[Any]()
        while messages := resources.messages():
            lost += messages
            for message in messages:
                resources.sqs.delete_message(QueueUrl=resources.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return lost


@pytest.fixture
def scene(gateway: Gateway, pipeline: Pipeline) -> Scene:
    secrets = boto3.client("secretsmanager", region_name="us-east-1")
    secrets.create_secret(Name="canary", SecretString=json.dumps({"value": TOKEN}))
    return Scene(gateway, pipeline, secrets)


FAILED = ("CanaryFailed", TECHNICAL)


def test_an_order_gets_through_and_is_counted_nowhere(scene: Scene, printed: Printed) -> None:  # noqa: F811
    scene.tick()
    order = scene.work()
    assert (order.caller, order.recipient_id, str(order.total_amount)) == (CANARY, CANARY, "0.00")
    printed()
    scene.tick()
    scene.work()
    scene.tick()
    found = printed()
    assert found[FAILED] == [0, 0]
    assert len(found["CanaryTime", TECHNICAL]) == 2
    assert [name for name, dimensions in found if dimensions == BUSINESS] == []


def test_the_first_tick_finds_nothing_and_sends(scene: Scene, printed: Printed) -> None:  # noqa: F811
    scene.tick()
    assert printed()[FAILED] == [1]
    assert scene.work()


def test_an_order_that_does_not_get_through_is_told_and_the_next_is_sent(
    scene: Scene,
    printed: Printed,  # noqa: F811
) -> None:
    scene.tick()
    assert scene.lose()
    printed()
    scene.tick()
    assert printed()[FAILED] == [1]
    scene.work()
    scene.tick()
    assert printed()[FAILED] == [0]


def test_a_door_that_is_shut_is_told(scene: Scene, printed: Printed) -> None:  # noqa: F811
    scene.gateway.broken = True
    scene.tick()
    assert printed()[FAILED] == [1]


def test_a_token_that_was_renewed_is_read_anew(scene: Scene) -> None:
    scene.secrets.put_secret_value(SecretId="canary", SecretString=json.dumps({"value": "Bearer none-yet"}))
    handle = scene.handler()
    handle(scheduled_event(), Context())  # type: ignore[arg-type]
    scene.secrets.put_secret_value(SecretId="canary", SecretString=json.dumps({"value": TOKEN}))
    handle(scheduled_event(), Context())  # type: ignore[arg-type]
    assert scene.gateway.tokens[0] == "Bearer none-yet"
    assert scene.gateway.tokens[-1] == TOKEN
