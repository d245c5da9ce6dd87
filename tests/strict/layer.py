"""The layer itself: before each call to DynamoDB or SQS that boto3 makes in this process."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

import botocore
import botocore.session
from botocore.awsrequest import AWSResponse, HeadersDict

from tests.strict import dynamodb, dynamodb_tables, sqs
from tests.strict.refusals import Refusal, note

Check = Callable[[str, Mapping[str, Any]], None]
CHECKS: Mapping[str, Check] = {"dynamodb": dynamodb.check, "sqs": sqs.check}
"""By botocore's name of the service; each raises Refusal."""

_IS_ON = "tests.strict"


@cache
def install() -> None:
    """Whatever session is made from now on in this process, by whomever, has the layer."""
    botocore.register_initializer(watch)


def watch(session: botocore.session.Session) -> None:
    """The clients of this session have the layer."""
    for service in CHECKS:
        session.register(f"before-call.{service}", _before_call, unique_id=f"{_IS_ON}.{service}")


def unwatch(session: botocore.session.Session) -> None:
    """The clients of this session have not: what answers them looks by itself."""
    for service in CHECKS:
        session.unregister(f"before-call.{service}", _before_call, unique_id=f"{_IS_ON}.{service}")


def check(service: str, operation: str, request: Mapping[str, Any]) -> None:
    """Look at a request as it is on the wire. Raises Refusal, and keeps it in mind."""
    try:
        CHECKS[service](operation, request)
    except Refusal as refusal:
        note(refusal)
        raise
    if service == "dynamodb":
        dynamodb_tables.learn(operation, request)


def _before_call(**given: Any) -> Any:
    """What botocore takes for the service's answer; nothing where the call may go on."""
    model, params = given["model"], given["params"]
    try:
        check(model.service_model.service_name, model.name, json.loads(params["body"]))
    except Refusal as refusal:
        return _answer_of(refusal, params.get("url", ""))
    return None


def _answer_of(refusal: Refusal, url: str) -> tuple[AWSResponse, dict[str, Any]]:
    status = HTTPStatus.BAD_REQUEST
    answer = AWSResponse(url, status, HeadersDict(), None)  # type: ignore[arg-type]
    metadata: dict[str, Any] = {"HTTPStatusCode": status.value, "HTTPHeaders": {}, "RetryAttempts": 0}
    return answer, {"Error": {"Code": refusal.code, "Message": str(refusal)}, "ResponseMetadata": metadata}
