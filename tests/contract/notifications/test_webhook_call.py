"""Webhooks against real servers over real sockets: who is called, who never is, and what becomes of each answer."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from comanda.adapters.http_client.timed_http import Limits, TimedUrl
from comanda.adapters.notifications.webhook_call import LIMITS, WebhookCalls
from comanda.domain.notifications.webhook_address import LOCAL_POLICY, AddressPolicy
from comanda.domain.shared.errors import PermanentError, ReceiverGone, ReceiverOutage, TransientError, WorkError
from local.servers.fake_provider import FakeProvider, Handler
from tests.contract.enrichment.test_http_provider import HEAD, PATIENT, a_certificate, raw, says, status
from tests.domain.notifications.test_webhook_address import EVERY_TRICK
from tests.support.builders import NOW

BODY = b'{"type":"order.completed"}'
HURRIED = Limits(connect=0.3, read=0.3, total=0.4, bytes=LIMITS.bytes)
"""Seconds: short, as the tests wait for each of them."""
TLS = ssl.create_default_context()
ANY_PORT = AddressPolicy(https_only=False, ports=None)
"""Public hosts only, on the ports that the servers of a test have."""


class ReceiverHandler(Handler):
    def enrich(self, body: dict[str, Any], status: int = 200) -> None:  # noqa: ARG002
        """It only says that it has it."""
        self.answer(status, {})


class FakeReceiver(FakeProvider):
    handler = ReceiverHandler

    @property
    def calls(self) -> int:
        return self.book.calls.total()


class FakeDns:
    """A LookUp: what it answers, one after another, the last forever; and who was asked for."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked_for: list[str] = []

    def __call__(self, host: str, _: int) -> Sequence[str]:
        self.asked_for.append(host)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


@pytest.fixture(scope="module")
def running() -> Iterator[FakeReceiver]:
    with FakeReceiver() as server:
        yield server


@pytest.fixture
def receiver(running: FakeReceiver) -> FakeReceiver:
    running.book.forget()
    return running


@pytest.fixture
def victim() -> Iterator[FakeReceiver]:
    """Inside, and not to be called by anybody."""
    with FakeReceiver() as server:
        yield server
        assert server.book.connections == 0


def calls(policy: AddressPolicy = LOCAL_POLICY, limits: Limits = PATIENT, **fields: Any) -> WebhookCalls:
    return WebhookCalls(policy, lambda: NOW, limits, **{"tls": TLS, **fields})


def outcome(tell: WebhookCalls, url: str) -> WorkError | None:
    try:
        tell.tell(url, BODY, {"webhook-id": "1"})
    except WorkError as error:
        return error
    return None


def named(name: str, url: str) -> str:
    return url.replace("127.0.0.1", name)


# Who is called


@pytest.mark.parametrize("url", [url for url, _ in EVERY_TRICK], ids=ascii)
def test_a_url_that_is_refused_at_intake_is_not_even_looked_up(url: str) -> None:
    """A row may hold what an older intake let through."""
    dns = FakeDns(["127.0.0.1"])
    error = outcome(calls(AddressPolicy(), look_up=dns), url)
    assert isinstance(error, PermanentError)
    assert error.name == "AddressNotAllowed"
    assert dns.asked_for == []


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["10.0.0.1"],
        ["169.254.169.254"],
        ["fd00:ec2::254"],
        ["fe80::1%lo"],
        ["0.0.0.0"],  # noqa: S104 - nothing is bound to it
        ["2fff::1", "127.0.0.1"],
        ["127.0.0.1", "2fff::1"],
    ],
    ids=" ".join,
)
def test_a_name_that_leads_inside_is_not_called(victim: FakeReceiver, addresses: list[str]) -> None:
    error = outcome(calls(ANY_PORT, look_up=FakeDns(addresses)), named("shop.example.com", victim.url))
    assert isinstance(error, PermanentError)
    assert error.name == "AddressNotAllowed"
    assert not any(address in str(error) for address in addresses), "and what is there is not told"


