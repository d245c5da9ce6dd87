"""The three workers as Lambda calls them, on moto: an order's whole way, and what they hand back."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from comanda.adapters.delivery.queues import deliveries_of
from comanda.adapters.orders.ledger import LedgerTable
from comanda.adapters.orders.table import OrderTable
from comanda.adapters.runtime.settings import SettingsError
from comanda.domain.delivery.work_item import Failure
from comanda.domain.orders.messages import STAGE_OF, Event, OrderMessage
from comanda.domain.orders.order import Item, Order, OrderStatus
from functions.enrich_order.app import Settings
from tests.functions.conftest import Pipeline
from tests.support.builders import NOW, a_delivery, a_pending_order, a_processing_order, an_enriched_order, an_sqs_event
from tests.support.targets import create_fifo_queue


@pytest.fixture
def table(pipeline: Pipeline) -> OrderTable:
    return OrderTable(pipeline.resources.dynamodb, pipeline.resources.orders_table)


def stored(table: OrderTable, order: Order) -> Order:
    assert table.claim(order) is None
    return order


def now(table: OrderTable, order: Order) -> Order:
    found = table.get(order.order_id)
    assert found
    return found


def test_an_order_goes_all_the_way(pipeline: Pipeline, table: OrderTable) -> None:
    order = stored(table, a_pending_order(recipient_id="r-1"))
    assert pipeline.process(an_sqs_event(a_delivery(order, Event.CREATED))) == []
    assert pipeline.enrich(an_sqs_event(a_delivery(order, Event.ENRICHMENT_REQUESTED))) == []
    assert pipeline.complete(an_sqs_event(a_delivery(order, Event.ENRICHED))) == []
    done = now(table, order)
    assert (done.status, done.total_amount) == (OrderStatus.COMPLETED, Decimal("288.80"))
    resources = pipeline.resources
    ledger = LedgerTable(resources.dynamodb, resources.ledger_table, resources.orders_table)
    assert [entry.order_id for entry in ledger.entries("r-1", 0, 10)] == [order.order_id]
    sent = [json.loads(message["Body"])["event"] for message in resources.messages()]
    assert sent == ["order.enrichment.requested", "order.enriched"]


def test_exactly_the_failed_messages_are_handed_back(pipeline: Pipeline, table: OrderTable) -> None:
    good = stored(table, a_processing_order(recipient_id="r-1"))
    bad = stored(table, a_processing_order(recipient_id="r-1", items=(Item(1, sku="BOMBA"),)))
    behind = stored(table, a_processing_order(recipient_id="r-1"))
    deliveries = [a_delivery(order, Event.ENRICHMENT_REQUESTED) for order in (good, bad, behind)]
    assert pipeline.enrich(an_sqs_event(*deliveries)) == [deliveries[1].message_id]
    failure = now(table, bad).failure
    assert failure
    assert (failure.name, failure.message) == ("ItemRejected", "BOMBA is not an item we deliver")
    assert now(table, behind).enrichment is not None


@pytest.mark.parametrize(
    ("items", "customer", "reason"),
    [
        ((Item(1, item_name="BOMBA", unit_price=Decimal(1)),), "123", "ItemRejected"),
        ((Item(1, sku="NOWHERE"),), "123", "ItemUnknown"),
        ((Item(1, sku="ABC"),), "unknown", "CustomerUnknown"),
    ],
)
def test_what_the_provider_rejects_fails_with_its_reason(
    pipeline: Pipeline, table: OrderTable, items: tuple[Item, ...], customer: str, reason: str
) -> None:
    order = stored(table, a_processing_order(items=items, customer_id=customer))
    pipeline.enrich(an_sqs_event(a_delivery(order, Event.ENRICHMENT_REQUESTED)))
    failure = now(table, order).failure
    assert failure
    assert failure.name == reason


def test_a_flaky_item_succeeds_after_its_number_of_failures(pipeline: Pipeline, table: OrderTable) -> None:
    order = stored(table, a_processing_order(items=(Item(1, sku="FLAKY-2"),)))
    delivery = a_delivery(order, Event.ENRICHMENT_REQUESTED)
    outcomes = [pipeline.enrich(an_sqs_event(replace(delivery, receive_count=n))) for n in (1, 2, 3)]
    assert outcomes == [[delivery.message_id], [delivery.message_id], []]
    assert now(table, order).total_amount == Decimal("10.00")


def test_a_saved_answer_of_the_provider_is_used_when_the_worker_died_before_saving(
    pipeline: Pipeline, table: OrderTable, caplog: pytest.LogCaptureFixture
) -> None:
    order = stored(table, a_processing_order(items=(Item(1, sku="ABC"),)))
    event = an_sqs_event(a_delivery(order, Event.ENRICHMENT_REQUESTED))
    pipeline.enrich(event)
    reference = now(table, order).enrichment
    resources = pipeline.resources
    resources.dynamodb.delete_item(TableName=resources.orders_table, Key={"order_id": {"S": order.order_id}})
    stored(table, order)
    records = resources.dynamodb.scan(TableName=resources.idempotency_table)["Items"]
    (record,) = records
    changed = json.loads(record["data"]["S"]) | {"reference": "from the record"}
    resources.dynamodb.put_item(
        TableName=resources.idempotency_table, Item={**record, "data": {"S": json.dumps(changed)}}
    )
    pipeline.enrich(event)
    again = now(table, order).enrichment
    assert again
    assert reference
    assert again.reference == "from the record"


CAME_BACK = pytest.mark.parametrize(
    ("work", "order", "event"),
    [
        (Pipeline.process, a_pending_order(), Event.CREATED),
        (Pipeline.enrich, a_processing_order(), Event.ENRICHMENT_REQUESTED),
        (Pipeline.complete, an_enriched_order(), Event.ENRICHED),
    ],
    ids=["process", "enrich", "complete"],
)


@CAME_BACK
def test_a_message_that_came_back_begins_the_next_run_at_the_first_queue(
    pipeline: Pipeline, table: OrderTable, work: Callable[..., list[str]], order: Order, event: Event
) -> None:
    failed = stored(table, order.failed(Failure("X", "x", STAGE_OF[event], 1, NOW, "m-1")))
    first = create_fifo_queue(pipeline.resources.sqs)
    pipeline = Pipeline(pipeline.resources, first_queue_url=first)
    assert work(pipeline, an_sqs_event(a_delivery(failed, event, came_back=True))) == []
    assert now(table, order).replay == 1
    assert pipeline.resources.messages() == []
    (message,) = replace(pipeline.resources, queue_url=first).messages()
    assert OrderMessage.parse(message["Body"]) == OrderMessage.about(now(table, order), Event.CREATED)


@CAME_BACK
def test_a_message_with_our_own_id_does_not_redrive_what_failed(
    pipeline: Pipeline, table: OrderTable, work: Callable[..., list[str]], order: Order, event: Event
) -> None:
    failed = stored(table, order.failed(Failure("X", "x", STAGE_OF[event], 1, NOW, "m-1")))
    delivery = a_delivery(failed, event)
    assert work(pipeline, an_sqs_event(delivery)) == [delivery.message_id]
    assert now(table, order) == failed


def test_a_body_that_is_not_ours_is_handed_back_for_a_person(pipeline: Pipeline, table: OrderTable) -> None:
    foreign = a_delivery(a_pending_order(recipient_id="r-1"), message=None)
    order = stored(table, a_pending_order(recipient_id="r-1"))
    event = an_sqs_event(foreign, a_delivery(order), bodies={foreign.message_id: "{not ours"})
    assert pipeline.process(event) == [foreign.message_id]
    assert now(table, order).status is OrderStatus.PROCESSING


def test_every_hop_logs_the_same_keys(
    pipeline: Pipeline, table: OrderTable, logs: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    order = stored(table, a_pending_order(recipient_id="r-1"))
    pipeline.process(an_sqs_event(a_delivery(order, Event.CREATED)))
    pipeline.enrich(an_sqs_event(a_delivery(order, Event.ENRICHMENT_REQUESTED)))
    pipeline.complete(an_sqs_event(a_delivery(order, Event.ENRICHED)))
    printed = capsys.readouterr().out.splitlines()
    told: list[dict[str, Any]] = [json.loads(line) for line in logs.getvalue().splitlines()]
    hops = [line for line in told if str(line["message"]).startswith("order.")]
    assert [line["message"] for line in hops] == ["order.processing", "order.enriched", "order.completed"]
    expected = {
        "order_id": order.order_id,
        "recipient_id": "r-1",
        "caller": "web",
        "correlation_id": "corr-1",
    }
    for line in hops:
        assert expected.items() <= line.items()
    (metrics,) = [line for line in map(json.loads, printed) if "OrdersCompleted" in line]
    assert metrics["OrdersCompleted"] == [1.0]
    assert metrics["TimeToComplete"][0] > 0


def test_trace_of_an_invocation_is_in_its_log_lines_and_in_its_messages(
    pipeline: Pipeline, table: OrderTable, logs: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that an order finds its traces, and a trace its orders."""
    order = stored(table, a_pending_order())
    root = "1-67891233-abcdef012345678912345678"
    monkeypatch.setenv("_X_AMZN_TRACE_ID", f"Root={root};Parent=463ac35c9f6413ad;Sampled=1")
    pipeline.process(an_sqs_event(a_delivery(order, Event.CREATED)))
    (line,) = [line for line in map(json.loads, logs.getvalue().splitlines()) if line["message"] == "order.processing"]
    assert (line["xray_trace_id"], line["order_id"]) == (root, order.order_id)
    (message,) = pipeline.resources.messages()
    assert message["Attributes"]["AWSTraceHeader"] == f"Root={root};Parent=463ac35c9f6413ad;Sampled=1"


