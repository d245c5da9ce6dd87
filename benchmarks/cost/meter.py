"""Counts what handlers call, at botocore: what leaves a client is counted, whoever asked for it.

Of DynamoDB's calls the units are worked out from the items before and after (units.py), which are read by a client that
is not watched. Nothing is counted outside of an invocation: tests and drivers may use the same clients.
"""

import io
import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from benchmarks.cost.units import KB, Index, Item, item_size, read_units, write_units
from benchmarks.cost.usage import Kind, Usage
from comanda.adapters.observability.telemetry import BUSINESS, LOGGER, TECHNICAL

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

T = TypeVar("T")
R = TypeVar("R")

SQS_CHUNK = 64 * KB
"""Each 64 KB of a request is billed as a request ("Amazon SQS pricing")."""
LOG_EVENT_BYTES = 26
"""PutLogEvents adds so much to each event's size."""
START = "START RequestId: 8286a188-ba32-4475-8077-530cd35c09a9 Version: $LATEST"
END = "END RequestId: 8286a188-ba32-4475-8077-530cd35c09a9"
REPORT = (
    "REPORT RequestId: 8286a188-ba32-4475-8077-530cd35c09a9\tDuration: 100.10 ms\tBilled Duration: 101 ms\t"
    "Memory Size: 1024 MB\tMax Memory Used: 100 MB\t"
)
"""What Lambda itself logs of each invocation ("Working with Lambda function logs")."""
FREE = {"lambda"}
"""Services whose calls cost nothing here: what a function calls of Lambda is its control plane."""
S3_GETS = {"GetObject", "HeadObject"}


class UnknownOperation(Exception):
    """Something was called whose units are not worked out."""


@dataclass(frozen=True)
class Table:
    called: str
    """What it is called in the figures; its real name is its key in `Meter.tables`."""
    keys: tuple[str, ...]
    indexes: tuple[Index, ...] = ()
    has_stream: bool = False


@dataclass(frozen=True)
class Write:
    """One record of a table's stream."""

    key: Item
    before: Item | None
    after: Item | None


@dataclass
class Waiting:
    """Seconds spent asleep, without sleeping."""

    seconds: float = 0.0

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass(frozen=True)
class SideBySide:
    """An executor that does one thing after another, so that every run counts alike; but what they wait for, they wait
    for at the same time, as they would with threads."""

    waiting: Waiting

    def map(self, function: Callable[[T], R], things: Iterable[T], /) -> Iterator[R]:
        results, begun, longest = [], self.waiting.seconds, self.waiting.seconds
        for thing in things:
            self.waiting.seconds = begun
            results.append(function(thing))
            longest = max(longest, self.waiting.seconds)
        self.waiting.seconds = longest
        return iter(results)


