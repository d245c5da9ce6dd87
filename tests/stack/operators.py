"""A person with the rights of the AWS console: looks into tables and queues, redrives, and breaks what tests break."""

import io
import json
import time
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import boto3

from comanda.adapters.orders.ledger import LedgerTable
from comanda.adapters.orders.queue import QueuePublisher
from comanda.adapters.orders.table import OrderTable
from comanda.adapters.reports.table import ReportTable
from comanda.application.delivery.open_run import OpenRun
from comanda.application.orders.redrive import RedriveOrder
from comanda_cli.dead_letters.moving import move_one
from comanda_cli.stack.stack_info import StackInfo
from local.processes.guarded import ROOT
from tests.support.fakes import FakeTelemetry

ATTEMPTS = 5


def wait_for(condition: Callable[[], bool], what: str, limit_seconds: float = 120) -> None:
    deadline = time.monotonic() + limit_seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {limit_seconds} s"
        time.sleep(0.2)


class Operator:
    def __init__(self, stack: StackInfo, aws: boto3.Session) -> None:
        self.stack = stack
        self.dynamodb = aws.client("dynamodb")
        self.sqs = aws.client("sqs")
        self.s3 = aws.client("s3")
        self.functions = aws.client("lambda")
        self.orders = OrderTable(self.dynamodb, stack.tables["orders"])
        self.ledger = LedgerTable(self.dynamodb, stack.tables["ledger"], stack.tables["orders"])
        self.reports = ReportTable(self.dynamodb, stack.tables["reports"])

    def attempts(self, order_id: str) -> int:
        order = self.orders.get(order_id)
        assert order
        return order.attempts.count if order.attempts else 0

    def redrive(self, order_id: str) -> None:
        publisher = QueuePublisher(self.sqs, self.stack.queues["orders"].url)
        runs = OpenRun(self.orders, publisher, FakeTelemetry(), partial(datetime.now, UTC))
        RedriveOrder(self.orders, runs)(order_id, "test")

    def mend(self, order_id: str) -> None:
        """Replace the item that is rejected: the cause is removed."""
        self.correct(order_id, "items", {"L": [{"M": {"sku": {"S": "ABC"}, "qty": {"N": "1"}}}]})

    def correct(self, order_id: str, attribute: str, value: Any) -> None:
        """Correct an order's row by hand; the value as DynamoDB has it."""
        self.dynamodb.update_item(
            TableName=self.stack.tables["orders"],
            Key={"order_id": {"S": order_id}},
            UpdateExpression="SET #attribute = :value",
            ExpressionAttributeNames={"#attribute": attribute},
            ExpressionAttributeValues={":value": value},
        )

    def dead_letters(self, queue: str, order_ids: set[str], limit_seconds: int = 30) -> list[dict[str, Any]]:
        """The dead letters of these orders, in order, hidden for a minute. At most ten of a recipient."""
        url, deadline = self.stack.queues[queue].dlq_url, time.monotonic() + limit_seconds
        while True:
            shown = self._look(url)
            found = [message for message in shown if json.loads(message["Body"])["order_id"] in order_ids]
            if len(found) == len(order_ids):
                self._release(url, [message for message in shown if message not in found])
                return found
            self._release(url, shown)
            assert time.monotonic() < deadline, f"{len(found)} of {len(order_ids)} dead letters came"
            time.sleep(0.5)

    def dead_orders(self, queue: str, recipients: Collection[str]) -> set[str]:
        """The orders of these recipients that have a dead letter; at most ten of each."""
        url = self.stack.queues[queue].dlq_url
        shown = self._look(url)
        self._release(url, shown)
        return {
            json.loads(message["Body"])["order_id"]
            for message in shown
            if message["Attributes"]["MessageGroupId"] in recipients
        }

    def _look(self, url: str) -> list[dict[str, Any]]:
        """The first ten messages of each group, which is all SQS shows of it, hidden for a minute.

        A receive takes ten messages and locks their groups, of which there may be more: so each group comes once more,
        alone.
        """
        groups: dict[str, list[dict[str, Any]]] = {}
        while messages := self._receive(url):
            for message in messages:
                groups.setdefault(message["Attributes"]["MessageGroupId"], []).append(message)
        shown = []
        for group in groups.values():
            self._release(url, group)
            shown += self._receive(url)
        return shown

    def _receive(self, url: str) -> list[dict[str, Any]]:
        answer = self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=60, MessageSystemAttributeNames=["All"]
        )
        return [dict(message) for message in answer.get("Messages", [])]

    def _release(self, url: str, messages: Iterable[dict[str, Any]]) -> None:
        for message in messages:
            self.sqs.change_message_visibility(
                QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )

    def console_redrive(self, queue: str, message: dict[str, Any]) -> None:
        """What the console's move task does, by the command that does so here (`comanda dlq move`)."""
        move_one(self.sqs, self.stack.queues[queue], message)

    def call_the_reconciler(self) -> None:
        self.call("tend_dead_letters")

    def call(self, function: str) -> None:
        """One that is called each minute, now."""
        answer = self.functions.invoke(FunctionName=self.stack.functions[function], Payload=b"{}")
        assert "FunctionError" not in answer, answer["Payload"].read()

    def dead(self, queue: str) -> int:
        """How many dead letters the queue has, hidden ones included."""
        return self._messages(self.stack.queues[queue].dlq_url)

    def waiting(self, queue: str) -> int:
        """How many messages are in the queue, in flight or not."""
        return self._messages(self.stack.queues[queue].url)

    def _messages(self, url: str) -> int:
        names: list[Any] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(attributes[name]) for name in names)

    def files(self, report_id: str) -> list[str]:
        """The keys of all files that were ever finished for a report."""
        found = self.s3.list_objects_v2(Bucket=self.stack.bucket, Prefix=f"reports/{report_id}/")
        return [each["Key"] for each in found.get("Contents", [])]

    @contextmanager
    def paused(self, function: str) -> Iterator[None]:
        """A worker that is given nothing: its queue fills, so that what is sent meanwhile comes to it in one batch."""
        name = self.stack.functions[function]
        (mapping,) = self.functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        self.functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        try:
            yield
        finally:
            self.functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)

    @contextmanager
    def changed(self, function: str, queue: str, attributes: Mapping[Any, str], **configuration: Any) -> Iterator[None]:
        """A worker with another configuration (as UpdateFunctionConfiguration takes it) and a queue with other
        attributes, for a while."""
        name, url = self.stack.functions[function], self.stack.queues[queue].url
        names: list[Any] = list(attributes)
        queue_before: Any = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        function_before: Any = self.functions.get_function_configuration(FunctionName=name)
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
        self.functions.update_function_configuration(FunctionName=name, **configuration)
        try:
            yield
        finally:
            before = {key: function_before[key] for key in configuration}
            self.functions.update_function_configuration(FunctionName=name, **before)
            self.sqs.set_queue_attributes(QueueUrl=url, Attributes=queue_before)

    def replace_code(self, function: str, handler: Path) -> None:
        """Deploy the function's own files with another handler beside them."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as files:
            for file in [ROOT / "functions" / "__init__.py", *(ROOT / "functions" / function).glob("*.py")]:
                files.write(file, file.relative_to(ROOT))
            files.write(handler, handler.name)
        name = self.stack.functions[function]
        self.functions.update_function_code(FunctionName=name, ZipFile=archive.getvalue())

    def variables(self, function: str, **changed: str) -> Any:
        """The environment of a function with some of its variables changed, as its configuration takes it."""
        configuration = self.functions.get_function_configuration(FunctionName=self.stack.functions[function])
        return {"Variables": {**configuration["Environment"]["Variables"], **changed}}

    def workers(self, function: str) -> list[int]:
        """The processes in which the emulator runs a function. Finds them in /proc, so on Linux only."""
        wanted = f"\0AWS_LAMBDA_FUNCTION_NAME={self.stack.functions[function]}\0".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if wanted in b"\0" + (folder / "environ").read_bytes():
                    found.append(int(folder.name))
        return found
