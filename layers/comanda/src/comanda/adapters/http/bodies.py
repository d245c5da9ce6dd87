"""From the bytes of a request to JSON that can be trusted: one meaning only, and nothing rounded.

Plain `json.loads` takes the last of two equal keys, reads money as float and lets NaN in; RFC 8259 (section 4) calls
the first unpredictable.
"""

import base64
import binascii
import json
from decimal import Decimal
from email.message import Message
from typing import Any

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from comanda.domain.errors import MalformedRequest, PayloadTooLarge, UnsupportedMediaType

MAX_BODY_BYTES = 256 * 1024


def json_object(event: APIGatewayProxyEvent, max_bytes: int = MAX_BODY_BYTES) -> dict[str, Any]:
    """The body of a request as a JSON object.

    Raises UnsupportedMediaType, PayloadTooLarge, MalformedRequest; each says what to send instead.
    """
    _check_content_type(event.headers.get("content-type") or "")
    return object_of(_text(event, max_bytes), "body", '{"items": [{"sku": "ABC", "qty": 2}]}')


def object_of(text: str, what: str, example: str) -> dict[str, Any]:
    """A JSON object. Raises MalformedRequest, which says what is wrong with the body, message or `what` it is."""
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_float=Decimal, parse_constant=_no_constant)
    except RecursionError:
        raise MalformedRequest(f"the {what} is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise MalformedRequest(f"the {what} is not JSON: {error.msg} at character {error.pos}") from None
    except ValueError:  # Python refuses to convert numbers of more than 4300 digits.
        raise MalformedRequest(f"the {what} holds a number with too many digits") from None
    if not isinstance(value, dict):
        raise MalformedRequest(f"the {what} is to be a JSON object, such as {example}")
    return value


def _check_content_type(header: str) -> None:
    message = Message()
    message["content-type"] = header
    charset = message.get_param("charset", "utf-8")
    if not header or message.get_content_type() != "application/json" or str(charset).lower() != "utf-8":
        raise UnsupportedMediaType("send it as Content-Type: application/json, in UTF-8")


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


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise MalformedRequest(f"the key {twice[:64]!r} stands twice in one object; send it once")
    return fields


def _no_constant(name: str) -> None:
    raise MalformedRequest(f"{name} is not a JSON number")