@dataclass
class Meter:
    looking: "DynamoDBClient"
    """Not watched."""
    tables: dict[str, Table]
    memory_gb: Callable[[str], float]
    """Of a function."""
    waiting: Waiting = field(default_factory=Waiting)
    usage: Usage = field(default_factory=Usage)
    largest: dict[str, int] = field(default_factory=dict)
    """The largest item written, in bytes, by table."""
    metrics: set[tuple[str, str]] = field(default_factory=set)
    """Function and name of each custom metric: CloudWatch bills each of them by the month."""
    stream: list[Write] = field(default_factory=list)
    """What functions have written to tables that have one, and nobody has read."""
    _listens: bool = False
    _own_seconds: float = 0.0
    _unknown: set[str] = field(default_factory=set)

    def watch(self, client: Any) -> None:
        client.meta.events.register("before-parameter-build.sqs.ReceiveMessage", self._do_not_wait)
        client.meta.events.register("before-call.*", self._before)
        client.meta.events.register("after-call.*", self._after)

    @contextmanager
    def counting(self) -> Iterator[Usage]:
        """What is used from now on, apart from all before."""
        before, self.usage = self.usage, Usage()
        try:
            yield self.usage
        finally:
            self.usage = before

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Calls are counted from here on. Raises UnknownOperation."""
        self._listens, self._own_seconds = True, 0.0
        try:
            yield
        finally:
            self._listens = False
        if self._unknown:
            raise UnknownOperation(", ".join(sorted(self._unknown)))

    @contextmanager
    def invocation(self, function: str) -> Iterator[None]:
        """Of a Lambda function: its calls, its time, and what it prints. Raises UnknownOperation."""
        service = function.replace("_", "-")
        namespaces = BUSINESS.namespace, TECHNICAL.namespace
        BUSINESS.namespace = TECHNICAL.namespace = "Comanda/prod"
        LOGGER.append_keys(service=service)
        printed = io.StringIO()
        stream = LOGGER.registered_handler.setStream(printed)  # type: ignore[attr-defined]
        waited, begun = self.waiting.seconds, time.process_time()
        try:
            with self.listening(), redirect_stdout(printed):
                yield
        finally:
            LOGGER.registered_handler.setStream(stream)  # type: ignore[attr-defined]
            LOGGER.append_keys(service=LOGGER.service)
            BUSINESS.namespace, TECHNICAL.namespace = namespaces
        worked = time.process_time() - begun - self._own_seconds
        memory = self.memory_gb(function)
        self.usage.add(Kind.INVOCATION, function, "Invoke")
        self.usage.add(Kind.GB_SECONDS, function, "work", worked * memory)
        self.usage.add(Kind.WAITED_GB_SECONDS, function, "wait", (self.waiting.seconds - waited) * memory)
        self._read_log(function, printed.getvalue())

    def log(self, of: str, *lines: str) -> None:
        size = sum(len(line.encode()) + LOG_EVENT_BYTES for line in lines)
        self.usage.add(Kind.LOG_BYTES, of, "PutLogEvents", size)

    def _read_log(self, function: str, text: str) -> None:
        lines = text.splitlines()
        self.log(function, START, *lines, END, REPORT)
        for line in lines:
            for directive in json.loads(line).get("_aws", {}).get("CloudWatchMetrics", []):
                self.metrics |= {(function, metric["Name"]) for metric in directive["Metrics"]}

    def _do_not_wait(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["would_wait"] = params.get("WaitTimeSeconds", 0)
        params["WaitTimeSeconds"] = 0

    def _before(self, model: Any, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        if not self._listens:
            return
        begun = time.process_time()
        if model.service_model.service_name == "dynamodb":
            context["request"] = request = json.loads(params["body"])
            self._note_reads(model.name, request)
            context["before"] = self._images(model.name, request)
        elif model.service_model.service_name == "sqs":
            context["bytes"] = len(params["body"])
        self._own_seconds += time.process_time() - begun

    def _after(self, model: Any, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        if not self._listens:
            return
        begun = time.process_time()
        service, operation = model.service_model.service_name, model.name
        self.usage.add(Kind.CALL, service, operation)
        if service == "dynamodb":
            if context["before"]:
                self._note_writes(operation, context, failed="Error" in parsed)
        elif service == "sqs":
            messages = parsed.get("Messages", [])
            size = context["bytes"] + sum(len(message["Body"].encode()) for message in messages)
            self.usage.add(Kind.SQS_REQUEST, "functions", operation, sqs_requests(size))
            if operation == "ReceiveMessage" and not messages:
                self.waiting.sleep(context["would_wait"])
        elif service == "s3":
            self.usage.add(Kind.S3_GET if operation in S3_GETS else Kind.S3_PUT, "reports", operation)
        elif service not in FREE:
            self._unknown.add(f"{service} {operation}")
        self._own_seconds += time.process_time() - begun

    # DynamoDB

    def _note_reads(self, operation: str, request: dict[str, Any]) -> None:
        match operation:
            case "GetItem":
                self._note_read(operation, request, request["Key"])
            case "BatchGetItem":
                for table, wanted in request["RequestItems"].items():
                    for key in wanted["Keys"]:
                        self._note_read(operation, {**wanted, "TableName": table}, key)
            case "Query":
                self._note_query(request)
            case "PutItem" | "UpdateItem" | "DeleteItem" | "TransactWriteItems":
                pass
            case _:
                self._unknown.add(f"dynamodb {operation}")

    def _note_read(self, operation: str, request: dict[str, Any], key: Item) -> None:
        size = item_size(self._look(request["TableName"], key) or {})
        units = read_units(size, consistent=request.get("ConsistentRead", False))
        self.usage.add(Kind.READ_UNITS, self.tables[request["TableName"]].called, operation, units)

    def _note_query(self, request: dict[str, Any]) -> None:
        """A count reads what it counts."""
        if "ProjectionExpression" in request:
            self._unknown.add("dynamodb Query with a projection")
            return
        page = self.looking.query(**{name: value for name, value in request.items() if name != "Select"})
        table, index = self.tables[request["TableName"]], request.get("IndexName")
        entries: list[Any] = page["Items"]
        if index:
            (found,) = (each for each in table.indexes if each.name == index)
            entries = [found.entry_of(item) for item in entries]
        units = read_units(sum(map(item_size, entries)), consistent=request.get("ConsistentRead", False))
        self.usage.add(Kind.READ_UNITS, f"{table.called}/{index}" if index else table.called, "Query", units)

    def _images(self, operation: str, request: dict[str, Any]) -> list[Item | None]:
        return [self._look(table, key) for table, key in self._written(operation, request)]

    def _note_writes(self, operation: str, context: dict[str, Any], *, failed: bool) -> None:
        """A condition that fails costs the write of the item as it is ("DynamoDB read and write operations"). As much,
        doubled, is taken for each item of a transaction that is cancelled."""
        transacted = 2 if operation == "TransactWriteItems" else 1
        afters = context["before"] if failed else self._images(operation, context["request"])
        written = self._written(operation, context["request"])
        for (name, key), before, after in zip(written, context["before"], afters, strict=True):
            table = self.tables[name]
            if table.has_stream and before != after:
                self.stream.append(Write(key, before, after))
            self.usage.add(Kind.WRITE_UNITS, table.called, operation, transacted * write_units(before, after))
            self.largest[table.called] = max(self.largest.get(table.called, 0), item_size(after or {}))
            for index in table.indexes:
                if units := index.write_units(before, after):
                    self.usage.add(Kind.WRITE_UNITS, f"{table.called}/{index.name}", operation, units)

    def _written(self, operation: str, request: dict[str, Any]) -> list[tuple[str, Item]]:
        """Table and key of each item that the request writes."""
        match operation:
            case "PutItem" | "UpdateItem" | "DeleteItem":
                writes = [request]
            case "TransactWriteItems":
                writes = [write for item in request["TransactItems"] for write in item.values()]
            case _:
                return []
        return [(write["TableName"], self._key_of(write)) for write in writes]

    def _key_of(self, write: dict[str, Any]) -> Item:
        if "Key" in write:
            return dict(write["Key"])
        return {name: write["Item"][name] for name in self.tables[write["TableName"]].keys}

    def _look(self, table: str, key: Item) -> Item | None:
        return self.looking.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")


def sqs_requests(size: int) -> int:
    """How many requests one of `size` bytes is billed as."""
    return max(1, -(-size // SQS_CHUNK))
