"""Real boto3 clients whose requests end in the models, in the process, and never on a network.

boto3 builds and checks the request, parses the answer, raises its errors and retries, as in production.
"""

import json
import time
from collections.abc import Callable, Mapping
from functools import cache
from io import BytesIO
from random import Random
from threading import Lock
from typing import Any, Protocol

import boto3
import botocore.session
from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from botocore.config import Config

from comanda.adapters.runtime.world import CLIENT_CONFIG
from tests.simulation import lambda_service, s3_wire
from tests.simulation.dynamodb import DynamoDB
from tests.simulation.endpoint import shorten
from tests.simulation.errors import AwsError
from tests.simulation.s3 import S3
from tests.simulation.sqs import Sqs
from tests.strict.layer import unwatch


class Service(Protocol):
    def call(self, operation: str, request: Mapping[str, Any], /) -> dict[str, Any]: ...


class InProcess:
    """A session whose services are the models, in real time: for tests that also run on moto and on the emulator."""

    def __init__(self) -> None:
        self._services: dict[str, Service] = {
            "dynamodb": DynamoDB(time.time),
            "sqs": Sqs(time.time, Random(1)),
            "s3": S3(time.time, Random(1)),
        }
        self._one_at_a_time = Lock()

    def client(self, service: str, config: Config = CLIENT_CONFIG) -> Any:
        return client_of(service, self._answer, config)

    def _answer(self, service: str, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        with self._one_at_a_time:
            return self._services[service].call(operation, request)


Answer = Callable[[str, str, Mapping[str, Any]], dict[str, Any]]
"""Service name, operation and request; may raise AwsError, or any botocore error as a network would."""


IN_JSON = {"dynamodb", "sqs"}
"""Services that are asked and answer in a body of JSON; those of the others are also in addresses and headers."""


@cache
def _session() -> boto3.Session:
    """The strict layer is in the models' doors: what goes through a client is not looked at twice."""
    session = botocore.session.Session()
    unwatch(session)
    return boto3.Session("simulated", "simulated", region_name="us-east-1", botocore_session=session)


def client_of(service: str, answer: Answer, config: Config = CLIENT_CONFIG) -> Any:
    """A client set up as in production; with a short user agent, and no signatures or checksums but in S3's links, for
    nobody would look at them."""

    def send(request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse:
        operation = event_name.rpartition(".")[2]
        if service == "s3":
            return _Answer(request.url, *_answered_by_s3(answer, operation, request))
        return _Answer(request.url, *_answered_by_lambda(answer, operation, request))

    config = config.merge(Config(user_agent="simulated", request_checksum_calculation="when_required"))
    if service != "s3":
        config = config.merge(Config(signature_version=UNSIGNED))
    client = _session().client(service, config=config)  # type: ignore[call-overload]
    if service in IN_JSON:
        shorten(client, lambda operation, body: _Answer(None, *_answered(answer, service, operation, body)))
    else:
        client.meta.events.register(f"before-send.{service}.*", send)
    return client


def _answered(answer: Answer, service: str, operation: str, request: bytes) -> s3_wire.Answer:
    """In JSON."""
    try:
        body = answer(service, operation, json.loads(request))
    except AwsError as error:
        body = {"__type": f"com.amazonaws.{service}#{error.code}", "message": error.message, **error.fields}
        return error.status, {}, json.dumps(body).encode()
    return 200, {}, json.dumps(body).encode()


def _answered_by_s3(answer: Answer, operation: str, request: AWSPreparedRequest) -> s3_wire.Answer:
    try:
        return s3_wire.answer_of(operation, answer("s3", operation, s3_wire.request_of(operation, request)))
    except AwsError as error:
        return s3_wire.error_of(operation, error)


def _answered_by_lambda(answer: Answer, operation: str, request: AWSPreparedRequest) -> s3_wire.Answer:
    try:
        body = answer("lambda", operation, lambda_service.request_of(operation, request))
    except AwsError as error:
        return error.status, {"x-amzn-ErrorType": error.code}, json.dumps({"Message": error.message}).encode()
    return (202, {}, b"") if operation == "Invoke" else (200, {}, json.dumps(body).encode())


class _Answer(AWSResponse):
    """An answer whose body is there already."""

    def __init__(self, url: str | None, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(url, status, HeadersDict(headers), BytesIO(body))  # type: ignore[arg-type]
        self._body = body

    @property
    def content(self) -> bytes:
        return self._body
