"""A span for each message, from the real handlers on moto to a socket where Lambda has its X-Ray daemon."""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from comanda.adapters.orders.table import OrderTable
from comanda.domain.orders.messages import Event
from comanda.domain.orders.order import Item
from functions.process_order import app as process_order
from local.servers.webhook_receiver import WebhookReceiver
from tests.functions.conftest import Context, Pipeline, worker_environment
from tests.functions.test_notifications import Path, a_change
from tests.functions.test_reports import Reports
from tests.support.builders import a_delivery, a_pending_order, a_processing_order, an_enriched_order, an_sqs_event
from tests.support.report_targets import ReportResources
from tests.support.targets import Resources
from tests.support.xray_daemon import Daemon, a_daemon, attributes_of

TRACE_ID = "67891233abcdef012345678912345678"
PARENT = "463ac35c9f6413ad"
TRACED = f"Root=1-{TRACE_ID[:8]}-{TRACE_ID[8:]};Parent={PARENT};Sampled=1;Lineage=1:2:3"
ORIGIN = "00-11111111222222223333333344444444-5555555566666666-01"


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """Of an invocation that is traced."""
    with a_daemon() as listening:
        monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", listening.address)
        monkeypatch.setenv("_X_AMZN_TRACE_ID", TRACED)
        yield listening


@pytest.fixture
def table(moto: Resources) -> OrderTable:
    return OrderTable(moto.dynamodb, moto.orders_table)


def ids_of(span: Span) -> tuple[str, str]:
    return span.trace_id.hex(), span.parent_span_id.hex()


def test_a_span_is_part_of_the_invocation_and_linked_to_where_its_message_comes_from(
    pipeline: Pipeline, table: OrderTable, daemon: Daemon
) -> None:
    order = a_pending_order(recipient_id="r-1")
    table.claim(order)
    delivery = a_delivery(order, traceparent=ORIGIN)
    assert pipeline.process(an_sqs_event(delivery)) == []
    (span,) = daemon.spans
    assert (span.name, span.kind, ids_of(span)) == ("order.created", Span.SPAN_KIND_CONSUMER, (TRACE_ID, PARENT))
    assert 0 < span.start_time_unix_nano < span.end_time_unix_nano
    (link,) = span.links
    assert f"00-{link.trace_id.hex()}-{link.span_id.hex()}-01" == ORIGIN
    assert attributes_of(span) == {
        "order_id": order.order_id,
        "recipient_id": "r-1",
        "correlation_id": "corr-1",
        "outcome": "done",
        "receive_count": 1,
        "messaging.system": "aws_sqs",
        "messaging.operation.type": "process",
        "messaging.message.id": delivery.message_id,
        "aws.xray.annotations": ["correlation_id", "order_id", "recipient_id"],
    }
    assert span.status.code == Status.STATUS_CODE_UNSET


@pytest.mark.parametrize(
    "traceparent", [None, "", "nonsense", ORIGIN.replace("5", "0").replace("6", "0"), f"{ORIGIN}-x"]
)
def test_a_message_that_comes_from_nowhere_is_linked_to_nothing(
    pipeline: Pipeline, table: OrderTable, daemon: Daemon, traceparent: str | None
) -> None:
    order = a_pending_order()
    table.claim(order)
    pipeline.process(an_sqs_event(a_delivery(order, traceparent=traceparent)))
    (span,) = daemon.spans
    assert list(span.links) == []


def test_a_failure_is_told_by_its_class_alone(pipeline: Pipeline, table: OrderTable, daemon: Daemon) -> None:
    good, bad = a_processing_order(), a_processing_order(items=(Item(1, sku="BOMBA"),))
    for order in (good, bad):
        table.claim(order)
    deliveries = [a_delivery(order, Event.ENRICHMENT_REQUESTED) for order in (good, bad)]
    assert pipeline.enrich(an_sqs_event(*deliveries)) == [deliveries[1].message_id]
    done, failed = daemon.spans
    assert (done.status.code, attributes_of(done)["outcome"]) == (Status.STATUS_CODE_UNSET, "done")
    assert (failed.status.code, failed.status.message) == (Status.STATUS_CODE_ERROR, "ItemRejected")
    told = attributes_of(failed)
    assert (told["order_id"], told["outcome"], told["error_class"]) == (bad.order_id, "stays", "ItemRejected")
    assert "error_class" in told["aws.xray.annotations"]
    assert "BOMBA" not in str(failed)


def test_orders_that_complete_together_have_a_span_each(pipeline: Pipeline, table: OrderTable, daemon: Daemon) -> None:
    orders = [an_enriched_order(recipient_id="r-1") for _ in range(3)]
    for order in orders:
        table.claim(order)
    pipeline.complete(an_sqs_event(*(a_delivery(order, Event.ENRICHED) for order in orders)))
    assert [attributes_of(span)["order_id"] for span in daemon.spans] == [order.order_id for order in orders]


