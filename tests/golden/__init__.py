"""Events in the form that AWS documents, made from the files in this folder (README.md says which document each
follows). A test names only what it is about."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from comanda.adapters.aws.values import to_dynamodb
from comanda.adapters.runtime.caller_context import context_of
from comanda.domain.shared.access import Caller

FOLDER = Path(__file__).parent
ROUTES = (
    "/orders",
    "/orders/{order_id}",
    "/orders/{order_id}/cancel",
    "/recipients/{recipient_id}",
    "/recipients/{recipient_id}/entries",
    "/reports",
    "/reports/uploads",
    "/reports/{report_id}",
    "/reports/{report_id}/download",
    "/reports/{report_id}/cancel",
    "/links/{token}",
    "/health",
    "/ready",
)
"""API Gateway's resources, literal ones before those with a parameter; tests/infra compares."""
EDGE_HEADERS = ("Host", "User-Agent", "X-Amzn-Trace-Id", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto")
"""What is there whatever the client sends."""

Pairs = Iterable[tuple[str, str]]


@cache
def _text_of(name: str) -> str:
    return (FOLDER / f"{name}.json").read_text()


@cache
def _shared(name: str) -> Any:
    return json.loads(_text_of(name))


def golden(name: str) -> dict[str, Any]:
    """The event of a file; the caller's own."""
    event: dict[str, Any] = json.loads(_text_of(name))
    return event


def on_the_wire(path: str) -> str:
    """A path as a careful client sends it (RFC 3986, 2.1): all but unreserved characters are percent-encoded."""
    return "/".join(quote(segment, safe="") for segment in path.split("/"))


def rest_event(
    method: str,
    wire_path: str,
    *,
    headers: Pairs = (),
    query: Pairs = (),
    body: str | bytes | None = None,
    caller: Caller | None = None,
) -> dict[str, Any]:
    """A request to the REST API. `wire_path` is the path as it was sent; the query comes decoded. A body of bytes comes
    as base64, as for a binary media type. Without a `caller`, the route has no authorizer."""
    event = golden("rest-proxy")
    template, parameters = _route_of(wire_path)
    edge = [(name, event["headers"][name]) for name in EDGE_HEADERS]
    sent, asked = _grouped([*headers, *edge]), _grouped(query)
    context = event["requestContext"]
    context |= {"httpMethod": method, "path": f"/v1{wire_path}", "resourcePath": template}
    if caller is None:
        del context["authorizer"]
    else:
        context["authorizer"] = {**context["authorizer"], **context_of(caller), "principalId": caller.name}
    return event | {
        "resource": template,
        "path": wire_path,
        "httpMethod": method,
        "headers": _last_of(sent),
        "multiValueHeaders": sent,
        "queryStringParameters": _last_of(asked) or None,
        "multiValueQueryStringParameters": asked or None,
        "pathParameters": parameters or None,
        "body": base64.b64encode(body).decode() if isinstance(body, bytes) else body,
        "isBase64Encoded": isinstance(body, bytes),
    }


def token_event(header: str, arn: str | None = None) -> dict[str, Any]:
    event = golden("token-authorizer")
    return event | {"authorizationToken": header, "methodArn": arn or event["methodArn"]}


def handshake_event(headers: Pairs, query: Pairs = (), arn: str | None = None) -> dict[str, Any]:
    """What the authorizer of a WebSocket API is asked."""
    event, asked = golden("websocket-authorizer"), _grouped(query)
    return (
        event
        | _handshake(event, headers)
        | {
            "methodArn": arn or event["methodArn"],
            "queryStringParameters": _last_of(asked),
            "multiValueQueryStringParameters": asked,
        }
    )


def websocket_event(
    event_type: str,
    connection_id: str,
    *,
    caller: Caller | None = None,
    headers: Pairs = (),
    body: str | None = None,
    route: str | None = None,
) -> dict[str, Any]:
    """CONNECT, MESSAGE or DISCONNECT of a connection."""
    event = golden(f"websocket-{event_type.lower()}")
    context = event["requestContext"]
    context |= {"connectionId": connection_id, "routeKey": route or context["routeKey"]}
    if caller is not None:
        context["authorizer"] |= {**context_of(caller), "principalId": caller.name}
    if event_type == "CONNECT":
        event |= _handshake(event, headers)
    if event_type == "MESSAGE":
        event["body"] = body
    return event


def sqs_record(message: Mapping[str, Any], queue_arn: str | None = None) -> dict[str, Any]:
    """A message, as ReceiveMessage gives it, as the event source mapping hands it over."""
    form = _shared("sqs-fifo")["Records"][0]
    attribute = form["messageAttributes"]["correlation_id"]
    named = message.get("MessageAttributes", {})
    record = {
        **form,
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message["Attributes"]),
        "messageAttributes": {
            name: {**attribute, "stringValue": value["StringValue"], "dataType": value["DataType"]}
            for name, value in named.items()
        },
        "md5OfBody": hashlib.md5(message["Body"].encode(errors="replace"), usedforsecurity=False).hexdigest(),
        "eventSourceARN": queue_arn or form["eventSourceARN"],
    }
    if not named:
        del record["md5OfMessageAttributes"]
    return record


def stream_record(
    key: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    *,
    sequence: int | None = None,
    table: str | None = None,
) -> dict[str, Any]:
    """A write of a row, as the event source mapping of a table's stream hands it over. Key and images are DynamoDB's
    own JSON, `{"S": …}`."""
    form = _shared("dynamodb-stream")["Records"][0]
    images = {"NewImage": after, "OldImage": before}
    written = form["dynamodb"] | {"Keys": dict(key), **images}
    if sequence is not None:
        written["SequenceNumber"] = f"{sequence:021d}"
    record: dict[str, Any] = {
        **form,
        "eventName": "INSERT" if not before else "MODIFY" if after else "REMOVE",
        "dynamodb": {name: value for name, value in written.items() if name not in images or value},
    }
    if table is not None:
        record["eventID"] = f"{table}-{sequence}"
        record["eventSourceARN"] = form["eventSourceARN"].replace("comanda-dev-orders", table)
    return record


def row_record(key: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, Any]:
    """The same, of rows as the tables' modules make them; `key` names the key attribute."""
    row = after or before or {}
    images = (to_dynamodb(image) if image else None for image in (before, after))
    return stream_record(to_dynamodb({key: row[key]}), *images)


def scheduled_event() -> dict[str, Any]:
    return golden("scheduler")


def _handshake(event: Mapping[str, Any], headers: Pairs) -> dict[str, Any]:
    """Those of the golden event that no client chooses, and the given ones."""
    ours = [pair for pair in event["headers"].items() if pair[0] not in {"Sec-WebSocket-Protocol", "Origin"}]
    sent = _grouped([*headers, *ours])
    return {"headers": _last_of(sent), "multiValueHeaders": sent}


def _route_of(wire_path: str) -> tuple[str, dict[str, str]]:
    segments = wire_path.split("/")
    for template in ROUTES:
        parts = template.split("/")
        if len(parts) == len(segments) and all(
            (part.startswith("{") and segment) or part == segment for part, segment in zip(parts, segments, strict=True)
        ):
            named = zip(parts, segments, strict=True)
            return template, {part[1:-1]: segment for part, segment in named if part.startswith("{")}
    return "/{proxy+}", {"proxy": wire_path.lstrip("/")}


def _grouped(pairs: Pairs) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped


def _last_of(grouped: Mapping[str, list[str]]) -> dict[str, str]:
    return {name: values[-1] for name, values in grouped.items()}