def test_a_name_that_leads_elsewhere_after_it_was_checked_gains_nothing(victim: FakeReceiver) -> None:
    """Public, and then inside: DNS rebinding. 2fff::1 belongs to nobody."""
    dns = FakeDns(["2fff::1"], ["127.0.0.1"])
    rebound = calls(ANY_PORT, HURRIED, look_up=dns)
    first = outcome(rebound, named("shop.example.com", victim.url))
    assert isinstance(first, ReceiverOutage), "nobody answered at the address that was checked"
    assert dns.asked_for == ["shop.example.com"], "and the name was not looked up again"
    second = outcome(rebound, named("shop.example.com", victim.url))
    assert second is not None
    assert second.name == "AddressNotAllowed"


def test_the_connection_goes_to_the_address_that_was_checked(victim: FakeReceiver) -> None:
    """Two servers on one port: the name has the one's address when it is checked, and the other's ever after."""

    class Elsewhere(FakeReceiver):
        address = "127.0.0.2"

    dns = FakeDns(["127.0.0.2"], ["127.0.0.1"])
    with Elsewhere(victim.server_port) as checked:
        assert outcome(calls(look_up=dns), named("shop.example.com", victim.url)) is None
        assert checked.calls == 1
        assert checked.book.headers["Host"] == f"shop.example.com:{victim.server_port}"


def test_the_next_address_is_tried_where_one_does_not_accept(receiver: FakeReceiver) -> None:
    dns = FakeDns(["127.0.0.3", "127.0.0.1"])
    assert outcome(calls(look_up=dns), named("localhost", receiver.url)) is None
    assert receiver.calls == 1


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_inside_is_not_followed(receiver: FakeReceiver, victim: FakeReceiver, code: int) -> None:
    receiver.book.behave(**status(code, Location=victim.url))
    error = outcome(calls(), receiver.url)
    assert error is not None
    assert (error.name, receiver.calls) == ("ReceiverMoved", 1)


def test_no_proxy_of_the_environment_is_asked(
    receiver: FakeReceiver, victim: FakeReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, victim.url)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert outcome(calls(look_up=FakeDns(["127.0.0.1"])), named("shop.example.com", receiver.url)) is None
    assert receiver.calls == 1


def test_tls_is_for_the_name_and_certificates_are_verified(tmp_path: Path) -> None:
    certificate = a_certificate(tmp_path, "shop.example.com")
    trusting = ssl.create_default_context(cafile=str(certificate))
    asked_for: list[str | None] = []
    with FakeReceiver(certificate=certificate) as server:
        server.socket.context.sni_callback = lambda _, name, __: asked_for.append(name)  # type: ignore[attr-defined]
        dns = FakeDns(["127.0.0.1"])
        url, other = named("shop.example.com", server.url), named("other.example.com", server.url)
        distrusted = outcome(calls(look_up=dns), url)
        misnamed = outcome(calls(look_up=dns, tls=trusting), other)
        assert server.calls == 0, "nothing was sent to somebody unknown, or known under another name"
        assert outcome(calls(look_up=dns, tls=trusting), url) is None
    assert "no trusted TLS connection" in str(distrusted)
    assert "no trusted TLS connection" in str(misnamed)
    assert asked_for[-1] == "shop.example.com"


# What becomes of an answer


@dataclass(frozen=True)
class Sorted:
    """What a call is to come to. `error` None: the receiver has it."""

    error: type[WorkError] | None
    name: str = ""
    retry_after: float = 0.0


HAS_IT = Sorted(None)
GONE = Sorted(ReceiverGone, "ReceiverGone")
REFUSED = Sorted(TransientError, "ReceiverRefused")
UNAVAILABLE = Sorted(ReceiverOutage, "ReceiverUnavailable")
MOVED = Sorted(ReceiverOutage, "ReceiverMoved")
UNREACHABLE = Sorted(ReceiverOutage, "ReceiverUnreachable")
TIMEOUT = Sorted(ReceiverOutage, "ReceiverTimeout")
EARLY_HINTS = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"
IN_A_MINUTE = format_datetime(NOW + timedelta(seconds=60), usegmt=True)

