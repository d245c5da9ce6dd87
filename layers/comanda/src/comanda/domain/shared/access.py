"""Who calls: bearer tokens, and what each may do. The one table of rights (RIGHTS) holds for HTTP, WebSockets and the
CLI alike.

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

from comanda.domain.shared.errors import Forbidden
from comanda.domain.shared.times import to_iso

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
    """What a token was given. What each opens, RIGHTS says."""

    ORDERS_WRITE = "orders:write"
    ORDERS_CANCEL = "orders:cancel"
    ORDERS_READ = "orders:read"
    ORDERS_READ_ALL = "orders:read-all"
    REPORTS_WRITE = "reports:write"
    LEDGER_READ = "ledger:read"
    OPS = "ops"
    """Every right there is, whosever the thing is."""


CLIENT_SCOPES = frozenset({Scope.ORDERS_WRITE, Scope.ORDERS_READ, Scope.REPORTS_WRITE})
"""What a client gets where nobody says otherwise: all about what is its own."""


class Action(StrEnum):
    """Whatever a caller can ask for."""

    SUBMIT_ORDER = "submit an order"
    READ_ORDER = "read an order"
    CANCEL_ORDER = "cancel an order"
    REQUEST_REPORT = "request a report"
    UPLOAD_TABLE = "upload a table"
    READ_REPORT = "read a report"
    CANCEL_REPORT = "cancel a report"
    READ_LEDGER = "read a recipient's balance and entries"
    FOLLOW_RECIPIENT = "subscribe to a recipient"


class Whose(StrEnum):
    """Whose order or report an action is about. A ledger is no caller's: everybody's orders stand in it."""

    OWN = "own"
    OTHERS = "another caller's"


Grant = tuple[frozenset[Scope], ...]
"""Alternatives, each of scopes that are needed together. Without any, only `ops` will do."""

ONLY_OPS: Grant = ()


def _any_of(*alternatives: set[Scope]) -> Grant:
    return tuple(map(frozenset, alternatives))


_READ = _any_of({Scope.ORDERS_READ})
_READ_ALL = _any_of({Scope.ORDERS_READ, Scope.ORDERS_READ_ALL})
_WRITE_REPORTS = _any_of({Scope.REPORTS_WRITE})
_LEDGER = _any_of({Scope.LEDGER_READ})
_EVERY_ORDER_OF_A_RECIPIENT = _any_of({Scope.LEDGER_READ, Scope.ORDERS_READ_ALL})

RIGHTS: Mapping[Action, Mapping[Whose, Grant]] = {
    Action.SUBMIT_ORDER: {Whose.OWN: _any_of({Scope.ORDERS_WRITE})},
    Action.READ_ORDER: {Whose.OWN: _READ, Whose.OTHERS: _READ_ALL},
    # Who may submit an order may take it back, as ever (docs/decisions/0016).
    Action.CANCEL_ORDER: {
        Whose.OWN: _any_of({Scope.ORDERS_CANCEL}, {Scope.ORDERS_WRITE}),
        Whose.OTHERS: ONLY_OPS,
    },
    Action.REQUEST_REPORT: {Whose.OWN: _WRITE_REPORTS},
    Action.UPLOAD_TABLE: {Whose.OWN: _WRITE_REPORTS},
    Action.READ_REPORT: {Whose.OWN: _READ, Whose.OTHERS: _READ_ALL},
    Action.CANCEL_REPORT: {Whose.OWN: _WRITE_REPORTS, Whose.OTHERS: ONLY_OPS},
    Action.READ_LEDGER: {Whose.OWN: _LEDGER, Whose.OTHERS: _LEDGER},
    Action.FOLLOW_RECIPIENT: {Whose.OWN: _EVERY_ORDER_OF_A_RECIPIENT, Whose.OTHERS: _EVERY_ORDER_OF_A_RECIPIENT},
}
"""Action x whose x scopes: every right there is. None follows from another, and least of all from what one can see.
Nobody makes anything in another caller's name."""


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

    def whose(self, owner: str | None) -> Whose:
        """Whose a thing is, as this caller sees it. None: nobody knows."""
        return Whose.OWN if owner == self.name else Whose.OTHERS

    def may(self, action: Action, whose: Whose = Whose.OWN) -> bool:
        grant = RIGHTS[action].get(whose)
        return grant is not None and (Scope.OPS in self.scopes or any(needed <= self.scopes for needed in grant))

    def require(self, action: Action, whose: Whose = Whose.OWN) -> None:
        """Raises Forbidden, which names the scopes that would do."""
        if not self.may(action, whose):
            raise Forbidden(f"this needs a token with the scope {needed_for(action, whose)}")


def needed_for(action: Action, whose: Whose) -> str:
    """The scopes that open an action, in words, or `nothing` where none does. What one opens, `ops` opens too."""
    grant = RIGHTS[action].get(whose)
    if grant is None:
        return "nothing"
    return ", or ".join(" and ".join(sorted(scopes)) for scopes in grant) or Scope.OPS.value


def known_scopes(names: Iterable[str]) -> frozenset[Scope]:
    """What a release does not know opens nothing in it: a newer one may have written it."""
    given = frozenset(names)
    return frozenset(scope for scope in Scope if scope.value in given)


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


def with_scopes(record: TokenRecord, scopes: Iterable[Scope]) -> TokenRecord:
    """The same token, which may do more. A scope that this release does not know stays."""
    granted = sorted({*record["scopes"], *(Scope(scope).value for scope in scopes)})
    return TokenRecord(**{**record, "scopes": granted})


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
    return Caller(record["name"], Origin(record["origin"]), known_scopes(record["scopes"]))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
