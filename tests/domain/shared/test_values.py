"""Money, canonical JSON, identity, messages, pauses, tokens and times."""

import hashlib
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comanda.domain.delivery.messages import CONTENT_IDS_UNTIL, deduplication_id, is_as_we_sent_it
from comanda.domain.delivery.retry import LONGEST_RETRY_AFTER, RetryPolicy
from comanda.domain.orders.messages import Event, OrderMessage
from comanda.domain.shared.access import Action, Origin, Scope, authenticate, issue_token
from comanda.domain.shared.canonical import canonical_json, sha256_of
from comanda.domain.shared.errors import Forbidden
from comanda.domain.shared.identity import IdempotencyKey, KeySpace, random_order_id
from comanda.domain.shared.money import money
from comanda.domain.shared.times import from_iso, to_iso
from tests.support.builders import NOW, a_caller, a_pending_order


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(("given_amount", "exact"), [("5000", "5000.00"), ("1E+3", "1000.00"), ("0.1", "0.10")])
def test_money_has_two_places(given_amount: str, exact: str) -> None:
    assert str(money(Decimal(given_amount))) == exact


@pytest.mark.parametrize("amount", ["0.001", "NaN", "Infinity", "-Infinity", "1E+500"])
def test_money_is_never_rounded_nor_infinite(amount: str) -> None:
    with pytest.raises(ValueError, match="an amount"):
        money(Decimal(amount))


@given(st.lists(st.integers(0, 10**12), max_size=50))
def test_sums_of_cents_agree(cents: list[int]) -> None:
    assert sum((money(Decimal(n) / 100) for n in cents), Decimal(0)) == Decimal(sum(cents)) / 100


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none()))
def test_equal_values_have_one_canonical_text(value: dict[str, object]) -> None:
    turned = dict(reversed(value.items()))
    assert canonical_json(value) == canonical_json(turned)


def test_a_float_that_is_no_number_has_no_canonical_text() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_json(float("nan"))
    assert sha256_of({"b": 1, "a": "é"}) == sha256_of({"a": "é", "b": 1})


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


def test_pauses_grow_to_their_limit() -> None:
    policy = RetryPolicy(max_attempts=5, first_pause=1, longest_pause=5)
    assert [policy.pause_after(n, lambda: 0.0) for n in range(1, 6)] == [1, 2, 4, 5, 5]


@pytest.mark.parametrize(("asked_for", "pause"), [(0, 2), (1.5, 2), (2.1, 3), (7, 7), (10**9, LONGEST_RETRY_AFTER)])
def test_a_pause_is_as_long_as_was_asked_for_within_reason(asked_for: float, pause: int) -> None:
    policy = RetryPolicy(max_attempts=5, first_pause=1, longest_pause=5)
    assert policy.pause_after(2, lambda: 0.0, asked_for=asked_for) == pause
    assert policy.pause_after(2, lambda: 0.99, asked_for=asked_for) >= min(asked_for, LONGEST_RETRY_AFTER)


@given(st.integers(1, 60), st.floats(0, 0.999), st.floats(0.1, 60), st.floats(1, 900))
def test_a_pause_is_a_second_at_least_and_the_limit_at_most(n: int, x: float, first: float, limit: float) -> None:
    assert 1 <= RetryPolicy(5, first, limit).pause_after(n, lambda: x) <= max(1, round(limit))


def test_a_token_opens_for_its_secret_only() -> None:
    bearer, token_id, record = issue_token("web", Origin.WEB, [Scope.ORDERS_READ], NOW)
    caller = authenticate(bearer, {token_id: record})
    assert caller == a_caller(scopes=frozenset({Scope.ORDERS_READ}))
    other, _, _ = issue_token("web", Origin.WEB, [Scope.ORDERS_READ], NOW)
    stolen_id = f"{token_id}.{other.split('.')[1]}"
    for wrong in ("", "x", bearer[:-1], bearer + "x", other, stolen_id, bearer.replace(".", ":")):
        assert authenticate(wrong, {token_id: record}) is None
    assert bearer.split(".")[1] not in str(record)


@pytest.mark.parametrize("name", ["", "Web", "a b", "-web", "w" * 41])
def test_a_token_needs_a_plain_name(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        issue_token(name, Origin.WEB, [Scope.ORDERS_READ], NOW)


def test_a_token_needs_a_scope() -> None:
    with pytest.raises(ValueError, match="scope"):
        issue_token("web", Origin.WEB, [], NOW)
    with pytest.raises(Forbidden, match="ledger:read"):
        a_caller().require(Action.READ_LEDGER)


def test_times_are_utc_with_milliseconds_and_sort_as_text() -> None:
    moment = datetime(2026, 11, 22, 6, 30, tzinfo=timezone(timedelta(hours=-3)))
    assert to_iso(moment) == "2026-11-22T09:30:00.000Z"
    assert from_iso(to_iso(moment)) == moment.astimezone(UTC)
