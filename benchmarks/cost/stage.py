"""The deployed functions of one stage, in this process: real handlers, real clients, moto behind them.

Tables and indexes are those of the CDK app's template, settings those of the stage. The clock stands still until it is
moved. An event source mapping is played by `deliver`; what it calls itself is added by rule, as it calls from Lambda's
own side.
"""

import json
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import boto3
import time_machine
from aws_cdk import App
from aws_cdk import aws_dynamodb as cdk_dynamodb
from botocore.stub import Stubber
from moto import mock_aws

from benchmarks.cost.meter import Meter, SideBySide, Table, Write, sqs_requests
from benchmarks.cost.units import Index
from benchmarks.cost.usage import Kind
from comanda.adapters.aws import from_dynamodb
from comanda.adapters.circuit import HealthyProvider
from comanda.adapters.order_queues import QueuePublisher
from comanda.adapters.order_rows import from_row
from comanda.adapters.order_table import OrderTable
from comanda.adapters.present import present
from comanda.adapters.websocket.management_api import ManagementApi
from comanda.adapters.world import CLIENT_CONFIG, READING_CONFIG, S3_CONFIG, ConnectionWorld, ReportWorld, World
from comanda.application.redrive_order import RedriveOrder
from comanda.domain.access import Caller, Origin, Scope
from comanda.domain.order import Order
from comanda_cli.connection import QuietJournal, now
from functions.broadcast import app as broadcast
from functions.complete_order import app as complete_order
from functions.enrich_order import app as enrich_order
from functions.generate_report import app as generate_report
from functions.process_order import app as process_order
from functions.read_orders import app as read_orders
from functions.switch_enrichment import app as switch_enrichment
from functions.tend_dead_letters import app as tend_dead_letters
from functions.tend_notifications import app as tend_notifications
from functions.tend_reports import app as tend_reports
from functions.write_orders import app as write_orders
from functions.write_reports import app as write_reports
from infra.data_stack import DataStack
from infra.settings import StageSettings
from tests.builders import an_api_event
from tests.functions.conftest import Context
from tests.websocket_targets import make_connection_table

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
WORKERS = {
    "orders": "process_order",
    "enrichment": "enrich_order",
    "completion": "complete_order",
    "reports": "generate_report",
    "notifications": "deliver_notifications",
}
"""The function behind each queue. Nobody asks to be told of anything here, so that the last is never called."""
SCHEDULED = ("tend_dead_letters", "tend_reports", "tend_notifications", "switch_enrichment")
"""The functions that are called each minute."""
BUCKET = "comanda-cost-reports"
CALLBACK_URL = "https://cost.execute-api.us-east-1.amazonaws.com/v1"
MAPPING = "0b7b4a52-7c0e-4f0c-9a77-3f1d1f5e8a10"
CALLER = Caller("web-shop", Origin.WEB, frozenset(Scope))
ACCESS_LOG_LINE = json.dumps(
    {
        "request_id": "8286a188-ba32-4475-8077-530cd35c09a9",
        "caller": "web-shop",
        "ip": "203.0.113.100",
        "method": "POST",
        "path": "/v1/orders",
        "resource": "/orders",
        "status": "202",
        "error": "-",
        "latency_ms": "100",
        "function_ms": "100",
        "response_bytes": "200",
        "time": "22/Nov/2026:09:30:00 +0000",
    }
)
"""As infra/api_stack.py has API Gateway write it for each request."""
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    # Lambda sets it for each invocation, and Powertools logs it.
    "_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0",
}
LIMIT_ROUNDS = 1_000
"""Of deliveries until the queues are empty; a dead letter takes some fifty."""

Handler = Callable[[dict[str, Any], Any], Any]


class CostError(Exception):
    """A scenario did not go as it should, so that its figures would be of something else."""


