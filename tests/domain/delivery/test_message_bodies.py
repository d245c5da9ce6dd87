"""What a body says, and what a send is deduplicated by."""

import hashlib
import re
from datetime import timedelta

import pytest

from comanda.domain.delivery.messages import CONTENT_IDS_UNTIL, deduplication_id, is_as_we_sent_it
from comanda.domain.orders.messages import Event, OrderMessage
from tests.support.builders import a_pending_order


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_message_body_is_canonical_and_comes_back() -> None:
    order = a_pending_order()
    message = OrderMessage.about(order, Event.CREATED)
    assert message.body == (
        f'{{"event":"order.created","order_id":"{order.order_id}","payload_hash":"{order.payload_hash}","replay":0}}'
    )
    assert OrderMessage.parse(message.body) == message


def test_a_deduplication_id_is_of_body_and_run_and_never_the_contents_hash() -> None:
    """Rule 6; I2: two runs never have the same, not even for the same bytes."""
    ids = {deduplication_id(body, run) for body in ("a", "b") for run in (0, 1, 10)}
    assert len(ids) == 6
    assert not ids & {sha256(body) for body in ("a", "b")}
    assert all(re.fullmatch(r"[0-9a-f]{64}", each) for each in ids)


def test_message_is_as_we_sent_it_if_its_id_is_of_its_bytes_and_run() -> None:
    assert is_as_we_sent_it("body", 1, deduplication_id("body", 1), CONTENT_IDS_UNTIL)
    for other in (deduplication_id("body", 0), deduplication_id("body ", 1), "a message id", sha256("body")):
        assert not is_as_we_sent_it("body", 1, other, CONTENT_IDS_UNTIL)


def test_content_hash_ids_of_older_releases_are_ours_until_no_queue_keeps_them() -> None:
    """Rule 5."""
    before = CONTENT_IDS_UNTIL - timedelta(milliseconds=1)
    assert is_as_we_sent_it("body", 0, sha256("body"), before)
    assert not is_as_we_sent_it("body", 0, sha256("another"), before)
    assert not is_as_we_sent_it("body", 0, "a message id", before)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "x",
        "null",
        "[]",
        "{}",
        '{"event":"order.lost","order_id":"1","payload_hash":"2","replay":0}',
        '{"event":"order.created","order_id":1,"payload_hash":"2","replay":0}',
        '{"event":"order.created","order_id":"1","payload_hash":"2","replay":"x"}',
    ],
)
def test_a_foreign_body_is_told_apart(body: str) -> None:
    with pytest.raises(ValueError, match="not an order message"):
        OrderMessage.parse(body)
