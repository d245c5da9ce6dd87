"""A deployed stack whose enrichment provider is asked over HTTP, under a secret: a fake one on this machine."""

import json
import time
from collections.abc import Iterator

import pytest

from comanda_cli.sessions import local_session
from comanda_cli.stack_info import StackInfo
from local.fake_provider import FakeProvider
from local.stack import api_client, temporary_stack
from tests.stack.helpers import a_recipient, an_order, finished, ledger, post


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as server:
        yield server


@pytest.fixture(scope="module")
def stack(fake: FakeProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackInfo]:
    """The secret is made after the deploy, and read when it is first needed."""
    settings = {"enrichment_url": fake.url, "enrichment_secret": "known-by"}
    with temporary_stack(tmp_path_factory.mktemp("over-http"), settings) as own:
        assert own.endpoint_url
        secrets = local_session(own.endpoint_url, own.region).client("secretsmanager")
        secrets.create_secret(Name="known-by", SecretString=json.dumps({"header": "X-Api-Key", "value": "of-a-test"}))
        yield own


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


def test_what_the_provider_says_is_what_becomes_of_the_order(stack: StackInfo, fake: FakeProvider) -> None:
    fake.book.forget()
    with api_client(stack, "web") as client:
        fake.book.behave("status", status=429, headers={"Retry-After": "3"}, times=1)
        started = time.monotonic()
        assert finished(client, post(client, an_order(a_recipient())))["status"] == "completed"
        assert time.monotonic() - started >= 3
        rejected = finished(client, post(client, an_order(a_recipient(), "BOMBA")))
        assert (rejected["failure"]["class"], rejected["failure"]["attempts"]) == ("OrderRejected", 1)
        fake.book.behave("drips", seconds=0.5, times=1)
        assert finished(client, post(client, an_order(a_recipient())))["status"] == "completed"
