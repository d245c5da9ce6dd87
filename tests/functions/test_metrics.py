"""What the handlers measure, as CloudWatch reads it from their output (EMF)."""

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from comanda.adapters.observability.telemetry import PowertoolsTelemetry, measured
from comanda.adapters.orders.table import OrderTable
from comanda.application.delivery.events import AttemptFailed, RunRequeued
from comanda.domain.orders.messages import Event
from comanda.domain.orders.order import Item, Order
from tests.functions.conftest import Api, Context, Pipeline
from tests.support.builders import a_delivery, a_pending_order, a_processing_order, an_sqs_event

Series = tuple[str, frozenset[tuple[str, str]]]
BUSINESS = frozenset({("service", "business")})
TECHNICAL = frozenset({("service", "technical")})


class Printed:
    """The values of each metric since the last look, by name and dimensions."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self) -> dict[Series, list[float]]:
        found: dict[Series, list[float]] = {}
        for series, values in self._each():
            found.setdefault(series, []).extend(values)
        return found

    def _each(self) -> Iterator[tuple[Series, list[float]]]:
        for line in self._capsys.readouterr().out.splitlines():
            if '"_aws"' not in line:
                continue
            blob: dict[str, Any] = json.loads(line)
            (directive,) = blob["_aws"]["CloudWatchMetrics"]
            assert directive["Namespace"] == "Comanda"
            (names,) = directive["Dimensions"]
            dimensions = frozenset((name, blob[name]) for name in names)
            for metric in directive["Metrics"]:
                yield (metric["Name"], dimensions), blob[metric["Name"]]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Printed:
    return Printed(capsys)


def stored(pipeline: Pipeline, order: Order) -> Order:
    assert OrderTable(pipeline.resources.dynamodb, pipeline.resources.orders_table).claim(order) is None
    return order


def test_an_order_is_measured_at_every_step(pipeline: Pipeline, printed: Printed) -> None:
    order = stored(pipeline, a_pending_order())
    pipeline.process(an_sqs_event(a_delivery(order, Event.CREATED)))
    pipeline.enrich(an_sqs_event(a_delivery(order, Event.ENRICHMENT_REQUESTED)))
    pipeline.complete(an_sqs_event(a_delivery(order, Event.ENRICHED)))
    found = printed()
    assert {series for series in found if series[1] == BUSINESS} == {
        ("OrdersCompleted", BUSINESS),
        ("TimeToComplete", BUSINESS),
    }
    assert {series for series in found if series[1] == TECHNICAL} == {
        *((name, TECHNICAL) for name in ("TimeInProcessing", "TimeInEnrichment", "TimeInCompletion")),
        ("EnrichmentLatency", TECHNICAL),
    }
    assert len(found) == 6
    assert all(len(values) == 1 for values in found.values())


def test_times_are_in_milliseconds_and_never_negative(pipeline: Pipeline, printed: Printed) -> None:
    world = pipeline.resources.world()
    order = stored(pipeline, a_pending_order())
    delivery = a_delivery(order, Event.CREATED, sent_at=world.clock())
    early = replace(delivery, sent_at=delivery.sent_at.replace(year=2099))
    pipeline.process(an_sqs_event(early))
    pipeline.process(an_sqs_event(delivery))
    values = printed()["TimeInProcessing", TECHNICAL]
    assert values[0] == 0
    assert 0 < values[1] < 60_000


def test_failed_orders_are_counted_together_and_by_class(pipeline: Pipeline, printed: Printed) -> None:
    bomba = stored(pipeline, a_processing_order(items=(Item(1, sku="BOMBA"),)))
    unknown = stored(pipeline, a_processing_order(customer_id="unknown"))
    deliveries = [a_delivery(order, Event.ENRICHMENT_REQUESTED) for order in (bomba, unknown)]
    pipeline.enrich(an_sqs_event(*deliveries))
    found = printed()
    assert found["OrdersFailed", BUSINESS] == [1, 1]
    for name in ("ItemRejected", "CustomerUnknown"):
        assert found["OrdersFailed", BUSINESS | {("error_class", name)}] == [1]
    with_classes = {name for name, dimensions in found if len(dimensions) > 1}
    assert with_classes == {"OrdersFailed"}


def test_a_duplicate_is_counted_whoever_recognises_it(api: Api, printed: Printed) -> None:
    body = {"item_name": "Notebook", "quantity": 1, "price": 5000, "order_id": "mine"}
    for _ in range(3):
        assert api.post(body).status == 202
    resources = api.resources
    for record in resources.dynamodb.scan(TableName=resources.idempotency_table)["Items"]:
        resources.dynamodb.delete_item(TableName=resources.idempotency_table, Key={"id": record["id"]})
    assert api.post(body).headers["Idempotency-Replayed"] == "true"
    found = printed()
    assert found["OrdersAccepted", BUSINESS] == [1]
    assert sum(found["OrdersReplayed", BUSINESS]) == 3


def test_metrics_of_an_invocation_that_dies_are_printed_and_do_not_stay_for_the_next(printed: Printed) -> None:
    telemetry = PowertoolsTelemetry()

    @measured
    def handle(event: dict[str, Any], context: LambdaContext) -> None:
        telemetry.emit(RunRequeued(kind="order", by="steward"))
        if event:
            raise MemoryError

    with pytest.raises(MemoryError):
        handle({"die": True}, Context())  # type: ignore[arg-type]
    handle({}, Context())  # type: ignore[arg-type]
    assert printed() == {("OrdersRescued", TECHNICAL): [1, 1]}


def test_no_value_is_lost_or_doubled_where_many_are_emitted_at_once(printed: Printed) -> None:
    failed = AttemptFailed(
        kind="order", error_class="E", reason="", attempt=1, stage="enrichment", pause_seconds=1, outage=False
    )

    @measured
    def handle(_: dict[str, Any], __: LambdaContext) -> None:
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda _: PowertoolsTelemetry().emit(failed), range(2_000)))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # Threads take turns as often as they can.
    try:
        handle({}, Context())  # type: ignore[arg-type]
    finally:
        sys.setswitchinterval(interval)
    assert sum(printed()["AttemptsFailed", TECHNICAL]) == 2_000
