"""The request that opens a WebSocket ("RFC 6455", 4.1). Browsers cannot send an Authorization header with it; they can
name subprotocols, of which the server takes one."""

import re
from collections.abc import Mapping
from typing import Any

SUBPROTOCOL = "comanda"
"""Named beside `bearer.<token>`, and the one that is taken."""

_BEARER_HEADER = re.compile(r"bearer +(\S+)", re.IGNORECASE)
_BEARER_PROTOCOL = "bearer."


def bearer_in(event: Mapping[str, Any]) -> str | None:
    """The token of a $connect event. None too where the address has a query: addresses end up in logs and histories,
    and whoever puts a token there is to find out at once."""
    if event.get("queryStringParameters"):
        return None
    headers = _headers_of(event)
    if header := _BEARER_HEADER.fullmatch(headers.get("authorization", "")):
        return header[1]
    protocols = _protocols_in(headers)
    tokens = [name.removeprefix(_BEARER_PROTOCOL) for name in protocols if name.startswith(_BEARER_PROTOCOL)]
    return tokens[0] if len(tokens) == 1 and SUBPROTOCOL in protocols else None


def protocol_answer(event: Mapping[str, Any]) -> dict[str, str]:
    """The headers to answer with: a browser that named subprotocols closes the connection where none is taken."""
    return {"Sec-WebSocket-Protocol": SUBPROTOCOL} if SUBPROTOCOL in _protocols_in(_headers_of(event)) else {}


def _headers_of(event: Mapping[str, Any]) -> dict[str, str]:
    """API Gateway passes names on as the client wrote them."""
    return {name.lower(): value for name, value in (event.get("headers") or {}).items()}


def _protocols_in(headers: Mapping[str, str]) -> list[str]:
    return [name.strip() for name in headers.get("sec-websocket-protocol", "").split(",")]
