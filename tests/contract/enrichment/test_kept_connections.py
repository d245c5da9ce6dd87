"""A connection that was used before: each call gets its own answer, whatever came with the one before it.

A server of scripted bytes, as proxies and providers may send them. What it says of an order is said by its key.
"""

import re
import socket
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from comanda.adapters.enrichment.http_provider import HttpProvider
from comanda.adapters.http_client.exact_response import MAX_HEAD_BYTES, MAX_INTERIM
from comanda.domain.shared.errors import WorkError
from tests.contract.enrichment.test_http_provider import LIMITS, REQUEST, a_certificate, provider_at

KEY = re.compile(rb"^Idempotency-Key: (\S+)\r$", re.MULTILINE | re.IGNORECASE)
LENGTH = re.compile(rb"^Content-Length: (\d+)\r$", re.MULTILINE | re.IGNORECASE)

Script = Sequence[bytes | threading.Event]
"""What is sent, part by part; an event is waited for first."""


def body_for(key: str) -> bytes:
    return b'{"reference": "%s", "prices": {"ABC": "19.90"}}' % key.encode()


def answer(key: str, *headers: str, status: str = "200 OK", version: str = "1.1", body: bytes | None = None) -> bytes:
    """With the length of its body, where no header says how that ends."""
    content = body_for(key) if body is None else body
    lines = ["Content-Type: application/json", *headers]
    if not any(line.lower().startswith(("content-length", "transfer-encoding")) for line in lines):
        lines.append(f"Content-Length: {len(content)}")
    return (
        f"HTTP/{version} {status}\r\n".encode() + "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + content
    )


def chunked(key: str, *, extension: bytes = b"", end: bytes = b"\r\n", trailers: bytes = b"") -> bytes:
    content = body_for(key)
    parts = [content[:7], content[7:]]
    frames = b"".join(b"%X%s%s%s\r\n" % (len(part), extension, end, part) for part in parts)
    return answer(key, "Transfer-Encoding: chunked", body=frames + b"0\r\n" + trailers + b"\r\n")


