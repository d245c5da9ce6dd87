"""How a receiver knows that a webhook is ours: Standard Webhooks, version 1, with a shared secret.

The specification is at https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md;
receivers verify with its libraries.
"""

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterable
from datetime import datetime
from typing import NotRequired, TypedDict

from comanda.domain.shared.times import from_iso, to_iso

_PREFIX = "whsec_"
_SECRET_BYTES = 32
"""The specification takes 24 to 64."""


class WebhookSecretRecord(TypedDict):
    """What is kept of a caller's secret. `secret` is `whsec_` and 32 random bytes in Base64."""

    id: str
    secret: str
    created_at: str
    expires_at: NotRequired[str]
    """Since it was rotated."""


def issue_webhook_secret(now: datetime) -> WebhookSecretRecord:
    """A new secret to sign with: `whsec_` and base64 ("Standard Webhooks")."""
    secret = _PREFIX + b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    return WebhookSecretRecord(id=secrets.token_hex(8), secret=secret, created_at=to_iso(now))


def is_valid(record: WebhookSecretRecord, at: datetime) -> bool:
    """Whether a secret is still in use at that time."""
    return "expires_at" not in record or at < from_iso(record["expires_at"])


def retiring(record: WebhookSecretRecord, at: datetime) -> WebhookSecretRecord:
    """The same, valid until then at most."""
    ends = to_iso(at)
    return {**record, "expires_at": min(ends, record.get("expires_at", ends))}


def signed_headers(webhook_id: str, at: datetime, body: bytes, valid_secrets: Iterable[str]) -> dict[str, str]:
    """The headers that go with a body.

    `webhook_id` is the same at every attempt, and what a receiver tells a repeated event by (P10); `at` is the time of
    this attempt, which receivers refuse when it is old. One signature for each secret, so that a receiver may know any
    of them while they are rotated. Raises ValueError for an id with a dot, which would make what is signed ambiguous,
    and where there is no secret.
    """
    if "." in webhook_id:
        raise ValueError("a webhook's id holds no dot")
    timestamp = str(int(at.timestamp()))
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    signatures = [_signature(secret, signed) for secret in valid_secrets]
    if not signatures:
        raise ValueError("a webhook is signed with at least one secret")
    return {"webhook-id": webhook_id, "webhook-timestamp": timestamp, "webhook-signature": " ".join(signatures)}


def _signature(secret: str, signed: bytes) -> str:
    key = b64decode(secret.removeprefix(_PREFIX), validate=True)
    return "v1," + b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
