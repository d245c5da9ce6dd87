"""From the bytes of a request to JSON that can be trusted."""

import base64
import binascii
from email.message import Message
from typing import Any

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from comanda.adapters.http.given import header
from comanda.domain.shared.errors import MalformedRequest, PayloadTooLarge, UnsupportedMediaType
from comanda.domain.shared.strict_json import NotStrictJson, parse_json

MAX_BODY_BYTES = 256 * 1024
_JSON_PLEASE = "send it as Content-Type: application/json, in UTF-8"


def json_object(event: APIGatewayProxyEvent, max_bytes: int = MAX_BODY_BYTES) -> dict[str, Any]:
    """The body of a request as a JSON object.

    Raises UnsupportedMediaType, PayloadTooLarge, MalformedRequest; each says what to send instead.
    """
    _check_content_type(header(event, "content-type") or "")
    return object_of(_text(event, max_bytes), "body", '{"items": [{"sku": "ABC", "qty": 2}]}')


def object_of(text: str, what: str, example: str) -> dict[str, Any]:
    """A JSON object. Raises MalformedRequest, which says what is wrong with the body, message or `what` it is."""
    try:
        value = parse_json(text)
    except NotStrictJson as error:
        raise MalformedRequest(f"the {what} {error}") from None
    if not isinstance(value, dict):
        raise MalformedRequest(f"the {what} is to be a JSON object, such as {example}")
    return value


def _check_content_type(header_line: str) -> None:
    if not header_line.isascii():
        raise UnsupportedMediaType(_JSON_PLEASE)
    message = Message()
    message["content-type"] = header_line
    charset = message.get_param("charset", "utf-8")
    if not header_line or message.get_content_type() != "application/json" or str(charset).lower() != "utf-8":
        raise UnsupportedMediaType(_JSON_PLEASE)


def _text(event: APIGatewayProxyEvent, max_bytes: int) -> str:
    body = event.body
    if not body:
        raise MalformedRequest("the body is empty; send a JSON object")
    try:
        raw = base64.b64decode(body, validate=True) if event.is_base64_encoded else body.encode()
        text = raw.decode()
    except (binascii.Error, UnicodeError):
        raise MalformedRequest("the body is not UTF-8") from None
    if len(raw) > max_bytes:
        raise PayloadTooLarge(f"the body has {len(raw)} bytes; at most {max_bytes} are taken")
    if "\ufffd" in text:  # What API Gateway puts in the place of bytes that are not UTF-8.
        raise MalformedRequest("the body is not UTF-8, or holds the replacement character U+FFFD")
    return text
