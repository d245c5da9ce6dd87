"""Every event of the tests has the form that AWS documents: that of a file in tests/golden."""

import re
from typing import Any

import pytest

from comanda.adapters.http.given import header_values
from comanda.adapters.orders import rows as order_rows
from tests.golden import (
    FOLDER,
    golden,
    handshake_event,
    rest_event,
    row_record,
    scheduled_event,
    sqs_record,
    token_event,
    websocket_event,
)
from tests.support.builders import NOW, a_delivery, a_pending_order, an_api_event, an_sqs_event

FREE = {"headers", "multiValueHeaders", "Keys", "NewImage", "OldImage", "messageAttributes"}
"""What in an event has names that are the sender's own."""
MAYBE = {"pathParameters", "queryStringParameters", "multiValueQueryStringParameters", "stageVariables", "body"}
"""What is null where there is none."""
ORDER = a_pending_order()


def form_of(value: Any) -> Any:
    """Names and kinds, at every depth."""
    if isinstance(value, dict):
        return {name: (name if name in FREE | MAYBE else form_of(each)) for name, each in value.items()}
    if isinstance(value, list):
        return [form_of(value[0])] if value else []
    return type(value).__name__


MADE = [
    ("rest-proxy", an_api_event("GET", "/recipients/loja:centro/entries", query={"limit": "1"})),
    ("rest-proxy", an_api_event(body={"a": 1})),
    ("token-authorizer", token_event("Bearer x")),
    ("websocket-authorizer", handshake_event([("Authorization", "Bearer x")])),
    ("websocket-connect", websocket_event("CONNECT", "c-9")),
    ("websocket-message", websocket_event("MESSAGE", "c-9", body="{}")),
    ("websocket-disconnect", websocket_event("DISCONNECT", "c-9")),
    ("sqs-fifo", an_sqs_event(a_delivery(ORDER))),
    ("dynamodb-stream", {"Records": [row_record("order_id", order_rows.to_row(ORDER), order_rows.to_row(ORDER))]}),
    ("scheduler", scheduled_event()),
]


@pytest.mark.parametrize(("name", "event"), MADE)
def test_an_event_that_is_made_has_the_form_of_its_file(name: str, event: dict[str, Any]) -> None:
    assert form_of(event) == form_of(golden(name))


def test_every_file_is_used_and_named_with_the_document_it_follows() -> None:
    table = re.findall(r"^\| `([a-z-]+)\.json` \| [^|]+ \| [^|]+ \|$", (FOLDER / "README.md").read_text(), re.MULTILINE)
    files = {path.stem for path in FOLDER.glob("*.json")}
    assert (sorted(table), {name for name, _ in MADE}) == (sorted(files), files)


def test_the_golden_request_is_what_the_builder_makes_of_it() -> None:
    event = golden("rest-proxy")
    pairs = [(name, value) for name, values in event["multiValueHeaders"].items() for value in values]
    made = rest_event("GET", event["path"], headers=pairs[:1] + pairs[4:6], query=[("limit", "1"), ("limit", "2")])
    assert made["multiValueHeaders"] == event["multiValueHeaders"]
    for name in ("headers", "queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "resource"):
        assert made[name] == event[name], name
    assert header_values(event, "x-correlation-id") == ["first", "second"]


def test_the_last_of_repeated_headers_stands_in_headers_and_all_in_the_other() -> None:
    event = rest_event("GET", "/health", headers=[("A", "1"), ("a", "2"), ("A", "3")])
    assert (event["headers"]["A"], event["headers"]["a"]) == ("3", "2")
    assert event["multiValueHeaders"]["A"] == ["1", "3"]


def test_a_message_without_attributes_has_no_checksum_of_them() -> None:
    message = {"MessageId": "m", "ReceiptHandle": "r", "Body": "b", "Attributes": {"SentTimestamp": str(NOW)}}
    record = sqs_record(message)
    assert (record["messageAttributes"], "md5OfMessageAttributes" in record) == ({}, False)
