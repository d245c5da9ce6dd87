"""The deployed functions of one stage, in this process: real handlers, real clients, moto behind them.

Tables and indexes are those of the CDK app's template, settings those of the stage. The clock stands still until it is
moved. An event source mapping is played by `deliver`; what it calls itself is added by rule, as it calls from Lambda's
own side.
"""

import json
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import boto3
import time_machine
from botocore.config import Config
from moto import mock_aws

from benchmarks.cost.meter import Meter, Write, sqs_requests
from benchmarks.cost.stage_tables import Tables, table_name
from benchmarks.cost.usage import Kind
from benchmarks.cost.wiring import BUCKET, Wiring, functions_of
from comanda.adapters.aws.values import from_dynamodb
from comanda.adapters.enrichment.circuit import HealthyProvider
from comanda.adapters.orders.queue import QueuePublisher
from comanda.adapters.orders.rows import from_row
from comanda.adapters.orders.table import OrderTable
from comanda.adapters.runtime.world import CLIENT_CONFIG
from comanda.application.delivery.open_run import OpenRun
from comanda.application.orders.redrive import RedriveOrder
from comanda.domain.orders.order import Order
from comanda.domain.shared.access import Caller, Origin, Scope
from comanda_cli.stack.connection import QuietTelemetry, now
from infra.settings import StageSettings
from tests.functions.conftest import Context
from tests.golden import sqs_record, stream_record
from tests.support.builders import an_api_event

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
"""As infra/stacks/api_stack.py has API Gateway write it for each request."""
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    # Lambda sets it for each invocation, and Powertools logs it.
    "_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0",
}
LIMIT_ROUNDS = 1_000
"""Of deliveries until the queues are empty; a dead letter takes some fifty."""


class CostError(Exception):
    """A scenario did not go as it should, so that its figures would be of something else."""


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
        wiring = Wiring(settings, self.meter, self.queues, self.dead_letters, self._watched)
        self.functions = functions_of(wiring, provider)

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
        answer = self.invoke(WORKERS[queue], {"Records": list(map(sqs_record, messages))})
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

    def dead_letter_untried(self, queue: str) -> None:
        """What becomes of messages whose worker cannot run; not counted."""
        while self.depth(self.queues[queue]):
            self._sqs.receive_message(QueueUrl=self.queues[queue], VisibilityTimeout=0)

    def broadcast(self, batch: int) -> None:
        """Hand what was written to `broadcast`, so many writes at a time, but for those that its filter leaves out.

        Lambda reads a table's stream without charge ("Amazon DynamoDB pricing")."""
        written, self.meter.stream = self.meter.stream, []
        told = [write for write in written if write.after and write.after["status"]["S"] != "accepting"]
        for start in range(0, len(told), batch):
            self.invoke("broadcast", {"Records": list(map(stream_record_of, told[start : start + batch]))})

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
        redrive = RedriveOrder(table, OpenRun(table, publisher, QuietTelemetry(), now))
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
        return (settings.reports.memory_mb if function == "generate_report" else settings.functions.memory_mb) / 1024

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

    def _watched(self, service: Any, config: Config = CLIENT_CONFIG) -> Any:
        client = self._session.client(service, config=config)
        self.meter.watch(client)
        return client


def stream_record_of(write: Write) -> dict[str, Any]:
    """A write as the event source mapping hands it over."""
    return stream_record(write.key, write.before, write.after)
