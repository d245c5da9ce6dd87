"""Links that need no token: who can make one, and for how long it holds."""

import json
import string
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comanda.domain.reports.signed_link import LinkKeys, link_token, report_of_link
from comanda.domain.shared.errors import Expired, NotFound
from tests.support.builders import NOW

REPORT = "0b7b4a52-7c0e-4f0c-9a77-3f1d1f5e8a10"
KEYS = LinkKeys("first", {"first": "a-key"})
TOMORROW = NOW + timedelta(days=1)
TOKEN = link_token(REPORT, TOMORROW, KEYS)
BASE64URL = string.ascii_letters + string.digits + "-_"


def test_a_link_is_for_its_report_until_it_expires() -> None:
    assert report_of_link(TOKEN, KEYS, NOW) == REPORT
    assert report_of_link(TOKEN, KEYS, TOMORROW - timedelta(milliseconds=1)) == REPORT
    with pytest.raises(Expired):
        report_of_link(TOKEN, KEYS, TOMORROW)


def test_it_stands_in_a_path_as_it_is() -> None:
    assert set(TOKEN) <= set(BASE64URL + ".")


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from(BASE64URL + ".="))
def test_no_other_character_will_do(place: int, character: str) -> None:
    """Not even one that decodes to the same bytes."""
    other = TOKEN[:place] + character + TOKEN[place + 1 :]
    if other != TOKEN:
        with pytest.raises(NotFound):
            report_of_link(other, KEYS, NOW)


@given(st.text(max_size=80) | st.text(BASE64URL + ".=", max_size=80))
def test_whatever_else_comes_is_not_found(text: str) -> None:
    with pytest.raises(NotFound):
        report_of_link(text, KEYS, NOW)


@pytest.mark.parametrize("claims", [None, [], 1, "x", {}, {"key": None}, {"key": "first"}, {"key": ["first"]}])
def test_a_payload_that_is_none_is_not_found(claims: object) -> None:
    payload = urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    for token in (payload, f"{payload}.", f"{payload}.{TOKEN.partition('.')[2]}"):
        with pytest.raises(NotFound):
            report_of_link(token, KEYS, NOW)


@pytest.mark.parametrize("payload", ["[" * 100_000, '{"a":' * 100_000, '{"key": "first", "exp": ' + "9" * 5000 + "}"])
def test_nothing_of_a_payload_is_parsed_that_we_did_not_sign(payload: str, monkeypatch: pytest.MonkeyPatch) -> None:
    token = urlsafe_b64encode(payload.encode()).decode().rstrip("=")
    monkeypatch.setattr("comanda.domain.reports.signed_link.json", None)
    for signature in ("", "x", TOKEN.partition(".")[2]):
        for given_token in (f"{token}.{signature}", f"{token[:400]}.{signature}"):
            with pytest.raises(NotFound):
                report_of_link(given_token, KEYS, NOW)


def test_the_links_of_earlier_releases_hold() -> None:
    """Written down with the release before signatures were checked first."""
    issued = (
        "eyJleHAiOjE3OTU0MjYyMDAsImtleSI6ImZpcnN0IiwicmVwb3J0X2lkIjoiMGI3YjRhNTItN2MwZS00ZjBjLTlhNzctM2YxZDFmNWU4YTEwIn0"
        ".7r5DFOFY9YlN09eA5vH747IQNfu9FjqKv3DfD8XLVBk"
    )
    assert report_of_link(issued, KEYS, NOW) == REPORT


def test_an_expired_link_that_is_not_ours_is_not_found() -> None:
    """Only who has a link of ours learns that it is over."""
    foreign = link_token(REPORT, NOW - timedelta(days=1), LinkKeys("first", {"first": "guessed"}))
    with pytest.raises(NotFound):
        report_of_link(foreign, KEYS, NOW)


def test_a_later_end_cannot_be_written_in() -> None:
    payload, _, signature = TOKEN.partition(".")
    claims = json.loads(urlsafe_b64decode(payload + "=="))
    claims["exp"] += 10**6
    later = urlsafe_b64encode(json.dumps(claims, sort_keys=True, separators=(",", ":")).encode()).decode().rstrip("=")
    with pytest.raises(NotFound):
        report_of_link(f"{later}.{signature}", KEYS, NOW)


def test_after_a_rotation_links_hold_for_as_long_as_their_key_is_known() -> None:
    rotated = LinkKeys("second", {"first": "a-key", "second": "another"})
    assert report_of_link(TOKEN, rotated, NOW) == REPORT
    new = link_token(REPORT, TOMORROW, rotated)
    assert report_of_link(new, rotated, NOW) == REPORT
    for token, keys in ((new, KEYS), (TOKEN, LinkKeys("second", {"second": "another"}))):
        with pytest.raises(NotFound):
            report_of_link(token, keys, NOW)
