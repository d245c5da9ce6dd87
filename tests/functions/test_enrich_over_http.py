"""enrich_order on moto, and a provider behind a real socket: a whole group at once, and the secret it is known by."""

import io
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any

import boto3
import pytest
from pydantic import SecretStr

from comanda.adapters.observability.tracing import traceparent_of
from comanda.adapters.orders.table import OrderTable
from comanda.domain.delivery.work_item import By
from comanda.domain.orders.messages import Event
from comanda.domain.orders.order import Item, Order, OrderStatus
from functions.enrich_order import app as enrich_order
from local.servers.fake_provider import FakeProvider
from tests.functions.conftest import Context, worker_environment
from tests.support.builders import a_delivery, a_processing_order, an_sqs_event
from tests.support.targets import Resources

SECRET = SecretStr("Bearer hunter2-hunter2")
ABC = (Item(1, sku="ABC"),)


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as server:
        yield server


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda sets it; the client of Secrets Manager is made by Powertools."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(10) as executor:
        yield executor


class Worker:
    """enrich_order with threads, as Lambda has it."""

    def __init__(self, resources: Resources, threads: ThreadPoolExecutor, url: str, **environment: str) -> None:
        self._resources = resources
        self._table = OrderTable(resources.dynamodb, resources.orders_table)
        given = worker_environment(resources, resources.queue_url, resources.queue_url)
        settings = enrich_order.Settings.load({**given, "ENRICHMENT_URL": url, **environment})
        self._handle = enrich_order.build(
            settings, replace(resources.world(), provider_executor=threads), resources.functions
        )

    def add(self, *, recipient: str = "r-1", items: tuple[Item, ...] = ABC) -> Order:
        order = a_processing_order(recipient_id=recipient, items=items)
        assert self._table.claim(order) is None
        return order

    def enrich(self, *orders: Order, receive_count: int = 1) -> list[str]:
        """The ids of the orders whose messages stay."""
        fields: dict[str, Any] = {"event": Event.ENRICHMENT_REQUESTED, "receive_count": receive_count}
        event = an_sqs_event(*(a_delivery(order, message_id=order.order_id, **fields) for order in orders))
        answer: dict[str, Any] = self._handle(event, Context())  # type: ignore[arg-type]
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def save(self, was: Order, order: Order) -> None:
        self._table.save(was, order)

    def row(self, order: Order) -> Order:
        found = self._table.get(order.order_id)
        assert found
        return found

    def handed_on(self) -> list[str]:
        return [json.loads(message["Body"])["order_id"] for message in self._resources.messages()]


def test_ten_orders_of_a_recipient_are_asked_about_at_once_and_handed_on_in_order(
    moto: Resources, threads: ThreadPoolExecutor, fake: FakeProvider
) -> None:
    worker = Worker(moto, threads, fake.url)
    fake.book.behave("slow", seconds=0.5)
    orders = [worker.add() for _ in range(10)]
    started = time.monotonic()
    assert worker.enrich(*orders) == []
    assert time.monotonic() - started < 4, "ten times half a second, if one waited for the other"
    assert fake.book.most_at_once >= 5
    assert fake.book.calls == {order.order_id: 1 for order in orders}
    assert worker.handed_on() == [order.order_id for order in orders]


def test_what_was_answered_behind_the_first_that_fails_is_not_asked_again(
    moto: Resources, threads: ThreadPoolExecutor, fake: FakeProvider
) -> None:
    worker = Worker(moto, threads, fake.url)
    good, flaky, behind = orders = [worker.add(), worker.add(items=(Item(1, sku="FLAKY-1"),)), worker.add()]
    assert worker.enrich(*orders) == [flaky.order_id, behind.order_id]
    assert worker.row(behind).attempts is None
    assert worker.row(behind).enrichment is None
    reference = fake.book.answers[behind.order_id]["reference"]
    assert worker.enrich(flaky, behind, receive_count=2) == []
    assert fake.book.calls == {good.order_id: 1, flaky.order_id: 2, behind.order_id: 1}
    enrichment = worker.row(behind).enrichment
    assert enrichment
    assert enrichment.reference == reference
    assert worker.handed_on() == [order.order_id for order in orders]


def test_a_refusal_fails_its_order_with_the_providers_words(
    moto: Resources, threads: ThreadPoolExecutor, fake: FakeProvider
) -> None:
    worker = Worker(moto, threads, fake.url)
    bad, good = worker.add(items=(Item(1, sku="BOMBA"),)), worker.add()
    assert worker.enrich(bad, good) == [bad.order_id]
    failure = worker.row(bad).failure
    assert failure
    assert failure.name == "OrderRejected"
    assert failure.message == "the provider answered 422: BOMBA is not an item we deliver"
    assert worker.row(good).enrichment is not None


def test_order_that_always_times_out_fails_and_delays_others_by_its_attempts(
    moto: Resources, threads: ThreadPoolExecutor, fake: FakeProvider
) -> None:
    """Alone at a provider that is well: nobody else's answer would close a circuit."""
    limits = dict.fromkeys(("ENRICHMENT_READ_SECONDS", "ENRICHMENT_TOTAL_SECONDS"), "0.2")
    worker = Worker(moto, threads, fake.url, MAX_ATTEMPTS="5", **limits)
    slow, behind = orders = [worker.add(items=(Item(1, sku="SLOW-2"),)), worker.add()]
    for receive_count in range(1, 5):
        assert worker.enrich(*orders, receive_count=receive_count) == [slow.order_id, behind.order_id]
        assert worker.row(slow).attempts_of(slow.order_id) == receive_count
    assert worker.enrich(*orders, receive_count=5) == [slow.order_id]
    failure = worker.row(slow).failure
    assert failure
    assert (failure.name, failure.attempts) == ("ProviderTimeout", 5)
    assert fake.book.calls == {slow.order_id: 5 + 1, behind.order_id: 1}
    assert worker.handed_on() == [behind.order_id]
    assert "Item" not in moto.dynamodb.get_item(TableName=moto.circuits_table, Key={"id": {"S": "enrichment"}})