def test_groups_side_by_side_do_not_mix(moto: Resources, table: OrderTable, daemon: Daemon) -> None:
    """In threads, as on Lambda: each span with its own order, link and parent."""
    orders = [a_pending_order(recipient_id=f"r-{number}") for number in range(10)]
    origins = {order.order_id: ORIGIN.replace("4444", f"44{number:02d}") for number, order in enumerate(orders)}
    for order in orders:
        table.claim(order)
    settings = process_order.Settings.load(worker_environment(moto, moto.queue_url, moto.queue_url))
    event = an_sqs_event(*(a_delivery(order, traceparent=origins[order.order_id]) for order in orders))
    with ThreadPoolExecutor(10) as threads:
        process_order.build(settings, replace(moto.world(), executor=threads))(event, Context())  # type: ignore[arg-type]
    spans = {attributes_of(span)["order_id"]: span for span in daemon.spans}
    assert spans.keys() == origins.keys()
    assert len({span.span_id for span in spans.values()}) == len(orders)
    for order in orders:
        span = spans[order.order_id]
        assert attributes_of(span)["recipient_id"] == order.recipient_id
        assert (ids_of(span), len(span.links)) == ((TRACE_ID, PARENT), 1)
        assert span.links[0].trace_id.hex() in origins[order.order_id]


def test_the_next_invocation_has_its_own_trace(
    pipeline: Pipeline, table: OrderTable, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = a_pending_order()
    table.claim(order)
    event = an_sqs_event(a_delivery(order))
    pipeline.process(event)
    monkeypatch.setenv("_X_AMZN_TRACE_ID", TRACED.replace(PARENT, "0123456789abcdef"))
    pipeline.process(event)
    monkeypatch.setenv("_X_AMZN_TRACE_ID", TRACED.replace("Sampled=1", "Sampled=0"))
    pipeline.process(event)
    assert [span.parent_span_id.hex() for span in daemon.spans] == [PARENT, "0123456789abcdef"]


def test_a_report_has_a_span(report_resources: ReportResources, daemon: Daemon) -> None:
    reports = Reports(report_resources)
    report_id = reports.post().body["report_id"]
    assert reports.generate() == []
    (span,) = daemon.spans
    told = attributes_of(span)
    assert (span.name, told["report_id"], told["outcome"]) == ("report.requested", report_id, "done")
    assert told["aws.xray.annotations"] == ["correlation_id", "report_id"]


def test_a_notification_has_a_span_linked_to_the_change_it_tells_of(moto: Resources, daemon: Daemon) -> None:
    path = Path(moto)
    with WebhookReceiver() as receiver:
        order = a_change(path, receiver)
        receiver.status = 503
        assert len(path.deliver()) == 1
    (span,) = daemon.spans
    (row,) = path.all_about(order)
    told = attributes_of(span)
    assert (span.name, told["notification_id"], told["order_id"]) == (
        "notification.due",
        row.notification_id,
        order.order_id,
    )
    assert (told["outcome"], span.status.message) == ("stays", told["error_class"])
    assert told["aws.xray.annotations"] == ["correlation_id", "error_class", "notification_id", "order_id"]
    (link,) = span.links
    assert (link.trace_id.hex(), link.span_id.hex()) == (TRACE_ID, PARENT)
    assert receiver.url not in str(span)


def test_a_layer_without_opentelemetry_costs_no_order(
    pipeline: Pipeline, table: OrderTable, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        sys.modules, "comanda.adapters.observability.xray_daemon", None
    )  # As Python remembers a failed import.
    order = a_pending_order()
    table.claim(order)
    assert pipeline.process(an_sqs_event(a_delivery(order))) == []
    assert not daemon.spans


def test_a_daemon_that_cannot_be_reached_costs_no_order(
    pipeline: Pipeline,
    table: OrderTable,
    daemon: Daemon,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:0")  # To port 0 nothing can be sent.
    order = a_pending_order()
    table.claim(order)
    assert pipeline.process(an_sqs_event(a_delivery(order))) == []
    assert daemon.spans == []
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("trace", "address", "imported"),
    [
        (TRACED, "127.0.0.1:9", True),
        (TRACED.replace("Sampled=1", "Sampled=0"), "127.0.0.1:9", False),
        ("", "127.0.0.1:9", False),
        (TRACED, "", False),
    ],
)
def test_who_is_not_traced_does_not_pay_for_it(trace: str, address: str, imported: bool) -> None:
    """All four workers, and what they do with a message: OpenTelemetry is not imported."""
    program = """
import json, sys
import functions.complete_order.app, functions.enrich_order.app, functions.process_order.app
import functions.deliver_notifications.app, functions.generate_report.app
from comanda.adapters.observability.message_spans import XRaySpans
from tests.support.builders import a_delivery, a_pending_order
XRaySpans().begin().end(a_delivery(a_pending_order()), done=True)
print(json.dumps([name for name in sys.modules if name.startswith(("opentelemetry", "google.protobuf"))]))
"""
    given = {
        "_X_AMZN_TRACE_ID": trace,
        "AWS_XRAY_DAEMON_ADDRESS": address,
        "PATH": "",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    ran = subprocess.run([sys.executable, "-c", program], env=given, capture_output=True, text=True, check=True)
    assert bool(json.loads(ran.stdout)) is imported
