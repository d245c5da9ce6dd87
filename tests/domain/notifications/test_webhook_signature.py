"""Signatures, as the library of Standard Webhooks verifies them."""

import json
from base64 import b64decode
from datetime import timedelta

import pytest
import time_machine
from standardwebhooks import Webhook, WebhookVerificationError

from comanda.domain.notifications.webhook_signature import is_valid, issue_webhook_secret, retiring, signed_headers
from tests.support.builders import NOW

WEBHOOK_ID = "0b7b4a52-7c0e-4f0c-9a77-3f1d1f5e8a10"
BODY = '{"type":"order.completed","data":{"name":"João"}}'.encode()


def new_webhook_secret() -> str:
    return issue_webhook_secret(NOW)["secret"]


def verified(secret: str, body: bytes, headers: dict[str, str]) -> object:
    with time_machine.travel(NOW, tick=False):
        return Webhook(secret).verify(body, headers)


def test_a_receiver_verifies_with_its_library() -> None:
    secret = new_webhook_secret()
    assert verified(secret, BODY, signed_headers(WEBHOOK_ID, NOW, BODY, [secret])) == json.loads(BODY)


def test_it_signs_as_the_library_does() -> None:
    secret = new_webhook_secret()
    headers = signed_headers(WEBHOOK_ID, NOW, BODY, [secret])
    assert headers["webhook-signature"] == Webhook(secret).sign(WEBHOOK_ID, NOW, BODY.decode())
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))


def test_while_secrets_are_rotated_a_receiver_may_know_either() -> None:
    old, new, stranger = (new_webhook_secret() for _ in range(3))
    headers = signed_headers(WEBHOOK_ID, NOW, BODY, [new, old])
    assert verified(old, BODY, headers) == verified(new, BODY, headers)
    with pytest.raises(WebhookVerificationError):
        verified(stranger, BODY, headers)


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_nothing_signed_can_be_changed(header: str) -> None:
    secret = new_webhook_secret()
    headers = signed_headers(WEBHOOK_ID, NOW, BODY, [secret])
    other = signed_headers("another", NOW + timedelta(seconds=1), b"{}", [secret])
    with pytest.raises(WebhookVerificationError):
        verified(secret, BODY, {**headers, header: other[header]})
    with pytest.raises(WebhookVerificationError):
        verified(secret, BODY + b" ", headers)


def test_an_old_one_is_not_taken_again() -> None:
    secret = new_webhook_secret()
    headers = signed_headers(WEBHOOK_ID, NOW - timedelta(minutes=6), BODY, [secret])
    with pytest.raises(WebhookVerificationError, match="too old"):
        verified(secret, BODY, headers)


def test_a_secret_is_32_random_bytes() -> None:
    first, second = new_webhook_secret(), new_webhook_secret()
    assert first != second
    assert len(b64decode(first.removeprefix("whsec_"), validate=True)) == 32


def test_an_id_with_a_dot_could_be_moved_into_the_time() -> None:
    with pytest.raises(ValueError, match="no dot"):
        signed_headers("1.2", NOW, BODY, [new_webhook_secret()])


def test_nothing_is_sent_without_a_signature() -> None:
    with pytest.raises(ValueError, match="at least one secret"):
        signed_headers(WEBHOOK_ID, NOW, BODY, [])


def test_a_secret_that_is_retiring_is_valid_until_its_end_and_never_longer() -> None:
    record = issue_webhook_secret(NOW)
    tomorrow, next_week = NOW + timedelta(days=1), NOW + timedelta(days=7)
    retired = retiring(record, tomorrow)
    assert is_valid(record, next_week)
    assert is_valid(retired, tomorrow - timedelta(milliseconds=1))
    assert not is_valid(retired, tomorrow)
    assert retiring(retired, next_week) == retired
