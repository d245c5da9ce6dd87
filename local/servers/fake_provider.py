"""An enrichment provider to try things with: `python -m local.servers.fake_provider`, and in the tests.

It keeps the contract of docs/enrichment.md, prices what the simulated provider prices, and can be told to misbehave:

    PUT    /behaviour   {"kind": "status", "status": 503, "headers": {"Retry-After": "3"}, "times": 2}
    GET    /calls       calls and answers by key, most calls at once, connections so far
    DELETE /calls       forget them, and behave
    GET    /health      200, or as it was told to misbehave

`times` is for how many calls; without it, until the next PUT. The kinds are the methods of `_Misbehaviour`.
"""

import gzip
import json
import socket
import ssl
import struct
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Lock
from typing import Any

from comanda.adapters.enrichment.simulated_provider import SimulatedProvider
from comanda.application.enrichment.ports import EnrichmentRequest
from comanda.domain.orders.order import Item
from comanda.domain.shared.errors import PermanentError, TransientError
from local.servers.local_server import ADDRESS, LocalServer, serve_as_command

DEFAULT_PORT = 4580
_LONGEST = 60.0
"""Seconds. No misbehaviour lasts longer, so that no test hangs on it."""


@dataclass
class Book:
    """What the provider knows, and what it was told. Shared by all its threads."""

    kind: str = "well"
    parameters: dict[str, Any] = field(default_factory=dict)
    times: int | None = None
    calls: Counter[str] = field(default_factory=Counter)
    """By idempotency key."""
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The first good answer by key: it is given again."""
    headers: dict[str, str] = field(default_factory=dict)
    """Of the last call."""
    at_once: int = 0
    most_at_once: int = 0
    connections: int = 0
    lock: Lock = field(default_factory=Lock)

    def behave(self, kind: str, times: int | None = None, **parameters: Any) -> None:
        with self.lock:
            self.kind, self.times, self.parameters = kind, times, parameters

    def forget(self) -> None:
        with self.lock:
            for known in (self.calls, self.answers):
                known.clear()
            self.most_at_once = self.connections = 0
        self.behave("well")

    @contextmanager
    def call(self, key: str, headers: dict[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """A call from its beginning to its end: how to behave."""
        with self.lock:
            self.calls[key] += 1
            self.headers = headers
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            kind, parameters = self.kind, self.parameters
            if self.times is not None:
                self.times -= 1
                if self.times == 0:
                    self.kind, self.times, self.parameters = "well", None, {}
        try:
            yield kind, parameters
        finally:
            with self.lock:
                self.at_once -= 1


class _Misbehaviour:
    """Each method is a kind, and its arguments are the parameters."""

    def __init__(self, handler: "Handler", body: dict[str, Any]) -> None:
        self._handler = handler
        self._body = body

    def well(self) -> None:
        """200, or 422 for what the simulated provider rejects."""
        self._handler.enrich(self._body)

    def slow(self, seconds: float) -> None:
        """Well, but later."""
        time.sleep(min(seconds, _LONGEST))
        self.well()

    def down(self) -> None:
        """503 to everything, /health too."""
        self.status(503)

    def status(
        self, status: int, headers: Mapping[str, str] | None = None, detail: str = "", order_id: str | None = None
    ) -> None:
        """A problem of that status, about that order."""
        problem = {"title": "told to", "detail": detail} | ({"order_id": order_id} if order_id else {})
        self._handler.answer(status, problem, {"Content-Type": "application/problem+json", **(headers or {})})

    def good_status(self, status: int) -> None:
        """A good answer under that status."""
        self._handler.enrich(self._body, status)

    def says(self, text: str, content_type: str = "application/json", status: int = 200) -> None:
        """That text."""
        self._handler.send(status, text.encode(), {"Content-Type": content_type})

    def answers(self, **fields: Any) -> None:
        """A good answer, some of whose fields are these."""
        self._handler.answer(200, {"reference": "told-to", "prices": {}, **fields})

    def huge(self, size: int) -> None:
        """So many bytes, and how many is said."""
        self._handler.begin(200, {"Content-Type": "application/json", "Content-Length": str(size)})
        self._write_much(size, b" " * 65_536)

    def endless(self) -> None:
        """Bytes in chunks for as long as somebody listens."""
        self._handler.begin(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
        self._write_much(2**40, b"10000\r\n" + b" " * 65_536 + b"\r\n")

    def gzip_bomb(self, size: int) -> None:
        """A small body that grows to so many bytes."""
        body = gzip.compress(b" " * size)
        self._handler.send(200, body, {"Content-Type": "application/json", "Content-Encoding": "gzip"})

    def drips(self, seconds: float, part: str = "body") -> None:
        """A good answer, or its head only, one byte at a time."""
        body = json.dumps({"reference": "told-to", "prices": {}}).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        if part == "body":
            self._handler.write(head)
        until = time.monotonic() + _LONGEST
        for byte in head + body if part == "head" else body:
            if time.monotonic() > until or not self._handler.write(bytes([byte])):
                return
            time.sleep(seconds)

    def resets(self, part: str = "head") -> None:
        """The connection is reset before the head, or in the body."""
        if part == "body":
            self._handler.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"re')
            time.sleep(0.02)
        self._handler.reset()

    def raw(self, text: str) -> None:
        """Those bytes (Latin-1), whatever they are, and the connection is closed."""
        self._handler.write(text.encode("latin-1"))
        self._handler.close_connection = True

    def _write_much(self, size: int, piece: bytes) -> None:
        self._handler.close_connection = True
        until = time.monotonic() + _LONGEST
        while size > 0 and time.monotonic() < until and self._handler.write(piece[:size]):
            size -= len(piece)


class _Health(_Misbehaviour):
    """The same, asked how it is."""

    def well(self) -> None:
        self._handler.answer(200, {"status": "well"})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "FakeProvider"

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.server.book.lock:
            self.server.book.connections += 1

    def do_POST(self) -> None:
        body = self._read()
        with self.server.book.call(self.headers.get("Idempotency-Key", ""), dict(self.headers)) as (kind, parameters):
            getattr(_Misbehaviour(self, body), kind)(**parameters)

    def do_PUT(self) -> None:
        self.server.book.behave(**self._read())
        self.answer(200, {})

    def do_DELETE(self) -> None:
        self.server.book.forget()
        self.answer(200, {})

    def do_GET(self) -> None:
        book = self.server.book
        if self.path == "/health":
            getattr(_Health(self, {}), book.kind)(**book.parameters)
            return
        if self.path != "/calls":
            self.answer(405, {"detail": "POST an order to /enrich"})
            return
        self.answer(
            200,
            {
                "calls": book.calls,
                "answers": book.answers,
                "most_at_once": book.most_at_once,
                "connections": book.connections,
            },
        )

    def enrich(self, body: dict[str, Any], status: int = 200) -> None:
        """The same key, the same answer. What was rejected is looked at again each time."""
        key, book = self.headers.get("Idempotency-Key", ""), self.server.book
        request = _request_of(body, attempt=book.calls[key])
        try:
            enrichment = SimulatedProvider(0, time.sleep).enrich(request)
        except PermanentError as error:
            problem = {"title": error.name, "detail": str(error), "order_id": request.order_id}
            self.answer(422, problem, {"Content-Type": "application/problem+json"})
            return
        except TransientError as error:
            self.answer(503, {"detail": str(error)}, {"Content-Type": "application/problem+json"})
            return
        answer = {
            "order_id": request.order_id,
            "provider": "fake",
            "reference": str(uuid.uuid4()),
            "prices": {label: str(price) for label, price in enrichment.prices.items()},
            "customer": dict(enrichment.customer),
        }
        with book.lock:
            answer = book.answers.setdefault(key, answer)
        self.answer(status, answer)

    def answer(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        self.send(status, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})

    def send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        body = b"" if status == 204 else body
        self.begin(status, {"Content-Length": str(len(body)), **headers})
        self.write(body)

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def write(self, content: bytes) -> bool:
        """False where nobody listens any more."""
        try:
            self.wfile.write(content)
        except OSError:
            self.close_connection = True
            return False
        return True

    def reset(self) -> None:
        """Closed with nothing to linger for, a connection is reset (socket(7))."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.close(self.connection.detach())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the standard library
        """Says nothing."""

    def _read(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        return body


class FakeProvider(LocalServer):
    """Keeps a book of its calls."""

    handler = Handler
    address = ADDRESS

    def __init__(self, port: int = 0, certificate: Path | None = None) -> None:
        """`certificate`: a PEM file with its key; then it speaks TLS."""
        super().__init__(port, self.handler, self.address)
        self.book = Book()
        self._scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
            self._scheme = "https"

    @property
    def url(self) -> str:
        return f"{self._scheme}://{self.address}:{self.server_port}/enrich"

    @property
    def health_url(self) -> str:
        return self.url.replace("/enrich", "/health")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever hung up, or did not trust the certificate, is no error of the provider's."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _request_of(body: Mapping[str, Any], attempt: int) -> EnrichmentRequest:
    items = tuple(
        Item(
            item["qty"],
            item.get("sku"),
            item.get("item_name"),
            Decimal(item["unit_price"]) if "unit_price" in item else None,
        )
        for item in body["items"]
    )
    return EnrichmentRequest(body["order_id"], 0, items, body["customer_id"], body["currency"], attempt)


def main() -> None:
    serve_as_command(FakeProvider, DEFAULT_PORT, lambda server: f"A fake enrichment provider at {server.url}")


if __name__ == "__main__":
    main()