def test_settings_that_are_missing_or_wrong_are_all_named_without_their_values() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load({"MAX_ATTEMPTS": "hunter2", "ORDERS_TABLE": "t"})
    assert "MAX_ATTEMPTS" in str(caught.value)
    assert "IDEMPOTENCY_TABLE" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("of", "instead"),
    [
        ('"replay":0', '"replay":1e999999999'),
        ('"replay":0', '"replay":' + "[" * 10_000),
        ("ORDER", ""),
        ("ORDER", "x" * 3_000),
        ("ORDER", "\\ud800"),
        ('"replay":0', '"replay":0,"schema":2'),
    ],
    ids=["exponent", "deep", "empty id", "long id", "half a pair", "newer release"],
)
def test_a_body_that_is_none_of_ours_stays_and_hurts_no_neighbour(
    pipeline: Pipeline, table: OrderTable, of: str, instead: str
) -> None:
    good = stored(table, a_pending_order(recipient_id="r-1"))
    foreign = a_delivery(a_pending_order(recipient_id="r-2"))
    assert foreign.message
    body = foreign.message.body.replace(foreign.message.order_id, "ORDER").replace(of, instead)
    event = an_sqs_event(replace(foreign, message=None), a_delivery(good), bodies={foreign.message_id: body})
    assert pipeline.process(event) == [foreign.message_id]
    assert now(table, good).status is OrderStatus.PROCESSING


def test_a_body_of_a_newer_release_is_no_foreign_one() -> None:
    delivery = a_delivery(a_pending_order())
    assert delivery.message
    newer = delivery.message.body.replace('"replay":0', '"replay":0,"schema":2')
    event = an_sqs_event(replace(delivery, message=None), replace(delivery, message=None), bodies={})
    event["Records"][0]["body"], event["Records"][1]["body"] = newer, "x"
    assert [each.of_newer_release for each in deliveries_of(OrderMessage.parse)(event)] == [True, False]
