"""A deployed stack whose enrichment provider is asked over HTTP, under a secret: a fake one on this machine."""

import json
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pytest

from comanda.domain.orders.order import Order
from comanda_cli.stack.sessions import local_session
from comanda_cli.stack.stack_info import StackInfo
from local.servers.fake_provider import FakeProvider
from local.stack import api_client, temporary_stack
from tests.stack.helpers import a_recipient, an_order, finished, ledger, post
from tests.stack.operators import Operator, wait_for

if TYPE_CHECKING:
    from mypy_boto3_lambda.type_defs import EventSourceMappingConfigurationTypeDef


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as server:
        yield server


@pytest.fixture(scope="module")
def stack(fake: FakeProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackInfo]:
    """The secret is made after the deploy, and read when it is first needed."""
    settings = {
        "enrichment.url": fake.url,
        "enrichment.health_url": fake.health_url,
        "enrichment.secret": "known-by",
    }
    with temporary_stack(tmp_path_factory.mktemp("over-http"), settings) as own:
        assert own.endpoint_url
        secrets = local_session(own.endpoint_url, own.region).client("secretsmanager")
        secrets.create_secret(Name="known-by", SecretString=json.dumps({"header": "X-Api-Key", "value": "of-a-test"}))
        yield own


@pytest.fixture
def operator(stack: StackInfo) -> Operator:
    """Of this stack, and not of the one that the other tests share."""
    assert stack.endpoint_url
    return Operator(stack, local_session(stack.endpoint_url, stack.region))


def test_orders_are_priced_by_the_provider_each_asked_about_once(stack: StackInfo, fake: FakeProvider) -> None:
    fake.book.forget()
    recipient = a_recipient()
    with api_client(stack, "web") as client, api_client(stack, "ops") as ops:
        orders = [post(client, an_order(recipient, "ABC", "XYZ")) for _ in range(5)]
        done = [finished(client, order_id) for order_id in orders]
        assert [order["status"] for order in done] == ["completed"] * 5
        assert {order["enrichment"]["provider"] for order in done} == {"fake"}
        assert {order["total_amount"] for order in done} == {"268.90"}
        assert [entry["order_id"] for entry in ledger(ops, recipient)] == orders
    assert fake.book.calls == dict.fromkeys(orders, 1)
    assert fake.book.headers["X-Api-Key"] == "of-a-test"


def test_what_the_provider_says_is_what_becomes_of_the_order(
    stack: StackInfo, fake: FakeProvider, operator: Operator
) -> None:
    fake.book.forget()
    with api_client(stack, "web") as client:
        fake.book.behave("status", status=429, headers={"Retry-After": "3"}, times=1)
        started = time.monotonic()
        assert finished(client, post(client, an_order(a_recipient())))["status"] == "completed"
        assert time.monotonic() - started >= 3
        rejected = finished(client, post(client, an_order(a_recipient(), "BOMBA")))
        assert (rejected["failure"]["class"], rejected["failure"]["attempts"]) == ("OrderRejected", 1)
        wait_for(lambda: operator.dead("enrichment") == 1, "its dead letter")
        fake.book.behave("drips", seconds=0.5, times=1)
        assert finished(client, post(client, an_order(a_recipient())))["status"] == "completed"


@pytest.mark.parametrize("number", [20, pytest.param(100, marks=pytest.mark.prove)])
def test_an_outage_pauses_the_queue_and_costs_nothing(
    stack: StackInfo, operator: Operator, fake: FakeProvider, number: int
) -> None:
    """The mapping is off until the provider is up again, and so nobody's attempt is used up meanwhile."""
    fake.book.forget()
    recipients = [a_recipient() for _ in range(number // 5)]
    with api_client(stack, "web") as client, api_client(stack, "ops") as ops:
        fake.book.behave("down")
        orders = [post(client, an_order(recipient)) for recipient in recipients * 5]
        wait_for(lambda: state_of(operator, "enrich_order") == "Disabled", "a mapping that is off")
        ready = client.get("ready").json()
        assert (ready["status"], ready["enrichment"].partition(":")[0]) == ("ready", "paused")
        time.sleep(3)  # Whoever was at it has come to an end.
        asked, attempts = fake.book.calls.total(), attempts_of(operator, orders)
        time.sleep(25)
        operator.call("switch_enrichment")
        assert (fake.book.calls.total(), attempts_of(operator, orders)) == (asked, attempts)
        assert state_of(operator, "enrich_order") == "Disabled"
        assert {client.get(f"orders/{order_id}").json()["status"] for order_id in orders} == {"processing"}
        assert operator.dead_orders("enrichment", recipients) == set()

        turn_on(operator, "enrich_order")  # As a deployment does that changes the mapping.
        time.sleep(8)
        operator.call("switch_enrichment")
        assert state_of(operator, "enrich_order") == "Disabled"
        assert (fake.book.calls.total(), attempts_of(operator, orders)) == (asked, attempts)

        fake.book.behave("well")
        operator.call("switch_enrichment")
        probed = time.monotonic()
        assert {finished(client, order_id)["status"] for order_id in orders} == {"completed"}
        assert time.monotonic() - probed < 30
        assert client.get("ready").json()["enrichment"] == "running"
        for place, recipient in enumerate(recipients):
            assert [entry["order_id"] for entry in ledger(ops, recipient)] == orders[place :: len(recipients)]


def turn_on(operator: Operator, function: str) -> None:
    operator.functions.update_event_source_mapping(UUID=mapping_of(operator, function)["UUID"], Enabled=True)


def state_of(operator: Operator, function: str) -> str:
    """Of its event source mapping."""
    return mapping_of(operator, function)["State"]


def mapping_of(operator: Operator, function: str) -> "EventSourceMappingConfigurationTypeDef":
    name = operator.stack.functions[function]
    (mapping,) = operator.functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    return mapping


def attempts_of(operator: Operator, orders: Sequence[str]) -> dict[str, int]:
    rows = operator.orders.get_many(orders)
    found = {order_id: row.attempts for order_id, row in rows.items() if isinstance(row, Order)}
    return {order_id: attempts.count if attempts else 0 for order_id, attempts in found.items()}
