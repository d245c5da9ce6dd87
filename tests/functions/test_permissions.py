"""Each function may do exactly what it does.

Neither moto nor the emulator's default mode enforces IAM, so the calls of every path are recorded at botocore and
compared with the table that the templates are held to (tests/support/permissions.py): no action too few, and none
too many.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber
from moto import mock_aws

from comanda.adapters.enrichment.circuit import FAILURES, EnrichmentCircuit
from comanda.adapters.live.management_api import ManagementApi
from comanda.adapters.orders.queue import QueuePublisher
from comanda.adapters.orders.table import OrderTable
from comanda.adapters.reports.table import ReportTable
from comanda.adapters.runtime.world import World
from comanda.application.enrichment.ports import EnrichmentRequest
from comanda.application.live.ports import Gone
from comanda.domain.delivery.work_item import Failure
from comanda.domain.orders.messages import Event
from comanda.domain.orders.order import Enrichment, Item, Order, Stage
from comanda.domain.reports.report import STAGE
from comanda.domain.reports.signed_link import link_token
from comanda.domain.shared.access import Origin, Scope, issue_token
from comanda.domain.shared.errors import ProviderOutage
from functions.authorize_connection import app as authorize_connection
from functions.authorize_request import app as authorize_request
from functions.enrich_order import app as enrich_order
from functions.switch_enrichment import app as switch_enrichment
from functions.tend_dead_letters import app as tend_dead_letters
from functions.tend_reports import app as tend_reports
from tests.functions.conftest import Api, Context, Pipeline, worker_environment
from tests.functions.recorded_calls import MAPPING, Recorder, allowed, without
from tests.functions.test_reports import BODY, OPS, Reports, completed
from tests.functions.test_websockets import Door
from tests.golden import handshake_event, scheduled_event, token_event
from tests.support.builders import (
    NOW,
    a_caller,
    a_delivery,
    a_pending_order,
    a_processing_order,
    an_enriched_order,
    an_sqs_event,
)
from tests.support.fakes import FakeClock, FakeTelemetry, OneAfterAnother
from tests.support.moto_tables import MotoTables
from tests.support.permissions import MAY, READ_STREAM, SEND
from tests.support.targets import Resources


def add(resources: Resources, order: Order) -> Order:
    OrderTable(resources.dynamodb, resources.orders_table).claim(order)
    return order


def test_write_orders(moto: Resources) -> None:
    api, recorder = Api(moto), Recorder.of(moto)
    body = {"item_name": "Notebook", "quantity": 1, "price": 5000}
    order_id = api.post(body, Idempotency_Key="k").body["order_id"]
    assert api.post(body, Idempotency_Key="k").status == 202
    assert api.post({**body, "price": 1}, Idempotency_Key="k").status == 422
    assert api.post(None, path=f"/orders/{order_id}/cancel").status == 200
    assert api.post({**body, "currency": "USD"}, Idempotency_Key="refused").status == 422
    assert recorder.calls == allowed("write_orders")


def test_read_orders(moto: Resources) -> None:
    api = Api(moto)
    order = add(moto, a_pending_order())
    ops = a_caller("ops", Origin.API, frozenset(Scope))
    moto.dynamodb.put_item(
        TableName=moto.ledger_table,
        Item={
            "recipient_id": {"S": "r"},
            "entry": {"S": "balance"},
            "balance": {"N": "1"},
            "currency": {"S": "BRL"},
            "orders_completed": {"N": "1"},
        },
    )
    recorder = Recorder.of(moto)
    assert api.get(f"/orders/{order.order_id}").status == 200
    assert api.get("/recipients/r", ops).status == 200
    assert api.get("/recipients/r/entries", ops).status == 200
    assert api.get("/ready").status == 200
    assert recorder.calls == allowed("read_orders")


BAD = (Item(1, sku="BOMBA"),)
FLAKY = (Item(1, sku="FLAKY-2"),)


def process(moto: Resources, pipeline: Pipeline, receive_count: int) -> None:
    order = add(moto, a_pending_order())
    foreign = a_delivery(order, message=None)
    redriven = a_delivery(add(moto, a_pending_order()), came_back=True)
    pipeline.process(an_sqs_event(a_delivery(order, receive_count=receive_count), foreign, redriven))


def enrich(moto: Resources, pipeline: Pipeline, receive_count: int) -> None:
    orders = [add(moto, a_processing_order(items=items)) for items in (a_pending_order().items, BAD, FLAKY)]
    pipeline.enrich(
        an_sqs_event(*(a_delivery(o, Event.ENRICHMENT_REQUESTED, receive_count=receive_count) for o in orders))
    )


def complete(moto: Resources, pipeline: Pipeline, receive_count: int) -> None:
    orders = [add(moto, an_enriched_order()), add(moto, a_processing_order())]
    redriven = a_delivery(add(moto, an_enriched_order()), Event.ENRICHED, came_back=True)
    deliveries = (a_delivery(order, Event.ENRICHED, receive_count=receive_count) for order in orders)
    pipeline.complete(an_sqs_event(*deliveries, redriven))


@pytest.mark.parametrize(
    ("function", "work"), [("process_order", process), ("enrich_order", enrich), ("complete_order", complete)]
)
def test_a_worker(moto: Resources, function: str, work: Callable[[Resources, Pipeline, int], None]) -> None:
    pipeline = Pipeline(moto)
    recorder = Recorder.of(moto)
    work(moto, pipeline, 1)
    work(moto, pipeline, 2)
    if function == "enrich_order":
        meet_an_outage(moto)
    recorder.calls["Orders"].discard("dynamodb:PutItem")  # The test's own: it puts the orders.
    assert recorder.calls == allowed(function)


class DownProvider:
    """Implements `HealthyProvider`."""

    def enrich(self, _: EnrichmentRequest) -> Enrichment:
        raise ProviderOutage("ProviderUnavailable", "503")

    def is_healthy(self) -> bool:
        return False


def meet_an_outage(moto: Resources) -> None:
    """The circuit opens, and a call tries whether it may close."""
    settings = enrich_order.Settings.load(worker_environment(moto, moto.queue_url, moto.queue_url))
    worker = enrich_order.build(settings, moto.world(), moto.functions, DownProvider())
    circuit = EnrichmentCircuit(moto.dynamodb, moto.circuits_table, FakeTelemetry())
    circuit.keep_open()
    circuit.let_one_try()
    for _ in range(FAILURES + 2):
        worker(an_sqs_event(a_delivery(add(moto, a_processing_order()), Event.ENRICHMENT_REQUESTED)), Context())  # type: ignore[arg-type]
        circuit.let_one_try()


def test_switch_enrichment(moto: Resources) -> None:
    environment = {"CIRCUITS_TABLE": moto.circuits_table, "ENRICHMENT_MAPPING": MAPPING}
    settings = switch_enrichment.Settings.load(environment)
    switch = switch_enrichment.build(settings, moto.world(), moto.functions, DownProvider())
    EnrichmentCircuit(moto.dynamodb, moto.circuits_table, FakeTelemetry()).open()
    recorder = Recorder.of(moto)
    with Stubber(moto.functions) as aws:
        aws.add_response("get_event_source_mapping", {"State": "Enabled"})
        aws.add_response("update_event_source_mapping", {"State": "Disabling"})
        switch(scheduled_event(), Context())  # type: ignore[arg-type]
    assert recorder.calls == allowed("switch_enrichment")


def test_tend_dead_letters(moto: Resources) -> None:
    """Ten failed orders that stay, behind them one that is stale and untried, and one that is done with."""
    table, orders = OrderTable(moto.dynamodb, moto.orders_table), QueuePublisher(moto.sqs, moto.queue_url)
    failure = Failure("Timeout", "slow", Stage.ENRICHMENT, 5, NOW, "m")
    for order in [a_processing_order().failed(failure) for _ in range(10)] + [a_processing_order()]:
        table.claim(order)
        orders.publish(order, Event.ENRICHMENT_REQUESTED)
    done = a_pending_order(recipient_id="other").cancelled(NOW)
    table.claim(done)
    orders.publish(done, Event.ENRICHMENT_REQUESTED)
    none = moto.sqs.create_queue(QueueName="none.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    settings = {
        "ORDERS_TABLE": moto.orders_table,
        "ORDERS_QUEUE_URL": moto.queue_url,
        "ORDERS_DLQ_URL": none,
        "ENRICHMENT_DLQ_URL": moto.queue_url,
        "COMPLETION_DLQ_URL": none,
        "CIRCUITS_TABLE": moto.circuits_table,
        "MAX_RESCUES": "1",
        "WORKER_RESERVE_SECONDS": "1",
    }
    later = replace(moto.world(), clock=FakeClock(NOW + timedelta(hours=1)))
    reconciler = tend_dead_letters.build(tend_dead_letters.Settings.load(settings), later)
    recorder = Recorder.of(moto, others={none: "Queue"})
    reconciler(scheduled_event(), Context())  # type: ignore[arg-type]
    assert recorder.calls == allowed("tend_dead_letters")


@pytest.fixture
def reports(moto_tables: MotoTables, reading: ThreadPoolExecutor) -> Iterator[Reports]:
    with mock_aws():
        yield Reports(moto_tables.report_resources(reading))


PERIOD = {"from": "2026-11-01", "to": "2026-11-22"}


def ask_for_reports(reports: Reports) -> list[str]:
    """One of each type, and each way to come by a table; their ids."""
    upload_id = reports.post({"bytes": 100}, path="/reports/uploads").body["upload_id"]
    reports.resources.s3.put_object(
        Bucket=reports.resources.bucket, Key=f"tables/web/{upload_id}.jsonl", Body=b'["a", "1.00"]\n'
    )
    table = {name: value for name, value in BODY["parameters"].items() if name != "rows"}
    bodies: list[dict[str, Any]] = [
        BODY,
        {"type": "table", "format": "csv", "parameters": {**table, "upload_id": upload_id}},
        {"type": "orders", "format": "pdf", "parameters": PERIOD},
        {"type": "summary", "format": "xlsx", "parameters": PERIOD},
        {"type": "recipient-statement", "format": "csv", "parameters": {**PERIOD, "recipient_id": "r-1"}},
    ]
    callers = [None, None, OPS, OPS, OPS]
    asked = [reports.post(body, caller=caller) for body, caller in zip(bodies, callers, strict=True)]
    return [answer.body["report_id"] for answer in asked]


def test_write_reports(reports: Reports) -> None:
    completed(reports, 3)
    recorder = Recorder.of_reports(reports.resources)
    report_id, *_ = ask_for_reports(reports)
    assert reports.post(None, path=f"/reports/{report_id}/cancel").status == 200
    for body, key in (
        (BODY, "k"),
        (BODY, "k"),
        ({**BODY, "format": "pdf"}, "k"),
        ({**BODY, "type": "poem"}, "refused"),
    ):
        reports.post(body, Idempotency_Key=key)
    outage(reports.resources.sqs)
    assert reports.post({**BODY, "format": "pdf"}, Idempotency_Key="given-back").status == 503
    assert recorder.calls == allowed("write_reports")


def outage(client: Any) -> None:
    def refuse(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://queue.test")

    client.meta.events.register("before-call.*", refuse)


def test_read_reports(reports: Reports) -> None:
    report_id = reports.post().body["report_id"]
    reports.generate()
    token = link_token(report_id, NOW + timedelta(days=1), reports.make_link_keys())
    recorder = Recorder.of_reports(reports.resources, reports.secrets)
    assert reports.get(f"/reports/{report_id}").status == 200
    assert reports.get(f"/reports/{report_id}/download").status == 303
    assert reports.get(f"/links/{token}").status == 303
    assert recorder.calls == allowed("read_reports")


def test_generate_report(reports: Reports) -> None:
    """Files of one part and of several, one that is given up half-way, and a record that is given back."""
    completed(reports, 3)
    report_ids = ask_for_reports(reports)
    report_ids.append(large_table(reports, b'["%s", "1.00"]\n' % (b"x" * 3_000)))
    report_ids.append(large_table(reports, b'["%s", "1.00"]\n' % (b"y" * 3_000), end=b"no line of JSON\n"))
    messages = reports.deliveries()
    recorder = Recorder.of_reports(reports.resources)
    redriven = replace(messages[0], came_back=True)
    stay = reports.hand_over(redriven, *messages[1:], context=Context(milliseconds=900_000))
    assert [message.group for message in messages if message.message_id in stay] == [report_ids[-1]]
    recorder.calls["ReportFiles/reports/*"].add("s3:GetObject")  # See the next test.
    assert recorder.calls == allowed("generate_report")


def test_a_report_whose_last_answer_was_lost_is_looked_for(reports: Reports) -> None:
    reports.post()
    (message,) = reports.deliveries()
    recorder = Recorder.of_reports(reports.resources)
    tries: list[str] = []

    def try_once_more(**_: Any) -> float | None:
        tries.append("PutObject")
        return 0.0 if len(tries) == 1 else None

    events = reports.resources.s3.meta.events
    events.register_first("needs-retry.s3.PutObject", try_once_more)  # type: ignore[arg-type]
    assert reports.hand_over(message, context=Context(milliseconds=900_000)) == []
    assert len(tries) == 2
    assert recorder.calls["ReportFiles/reports/*"] == {"s3:PutObject", "s3:GetObject"}


def test_tend_reports(reports: Reports) -> None:
    """One that was dead-lettered untried, and so many that failed and stay that there may be more than shows."""
    reports.post()
    table = ReportTable(reports.resources.dynamodb, reports.resources.table("reports"))
    for number in range(9):
        parameters = {**BODY["parameters"], "title": f"Mine {number}"}
        row = table.get(reports.post({**BODY, "parameters": parameters}).body["report_id"])
        assert row
        table.save(row, row.failed(Failure("Timeout", "slow", STAGE, 5, NOW, "m")))
    recorder = Recorder.of_reports(reports.resources)
    settings = {
        "REPORTS_TABLE": reports.resources.table("reports"),
        "REPORTS_QUEUE_URL": reports.resources.queue_url,
        "REPORTS_DLQ_URL": reports.resources.queue_url,
        "MAX_RESCUES": "1",
        "WORKER_RESERVE_SECONDS": "1",
    }
    world = reports.resources.world()
    reconciler = tend_reports.build(
        tend_reports.Settings.load(settings),
        World(world.dynamodb, world.sqs, world.clock, world.random, world.sleep, OneAfterAnother(), OneAfterAnother()),
    )
    reconciler(scheduled_event(), Context())  # type: ignore[arg-type]
    assert recorder.calls == allowed("tend_reports")


def test_serve_connections(reports: Reports) -> None:
    """All that is said to clients goes through a port; which calls that makes, the test after the next one sees."""
    door = Door(reports.resources)
    order, report = door.order(), door.report()
    recorder = Recorder.of_reports(reports.resources, others={door.table.name: "Connections"})
    door.connect(caller=a_caller("ops", Origin.API, frozenset(Scope)))
    for topic in ({"order_id": order.order_id}, {"report_id": report.report_id}, {"recipient_id": "r"}):
        assert door.asks({"action": "subscribe", **topic})["type"] == "snapshot"
        assert door.asks({"action": "unsubscribe", **topic})["type"] == "unsubscribed"
    door.happens("DISCONNECT", "c-1")
    assert recorder.calls == without(MAY["serve_connections"], SEND)


def test_broadcast(reports: Reports) -> None:
    """The mapping reads the streams; the function only writes down what it told, and forgets who is gone."""
    door = Door(reports.resources)
    order = door.order()
    for connection_id in ("c-1", "gone"):
        door.connect(connection_id)
        door.says({"action": "subscribe", "order_id": order.order_id}, connection_id)
    door.clients.errors["gone"] = [Gone("gone")]
    recorder = Recorder.of_reports(reports.resources, others={door.table.name: "Connections"})
    door.changes(order, order.started(NOW))
    assert [heard["type"] for heard in door.heard()] == ["snapshot", "order.processing"]
    streams = {resource for resource, actions in MAY["broadcast"].items() if actions == READ_STREAM}
    assert recorder.calls == without(MAY["broadcast"], {*SEND, *streams, "BroadcastGivenUp"})


def test_whoever_sends_to_clients_makes_calls_of_this_kind_only() -> None:
    """POST and DELETE below @connections are ManageConnections ("Use @connections commands")."""
    client = boto3.client("apigatewaymanagementapi", region_name="us-east-1", endpoint_url="https://api.test/v1")
    made: set[str] = set()

    def answer(params: dict[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        made.add(f"{params['method']}{params['url_path'].removesuffix('/c-1')}")
        return AWSResponse("https://api.test", 200, HTTPHeaders(), None), {}

    client.meta.events.register("before-call.apigatewaymanagementapi", answer)  # type: ignore[arg-type]
    ManagementApi(client).post("c-1", "{}")
    ManagementApi(client).disconnect("c-1")
    assert {f"WebSocket/v1/{call}/*" for call in made} == {*SEND}


def test_authorize_connection(moto: Resources) -> None:
    client = boto3.client("secretsmanager", region_name="us-east-1")
    client.create_secret(Name="tokens", SecretString=json.dumps({"tokens": {}}))
    operations: list[str] = []
    client.meta.events.register("before-parameter-build.*", lambda model, **_: operations.append(model.name))
    settings = authorize_connection.Settings.load({"TOKENS_SECRET": "tokens"})
    authorize = authorize_connection.build(settings, SecretsProvider(boto3_client=client))
    token = f"Bearer {'0' * 16}.{'A' * 43}"
    authorize(handshake_event([("Authorization", token)]), Context())  # type: ignore[arg-type]
    assert {f"secretsmanager:{operation}" for operation in operations} == MAY["authorize_connection"]["secret:tokens"]


def large_table(reports: Reports, line: bytes, end: bytes = b"") -> str:
    """A table that makes a file of two parts; its report's id."""
    upload_id = reports.post({"bytes": 100}, path="/reports/uploads").body["upload_id"]
    content = line * (6 * 2**20 // len(line)) + end
    reports.resources.s3.put_object(Bucket=reports.resources.bucket, Key=f"tables/web/{upload_id}.jsonl", Body=content)
    table = {name: value for name, value in BODY["parameters"].items() if name != "rows"}
    asked = reports.post({**BODY, "parameters": {**table, "upload_id": upload_id}})
    report_id: str = asked.body["report_id"]
    return report_id


def test_authorize_request(moto: Resources) -> None:
    client = boto3.client("secretsmanager", region_name="us-east-1")
    bearer, token_id, record = issue_token("web", Origin.WEB, [Scope.ORDERS_READ], NOW)
    client.create_secret(Name="tokens", SecretString=json.dumps({"tokens": {token_id: record}}))
    operations: list[str] = []
    client.meta.events.register("before-parameter-build.*", lambda model, **_: operations.append(model.name))
    settings = authorize_request.Settings.load({"TOKENS_SECRET": "tokens"})
    authorize = authorize_request.build(settings, SecretsProvider(boto3_client=client))
    authorize(token_event(f"Bearer {bearer}"), Context())  # type: ignore[arg-type]
    assert {f"secretsmanager:{operation}" for operation in operations} == MAY["authorize_request"]["secret:tokens"]
