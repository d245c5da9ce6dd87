"""What must not be read in logs and traces: marked values go through every path of the real handlers, good, bad and
failing, and are looked for in all that the handlers print, log lines, metrics, and what libraries log; and in all spans
they send, as every invocation is traced."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from moto import mock_aws

from comanda.adapters.observability.message_spans import XRaySpans
from comanda.adapters.observability.telemetry import LOGGER
from comanda.adapters.orders.table import OrderTable
from comanda.domain.orders.messages import Event
from comanda.domain.orders.order import Item, Order
from comanda.domain.shared.access import Origin, Scope, issue_token
from functions.authorize_request import app as authorize_request
from functions.enrich_order import app as enrich_order
from local.servers.fake_provider import FakeProvider
from tests.functions.conftest import Api, Context, Pipeline, worker_environment
from tests.functions.test_reports import Reports
from tests.golden import token_event
from tests.support.builders import NOW, a_delivery, a_processing_order, an_api_event, an_sqs_event
from tests.support.report_targets import ReportResources, make_report_resources
from tests.support.targets import Resources
from tests.support.xray_daemon import Daemon, a_daemon

BEARER, TOKEN_ID, RECORD = issue_token("web-shop", Origin.WEB, [Scope.ORDERS_WRITE], NOW)
EMAIL = "marked-ana@example.com"
PROVIDER_SECRET = "marked-provider-secret"  # noqa: S105
CELL = "marked-cell"
KEY = "marked-idempotency-key"
NAME = "marked-name"
METADATA = {"email": EMAIL, "note": NAME}
MARKED = (
    BEARER,
    BEARER.split(".", 1)[-1],
    EMAIL,
    PROVIDER_SECRET,
    CELL,
    KEY,
    NAME,
    "X-Amz-Signature",
    "AWSAccessKeyId",
)
TRACE_ID = "Root=1-67891233-abcdef012345678912345678;Parent=463ac35c9f6413ad;Sampled=1"
ORDER = {"customer_id": EMAIL, "recipient_id": "r-1", "items": [{"sku": "ABC", "qty": 1}], "metadata": METADATA}


@dataclass
class Output:
    """All that was printed and sent so far."""

    lines: io.StringIO
    capsys: pytest.CaptureFixture[str]
    caplog: pytest.LogCaptureFixture
    daemon: Daemon
    printed: str = ""

    def read(self) -> str:
        captured = self.capsys.readouterr()
        self.printed += captured.out + captured.err
        traced = "".join(str(request) for request in self.daemon.received())
        return self.lines.getvalue() + self.printed + self.caplog.text + traced

    def logged(self, event: str) -> bool:
        return f'"message":"{event}"' in self.read()


@pytest.fixture(autouse=True)
def output(
    logs: io.StringIO,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Output]:
    """At most that a stage can be told to log; looked through at the end of every test."""
    monkeypatch.setattr(LOGGER, "sampling_rate", "1")  # As POWERTOOLS_LOGGER_SAMPLE_RATE sets it.
    caplog.set_level(logging.INFO)
    with a_daemon() as daemon:
        monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", daemon.address)
        monkeypatch.setenv("_X_AMZN_TRACE_ID", TRACE_ID)
        printed = Output(logs, capsys, caplog, daemon)
        yield printed
        everything = printed.read()
    assert everything, "a path that prints nothing proves nothing"
    assert [mark for mark in MARKED if mark in everything] == []


@pytest.mark.parametrize(
    "header",
    [f"Bearer {BEARER}", f"Bearer {BEARER}x", f"Bearer {NAME}", f"Basic {NAME}"],
    ids=["good", "wrong", "no token of ours", "another scheme"],
)
def test_tokens(header: str, output: Output) -> None:
    with mock_aws():
        client = boto3.client("secretsmanager", region_name="us-east-1")
        client.create_secret(Name="tokens", SecretString=json.dumps({"tokens": {TOKEN_ID: RECORD}}))
        settings = authorize_request.Settings.load({"TOKENS_SECRET": "tokens"})
        authorize = authorize_request.build(settings, SecretsProvider(boto3_client=client))
        event = token_event(header)
        if header == f"Bearer {BEARER}":
            authorize(event, Context())  # type: ignore[arg-type]
            assert output.logged("token.accepted")
        else:
            with pytest.raises(authorize_request.Unauthorized):
                authorize(event, Context())  # type: ignore[arg-type]
            assert output.logged("token.refused")


def with_token(body: object, **headers: str) -> dict[str, Any]:
    given = {"Authorization": f"Bearer {BEARER}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return an_api_event("POST", "/orders", body, given)


BAD_BODIES: list[object] = [
    f'{{"{NAME}": ',
    [NAME],
    {NAME: 1},
    {**ORDER, "items": NAME},
    {**ORDER, "items": [{"sku": "ABC", "qty": NAME}]},
    {**ORDER, "items": [{"sku": "ABC", "qty": 1, "unit_price": NAME}]},
    {**ORDER, "currency": "USD"},
    {**ORDER, "customer_id": [EMAIL]},
    {**ORDER, "metadata": {NAME: [EMAIL]}},
    {**ORDER, "metadata": EMAIL},
    {**ORDER, "item_name": NAME, "quantity": NAME, "price": NAME},
]


def test_orders_that_are_accepted_and_repeated(api: Api, output: Output) -> None:
    for body in (ORDER, ORDER, {**ORDER, "metadata": {"email": f"other-{EMAIL}"}}):
        api.raw(with_token(body, Idempotency_Key=KEY))
    assert output.logged("order.accepted")
    assert output.logged("order.replayed")
    assert output.logged("request.refused")


@pytest.mark.parametrize("body", BAD_BODIES, ids=str)
def test_orders_that_are_refused(api: Api, output: Output, body: object) -> None:
    assert api.raw(with_token(body)).status in {400, 422}
    assert output.logged("request.refused")


@pytest.mark.parametrize("key", [f"{KEY} ", f"{KEY}\u00e9"])
def test_keys_that_are_refused(api: Api, key: str) -> None:
    assert api.raw(with_token(ORDER, Idempotency_Key=key)).status == 400


def test_orders_that_meet_a_defect_of_ours(api: Api, output: Output) -> None:
    api.resources.dynamodb.delete_table(TableName=api.resources.orders_table)
    assert api.raw(with_token(ORDER, Idempotency_Key=KEY)).status >= 500
    assert output.logged("request.defect") or output.logged("request.refused")


def marked_order(resources: Resources, *items: Item) -> Order:
    order = a_processing_order(
        customer_id=EMAIL, recipient_id="r-1", metadata=METADATA, items=items or (Item(1, sku="ABC"),)
    )
    assert OrderTable(resources.dynamodb, resources.orders_table).claim(order) is None
    return order


@pytest.mark.parametrize("sku", ["ABC", "BOMBA", "FLAKY-9"])
def test_workers(pipeline: Pipeline, output: Output, sku: str) -> None:
    order = marked_order(pipeline.resources, Item(1, sku=sku))
    deliveries = [a_delivery(order, event) for event in (Event.CREATED, Event.ENRICHMENT_REQUESTED, Event.ENRICHED)]
    for work, delivery in zip((pipeline.process, pipeline.enrich, pipeline.complete), deliveries, strict=True):
        work(an_sqs_event(replace(delivery, receive_count=2)))
    assert order.order_id in output.read()
    assert [span.name for span in output.daemon.spans] == [
        delivery.message.event for delivery in deliveries if delivery.message
    ]


def test_workers_whose_table_is_gone(pipeline: Pipeline) -> None:
    order = marked_order(pipeline.resources)
    pipeline.resources.dynamodb.delete_table(TableName=pipeline.resources.ledger_table)
    pipeline.enrich(an_sqs_event(a_delivery(order, Event.ENRICHMENT_REQUESTED)))
    pipeline.complete(an_sqs_event(a_delivery(order, Event.ENRICHED)))


@pytest.mark.parametrize(
    "behaviour",
    [
        {"kind": "well"},
        *({"kind": "status", "status": status} for status in (301, 401, 404, 429, 503)),
        {"kind": "status", "status": 200},
    ],
    ids=str,
)
def test_calls_of_a_provider_with_a_secret(
    moto: Resources, monkeypatch: pytest.MonkeyPatch, behaviour: dict[str, Any], output: Output
) -> None:
    for name, value in {"REGION": "us-east-1", "ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test"}.items():
        monkeypatch.setenv(f"AWS_{name.replace('REGION', 'DEFAULT_REGION')}", value)
    secret = json.dumps({"header": "X-Api-Key", "value": PROVIDER_SECRET})
    boto3.client("secretsmanager", region_name="us-east-1").create_secret(Name="known-by", SecretString=secret)
    with FakeProvider() as fake, ThreadPoolExecutor(2) as threads:
        given = worker_environment(moto, moto.queue_url, moto.queue_url)
        urls = {"ENRICHMENT_URL": fake.url, "ENRICHMENT_SECRET": "known-by"}
        settings = enrich_order.Settings.load({**given, **urls})
        handle = enrich_order.build(settings, replace(moto.world(), provider_executor=threads), moto.functions)
        fake.book.behave(**behaviour)
        order = marked_order(moto)
        handle(an_sqs_event(a_delivery(order, Event.ENRICHMENT_REQUESTED)), Context())  # type: ignore[arg-type]
        assert fake.book.headers.get("X-Api-Key") == PROVIDER_SECRET, "the secret did not go along"
    assert output.logged("enrichment.asked")


@pytest.fixture
def reports(moto_session: boto3.Session) -> Iterator[Reports]:
    with mock_aws(), ThreadPoolExecutor(4) as reading:
        resources: ReportResources = make_report_resources(moto_session, reading)
        yield Reports(resources)


def a_table(*rows: list[object]) -> dict[str, Any]:
    columns = [{"title": "Name"}, {"title": "Amount", "kind": "money"}]
    return {"type": "table", "format": "csv", "parameters": {"title": NAME, "columns": columns, "rows": list(rows)}}


def test_reports_and_their_links(reports: Reports, output: Output) -> None:
    path = f"/{reports.post(a_table([CELL, '1.00']), Authorization=f'Bearer {BEARER}').headers['Location']}"
    reports.generate()
    assert "X-Amz-Signature" in reports.get(path).body["download_url"]
    assert "X-Amz-Signature" in reports.get(f"{path}/download").headers["Location"]
    assert "X-Amz-Signature" in reports.post({"bytes": 100}, path="/reports/uploads").body["upload_url"]
    assert output.logged("report.ready")


@pytest.mark.parametrize("rows", [[[CELL, CELL]], [[CELL]], [{"name": CELL}], CELL], ids=str)
def test_tables_that_are_refused(reports: Reports, rows: Any) -> None:
    body = a_table()
    body["parameters"]["rows"] = rows
    assert reports.post(body).status == 422


@pytest.mark.parametrize("line", [f'["{CELL}", "{CELL}"]', f"[{CELL}", f'["{CELL}"]', f'{{"a": "{CELL}"}}'])
def test_uploaded_tables_that_break_a_rule(reports: Reports, line: str, output: Output) -> None:
    upload: dict[str, Any] = reports.post({"bytes": 100}, path="/reports/uploads").body
    key = upload["upload_url"].split("?")[0].split(".com/", 1)[1]
    reports.resources.s3.put_object(Bucket=reports.resources.bucket, Key=key, Body=line.encode())
    body = a_table()
    del body["parameters"]["rows"]
    body["parameters"]["upload_id"] = upload["upload_id"]
    assert reports.post(body).status == 202
    reports.generate()
    assert output.logged("report.failed")
    assert [span.status.message for span in output.daemon.spans] == ["InvalidTable"]


def test_so_large_a_share_of_invocations_logs_everything(
    pipeline: Pipeline, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = marked_order(pipeline.resources, Item(1, sku="BOMBA"))
    delivery = a_delivery(order, Event.ENRICHMENT_REQUESTED)
    pipeline.enrich(an_sqs_event(delivery))
    monkeypatch.setattr(LOGGER, "sampling_rate", "0")
    pipeline.enrich(an_sqs_event(replace(delivery, receive_count=2)))
    assert not output.logged("message.dead_letter")
    monkeypatch.setattr(LOGGER, "sampling_rate", "1")
    pipeline.enrich(an_sqs_event(replace(delivery, receive_count=3)))
    assert output.logged("message.dead_letter")


def test_the_marks_are_found_where_they_are(
    logs: io.StringIO, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, output: Output
) -> None:
    """The net holds: each way to print, and to trace, is looked at."""
    ways: dict[str, Callable[[], object]] = {
        "a": lambda: LOGGER.info("a", extra={"fact": "way-a"}),
        "b": lambda: print("way-b"),  # noqa: T201
        "c": lambda: logging.getLogger("some.library").warning("way-c"),
        "d": lambda: XRaySpans().begin().end(a_delivery(a_processing_order(), correlation_id="way-d"), done=True),
    }
    found = Output(logs, capsys, caplog, output.daemon)
    for name, way in ways.items():
        way()
        assert f"way-{name}" in found.read()
