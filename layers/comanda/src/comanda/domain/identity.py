"""Ids that follow from what they stand for, so that nothing has to be remembered to find them again (P2)."""

import uuid
from dataclasses import dataclass
from enum import StrEnum

from comanda.domain.canonical import canonical_json

_ORDERS = uuid.UUID("6f0ad1f2-9a52-4f4c-8f6b-51f5b1c2f3a7")


class KeySpace(StrEnum):
    """Keys from a header and keys from a body never meet."""

    HEADER = "idempotency-key"
    CLIENT_ORDER_ID = "order_id"


@dataclass(frozen=True)
class IdempotencyKey:
    """A client's key. Two callers never share one: `caller` is the token's name, stable across rotation."""

    caller: str
    space: KeySpace
    value: str

    @property
    def order_id(self) -> str:
        """The order this key stands for, for ever: UUIDv5 (RFC 9562) of caller, key space and key."""
        return str(uuid.uuid5(_ORDERS, canonical_json([self.caller, self.space, self.value])))


def random_order_id() -> str:
    """The id of an order that came without a key."""
    return str(uuid.uuid4())
