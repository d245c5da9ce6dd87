"""Ids that follow from what they stand for."""

from comanda.domain.shared.identity import IdempotencyKey, KeySpace, random_order_id

PINNED = "946c22ef-8378-5335-a832-74c42cdd6159"
"""Stored orders depend on it: this id may never change."""


def test_an_order_id_follows_from_caller_space_and_key() -> None:
    key = IdempotencyKey("web", KeySpace.HEADER, "k-1")
    assert key.order_id == IdempotencyKey("web", KeySpace.HEADER, "k-1").order_id == PINNED
    others = {
        IdempotencyKey("mobile", KeySpace.HEADER, "k-1").order_id,
        IdempotencyKey("web", KeySpace.CLIENT_ORDER_ID, "k-1").order_id,
        IdempotencyKey("web", KeySpace.HEADER, "k-2").order_id,
        random_order_id(),
    }
    assert len(others) == 4
    assert key.order_id not in others