BEHAVIOURS: dict[str, tuple[dict[str, Any], Sorted]] = {
    "200": ({"kind": "well"}, HAS_IT),
    "201": (says("{", status=201), HAS_IT),
    "204": (status(204), HAS_IT),
    "299": (says("thanks", content_type="text/plain", status=299), HAS_IT),
    "101": (raw("HTTP/1.1 101 Switching Protocols\r\n\r\n"), REFUSED),
    "103 and then 200": (raw(EARLY_HINTS + "HTTP/1.1 200 OK\r\n\r\n"), HAS_IT),
    "103 and then 500": (raw(EARLY_HINTS + "HTTP/1.1 500 Oh\r\n\r\n"), UNAVAILABLE),
    "102 and then 410": (raw("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 410 Gone\r\n\r\n"), GONE),
    "103 and nothing": (raw(EARLY_HINTS), UNREACHABLE),
    "103 again and again": (raw(EARLY_HINTS * 100), UNREACHABLE),
    "304": (status(304), MOVED),
    "308": (status(308, Location="/elsewhere"), MOVED),
    "400": (status(400), REFUSED),
    "401": (status(401), REFUSED),
    "404": (status(404), REFUSED),
    "408": (status(408), UNAVAILABLE),
    "409": (status(409), REFUSED),
    "410": (status(410), GONE),
    "413": (status(413), REFUSED),
    "429": (status(429, Retry_After="7"), replace(UNAVAILABLE, retry_after=7)),
    "500": (status(500), UNAVAILABLE),
    "503": (status(503, Retry_After=IN_A_MINUTE), replace(UNAVAILABLE, retry_after=60)),
    "999": (raw("HTTP/1.1 999 What\r\n\r\n"), UNAVAILABLE),
    "200 and ten megabytes": ({"kind": "huge", "size": 10 * 2**20}, HAS_IT),
    "200 and bytes without an end": ({"kind": "endless"}, HAS_IT),
    "200 and a bomb in gzip": ({"kind": "gzip_bomb", "size": 10 * 2**20}, HAS_IT),
    "200 and a reset in the body": ({"kind": "resets", "part": "body"}, HAS_IT),
    "200 and less than announced": (raw(HEAD + "Content-Length: 99\r\n\r\n{}"), HAS_IT),
    "200 and a chunk of no size": (raw(HEAD + "Transfer-Encoding: chunked\r\n\r\nmany\r\n{}"), HAS_IT),
    "500 and bytes without an end": (raw("HTTP/1.1 500 Oh\r\n\r\n" + "x" * 1_000_000), UNAVAILABLE),
    "reset before the head": ({"kind": "resets"}, UNREACHABLE),
    "closed at once": (raw(""), UNREACHABLE),
    "no HTTP": (raw("\x15\x03\x03\x00\x02\x02\x46 who is there?\r\n\r\n"), UNREACHABLE),
    "a header without an end": (raw(HEAD + "X: " + "x" * 100_000), UNREACHABLE),
    "more headers than anybody needs": (raw(HEAD + "X: y\r\n" * 1000 + "\r\n"), UNREACHABLE),
}


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_an_answer_is_sorted(receiver: FakeReceiver, name: str) -> None:
    behaviour, expected = BEHAVIOURS[name]
    receiver.book.behave(**behaviour)
    started = time.monotonic()
    check(outcome(calls(), receiver.url), expected)
    assert time.monotonic() - started < 5
    assert (receiver.calls, receiver.book.connections) == (1, 1), "it is told once"


def check(error: WorkError | None, expected: Sorted) -> None:
    if expected.error is None:
        assert error is None, str(error)
        return
    assert isinstance(error, expected.error)
    assert error.name == expected.name
    assert getattr(error, "retry_after", 0.0) == expected.retry_after
    assert isinstance(error, ReceiverOutage) == issubclass(expected.error, ReceiverOutage)


