"""`Idempotency-Key`: bare, or as the string that the IETF draft asks for ("The Idempotency-Key HTTP Header Field"; the
string is that of RFC 9651, section 3.3.3). Both spellings are one key (docs/decisions/0018)."""

import re
from collections.abc import Mapping
from typing import Any

from comanda.adapters.http.given import header_values
from comanda.domain.shared.access import Caller
from comanda.domain.shared.errors import MalformedRequest
from comanda.domain.shared.identity import HeaderKey, IdempotencyKey, KeySpace

_BARE = re.compile(r"[\x21-\x7e]{1,255}")
_STRING = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_ESCAPED = re.compile(r"\\(.)")
MAX_KEY = 255


def key_header_of(event: Mapping[str, Any]) -> HeaderKey | None:
    """The `Idempotency-Key` or `X-Idempotency-Key`. Raises MalformedRequest for a bad one, or two that differ."""
    given = [text for name in ("idempotency-key", "x-idempotency-key") for text in header_values(event, name)]
    keys = {key.value: key for key in sorted(map(_key_of, given), key=lambda key: key.quoted or "")}
    if len(keys) > 1:
        raise MalformedRequest("Idempotency-Key and X-Idempotency-Key differ, or come twice; send one of them, once")
    return next(iter(keys.values()), None)


def idempotency_key_of(event: Mapping[str, Any], caller: Caller, client_order_id: str | None) -> IdempotencyKey | None:
    """The key of a POST /orders: from the header, else the body's `order_id` (P2). Raises as `key_header_of` does."""
    if (key := key_header_of(event)) is not None:
        return IdempotencyKey(caller.name, KeySpace.HEADER, key.value, key.quoted)
    if client_order_id is not None:
        return IdempotencyKey(caller.name, KeySpace.CLIENT_ORDER_ID, client_order_id)
    return None


def _key_of(text: str) -> HeaderKey:
    if not text.startswith('"'):
        if not _BARE.fullmatch(text):
            raise MalformedRequest("an idempotency key has 1 to 255 visible ASCII characters, such as a UUID")
        return HeaderKey(text)
    string = _STRING.fullmatch(text)
    value = _ESCAPED.sub(r"\1", string[1]) if string else ""
    if not 1 <= len(value) <= MAX_KEY:
        raise MalformedRequest(
            'an idempotency key in quotes has 1 to 255 printable ASCII characters between them, with \\" and \\\\ for '
            "a quote and a backslash, and nothing behind them; or leave the quotes out"
        )
    return HeaderKey(value, text if _BARE.fullmatch(text) else None)
