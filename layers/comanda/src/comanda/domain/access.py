"""Who calls: bearer tokens, and what each may do.

A token is `<id>.<secret>`. Only the SHA-256 of the secret is kept: the secret is 256 random bits, so that a slow
password hash would add nothing (OWASP Password Storage Cheat Sheet is about secrets that people choose).
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypedDict

from comanda.domain.errors import Forbidden
from comanda.domain.times import to_iso

_CALLER_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_TOKEN = re.compile(r"([0-9a-f]{16})\.([A-Za-z0-9_-]{43})")
_NOBODY = "0" * 64

CANARY = "canary"
"""The caller whose orders only prove that orders get through; they are counted nowhere."""


class Origin(StrEnum):
    """Where a caller's orders come from (A1). Taken from the token, never from a body."""

    WEB = "web"
    MOBILE = "mobile"
    API = "api"


class Scope(StrEnum):
    """What a token may do."""

    ORDERS_WRITE = "orders:write"
    ORDERS_READ = "orders:read"
    ORDERS_READ_ALL = "orders:read-all"
    LEDGER_READ = "ledger:read"


class TokenRecord(TypedDict):
    """What is kept of a token, under its id."""

    name: str
    origin: str
    scopes: list[str]
    sha256: str
    created_at: str


@dataclass(frozen=True)
class Caller:
    """The one who calls, known by the token's name, which stays the same when the token is rotated (P2)."""

    name: str
    origin: Origin
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes

    def require(self, scope: Scope) -> None:
        """Raises Forbidden where the caller's token lacks the scope."""
        if not self.may(scope):
            raise Forbidden(f"this needs a token with the scope {scope}")


def check_caller_name(name: str) -> None:
    """Raises ValueError for a name that is not 1 to 40 lower-case letters, digits or hyphens."""
    if not _CALLER_NAME.fullmatch(name):
        raise ValueError(f"a caller's name is 1 to 40 lower-case letters, digits or hyphens, not {name!r}")


def issue_token(name: str, origin: Origin, scopes: Iterable[Scope], now: datetime) -> tuple[str, str, TokenRecord]:
    """Make a token: the bearer string (shown once), its id, and the record to keep.

    Raises ValueError for a bad name, and where no scope is given.
    """
    check_caller_name(name)
    granted = sorted(Scope(scope).value for scope in scopes)
    if not granted:
        raise ValueError("a token needs at least one scope")
    token_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    record = TokenRecord(
        name=name, origin=Origin(origin).value, scopes=granted, sha256=_digest(secret), created_at=to_iso(now)
    )
    return f"{token_id}.{secret}", token_id, record


def authenticate(bearer: str, records: Mapping[str, TokenRecord]) -> Caller | None:
    """The caller a bearer token stands for, or None. Looked up by id, compared in constant time."""
    match = _TOKEN.fullmatch(bearer)
    if match is None:
        return None
    token_id, secret = match.groups()
    record = records.get(token_id)
    kept = record["sha256"] if record else _NOBODY
    if not hmac.compare_digest(kept, _digest(secret)) or record is None:
        return None
    return Caller(record["name"], Origin(record["origin"]), frozenset(Scope(scope) for scope in record["scopes"]))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
