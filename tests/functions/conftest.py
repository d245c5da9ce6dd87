"""The real handlers on moto, wired as in production, with a world of the test's own."""

import io
import json
from dataclasses import dataclass
from typing import Any

import pytest

from comanda.adapters.observability.telemetry import LOGGER
from comanda.adapters.runtime.world import World
from comanda.domain.shared.access import Caller
from functions.complete_order import app as complete_order
from functions.enrich_order import app as enrich_order
from functions.process_order import app as process_order
from functions.read_orders import app as read_orders
from functions.write_orders import app as write_orders
from tests.support.builders import an_api_event
from tests.support.targets import Resources


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the handlers log, line by line."""
    lines = io.StringIO()
    monkeypatch.setattr(LOGGER.registered_handler, "stream", lines)
    return lines


@dataclass(frozen=True)
class Context:
    """As much of a Lambda context as the handlers use."""

    function_name: str = "test"
    memory_limit_in_mb: int = 128
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:test"
    aws_request_id: str = "invocation-1"
    milliseconds: int = 10_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.text)
        return parsed


class Api:
    """Both API functions behind one door, as API Gateway puts them."""

    def __init__(self, resources: Resources, world: World | None = None) -> None:
        self.resources = resources
        world = world or resources.world()
        common = {"ORDERS_TABLE": resources.orders_table}
        self._write = write_orders.build(
            write_orders.Settings.load(
                {
                    **common,
                    "IDEMPOTENCY_TABLE": resources.idempotency_table,
                    "ORDERS_QUEUE_URL": resources.queue_url,
                    "STAGE": "local",
                    "SUBSCRIPTIONS_TABLE": resources.subscriptions_table,
                    "CURRENCY": "BRL",
                }
            ),
            world,
        )
        self._read = read_orders.build(
            read_orders.Settings.load(
                {
                    **common,
                    "LEDGER_TABLE": resources.ledger_table,
                    "CIRCUITS_TABLE": resources.circuits_table,
                    "QUEUE_URLS": resources.queue_url,
                }
            ),
            world,
        )

    def post(self, body: object, caller: Caller | None = None, path: str = "/orders", **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.raw(an_api_event("POST", path, body, named, caller=caller))

    def get(
        self, path: str, caller: Caller | None = None, query: dict[str, str] | None = None, **headers: str
    ) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.raw(an_api_event("GET", path, None, named, query, caller))

    def raw(self, event: dict[str, Any], context: Context | None = None) -> Answer:
        handler = self._write if event["httpMethod"] == "POST" else self._read
        answer = handler(event, context or Context())  # type: ignore[arg-type]
        headers = {name: values[0] for name, values in answer["multiValueHeaders"].items()}
        return Answer(answer["statusCode"], headers, answer["body"])


@pytest.fixture
def api(moto: Resources) -> Api:
    return Api(moto)


def worker_environment(resources: Resources, source_queue_url: str, next_queue_url: str) -> dict[str, str]:
    return {
        "ORDERS_TABLE": resources.orders_table,
        "LEDGER_TABLE": resources.ledger_table,
        "IDEMPOTENCY_TABLE": resources.idempotency_table,
        "CIRCUITS_TABLE": resources.circuits_table,
        "SWITCH_FUNCTION": "switch-enrichment",
        "SOURCE_QUEUE_URL": source_queue_url,
        "NEXT_QUEUE_URL": next_queue_url,
        "ORDERS_QUEUE_URL": resources.queue_url,
        "WORKER_RESERVE_SECONDS": "1",
        "MAX_ATTEMPTS": "3",
        "RETRY_PAUSE_SECONDS": "1",
        "RETRY_PAUSE_LIMIT_SECONDS": "5",
        "ENRICHMENT_DELAY_SECONDS": "0",
    }


class Pipeline:
    """The three workers, each with its settings; `queue_url` serves as all of their queues, but for a first one that is
    given."""

    def __init__(self, resources: Resources, first_queue_url: str | None = None) -> None:
        self.resources = resources
        world = resources.world()
        environment = worker_environment(resources, resources.queue_url, resources.queue_url)
        environment["ORDERS_QUEUE_URL"] = first_queue_url or resources.queue_url
        self._process = process_order.build(process_order.Settings.load(environment), world)
        self._enrich = enrich_order.build(enrich_order.Settings.load(environment), world, resources.functions)
        self._complete = complete_order.build(complete_order.Settings.load(environment), world)

    def process(self, event: dict[str, Any], context: Context | None = None) -> list[str]:
        return _failures(self._process(event, context or Context()))  # type: ignore[arg-type]

    def enrich(self, event: dict[str, Any], context: Context | None = None) -> list[str]:
        return _failures(self._enrich(event, context or Context()))  # type: ignore[arg-type]

    def complete(self, event: dict[str, Any], context: Context | None = None) -> list[str]:
        return _failures(self._complete(event, context or Context()))  # type: ignore[arg-type]


def _failures(answer: dict[str, Any]) -> list[str]:
    assert answer.keys() == {"batchItemFailures"}
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


@pytest.fixture
def pipeline(moto: Resources) -> Pipeline:
    return Pipeline(moto)
