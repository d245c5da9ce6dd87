"""The HTTP provider against a real server over real sockets: what becomes of each way a provider can behave."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from comanda.adapters.enrichment.answers import ORDER_ID_REQUIRED_FROM
from comanda.adapters.enrichment.http_provider import MAX_ANSWER_BYTES, HttpProvider
from comanda.adapters.http_client.retry_after import seconds_of
from comanda.adapters.http_client.timed_http import Limits, TimedUrl
from comanda.application.enrichment.ports import EnrichmentRequest
from comanda.domain.orders.order import Enrichment, Item
from comanda.domain.shared.errors import PermanentError, ProviderOutage, TransientError, WorkError
from local.servers.fake_provider import FakeProvider
from tests.support.builders import NOW

REQUEST = EnrichmentRequest(
    order_id="0b7b4a52-7c0e-4f0c-9a77-3f1d1f5e8a10",
    replay=0,
    items=(Item(2, sku="ABC"), Item(1, item_name="Notebook", unit_price=Decimal("5000.00"))),
    customer_id="123",
    currency="BRL",
    attempt=1,
)
LIMITS = Limits(connect=0.2, read=0.1, total=0.3, bytes=MAX_ANSWER_BYTES)
"""Seconds: short, as the tests wait for each of them."""
PATIENT = Limits(connect=5, read=5, total=10, bytes=MAX_ANSWER_BYTES)
"""For calls that are to succeed, however busy the machine is."""


def provider_at(url: str, limits: Limits = PATIENT, **fields: Any) -> HttpProvider:
    health = TimedUrl(fields.pop("health", url), limits, connections=1)
    rest = {"secret": None, "clock": lambda: NOW, **fields}
    return HttpProvider(TimedUrl(url, limits, connections=10), health, **rest)


@pytest.fixture(scope="module")
def running() -> Iterator[FakeProvider]:
    with FakeProvider() as server:
        yield server


@pytest.fixture
def fake(running: FakeProvider) -> FakeProvider:
    running.book.forget()
    return running


@dataclass(frozen=True)
class Sorted:
    """What a call is to come to. `error` None: an enrichment."""

    error: type[WorkError] | None
    name: str = ""
    outage: bool = False
    retry_after: float = 0.0
    says: str = ""


OK = Sorted(None)
REJECTED = Sorted(PermanentError, "OrderRejected")
BUSY = Sorted(TransientError, "ProviderBusy")
INVALID = Sorted(TransientError, "ProviderAnswerInvalid")
MISMATCH = Sorted(TransientError, "ProviderAnswerMismatch")
UNAVAILABLE = Sorted(TransientError, "ProviderUnavailable", outage=True)
REFUSES_US = Sorted(TransientError, "ProviderRefusesUs", outage=True)
MOVED = Sorted(TransientError, "ProviderMoved", outage=True, says="a redirect, and none is followed")
UNREACHABLE = Sorted(TransientError, "ProviderUnreachable", outage=True)
TIMEOUT = Sorted(TransientError, "ProviderTimeout", outage=True)


def status(status: int, **headers: str) -> dict[str, Any]:
    return {"kind": "status", "status": status, "headers": {name.replace("_", "-"): headers[name] for name in headers}}


def says(text: str, **parameters: Any) -> dict[str, Any]:
    return {"kind": "says", "text": text, **parameters}


def raw(text: str) -> dict[str, Any]:
    return {"kind": "raw", "text": text}


HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def priced(price: str) -> dict[str, Any]:
    return says('{"reference": "r", "prices": {"ABC": ' + price + "}}")


BEHAVIOURS: dict[str, tuple[dict[str, Any], Sorted]] = {
    "200": ({"kind": "well"}, OK),
    "201": ({"kind": "good_status", "status": 201}, OK),
    "202": ({"kind": "good_status", "status": 202}, INVALID),
    "204": ({"kind": "good_status", "status": 204}, INVALID),
    "301": (status(301, Location="http://127.0.0.1:9/"), MOVED),
    "307": (status(307, Location="/elsewhere"), MOVED),
    "400": (status(400), REJECTED),
    "401": (status(401), REFUSES_US),
    "403": (status(403), REFUSES_US),
    "404": (status(404), REJECTED),
    "405": (status(405), REJECTED),
    "407": (status(407), REFUSES_US),
    "408": (status(408), UNAVAILABLE),
    "409": (status(409), BUSY),
    "410": (status(410), REJECTED),
    "413": (status(413), REJECTED),
    "422": ({**status(422), "detail": "no\nsuch \x1bitem"}, replace(REJECTED, says="422: nosuch item")),
    "425": (status(425), BUSY),
    "429": (status(429), UNAVAILABLE),
    "429 with seconds": (status(429, Retry_After="7"), replace(UNAVAILABLE, retry_after=7)),
    "429 with a date": (
        status(429, Retry_After=format_datetime(NOW + timedelta(seconds=90), usegmt=True)),
        replace(UNAVAILABLE, retry_after=90),
    ),
    "429 with a date that is over": (
        status(429, Retry_After=format_datetime(NOW - timedelta(days=1), usegmt=True)),
        UNAVAILABLE,
    ),
    "429 with nonsense": (status(429, Retry_After="soon"), UNAVAILABLE),
    "500": (status(500), UNAVAILABLE),
    "502": (status(502), UNAVAILABLE),
    "503": ({"kind": "down"}, UNAVAILABLE),
    "503 with seconds": (status(503, Retry_After="120"), replace(UNAVAILABLE, retry_after=120)),
    "504": (status(504), UNAVAILABLE),
    "nothing in time": ({"kind": "slow", "seconds": 0.4}, TIMEOUT),
    "a head that drips": ({"kind": "drips", "seconds": 0.04, "part": "head"}, TIMEOUT),
    "a body that drips": ({"kind": "drips", "seconds": 0.04}, TIMEOUT),
    "reset before the head": ({"kind": "resets"}, UNREACHABLE),
    "reset in the body": ({"kind": "resets", "part": "body"}, UNREACHABLE),
    "closed at once": (raw(""), UNREACHABLE),
    "closed in the head": (raw("HTTP/1.1 200 OK\r\nContent-Ty"), INVALID),
    "closed in the body": (raw(HEAD + "Content-Length: 99\r\n\r\n{}"), UNREACHABLE),
    "closed between chunks": (raw(HEAD + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"), UNREACHABLE),
    "no HTTP": (raw("\x15\x03\x03\x00\x02\x02\x46 who is there?\r\n\r\n"), UNREACHABLE),
    "a status that is none": (raw("HTTP/1.1 20x OK\r\n\r\n"), UNREACHABLE),
    "a header without an end": (raw(HEAD + "X: " + "x" * 100_000), UNREACHABLE),
    "more headers than anybody needs": (raw(HEAD + "X: y\r\n" * 1000 + "\r\n"), UNREACHABLE),
    "two lengths": (raw(HEAD + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), UNREACHABLE),
    "a length below zero": (raw(HEAD + "Content-Length: -2\r\n\r\n{}"), INVALID),
    "a chunk of no size": (raw(HEAD + "Transfer-Encoding: chunked\r\n\r\nmany\r\n{}"), UNREACHABLE),
    "no JSON": (says("{"), INVALID),
    "an empty body": (says(""), INVALID),
    "a list": (says("[]"), INVALID),
    "no reference": (says('{"prices": {"ABC": "1.00"}}'), replace(INVALID, says="reference")),
    "no price for an item": ({"kind": "answers", "prices": {"XYZ": "1.00"}}, replace(INVALID, says="'ABC'")),
    "an answer about another order": (
        {"kind": "answers", "order_id": "another", "prices": {"ABC": "1.00"}},
        replace(MISMATCH, says="about another order"),
    ),
    "a refusal of another order": ({**status(422), "order_id": "another"}, MISMATCH),
    "an order_id that is none": (says('{"reference": "r", "order_id": 7, "prices": {"ABC": "1.00"}}'), INVALID),
    "a price that is a float": (priced("19.90"), replace(INVALID, says="prices.ABC")),
    "a price that is NaN": (priced("NaN"), INVALID),
    "a price that says NaN": (priced('"NaN"'), INVALID),
    "a price below zero": (priced('"-1.00"'), INVALID),
    "a price with three places": (priced('"1.005"'), INVALID),
    "a price past the largest": (priced('"1000000000.01"'), INVALID),
    "HTML": (says("<html>", content_type="text/html"), replace(INVALID, says="not application/json")),
    "a good answer as text": (says('{"reference": "r"}', content_type="text/plain"), INVALID),
    "ten megabytes": ({"kind": "huge", "size": 10 * 2**20}, replace(INVALID, says="too large")),
    "bytes without an end": ({"kind": "endless"}, replace(INVALID, says="too large")),
    "a bomb in gzip": ({"kind": "gzip_bomb", "size": 10 * 2**20}, replace(INVALID, says="encoded")),
}
HURRIED = {"nothing in time", "a head that drips", "a body that drips"}


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_a_behaviour_is_sorted(fake: FakeProvider, name: str) -> None:
    behaviour, expected = BEHAVIOURS[name]
    fake.book.behave(**behaviour)
    started = time.monotonic()
    check(provider_at(fake.url, LIMITS if name in HURRIED else PATIENT), expected)
    assert time.monotonic() - started < 5, "and a call comes to its end, though the server's may not"
    assert fake.book.calls == {REQUEST.order_id: 1}, "and is made once"


def check(provider: HttpProvider, expected: Sorted) -> None:
    if expected.error is None:
        assert provider.enrich(REQUEST).prices == {"ABC": Decimal("19.90")}
        return
    with pytest.raises(WorkError) as caught:
        provider.enrich(REQUEST)
    error = caught.value
    outage, retry_after = isinstance(error, ProviderOutage), getattr(error, "retry_after", 0.0)
    assert (error.name, isinstance(error, expected.error)) == (expected.name, True), str(error)
    assert (outage, retry_after) == (expected.outage, expected.retry_after)
    assert expected.says in str(error)


def test_a_connection_that_is_refused() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        check(provider_at(f"http://127.0.0.1:{nobody.getsockname()[1]}/"), UNREACHABLE)


def test_a_host_that_is_not_known() -> None:
    check(provider_at("http://no-such-host.invalid/"), UNREACHABLE)


def test_a_connection_that_is_never_made() -> None:
    """The queue of a listener that accepts nobody is full, and the kernel answers no more (listen(2))."""
    with socket.socket() as listener, ExitStack() as waiting:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        check(provider_at(f"http://127.0.0.1:{listener.getsockname()[1]}/", LIMITS), TIMEOUT)


def a_certificate(folder: Path, host: str = "localhost") -> Path:
    """Of a host, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a fake provider")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    no_password = serialization.NoEncryption()
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file = folder / "certificate.pem"
    file.write_bytes(certificate.public_bytes(pem) + key.private_bytes(pem, pkcs8, no_password))
    return file