class Tables:
    """The tables of the data stack, read from its template once: CDK takes seconds."""

    def __init__(self, settings: StageSettings) -> None:
        app = App()
        stack = DataStack(app, "Data", settings=settings)
        resources = app.synth().get_stack_by_name("Data").template["Resources"]
        self.properties: dict[str, dict[str, Any]] = {}
        for construct in stack.node.children:
            if isinstance(construct, cdk_dynamodb.Table):
                logical_id = stack.resolve(construct.node.default_child.logical_id)  # type: ignore[union-attr]
                self.properties[construct.node.id.lower()] = resources[logical_id]["Properties"]

    def create(self, dynamodb: Any) -> dict[str, Table]:
        """All of them; by their real names."""
        wanted = ("KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "BillingMode")
        for name, properties in self.properties.items():
            given = {key: properties[key] for key in wanted if key in properties}
            dynamodb.create_table(TableName=table_name(name), **given)
        tables = {table_name(name): _table_of(name, properties) for name, properties in self.properties.items()}
        connections = make_connection_table(dynamodb, table_name("connections")).name
        return {**tables, connections: Table("connections", ("topic", "connection_id"))}


def table_name(called: str) -> str:
    return f"comanda-cost-{called}"


def _table_of(called: str, properties: dict[str, Any]) -> Table:
    keys = tuple(key["AttributeName"] for key in properties["KeySchema"])
    indexes = []
    for index in properties.get("GlobalSecondaryIndexes", []):
        index_keys = frozenset(key["AttributeName"] for key in index["KeySchema"])
        projection = index["Projection"]
        projected = index_keys.union(keys, projection.get("NonKeyAttributes", []))
        everything = projection["ProjectionType"] == "ALL"
        indexes.append(Index(index["IndexName"], index_keys, None if everything else projected))
    return Table(called, keys, tuple(indexes), "StreamSpecification" in properties)


class AtOnce(futures.Executor):
    """Does what it is given before it gives it back, so that every run counts alike."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> "futures.Future[Any]":
        future: futures.Future[Any] = futures.Future()
        future.set_result(function(*arguments, **named))
        return future


@contextmanager
def running_stage(
    settings: StageSettings, tables: Tables, provider: HealthyProvider | None = None
) -> Iterator["Stage"]:
    """A stage with nothing in it yet. Without a `provider`, the simulated one."""
    with (
        mock.patch.dict(os.environ, ENVIRONMENT),
        mock_aws(),
        time_machine.travel(NOW, tick=False) as clock,
    ):
        yield Stage(settings, tables, clock, provider)


class Stage:
    def __init__(
        self,
        settings: StageSettings,
        tables: Tables,
        clock: time_machine.Traveller,
        provider: HealthyProvider | None,
    ) -> None:
        self.settings = settings
        self._clock = clock
        self._session = boto3.Session()
        self.dynamodb, self._sqs = self._session.client("dynamodb"), self._session.client("sqs")
        """Not watched."""
        self.meter = Meter(self.dynamodb, tables.create(self.dynamodb), self._memory_gb)
        self._session.client("s3").create_bucket(Bucket=BUCKET)
        self.dead_letters = {name: self._queue(f"{name}-dlq", {}) for name in WORKERS}
        self.queues = {name: self._queue(name, self._redrive_policy(name)) for name in WORKERS}
        self.functions = self._build(provider)

    # The client

    def post(self, path: str, body: Mapping[str, Any], **headers: str) -> dict[str, Any]:
        """The body of a 202."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        function = "write_reports" if path.startswith("/reports") else "write_orders"
        return self._request(function, an_api_event("POST", path, body, named, caller=CALLER), 202)

    def get(self, path: str) -> dict[str, Any]:
        return self._request("read_orders", an_api_event("GET", path, caller=CALLER), 200)

    def _request(self, function: str, event: dict[str, Any], expected: int) -> dict[str, Any]:
        event["requestContext"]["requestId"] = str(uuid.uuid4())
        self.meter.usage.add(Kind.API_REQUEST, function, event["httpMethod"])
        self.meter.log("access log", ACCESS_LOG_LINE)
        answer = self.invoke(function, event)
        if answer["statusCode"] != expected:
            raise CostError(f"{function} answered {answer['statusCode']}: {answer['body']}")
        body: dict[str, Any] = json.loads(answer["body"])
        return body

    # What AWS does

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        context = Context(function, aws_request_id=str(uuid.uuid4()), milliseconds=600_000)
        with self.meter.invocation(function):
            return self.functions[function](event, context)

    def each_minute(self, function: str) -> None:
        """What the scheduler does."""
        self.meter.usage.add(Kind.SCHEDULED, function, "Invoke")
        self.invoke(function, {})

    def deliver(self, queue: str, batch: int) -> int:
        """One batch, as an event source mapping with ReportBatchItemFailures does it; give the number of its messages.

        By rule: one ReceiveMessage for a batch, and one DeleteMessageBatch unless all of it stays. ("Using Lambda with
        Amazon SQS" promises no more; the polls that find nothing are counted by time.)
        """
        url, usage = self.queues[queue], self.meter.usage
        messages = self._sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=batch,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        ).get("Messages", [])
        if not messages:
            return 0
        size = sum(len(json.dumps(message, default=str)) for message in messages)
        usage.add(Kind.SQS_REQUEST, "mappings", "ReceiveMessage", sqs_requests(size))
        answer = self.invoke(WORKERS[queue], {"Records": [_record_of(message) for message in messages]})
        stay = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        done: list[Any] = [
            {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
            for number, message in enumerate(messages)
            if message["MessageId"] not in stay
        ]
        if done:
            usage.add(Kind.SQS_REQUEST, "mappings", "DeleteMessageBatch")
            self._sqs.delete_message_batch(QueueUrl=url, Entries=done)
        return len(messages)

    def drain(self, batch: int, *queues: str) -> None:
        """Deliver until nothing is left in the queues but dead letters."""
        for _ in range(LIMIT_ROUNDS):
            if any(self.deliver(queue, batch) for queue in queues or WORKERS):
                continue
            if not any(self.depth(self.queues[queue]) for queue in queues or WORKERS):
                return
            self.wait(1)
        raise CostError("the queues never got empty")

    def broadcast(self, batch: int) -> None:
        """Hand what was written to `broadcast`, so many writes at a time, but for those that its filter leaves out.

        Lambda reads a table's stream without charge ("Amazon DynamoDB pricing")."""
        written, self.meter.stream = self.meter.stream, []
        told = [write for write in written if write.after and write.after["status"]["S"] != "accepting"]
        for start in range(0, len(told), batch):
            self.invoke("broadcast", {"Records": list(map(_stream_record_of, told[start : start + batch]))})

    def wait(self, seconds: float) -> None:
        self._clock.shift(seconds)

    def depth(self, url: str) -> int:
        """Waiting and in flight."""
        names: list[Any] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)

    # The operator

    def redrive(self, order_id: str) -> None:
        """`comanda dlq redrive`, from the operator's machine: calls of AWS, and no function."""
        table = OrderTable(self._watched("dynamodb"), table_name("orders"))
        publisher = QueuePublisher(self._watched("sqs"), self.queues["orders"])
        redrive = RedriveOrder(table, publisher, QuietJournal(), now)
        with self.meter.listening():
            redrive(order_id, "ops")

    # What is to be seen

    def order(self, order_id: str) -> Order:
        answer = self.dynamodb.get_item(TableName=table_name("orders"), Key={"order_id": {"S": order_id}})
        return from_row(from_dynamodb(answer["Item"]))

    def expect(self, order_id: str, status: str) -> None:
        found = self.order(order_id)
        if found.status != status:
            raise CostError(f"an order is {found.status}, not {status}: {found.failure}")

    def report(self, report_id: str) -> dict[str, Any]:
        answer = self.dynamodb.get_item(TableName=table_name("reports"), Key={"report_id": {"S": report_id}})
        return from_dynamodb(answer["Item"])

    # How it is built

    def _memory_gb(self, function: str) -> float:
        settings = self.settings
        return (settings.report_memory_mb if function == "generate_report" else settings.function_memory_mb) / 1024

    def _queue(self, name: str, attributes: Mapping[str, str]) -> str:
        given: Any = {"FifoQueue": "true", "ContentBasedDeduplication": "true", **attributes}
        return self._sqs.create_queue(QueueName=f"comanda-cost-{name}.fifo", Attributes=given)["QueueUrl"]

    def _redrive_policy(self, name: str) -> dict[str, str]:
        settings = self.settings
        works = {"reports": settings.report_work, "notifications": settings.notification_work}
        work = works.get(name, settings.order_work)
        url = self.dead_letters[name]
        arn = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = {"deadLetterTargetArn": arn, "maxReceiveCount": work.max_receive_count}
        return {"RedrivePolicy": json.dumps(policy), "VisibilityTimeout": str(work.visibility_timeout_seconds)}

    def _watched(self, service: Any, config: Any = CLIENT_CONFIG) -> Any:
        client = self._session.client(service, config=config)
        self.meter.watch(client)
        return client

    def _build(self, provider: HealthyProvider | None) -> dict[str, Handler]:
        side_by_side = SideBySide(self.meter.waiting)
        world = World(
            dynamodb=self._watched("dynamodb"),
            sqs=self._watched("sqs"),
            clock=now,
            draw=lambda: 0.5,
            sleep=self.meter.waiting.sleep,
            executor=side_by_side,
            asking=side_by_side,
        )
        at_once = AtOnce()
        reports = ReportWorld(
            dynamodb=self._watched("dynamodb", READING_CONFIG),
            sqs=world.sqs,
            s3=self._watched("s3", S3_CONFIG),
            clock=world.clock,
            draw=world.draw,
            sleep=world.sleep,
            reading=at_once,
            sending=at_once,
        )
        connections = ConnectionWorld(
            dynamodb=self._watched("dynamodb"),
            clients=ManagementApi.at(CALLBACK_URL, None),
            clock=now,
            executor=side_by_side,
        )
        control = self._watched("lambda")
        everywhere = self._environment()

        def environment(source: str = "orders", following: str = "orders") -> dict[str, str]:
            return {
                **everywhere,
                "SOURCE_QUEUE_URL": self.queues[source],
                "NEXT_QUEUE_URL": self.queues[following],
            }

        switch_settings = switch_enrichment.Settings.load(everywhere)
        return {
            "write_orders": write_orders.build(write_orders.Settings.load(everywhere), world),
            "read_orders": read_orders.build(read_orders.Settings.load(everywhere), world),
            "process_order": process_order.build(
                process_order.Settings.load(environment("orders", "enrichment")), world
            ),
            "enrich_order": enrich_order.build(
                enrich_order.Settings.load(environment("enrichment", "completion")), world, control, provider
            ),
            "complete_order": complete_order.build(complete_order.Settings.load(environment("completion")), world),
            "switch_enrichment": _with_a_mapping(control, switch_enrichment.build(switch_settings, world, control)),
            "tend_dead_letters": tend_dead_letters.build(tend_dead_letters.Settings.load(everywhere), world),
            "write_reports": write_reports.build(write_reports.Settings.load(everywhere), reports),
            "generate_report": generate_report.build(
                generate_report.Settings.load(
                    {**environment("reports"), "WORKER_RESERVE_SECONDS": str(self.settings.report_reserve_seconds)}
                ),
                reports,
            ),
            "tend_reports": tend_reports.build(tend_reports.Settings.load(everywhere), world),
            "tend_notifications": tend_notifications.build(tend_notifications.Settings.load(everywhere), world),
            "broadcast": broadcast.build(broadcast.Settings.load(everywhere), connections),
        }

    def _environment(self) -> dict[str, str]:
        """Of all functions together, as infra/ sets it for each of them."""
        settings = self.settings
        return {
            **{f"{table.called.upper()}_TABLE": name for name, table in self.meter.tables.items()},
            **{f"{name.upper()}_QUEUE_URL": url for name, url in self.queues.items()},
            **{f"{name.upper()}_DLQ_URL": url for name, url in self.dead_letters.items()},
            "QUEUE_URLS": ",".join(self.queues.values()),
            "BUCKET": BUCKET,
            "CALLBACK_URL": CALLBACK_URL,
            "STAGE": settings.stage,
            "CURRENCY": settings.currency,
            "SWITCH_FUNCTION": settings.switch_enrichment_name,
            "ENRICHMENT_MAPPING": MAPPING,
            "ENRICHMENT_DELAY_SECONDS": str(settings.enrichment_delay_seconds),
            "WORKER_RESERVE_SECONDS": str(settings.worker_reserve_seconds),
            "MAX_ATTEMPTS": str(settings.max_attempts),
            "MAX_RESCUES": str(settings.max_rescues),
            "RETRY_PAUSE_SECONDS": str(settings.retry_pause_seconds),
            "RETRY_PAUSE_LIMIT_SECONDS": str(settings.retry_pause_limit_seconds),
            "REPORT_LIFETIME_SECONDS": str(settings.report_lifetime_days * 24 * 60 * 60),
            "REPORT_LEASE_SECONDS": str(settings.report_lease_seconds),
            "REPORT_ROWS_A_SECOND": str(settings.report_rows_per_second),
            "SETTLE_SECONDS": str(settings.report_settle_seconds),
            "FUNCTION_SECONDS": str(settings.report_timeout_seconds),
            "LINK_SECONDS": str(settings.report_link_seconds),
        }


def _with_a_mapping(client: Any, handler: Handler) -> Handler:
    """moto has no event source mappings without Docker: the one of the enrichment is there, and on."""

    def handle(event: dict[str, Any], context: Any) -> Any:
        with Stubber(client) as aws:
            aws.add_response("get_event_source_mapping", {"State": "Enabled"})
            return handler(event, context)

    return handle


def _stream_record_of(write: Write) -> dict[str, Any]:
    """A write as the event source mapping hands it over ("DynamoDB Streams and AWS Lambda triggers")."""
    images = {"Keys": write.key, "OldImage": write.before, "NewImage": write.after}
    return {"eventName": "MODIFY" if write.before else "INSERT", "dynamodb": present(images)}


def _record_of(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message as the event source mapping hands it over ("Using Lambda with Amazon SQS")."""
    attributes = {
        name: {"dataType": value["DataType"], "stringValue": value["StringValue"]}
        for name, value in message.get("MessageAttributes", {}).items()
    }
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": attributes,
        "eventSource": "aws:sqs",
    }
