"""Real boto3 clients whose requests end in the models, in the process, and never on a network.

boto3 builds and checks the request, parses the answer, raises its errors and retries, as in production.
"""

import json
import time
from collections.abc import Callable, Mapping
from functools import cache
from random import Random
from typing import Any, Protocol

import boto3
from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from botocore.config import Config

from comanda.adapters.world import CLIENT_CONFIG
from tests.simulation.dynamodb import DynamoDB
from tests.simulation.errors import AwsError
from tests.simulation.sqs import Sqs


class Service(Protocol):
    def call(self, operation: str, request: Mapping[str, Any], /) -> dict[str, Any]: ...


class InProcess:
    """A session whose services are the models, in real time: for tests that also run on moto and on the emulator."""

    def __init__(self) -> None:
        self._services: dict[str, Service] = {"dynamodb": DynamoDB(time.time), "sqs": Sqs(time.time, Random(1))}

    def client(self, service: str) -> Any:
        return client_of(service, lambda name, operation, request: self._services[name].call(operation, request))


Answer = Callable[[str, str, Mapping[str, Any]], dict[str, Any]]
"""Service name, operation and request; may raise AwsError, or any botocore error as a network would."""


@cache
def _session() -> boto3.Session:
    return boto3.Session(region_name="us-east-1")


def client_of(service: str, answer: Answer) -> Any:
    """A client set up as in production; unsigned and with a short user agent, for nobody would look at either."""

    def send(request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse:
        operation = event_name.rpartition(".")[2]
        asked = json.loads(request.body or b"{}")  # type: ignore[arg-type]
        try:
            return _Answer(request, 200, answer(service, operation, asked))
        except AwsError as error:
            body = {"__type": f"com.amazonaws.{service}#{error.code}", "message": error.message, **error.fields}
            return _Answer(request, error.status, body)

    config = CLIENT_CONFIG.merge(Config(signature_version=UNSIGNED, user_agent="simulated"))
    client = _session().client(service, config=config)  # type: ignore[call-overload]
    client.meta.events.register(f"before-send.{service}.*", send)
    return client


class _Answer(AWSResponse):
    """An answer whose body is there already."""

    def __init__(self, request: AWSPreparedRequest, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(request.url, status, HeadersDict(), None)  # type: ignore[arg-type]
        self._body = json.dumps(body).encode()

    @property
    def content(self) -> bytes:
        return self._body
