"""The request that opens a WebSocket ("RFC 6455", 4.1). Browsers cannot send an Authorization header with it; they can
name subprotocols, of which the server takes one."""

import re
from collections.abc import Mapping
from typing import Any

from comanda.adapters.http.given import header_values

SUBPROTOCOL = "comanda"
"""Named beside `bearer.<token>`, and the one that is taken."""

_BEARER_HEADER = re.compile(r"bearer +(\S+)", re.IGNORECASE)
_BEARER_PROTOCOL = "bearer."


def bearer_in(event: Mapping[str, Any]) -> str | None:
    """The token of a $connect event. None too where two tokens differ, and where the address has a query: addresses
    end up in logs and histories, and whoever puts a token there is to find out at once."""
    if event.get("queryStringParameters"):
        return None
    authorizations = set(header_values(event, "authorization"))
    if len(authorizations) > 1:
        return None
    if header := _BEARER_HEADER.fullmatch("".join(authorizations)):
        return header[1]
    protocols = _protocols_in(event)
    tokens = [name.removeprefix(_BEARER_PROTOCOL) for name in protocols if name.startswith(_BEARER_PROTOCOL)]
    return tokens[0] if len(tokens) == 1 and SUBPROTOCOL in protocols else None


def protocol_answer(event: Mapping[str, Any]) -> dict[str, str]:
    """The headers to answer with: a browser that named subprotocols closes the connection where none is taken."""
    return {"Sec-WebSocket-Protocol": SUBPROTOCOL} if SUBPROTOCOL in _protocols_in(event) else {}


def _protocols_in(event: Mapping[str, Any]) -> list[str]:
    """It is a list, in one line or in several."""
    lines = header_values(event, "sec-websocket-protocol")
    return [name.strip() for line in lines for name in line.split(",")]
