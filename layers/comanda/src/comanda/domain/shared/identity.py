"""Ids that follow from what they stand for, so that nothing has to be remembered to find them again (P2)."""

import re
import uuid
from dataclasses import dataclass, replace
from enum import StrEnum

from comanda.domain.shared.canonical import canonical_json

MAX_ID = 100
ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:@-]*$"
"""Of ids that clients choose; ours, UUIDs, are of this form too. Nothing in it changes when a path is decoded twice."""
_ID = re.compile(ID_PATTERN, re.ASCII)
_ORDERS = uuid.UUID("6f0ad1f2-9a52-4f4c-8f6b-51f5b1c2f3a7")


def is_id(value: object) -> bool:
    """Whether this can be the id of anything: what cannot is looked for nowhere."""
    return isinstance(value, str) and len(value) <= MAX_ID and _ID.fullmatch(value) is not None


class KeySpace(StrEnum):
    """Keys from a header and keys from a body never meet."""

    HEADER = "idempotency-key"
    CLIENT_ORDER_ID = "order_id"


@dataclass(frozen=True)
class HeaderKey:
    """The key that an `Idempotency-Key` means, however it is spelled."""

    value: str
    quoted: str | None = None
    """The header's own text, where that is another. Older releases took it for the key (docs/decisions/0018)."""


@dataclass(frozen=True)
class IdempotencyKey:
    """A client's key. Two callers never share one: `caller` is the token's name, stable across rotation."""

    caller: str
    space: KeySpace
    value: str
    quoted: str | None = None
    """As HeaderKey has it."""

    @property
    def order_id(self) -> str:
        """The order this key stands for, forever: UUIDv5 (RFC 9562) of caller, key space and key."""
        return str(uuid.uuid5(_ORDERS, canonical_json([self.caller, self.space, self.value])))

    @property
    def with_quotes(self) -> "IdempotencyKey | None":
        """What an older release took for the key, where that was another."""
        return None if self.quoted is None else replace(self, value=self.quoted, quoted=None)


def random_order_id() -> str:
    """The id of an order that came without a key."""
    return str(uuid.uuid4())