def test_prices_that_make_no_total_are_asked_for_anew_once_the_order_is_redriven(
    moto: Resources, threads: ThreadPoolExecutor, fake: FakeProvider
) -> None:
    worker = Worker(moto, threads, fake.url)
    order = worker.add(items=(Item(1_000_000, sku="ABC"),))
    fake.book.behave("answers", prices={"ABC": "1000000000.00"}, times=1)
    assert worker.enrich(order) == [order.order_id]
    failed = worker.row(order)
    assert failed.failure
    assert failed.failure.name == "TotalTooLarge"
    redriven = failed.opened(By.OPERATOR, failed.updated_at, "redriven by a person")
    worker.save(failed, redriven)
    assert worker.enrich(redriven) == []
    assert worker.row(order).total_amount == Decimal("19900000.00")


@pytest.fixture
def secrets(moto: Resources) -> Any:
    client = boto3.client("secretsmanager", region_name="us-east-1")
    client.create_secret(Name="known-by", SecretString=json.dumps({"value": SECRET.get_secret_value()}))
    return client


@pytest.fixture
def known_worker(
    moto: Resources,
    threads: ThreadPoolExecutor,
    fake: FakeProvider,
    secrets: Any,
) -> Worker:
    return Worker(moto, threads, fake.url, ENRICHMENT_SECRET="known-by")


def test_the_secret_is_sent_and_never_told(known_worker: Worker, fake: FakeProvider, logs: io.StringIO) -> None:
    behaviours: list[dict[str, Any]] = [{"kind": "well"}, {"kind": "raw", "text": "no HTTP"}]
    for behaviour in behaviours:
        fake.book.behave(**behaviour)
        order = known_worker.add()
        known_worker.enrich(order)
        assert fake.book.headers["Authorization"] == SECRET.get_secret_value()
        assert "hunter2" not in logs.getvalue()
        assert "hunter2" not in str(known_worker.row(order))


def test_the_secret_is_not_repeated_where_the_provider_does(known_worker: Worker, fake: FakeProvider) -> None:
    order = known_worker.add()
    for receive_count, times in ((1, 1), (2, 1), (3, 2)):  # The last attempt asks once more.
        fake.book.behave("status", status=401, detail=f"{SECRET.get_secret_value()} is not known", times=times)
        known_worker.enrich(order, receive_count=receive_count)
    failed = known_worker.row(order)
    assert failed.failure
    assert failed.failure.name == "ProviderRefusesUs"
    assert "hunter2" not in str(failed)


@pytest.mark.parametrize("status", [401, 403])
def test_the_secret_is_read_anew_once_the_provider_refuses_it(
    known_worker: Worker, fake: FakeProvider, secrets: Any, status: int
) -> None:
    known_worker.enrich(known_worker.add())
    secrets.put_secret_value(SecretId="known-by", SecretString='{"header": "X-Api-Key", "value": "new"}')
    known_worker.enrich(known_worker.add())
    assert "X-Api-Key" not in fake.book.headers, "it is kept for five minutes"
    fake.book.behave("status", status=status, times=1)
    order = known_worker.add()
    assert known_worker.enrich(order) == [order.order_id]
    assert known_worker.enrich(order, receive_count=2) == []
    assert fake.book.headers["X-Api-Key"] == "new"


@pytest.mark.parametrize("text", ["{}", "plain", '{"value": "two\\nlines"}', '{"header": "a b", "value": "c"}'])
def test_the_secret_that_is_not_as_it_should_be_uses_up_no_attempt(
    known_worker: Worker, fake: FakeProvider, secrets: Any, logs: io.StringIO, text: str
) -> None:
    secrets.put_secret_value(SecretId="known-by", SecretString=text)
    order = known_worker.add()
    assert known_worker.enrich(order) == [order.order_id]
    assert known_worker.row(order).attempts is None
    assert fake.book.calls == {}
    assert "the provider's secret is not a JSON object with a header and a value" in logs.getvalue()


def test_the_secret_that_cannot_be_read_uses_up_no_attempt(known_worker: Worker, secrets: Any) -> None:
    secrets.delete_secret(SecretId="known-by", ForceDeleteWithoutRecovery=True)
    order = known_worker.add()
    for receive_count in range(1, 6):
        assert known_worker.enrich(order, receive_count=receive_count) == [order.order_id]
    row = known_worker.row(order)
    assert (row.status, row.attempts_of(order.order_id)) == (OrderStatus.PROCESSING, 0)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:0",
            "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01",
        ),
        (
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0",
            "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-00",
        ),
        ("Root=1-5759e988-bd862e3fe1be46a994272793", None),
        ("", None),
    ],
)
def test_the_trace_of_an_invocation_as_w3c_has_it(header: str, expected: str | None) -> None:
    assert traceparent_of({"_X_AMZN_TRACE_ID": header} if header else {}) == expected