class ScriptedServer:
    """Says its script to the first request, and then, on whatever connection, to each request what is right."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None, *, closes: bool = False) -> None:
        self._script: Script | None = script
        self._tls = tls
        self._closes = closes
        self.connections = 0
        self.said = threading.Event()
        """All of the script."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.append(connection)
                thread = threading.Thread(target=self._serve, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            while key := self._key_of_next(connection):
                script, self._script = self._script, None
                if script is None:
                    connection.sendall(answer(key))
                    continue
                self._say(script, connection)
                self.said.set()
                if self._closes:
                    return

    def _key_of_next(self, connection: socket.socket) -> str:
        request = b""
        while not (head := request.partition(b"\r\n\r\n"))[1]:
            if not (part := connection.recv(65536)):
                return ""
            request += part
        length, key = LENGTH.search(head[0]), KEY.search(head[0])
        assert length
        assert key
        missing = int(length[1]) - len(head[2])
        while missing:
            missing -= len(connection.recv(missing))
        return key[1].decode()

    def _say(self, script: Script, connection: socket.socket) -> None:
        for part in script:
            if isinstance(part, bytes):
                connection.sendall(part)
            else:
                part.wait(5)
        if self._closes:
            connection.shutdown(socket.SHUT_RDWR)


def said_to(provider: HttpProvider, order_id: str) -> str:
    """The reference that an order was given, or the name of the error."""
    try:
        return provider.enrich(replace(REQUEST, order_id=order_id)).reference
    except WorkError as error:
        return error.name


def test_two_calls_without_anything_special() -> None:
    check([answer("first")], ["first", "second"], connections=1)


def check(script: Script, expected: Sequence[str], *, connections: int, closes: bool = False) -> None:
    with ScriptedServer(script, closes=closes) as server:
        provider = provider_at(f"http://127.0.0.1:{server.port}/")
        assert [said_to(provider, order_id) for order_id in ("first", "second")] == expected
        assert server.connections == connections


# Interim answers

HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
UNKNOWN = b"HTTP/1.1 199 Who Knows\r\nContent-Length: 5\r\n\r\n"
"""Its length says nothing: no interim answer has a body (RFC 9112, 6.3)."""


@pytest.mark.parametrize("final", [answer("first"), chunked("first")], ids=["length", "chunked"])
@pytest.mark.parametrize(
    "interim",
    [[HINTS], [PROCESSING], [CONTINUE], [UNKNOWN], [CONTINUE, PROCESSING, HINTS, HINTS], [HINTS] * MAX_INTERIM],
    ids=["103", "102", "100", "199", "several", "as many as may be"],
)
def test_interim_answers_are_read_past(interim: list[bytes], final: bytes) -> None:
    check([*interim, final], ["first", "second"], connections=1)
    check([b"".join([*interim, final])], ["first", "second"], connections=1)


def test_an_answer_that_comes_long_after_its_interim_one_is_still_that_orders() -> None:
    """What a proxy does that hints before it asks the provider."""
    asked_again = threading.Event()
    with ScriptedServer([HINTS, asked_again, answer("first")]) as server:
        provider = provider_at(f"http://127.0.0.1:{server.port}/")
        later = threading.Timer(0.2, asked_again.set)
        later.start()
        assert said_to(provider, "first") == "first"
        assert said_to(provider, "second") == "second"
        later.join()


def test_time_goes_on_while_interim_answers_come() -> None:
    never = threading.Event()
    with ScriptedServer([HINTS, never, answer("first")]) as server:
        provider = provider_at(f"http://127.0.0.1:{server.port}/", LIMITS)
        assert said_to(provider, "first") == "ProviderTimeout"
        never.set()
        assert server.said.wait(5)
        assert said_to(provider, "second") == "second"


@pytest.mark.parametrize(
    "interim",
    [
        HINTS * (MAX_INTERIM + 1),
        CONTINUE * (MAX_INTERIM + 1),
        (b"HTTP/1.1 103 Early Hints\r\n" + b"X: %s\r\n" % (b"x" * 9_000) * 4 + b"\r\n") * 2,
    ],
    ids=["103", "100", "too large"],
)
def test_interim_answers_without_an_end_are_no_answer(interim: bytes) -> None:
    check([interim + answer("first")], ["ProviderUnreachable", "second"], connections=2)


def test_heads_may_be_as_large_as_is_said() -> None:
    head = b"HTTP/1.1 103 Early Hints\r\nX: %s\r\n\r\n" % (b"x" * 15_000)
    assert 4 * len(head) < MAX_HEAD_BYTES
    check([head * 4 + answer("first")], ["first", "second"], connections=1)


def test_an_upgrade_that_was_not_asked_for_is_an_error() -> None:
    upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
    check([upgrade + answer("first")], ["ProviderAnswerInvalid", "second"], connections=2)


# What is kept, and what is not


@dataclass(frozen=True)
class Case:
    script: bytes
    expected: str = "first"
    """Of the first call."""


INVALID, REJECTED, MOVED = "ProviderAnswerInvalid", "OrderRejected", "ProviderMoved"
UNREACHABLE, UNAVAILABLE = "ProviderUnreachable", "ProviderUnavailable"
LENGTH_OF_FIRST = len(body_for("first"))

KEPT = {
    "a length": Case(answer("first")),
    "a length of nothing": Case(answer("first", body=b""), INVALID),
    "keep-alive": Case(answer("first", "Connection: Keep-Alive", "Keep-Alive: timeout=5")),
    "chunks": Case(chunked("first")),
    "no content": Case(b"HTTP/1.1 204 No Content\r\n\r\n", INVALID),
    "no content, and its length": Case(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", INVALID),
    "not modified": Case(b"HTTP/1.1 304 Not Modified\r\n\r\n", MOVED),
    "an error": Case(answer("first", status="422 Unprocessable Content"), REJECTED),
}

NOT_KEPT = {
    "a second answer behind it": Case(answer("first") + answer("first")),
    "an interim answer behind it": Case(answer("first") + HINTS),
    "a body longer than its length": Case(answer("first", f"Content-Length: {LENGTH_OF_FIRST}") + b" "),
    "an answer behind no content": Case(b"HTTP/1.1 204 No Content\r\n\r\n" + answer("first"), INVALID),
    "no content, with content": Case(answer("first", status="204 No Content"), INVALID),
    "an answer behind not modified": Case(b"HTTP/1.1 304 Not Modified\r\n\r\n" + answer("first"), MOVED),
    "not modified, with the length of what it would be": Case(
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", MOVED
    ),
    "no content, as chunks that do not come": Case(
        b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", INVALID
    ),
    **{
        f"a {status}": Case(answer("first", status=f"{status} Who Knows"), expected)
        for status, expected in {400: REJECTED, 408: UNAVAILABLE, 413: REJECTED, 431: REJECTED}.items()
    },
    "no content, in chunks": Case(b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", INVALID),
    "an answer behind chunks": Case(chunked("first") + answer("first")),
    "close": Case(answer("first", "Connection: close")),
    "close in capitals, among others": Case(answer("first", "Connection: keep-alive, CLOSE")),
    "a connection of another kind": Case(answer("first", "Connection: upgrade")),
    "HTTP/1.0": Case(answer("first", version="1.0")),
    "HTTP/1.0 that would be kept": Case(answer("first", "Connection: keep-alive", version="1.0")),
    "length and chunks": Case(chunked("first").replace(b"\r\n", b"\r\nContent-Length: 3\r\n", 1)),
    "two equal lengths": Case(answer("first", *[f"Content-Length: {LENGTH_OF_FIRST}"] * 2)),
    "a length with a sign": Case(answer("first", f"Content-Length: +{LENGTH_OF_FIRST}")),
    "a length with an underscore": Case(
        answer("first", f"Content-Length: {LENGTH_OF_FIRST // 10}_{LENGTH_OF_FIRST % 10}")
    ),
    "a length over two lines": Case(answer("first", f"Content-Length:\r\n {LENGTH_OF_FIRST}")),
    "lines that end in a line feed": Case(answer("first").replace(b"\r\n", b"\n")),
    "a carriage return in a header": Case(answer("first", "X: y\rZ: 1")),
    "a line that is no header": Case(
        answer("first", f"Content-Length: {LENGTH_OF_FIRST}", "who knows", "Transfer-Encoding: gzip")
    ),
    "a space before the colon": Case(answer("first", f"Content-Length: {LENGTH_OF_FIRST}", "Transfer-Encoding : x")),
    "chunks with extensions": Case(chunked("first", extension=b';a="b"')),
    "chunks with a space": Case(chunked("first", extension=b" ")),
    "chunk sizes that end in a line feed": Case(chunked("first", end=b"\n")),
    "chunks with trailers": Case(chunked("first", trailers=b"Content-Length: 5\r\nX: y\r\n")),
    "a trailer that looks like an answer": Case(chunked("first", trailers=b"HTTP/1.1 200 OK\r\n")),
    "a chunk of no size": Case(
        answer("first", "Transfer-Encoding: chunked", body=b"0x2\r\n{}\r\n0\r\n\r\n"), UNREACHABLE
    ),
    "a chunk of a size below zero": Case(
        answer("first", "Transfer-Encoding: chunked", body=b"-2\r\n{}\r\n0\r\n\r\n"), UNREACHABLE
    ),
    "a chunk that is longer than its size": Case(
        answer("first", "Transfer-Encoding: chunked", body=b"2\r\n{} \r\n0\r\n\r\n"), UNREACHABLE
    ),
    "a body past the limit": Case(answer("first", body=b" " * 300_000), INVALID),
    "trailers without an end": Case(chunked("first", trailers=b"X: y\r\n" * 200), UNREACHABLE),
}


@pytest.mark.parametrize("name", KEPT)
def test_a_connection_is_kept_where_the_answer_has_ended(name: str) -> None:
    check([KEPT[name].script], [KEPT[name].expected, "second"], connections=1)


@pytest.mark.parametrize("name", NOT_KEPT)
def test_a_connection_is_given_up_where_that_is_not_certain(name: str) -> None:
    check([NOT_KEPT[name].script], [NOT_KEPT[name].expected, "second"], connections=2)


@pytest.mark.parametrize("coding", ["chunked, chunked", "gzip, chunked", "gzip", "identity"])
def test_a_body_of_another_coding_ends_with_its_connection(coding: str) -> None:
    script = chunked("first").replace(b"chunked", coding.encode())
    check([script], [INVALID, "second"], connections=2, closes=True)


@pytest.mark.parametrize(
    "late",
    [answer("first"), HINTS, b" ", b"HTTP/1.1 408 Request Timeout\r\n\r\n"],
    ids=["answer", "103", "one byte", "408"],
)
def test_what_comes_while_a_connection_is_idle_answers_no_call(late: bytes) -> None:
    returned = threading.Event()
    with ScriptedServer([answer("first"), returned, late]) as server:
        provider = provider_at(f"http://127.0.0.1:{server.port}/")
        assert said_to(provider, "first") == "first"
        returned.set()
        assert server.said.wait(5)
        assert said_to(provider, "second") == "second"
        assert server.connections == 2


def test_a_connection_that_was_closed_while_it_was_idle_is_not_used() -> None:
    with ScriptedServer([answer("first")], closes=True) as server:
        provider = provider_at(f"http://127.0.0.1:{server.port}/")
        assert said_to(provider, "first") == "first"
        assert server.said.wait(5)
        assert said_to(provider, "second") == "second"
        assert server.connections == 2


@pytest.mark.parametrize("sent", [0, 10, 60, 150], ids=lambda sent: f"{sent} bytes")
def test_an_answer_that_comes_too_late_is_not_given_to_the_next(sent: int) -> None:
    """Its connection is closed, wherever in the answer it was."""
    given_up = threading.Event()
    whole = answer("first", "X: " + "x" * 100)
    with ScriptedServer([whole[:sent], given_up, whole[sent:]]) as server:
        provider = provider_at(f"http://127.0.0.1:{server.port}/", LIMITS)
        assert said_to(provider, "first") == "ProviderTimeout"
        given_up.set()
        assert server.said.wait(5)
        assert said_to(provider, "second") == "second"
        assert server.connections == 2


@pytest.mark.parametrize(
    "behind", [b"", b" " * 12_000, HINTS], ids=["nothing", "more than is buffered", "an interim answer"]
)
def test_over_tls_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, behind: bytes) -> None:
    """What is decrypted already cannot be seen at the socket."""
    certificate = a_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    tls.num_tickets = 0
    with ScriptedServer([HINTS + answer("first") + behind], tls) as server:
        provider = provider_at(f"https://localhost:{server.port}/")
        assert [said_to(provider, order_id) for order_id in ("first", "second")] == ["first", "second"]
        assert server.connections == (2 if behind else 1)
