"""What pages of other origins get from the real handlers: every answer of a listed origin, and none of another's."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.parameters import SecretsProvider

from comanda.adapters.runtime.world import World
from functions.read_orders import app as read_orders
from functions.read_reports import app as read_reports
from functions.write_orders import app as write_orders
from functions.write_reports import app as write_reports
from tests.functions.conftest import Context
from tests.support.builders import an_api_event
from tests.support.report_targets import ReportResources, make_report_resources
from tests.support.targets import Resources

SHOP, DESK, OTHER = "https://shop.example", "https://desk.example", "https://shop.example.evil"
AN_ORDER = {"item_name": "Notebook", "quantity": 1, "price": 5000}
Headers = dict[str, str]


@dataclass
class Door:
    """The four functions behind the API, of a stage with these origins."""

    orders: Resources
    reports: ReportResources
    origins: str

    def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        origin: str | None = SHOP,
        headers: Headers | None = None,
    ) -> tuple[int, Headers]:
        sent = {**({"Origin": origin} if origin else {}), **(headers or {})}
        answer = self._function(method, path)(an_api_event(method, path, body, sent), Context())
        assert all(len(values) == 1 for values in answer["multiValueHeaders"].values())
        return answer["statusCode"], {name: values[0] for name, values in answer["multiValueHeaders"].items()}

    def _function(self, method: str, path: str) -> Callable[[Any, Any], dict[str, Any]]:
        of_reports, writes = path.startswith("/reports"), method == "POST"
        told = {"CORS_ORIGINS": self.origins} if self.origins else {}
        if of_reports:
            environment, world = self.reports.environment() | told, self.reports.world()
            if writes:
                return write_reports.build(write_reports.Settings.load(environment), world)
            return read_reports.build(read_reports.Settings.load(environment), world, SecretsProvider)
        mine = self.orders
        environment = told | {
            "ORDERS_TABLE": mine.orders_table,
            "LEDGER_TABLE": mine.ledger_table,
            "CIRCUITS_TABLE": mine.circuits_table,
            "QUEUE_URLS": mine.queue_url,
            "IDEMPOTENCY_TABLE": mine.idempotency_table,
            "ORDERS_QUEUE_URL": mine.queue_url,
            "STAGE": "local",
            "SUBSCRIPTIONS_TABLE": mine.subscriptions_table,
            "CURRENCY": "BRL",
        }
        world_of_orders: World = mine.world()
        if writes:
            return write_orders.build(write_orders.Settings.load(environment), world_of_orders)
        return read_orders.build(read_orders.Settings.load(environment), world_of_orders)


@pytest.fixture
def doors(moto: Resources, moto_session: boto3.Session, reading: ThreadPoolExecutor) -> Callable[[str], Door]:
    reports = make_report_resources(moto_session, reading)
    return lambda origins: Door(moto, reports, origins)


EVERY_KIND_OF_ANSWER: list[tuple[int, tuple[Any, ...], Headers]] = [
    (202, ("POST", "/orders", AN_ORDER), {}),
    (422, ("POST", "/orders", {"quantity": 0}), {}),
    (415, ("POST", "/orders", "x"), {"Content-Type": "text/plain"}),
    (404, ("GET", "/orders/none"), {}),
    (404, ("GET", "/orders/none/at/all"), {}),
    (200, ("GET", "/health"), {}),
    (403, ("GET", "/recipients/ana"), {}),
    (404, ("POST", "/orders/none/cancel"), {}),
    (201, ("POST", "/reports/uploads", {"bytes": 1}), {}),
    (422, ("POST", "/reports", {}), {}),
    (404, ("GET", "/reports/none"), {}),
]


@pytest.mark.parametrize(("status", "request_", "more"), EVERY_KIND_OF_ANSWER)
@pytest.mark.parametrize("origin", [SHOP, DESK])
def test_every_answer_may_be_read_by_a_page_of_a_listed_origin(
    doors: Callable[[str], Door], origin: str, status: int, request_: tuple[Any, ...], more: Headers
) -> None:
    method, path, body = (*request_, None)[:3]
    answered, headers = doors(f"{SHOP} {DESK}")(method, path, body, origin, more)
    assert (answered, headers["Access-Control-Allow-Origin"], headers["Vary"]) == (status, origin, "Origin")
    assert set(headers["Access-Control-Expose-Headers"].split(",")) == {
        *("ETag", "Idempotency-Replayed", "Location", "Retry-After")
    }
    assert "Access-Control-Allow-Credentials" not in headers


@pytest.mark.parametrize("origin", [OTHER, "null", "http://shop.example", "https://shopxexample", "", None])
def test_any_other_page_is_told_nothing(doors: Callable[[str], Door], origin: str | None) -> None:
    """It is answered all the same: who calls is decided by the token."""
    door = doors(f"{SHOP} {DESK}")
    for status, method, body in ((202, "POST", AN_ORDER), (204, "OPTIONS", None)):
        answered, headers = door(method, "/orders", body, origin)
        assert (answered, headers["Vary"]) == (status, "Origin"), "what is kept is kept for this origin alone"
        assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize(
    ("path", "verb"), [("/orders/1", "GET"), ("/reports/1/download", "GET"), ("/nowhere/at/all", "GET")]
)
def test_a_preflight_is_told_what_may_be_asked(doors: Callable[[str], Door], path: str, verb: str) -> None:
    event = an_api_event("OPTIONS", path, None, {"Origin": SHOP, "Access-Control-Request-Method": verb})
    del event["requestContext"]["authorizer"]
    answer = doors(SHOP)._function("GET", path)(event, Context())
    headers = {name: values[0] for name, values in answer["multiValueHeaders"].items()}
    assert (answer["statusCode"], headers["Access-Control-Allow-Origin"]) == (204, SHOP)
    assert {verb, "OPTIONS"} <= set(headers["Access-Control-Allow-Methods"].split(","))
    asked_with = {name.lower() for name in headers["Access-Control-Allow-Headers"].split(",")}
    ours = {"authorization", "content-type", "idempotency-key", "x-idempotency-key", "x-correlation-id"}
    assert ours | {"if-none-match"} <= asked_with
    assert headers["Access-Control-Max-Age"] == "3600"


def test_a_preflight_of_what_is_written_may_post(doors: Callable[[str], Door]) -> None:
    for path in ("/orders", "/orders/1/cancel", "/reports", "/reports/uploads"):
        event = an_api_event("OPTIONS", path, None, {"Origin": SHOP})
        answer = doors(SHOP)._function("POST", path)(event, Context())
        assert "POST" in answer["multiValueHeaders"]["Access-Control-Allow-Methods"][0]


def test_a_star_is_answered_with_a_star(doors: Callable[[str], Door]) -> None:
    _, headers = doors("*")("GET", "/health", origin=OTHER)
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in headers


def test_a_stage_without_origins_answers_as_ever(doors: Callable[[str], Door]) -> None:
    for request_ in (("GET", "/health"), ("GET", "/orders/none"), ("POST", "/orders", AN_ORDER)):
        _, headers = doors("")(*request_)
        assert not [name for name in headers if name.startswith("Access-Control") or name == "Vary"]
    assert doors("")("OPTIONS", "/orders")[0] == 404