HANGING: dict[str, tuple[dict[str, Any], Sorted]] = {
    "never answers": ({"kind": "slow", "seconds": 3}, TIMEOUT),
    "drips the head": ({"kind": "drips", "seconds": 0.04, "part": "head"}, TIMEOUT),
    "drips the body": ({"kind": "drips", "seconds": 0.04}, HAS_IT),
    "goes on and on": ({"kind": "endless"}, HAS_IT),
}


@pytest.mark.parametrize("name", HANGING)
def test_no_receiver_holds_us_longer_than_the_total(receiver: FakeReceiver, name: str) -> None:
    behaviour, expected = HANGING[name]
    receiver.book.behave(**behaviour)
    started = time.monotonic()
    check(outcome(calls(limits=replace(HURRIED, bytes=2**62)), receiver.url), expected)
    assert 0.25 < time.monotonic() - started < 1.5


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as each:
        each.bind(("127.0.0.1", 0))
        each.listen(1)
        yield each


def url_of(server: socket.socket, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{server.getsockname()[1]}/"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_nor_one_that_says_nothing_at_all(listener: socket.socket, scheme: str) -> None:
    """With https: nothing of TLS either."""
    started = time.monotonic()
    check(outcome(calls(limits=HURRIED), url_of(listener, scheme)), TIMEOUT)
    assert time.monotonic() - started < 1.5


def test_nor_one_that_takes_nothing_in(listener: socket.socket) -> None:
    started = time.monotonic()
    with pytest.raises(ReceiverOutage):
        calls(limits=HURRIED).tell(url_of(listener), b"x" * 2**25, {})
    assert time.monotonic() - started < 1.5


def test_nor_one_that_says_to_continue_for_ever(listener: socket.socket) -> None:
    done = threading.Event()

    def go_on() -> None:
        connection, _ = listener.accept()
        with connection:
            while not done.wait(0.01):
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    with ThreadPoolExecutor(1) as thread:
        going_on = thread.submit(go_on)
        started = time.monotonic()
        check(outcome(calls(limits=HURRIED), url_of(listener)), UNREACHABLE)
        assert time.monotonic() - started < 1.5
        done.set()
        assert going_on.exception(5) is None or isinstance(going_on.exception(), OSError)


def test_nor_a_name_server_that_takes_its_time(receiver: FakeReceiver) -> None:
    def slowly(host: str, port: int) -> Sequence[str]:
        time.sleep(1)
        return ["127.0.0.1"]

    started = time.monotonic()
    check(outcome(calls(limits=HURRIED, look_up=slowly), receiver.url), TIMEOUT)
    assert time.monotonic() - started < 0.9
    assert receiver.calls == 0


def test_nobody_there(listener: socket.socket) -> None:
    url = url_of(listener)
    listener.close()
    check(outcome(calls(), url), UNREACHABLE)
    check(outcome(calls(), "http://no-such-host.invalid/"), UNREACHABLE)


def test_what_is_sent(receiver: FakeReceiver) -> None:
    calls().tell(receiver.url, BODY, {"webhook-id": "1", "webhook-signature": "v1,x"})
    sent = {name.lower(): value for name, value in receiver.book.headers.items()}
    assert sent["content-type"] == "application/json"
    assert (sent["webhook-id"], sent["webhook-signature"]) == ("1", "v1,x")
    assert sent["content-length"] == str(len(BODY))
    assert sent["accept-encoding"] == "identity"


def test_several_are_told_side_by_side(receiver: FakeReceiver) -> None:
    receiver.book.behave("slow", seconds=0.3)
    tell = calls()
    with ThreadPoolExecutor(10) as threads:
        told = list(threads.map(lambda _: outcome(tell, receiver.url), range(10)))
    assert told == [None] * 10
    assert receiver.book.most_at_once >= 5


def test_as_it_is_deployed_a_call_takes_15_seconds_at_most() -> None:
    assert LIMITS.total == 15
    assert LIMITS.bytes == 64 * 1024


def test_a_body_is_read_no_further_than_its_limit(receiver: FakeReceiver) -> None:
    receiver.book.behave("endless")
    assert TimedUrl(receiver.url, replace(PATIENT, bytes=10), 1).tell(BODY, {}).body is None
