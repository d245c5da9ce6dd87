"""Links that need no token: whoever has one may download that report, until the link expires.

    <base64url of {"exp": …, "key": …, "report_id": …}>.<base64url of its HMAC-SHA-256>

It goes into notifications, which outlive the presigned link of a file by days: following it signs a fresh one.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from comanda.domain.shared.canonical import canonical_json
from comanda.domain.shared.errors import Expired, NotFound

MAX_TOKEN = 1024
"""Characters. Ours have about 200, and grow with the id of the key alone."""


@dataclass(frozen=True)
class LinkKeys:
    """The keys there are by id, and the one that signs. The others are known until their last link has expired."""

    current: str
    by_id: Mapping[str, str]


def link_token(report_id: str, expires_at: datetime, keys: LinkKeys) -> str:
    """Visible ASCII that stands in a path as it is. `expires_at` counts to the second."""
    claims = {"exp": int(expires_at.timestamp()), "key": keys.current, "report_id": report_id}
    payload = _text(canonical_json(claims).encode())
    return f"{payload}.{_signature(payload, keys.by_id[keys.current])}"


def report_of_link(token: str, keys: LinkKeys, now: datetime) -> str:
    """The report's id. Raises NotFound for what was not signed by us, and Expired."""
    payload, _, signature = token.partition(".")
    if len(token) > MAX_TOKEN or not token.isascii() or not _is_signed(payload, signature, keys):
        raise NotFound("there is no such link")
    claims = json.loads(_bytes(payload))
    if now.timestamp() >= claims["exp"]:
        raise Expired("this link has expired")
    report_id: str = claims["report_id"]
    return report_id


def _is_signed(payload: str, signature: str, keys: LinkKeys) -> bool:
    """By whichever key: there are two at most, and what names the key is no more to be trusted than the rest, so that
    nothing of a payload is parsed before its signature is known to be ours."""
    return any(hmac.compare_digest(_signature(payload, key), signature) for key in keys.by_id.values())


def _signature(payload: str, key: str) -> str:
    """Over the text itself, and compared as text: a payload or signature with other bits has no second spelling."""
    return _text(hmac.digest(key.encode(), payload.encode(), hashlib.sha256))


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
