"""Where the behaviour of SQS FIFO and its event source mapping is tried: the model, the emulator, or any endpoint."""

import io
import itertools
import json
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

import time_machine

from tests.simulation.faults import Faults
from tests.simulation.functions import EventSourceMapping, Functions
from tests.simulation.history import History
from tests.simulation.scheduler import Scheduler
from tests.simulation.sqs import Sqs
from tests.simulation.wire import client_of

VISIBILITY_SECONDS = 3
FUNCTION_SECONDS = 2

HANDLER = '''
import json, os, time

def handle(event, report):
    """Do what the messages say, and report what came: one line an invocation."""
    came = [
        {"id": r["messageId"], "do": json.loads(r["body"])["do"], "group": r["attributes"]["MessageGroupId"],
         "n": json.loads(r["body"])["n"], "receive_count": int(r["attributes"]["ApproximateReceiveCount"]),
         "sequence": r["attributes"]["SequenceNumber"]}
        for r in event["Records"]
    ]
    report(json.dumps(came))
    failures = []
    for message in came:
        if message["do"] == "raise" and message["receive_count"] == 1:
            raise RuntimeError("told to")
        if message["do"] == "sleep" and message["receive_count"] == 1:
            time.sleep(FUNCTION_SECONDS + 1)
        if message["do"] == "fail" and message["receive_count"] == 1:
            failures.append({"itemIdentifier": message["id"]})
        if message["do"] == "unknown" and message["receive_count"] == 1:
            failures.append({"itemIdentifier": "of-no-message"})
    return {"batchItemFailures": failures}
'''.replace("FUNCTION_SECONDS", str(FUNCTION_SECONDS))

LAMBDA_MAIN = """
import boto3

def main(event, context):
    queue_url = QUEUE_URL
    send = lambda text: boto3.client("sqs").send_message(
        QueueUrl=queue_url, MessageBody=text, MessageGroupId="log", MessageDeduplicationId=context.aws_request_id)
    return handle(event, send)
"""


class Target(Protocol):
    """A place to try things in."""

    name: str

    @property
    def sqs(self) -> Any:
        """A boto3 client."""

    def wait(self, seconds: float) -> None: ...

    def work(self, queue_url: str, log_url: str) -> None:
        """Attach HANDLER to a queue, with a batch size of 10 and partial batch responses."""


@dataclass
class RealTarget:
    """An endpoint in real time."""

    name: str
    session: Any

    @property
    def sqs(self) -> Any:
        return self.session.client("sqs")

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)

    def work(self, queue_url: str, log_url: str) -> None:
        lambda_, name = self.session.client("lambda"), f"conformance-{uuid.uuid4().hex[:8]}"
        source = HANDLER + LAMBDA_MAIN.replace("QUEUE_URL", repr(log_url))
        lambda_.create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role="arn:aws:iam::000000000000:role/conformance",
            Handler="main.main",
            Code={"ZipFile": _zip_of("main.py", source)},
            Timeout=FUNCTION_SECONDS,
        )
        lambda_.create_event_source_mapping(
            FunctionName=name,
            EventSourceArn=arn_of(self.sqs, queue_url),
            BatchSize=10,
            FunctionResponseTypes=["ReportBatchItemFailures"],
        )


class ModelRig:
    """The models, in virtual time."""

    name = "model"

    def __init__(self, traveller: time_machine.Traveller) -> None:
        self._scheduler = Scheduler(1_792_000_000.0, traveller)
        self._random = Random(1)
        self._service = Sqs(self._scheduler.time, self._random)
        self.sqs = client_of("sqs", lambda _, operation, request: self._service.call(operation, request))

    def wait(self, seconds: float) -> None:
        self._scheduler.let_pass(seconds)

    def work(self, queue_url: str, log_url: str) -> None:
        scope: dict[str, Any] = {}
        exec(HANDLER, scope)  # noqa: S102 - the very text that runs on Lambda
        scope["time"] = self._scheduler
        ids = itertools.count()

        def report(text: str) -> None:
            self.sqs.send_message(
                QueueUrl=log_url, MessageBody=text, MessageGroupId="log", MessageDeduplicationId=str(next(ids))
            )

        def build(_: object) -> Callable[[dict[str, Any], Any], Any]:
            return lambda event, _: scope["handle"](event, report)

        history = History(self._scheduler.time, self._scheduler.who)
        world: Any = None
        functions = Functions(self._scheduler, self._random, Faults(self._random), history, lambda: world)
        functions.add("worker", build, FUNCTION_SECONDS)
        mapping = EventSourceMapping(functions, self._service, self._service.queues[queue_url], "worker", 10, 1)
        mapping.wake()


@contextmanager
def model_target() -> Iterator[ModelRig]:
    with time_machine.travel(1_792_000_000.0, tick=False) as traveller:
        yield ModelRig(traveller)


def make_queue(target: Target, dead_letter_queue: str | None = None, max_receive_count: int = 2) -> str:
    """A FIFO queue as the CDK app makes them; its url."""
    attributes = {
        "FifoQueue": "true",
        "ContentBasedDeduplication": "true",
        "DeduplicationScope": "messageGroup",
        "FifoThroughputLimit": "perMessageGroupId",
        "VisibilityTimeout": str(VISIBILITY_SECONDS),
    }
    if dead_letter_queue:
        policy = {"deadLetterTargetArn": arn_of(target.sqs, dead_letter_queue), "maxReceiveCount": max_receive_count}
        attributes["RedrivePolicy"] = json.dumps(policy)
    url: str = target.sqs.create_queue(QueueName=f"t-{uuid.uuid4().hex[:8]}.fifo", Attributes=attributes)["QueueUrl"]
    return url


def arn_of(sqs: Any, queue_url: str) -> str:
    answer = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    return str(answer["Attributes"]["QueueArn"])


def _zip_of(name: str, text: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, text)
    return file.getvalue()