def test_a_certificate_that_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = a_certificate(tmp_path)
    with FakeProvider(certificate=certificate) as server:
        by_name = server.url.replace("127.0.0.1", "localhost")
        check(provider_at(by_name), replace(UNREACHABLE, says="no trusted TLS connection"))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        check(provider_at(server.url), replace(UNREACHABLE, says="no trusted TLS connection"))
        assert server.book.calls == {}, "nothing was sent to somebody unknown, or known under another name"
        check(provider_at(by_name), OK)


@pytest.mark.parametrize(
    ("behaviour", "healthy"),
    [
        ({"kind": "well"}, True),
        (status(404), True),
        (status(401), True),
        (status(302), True),
        (status(429), False),
        (status(500), False),
        ({"kind": "down"}, False),
        ({"kind": "resets"}, False),
        (raw("no HTTP"), False),
        ({"kind": "drips", "seconds": 0.05, "part": "head"}, False),
    ],
    ids=lambda value: " ".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_how_it_is(fake: FakeProvider, behaviour: dict[str, Any], healthy: bool) -> None:
    fake.book.behave(**behaviour)
    assert provider_at(fake.url, PATIENT if healthy else LIMITS, health=fake.health_url).is_healthy() is healthy
    assert fake.book.calls == {}, "no order is asked about"


def test_a_provider_that_knows_of_post_only_is_well(fake: FakeProvider) -> None:
    assert provider_at(fake.url).is_healthy()


def test_a_provider_that_is_not_there_is_not_well() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        assert not provider_at(f"http://127.0.0.1:{nobody.getsockname()[1]}/").is_healthy()


def test_what_is_sent(fake: FakeProvider) -> None:
    trace = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"
    answer = provider_at(fake.url, traceparent=lambda: trace).enrich(replace(REQUEST, replay=2))
    assert answer.customer == {"name": "Customer 123"}
    sent = {name.lower(): value for name, value in fake.book.headers.items()}
    assert sent["idempotency-key"] == REQUEST.order_id
    assert (sent["comanda-replay"], sent["traceparent"]) == ("2", trace)
    assert sent["content-type"] == "application/json"
    assert "authorization" not in sent


def test_the_same_key_is_sent_at_every_attempt_and_in_every_run(fake: FakeProvider) -> None:
    provider = provider_at(fake.url)
    answers = [
        provider.enrich(replace(REQUEST, attempt=attempt, replay=replay))
        for attempt, replay in ((1, 0), (2, 0), (1, 3))
    ]
    assert fake.book.calls == {REQUEST.order_id: 3}
    assert len({answer.reference for answer in answers}) == 1


def test_connections_are_kept(fake: FakeProvider) -> None:
    provider = provider_at(fake.url)
    for behaviour in ({"kind": "well"}, status(503), status(422), status(301), {"kind": "good_status", "status": 204}):
        fake.book.behave(**behaviour)
        outcome(provider)
    assert fake.book.connections == 1


def test_a_kept_connection_that_was_lost_meanwhile_costs_no_attempt(fake: FakeProvider) -> None:
    provider = provider_at(fake.url)
    provider.enrich(REQUEST)
    fake.book.behave("resets", times=1)
    assert provider.enrich(REQUEST).prices
    assert (fake.book.calls.total(), fake.book.connections) == (3, 2)


@pytest.mark.parametrize(
    "behaviour",
    [{"kind": "answers", "order_id": "another"}, {**status(404), "order_id": "another"}],
    ids=["200", "404"],
)
def test_no_connection_is_kept_once_an_answer_was_about_another_order(
    fake: FakeProvider, behaviour: dict[str, Any]
) -> None:
    provider = provider_at(fake.url)
    provider.enrich(REQUEST)
    fake.book.behave(**behaviour, times=1)
    check(provider, MISMATCH)
    assert provider.enrich(REQUEST).prices == {"ABC": Decimal("19.90")}
    assert fake.book.connections == 2


def test_from_its_date_on_a_good_answer_names_its_order(fake: FakeProvider) -> None:
    provider = replace(provider_at(fake.url), clock=lambda: ORDER_ID_REQUIRED_FROM)
    assert provider.enrich(REQUEST).prices
    fake.book.behave("answers", prices={"ABC": "19.90"})
    check(provider, replace(INVALID, says="no order_id; it is required since 2027-07-01"))
    assert provider_at(fake.url).enrich(REQUEST).prices, "until then one that does not is taken"


def test_ten_calls_at_once_have_a_connection_each(fake: FakeProvider) -> None:
    provider = provider_at(fake.url)
    fake.book.behave("slow", seconds=0.2)
    requests = [replace(REQUEST, order_id=f"order-{number}") for number in range(10)]
    with ThreadPoolExecutor(10) as threads:
        assert len(list(threads.map(provider.enrich, requests))) == 10
    assert fake.book.most_at_once >= 5
    assert fake.book.connections <= 10


@pytest.mark.parametrize(
    "behaviour",
    [{"kind": "drips", "seconds": 0.02, "part": "head"}, {"kind": "drips", "seconds": 0.02}, {"kind": "endless"}],
    ids=["head", "body", "endless"],
)
def test_no_call_takes_longer_than_its_total(fake: FakeProvider, behaviour: dict[str, Any]) -> None:
    """Each part comes within the read time-out; all of it would take seconds, or forever."""
    fake.book.behave(**behaviour)
    limits = Limits(connect=1, read=1, total=0.3, bytes=2**62)
    started = time.monotonic()
    check(provider_at(fake.url, limits), TIMEOUT)
    assert 0.25 < time.monotonic() - started < 1.5


def test_a_body_is_cut_off_while_it_is_read(fake: FakeProvider) -> None:
    fake.book.behave("endless")
    answered = TimedUrl(fake.url, PATIENT, connections=1).post(b"{}", {})
    assert answered.body is None


def outcome(provider: HttpProvider) -> Enrichment | WorkError:
    try:
        return provider.enrich(REQUEST)
    except WorkError as error:
        return error


@given(st.text(max_size=60) | st.from_regex(r"\A\w{3}, \d+ \w{3} \d+ \d+:\d+:\d+ \w{3}\Z"))
def test_a_retry_after_never_gets_in_the_way(text: str) -> None:
    assert seconds_of(text, lambda: NOW) >= 0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        (" 12 ", 12),
        ("-5", 0),
        ("1.5", 0),
        ("9" * 11, 0),
        ("Sun, 22 Nov 2026 09:31:00 GMT", 60),
        ("Sun, 22 Nov 2026 09:31:00", 60),
        ("Sun, 22 Nov 2026 06:31:00 -0300", 60),
        ("Sun, 22 Nov 99999999999999999999 09:31:00 GMT", 0),
    ],
)
def test_a_retry_after_is_seconds_or_a_date(text: str, seconds: float) -> None:
    assert seconds_of(text, lambda: NOW) == seconds
