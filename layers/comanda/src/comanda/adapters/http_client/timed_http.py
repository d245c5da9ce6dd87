"""One URL over kept connections, with a time for the whole of a call and a limit for the size of its answer.

urllib3's time-outs are for a single wait: a server that sends a byte a second never meets one. So each wait gets what
is left of the call: for the addresses of the host, for each of them to accept, for TLS, status line, headers and body.

An answer belongs to a call only because it came next on its connection. So interim answers are read past, and a
connection is kept only where it is certain that its answer has ended, and that nothing came behind it.
"""

import io
import math
import re
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse, IncompleteRead
from socket import SHUT_RDWR, SOCK_STREAM, gaierror, getaddrinfo, socket
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as CallTimeoutError
from urllib3.util.connection import allowed_gai_family, create_connection

MAX_INTERIM = 16
"""Answers of a call before its final one (RFC 9110, 15.2)."""
MAX_HEAD_BYTES = 64 * 1024
"""Of all its answers."""
_PART_BYTES = 64 * 1024
"""Of a body, at once."""
_MAX_CHUNK_LINE = 4096
_MAX_TRAILERS = 100
_LINE = re.compile(rb"[^\r\n\0]*\r\n")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?\r?\n")
_PLAIN_CHUNK = re.compile(rb"[0-9A-Fa-f]{1,16}\r\n")
_LENGTH = re.compile(r"[0-9]{1,18}")
_WITHOUT_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
_PERHAPS_UNREAD = {400, 408, 411, 413, 417, 431}
"""Said by servers that did not read all of a request: they may take the rest of it for the next one."""

LookUp = Callable[[str, int], Sequence[str]]
"""The IP addresses of a host, for a port, in the order they are to be tried. Raises gaierror where there are none."""


@dataclass(frozen=True)
class Limits:
    """Of one call. Seconds, and bytes of the answer's body."""

    connect: float
    read: float
    """For the next part of the answer."""
    total: float
    bytes: int


@dataclass(frozen=True)
class Answered:
    status: int
    headers: Mapping[str, str]
    """Names in any case."""
    body: bytes | None
    """None: more than the limit, and cut off there; or broken off, where that does not matter."""


class Silence(StrEnum):
    """Why there is no whole answer."""

    TIMEOUT = "Timeout"
    UNREACHABLE = "Unreachable"


def addresses_of(host: str, port: int) -> Sequence[str]:
    """As the system's resolver has them (a LookUp)."""
    found = getaddrinfo(host, port, allowed_gai_family(), SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def silence_of(error: HTTPError, whom: str) -> tuple[Silence, str]:
    """What happened, in words that name `whom`, and nothing that the URL may hold."""
    for kind, silence, what in _SILENCES:
        if isinstance(error, kind) or any(isinstance(cause, kind) for cause in error.args):
            return silence, what.format(whom)
    return Silence.UNREACHABLE, f"{whom} broke the connection off, or speaks no HTTP"


_SILENCES: tuple[tuple[type[Exception], Silence, str], ...] = (
    (NameResolutionError, Silence.UNREACHABLE, "the host name of {} is not known"),
    (NewConnectionError, Silence.UNREACHABLE, "{} accepts no connection"),
    (ConnectTimeoutError, Silence.TIMEOUT, "{} did not accept a connection in time"),
    (SSLError, Silence.UNREACHABLE, "no trusted TLS connection to {}"),
    (CallTimeoutError, Silence.TIMEOUT, "{} did not answer in time"),
    (TimeoutError, Silence.TIMEOUT, "{} did not answer in time"),
)


class TimedUrl:
    """Redirects are answers like any other: none is followed. Certificates are verified. No proxy is asked, whatever
    the environment says."""

    def __init__(
        self,
        url: str,
        limits: Limits,
        connections: int,
        look_up: LookUp = addresses_of,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Connections go to the addresses that `look_up` gives, and to no other; TLS is for the name in the URL.
        `tls`: to be shared by many, as it takes milliseconds to make."""
        self._limits = limits
        self._look_up = look_up
        parsed = urllib3.util.parse_url(url)
        self._path = parsed.request_uri
        context = {"ssl_context": tls or ssl.create_default_context()} if parsed.scheme == "https" else {}
        timeout = urllib3.Timeout(connect=limits.connect, read=limits.read)
        self._new_pool = partial(
            urllib3.connection_from_url, url, maxsize=connections, timeout=timeout, retries=False, **context
        )
        self._connection = _TimedHttps if parsed.scheme == "https" else _TimedHttp
        self._pool = self._empty_pool()

    def post(self, body: bytes, headers: Mapping[str, str]) -> Answered:
        """As `get`."""
        return self._call("POST", body, headers)

    def tell(self, body: bytes, headers: Mapping[str, str]) -> Answered:
        """As `post`, for whoever needs the head of the answer only: a body that breaks off, or takes longer than the
        call may, is None."""
        return self._call("POST", body, headers, head_only=True)

    def get(self, headers: Mapping[str, str]) -> Answered:
        """Raises urllib3's HTTPError where there is no whole answer."""
        return self._call("GET", None, headers)

    def drop_connections(self) -> None:
        """Keep none of those there are, in use or not: what comes over them is not to be trusted."""
        given_up, self._pool = self._pool, self._empty_pool()
        given_up.close()

    def close(self) -> None:
        """Give up the kept connections."""
        self._pool.close()

    def _empty_pool(self) -> urllib3.HTTPConnectionPool:
        pool = self._new_pool()
        pool.ConnectionCls = self._connection
        return pool

    def _call(
        self, method: str, body: bytes | None, headers: Mapping[str, str], *, head_only: bool = False
    ) -> Answered:
        """Make a call, or make it again.

        A kept connection may have been closed by the other side since, as a function sleeps between invocations: the
        call is then made again, which the idempotency key allows.
        """
        call = _Call(time.monotonic() + self._limits.total, self._look_up)
        _CALL.set(call)
        while True:
            call.connected = False
            try:
                return self._call_once(method, body, headers, head_only=head_only)
            except HTTPError as error:
                if call.connected or not _was_lost(error):
                    raise

    def _call_once(self, method: str, body: bytes | None, headers: Mapping[str, str], *, head_only: bool) -> Answered:
        response = self._pool.urlopen(
            method, self._path, body=body, headers=headers, redirect=False, preload_content=False
        )
        try:
            return Answered(response.status, response.headers, self._body_of(response))
        except HTTPError:
            if not head_only:
                raise
            return Answered(response.status, response.headers, None)
        finally:
            response.close()  # Where all of it was read, the connection is back in the pool, and kept.

    def _body_of(self, response: urllib3.BaseHTTPResponse) -> bytes | None:
        """Read up to the end: a body that is shorter than announced shows only there."""
        body = b""
        while part := response.read(min(_PART_BYTES, self._limits.bytes + 1 - len(body)), decode_content=False):
            body += part
            if len(body) > self._limits.bytes:
                return None
        return body


class _Call:
    """What is known of a call by the connection that makes it."""

    def __init__(self, deadline: float, look_up: LookUp) -> None:
        self._deadline = deadline
        self._look_up = look_up
        self.connected = False
        """By itself, and not by an earlier one."""

    def wait(self, seconds: float) -> float:
        """So long, or what is left. Raises TimeoutError where nothing is."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no time is left for this call")
        return min(seconds, left)

    def addresses(self, host: str, port: int) -> Sequence[str]:
        """The system's resolver has no time-out that could be set, so it is asked by a thread, and left to it."""
        thread = ThreadPoolExecutor(1, "look-up")
        try:
            return thread.submit(self._look_up, host, port).result(self.wait(math.inf))
        finally:
            thread.shutdown(wait=False)


_CALL: ContextVar[_Call] = ContextVar("call")


class _TimedFile(io.RawIOBase):
    """The reading half of a socket."""

    def __init__(self, sock: socket, file: io.RawIOBase) -> None:
        self._socket = sock
        self._file = file
        self._seconds = sock.gettimeout() or 0.0
        self.is_over = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.is_over:
            return 0
        self._socket.settimeout(_CALL.get().wait(self._seconds))
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


class _Wire(io.BufferedReader):
    """What comes over a connection for one call."""

    def __init__(self, sock: socket, file: io.RawIOBase) -> None:
        self._file = _TimedFile(sock, file)
        super().__init__(self._file)
        self._socket = sock
        self.head_bytes: int | None = MAX_HEAD_BYTES
        """So many more may come; None: all heads were read."""
        self.is_exact = True
        """Whether nothing was read so far that another might read otherwise (RFC 9112, 11.2)."""

    def readline(self, size: int | None = -1, /) -> bytes:
        """Of a head, or of what frames chunks."""
        line = super().readline(size)
        if self.head_bytes is not None:
            self.head_bytes -= len(line)
            if self.head_bytes < 0:
                raise HTTPException("a head without an end")
        self.is_exact = self.is_exact and bool(_LINE.fullmatch(line))
        return line

    def close(self) -> None:
        """At the end of an answer. Where that is not certain, or more came, the connection is of no use any more: it is
        shut down, which whoever wants to use it again finds out."""
        if not self.closed and not (self.is_exact and self._is_silent()):
            with suppress(OSError):
                self._socket.shutdown(SHUT_RDWR)
        super().close()

    def _is_silent(self) -> bool:
        """As far as can be seen from here: a socket that can be read is found out before it is used again."""
        self._file.is_over = True  # So that `peek` shows what was read already, and waits for no more.
        in_tls = self._socket.pending() if isinstance(self._socket, ssl.SSLSocket) else 0
        return not in_tls and not self.peek()


class _Chunks(io.RawIOBase):
    """A chunked body without its frame (RFC 9112, 7.1). Extensions and trailers are left out."""

    def __init__(self, wire: _Wire) -> None:
        self._wire = wire
        self._left: int | None = None
        """Of this chunk; None: it is still to come."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Raises HTTPException where it breaks off or makes no sense."""
        if self._left is None:
            self._left = self._next_size()
        part = self._wire.read1(min(len(buffer), self._left))
        if not part and self._left:
            raise IncompleteRead(part)
        buffer[: len(part)] = part
        self._left -= len(part)
        if part and not self._left:
            if self._wire.read(2) != b"\r\n":
                raise HTTPException("a chunk that is longer than its size")
            self._left = None
        return len(part)

    def close(self) -> None:
        self._wire.close()
        super().close()

    def _next_size(self) -> int:
        line = self._wire.readline(_MAX_CHUNK_LINE)
        size = _CHUNK.fullmatch(line)
        if not size:
            raise HTTPException("a chunk of no size")
        self._wire.is_exact = self._wire.is_exact and bool(_PLAIN_CHUNK.fullmatch(line))
        length = int(size[1], 16)
        if not length:
            self._read_trailers()
        return length

    def _read_trailers(self) -> None:
        for _ in range(_MAX_TRAILERS):
            line = self._wire.readline(_MAX_CHUNK_LINE)
            if line in {b"\r\n", b"\n"}:
                return
            if not line:
                raise IncompleteRead(line)
            self._wire.is_exact = False
        raise HTTPException("trailers without an end")


class _TimedResponse(HTTPResponse):
    def __init__(self, sock: socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._wire = _Wire(sock, self.fp.detach())
        self.fp = self._wire
        self._heads = 0

    def begin(self) -> None:
        """Up to the head of the final answer. Nobody asked for an upgrade, so that a 101 is final, and an error."""
        super().begin()
        while 100 <= self.status < 200 and self.status != HTTPStatus.SWITCHING_PROTOCOLS:
            self.headers = None  # type: ignore[assignment] # As before it has begun.
            super().begin()
        self._wire.head_bytes = None
        if not self._ends_for_certain():
            self.will_close = True
        if self.chunked and self.status not in _WITHOUT_BODY:
            self.length, self.fp = None, io.BufferedReader(_Chunks(self._wire))
        self.chunked = False

    def _read_status(self) -> tuple[str, int, str]:
        """Where http.client begins each head, also behind a 100."""
        if self._heads > MAX_INTERIM:
            raise HTTPException("interim answers without an end")
        self._heads += 1
        return super()._read_status()  # type: ignore[misc, no-any-return]

    def _ends_for_certain(self) -> bool:
        """Whether everybody would find the same end of the body as we do; what comes to light while it is read, the
        wire knows (RFC 9112, 6.3)."""
        if self.version != 11 or self.status < 200 or self.status in _PERHAPS_UNREAD:
            return False
        if self.headers.defects or self.headers.get_payload():
            return False
        if any(token.strip().lower() != "keep-alive" for token in self._values_of("Connection")):
            return False
        lengths, codings = self.headers.get_all("Content-Length", []), self._values_of("Transfer-Encoding")
        if self.status in _WITHOUT_BODY:
            return not codings and lengths in ([], ["0"])
        if codings:
            return [coding.strip().lower() for coding in codings] == ["chunked"] and not lengths
        return len(lengths) == 1 and bool(_LENGTH.fullmatch(lengths[0].strip(" \t")))

    def _values_of(self, name: str) -> list[str]:
        return [value for field in self.headers.get_all(name, []) for value in field.split(",")]


class _TimedHttp(HTTPConnection):
    response_class = _TimedResponse

    def _new_conn(self) -> socket:
        return _connected(self)


class _TimedHttps(HTTPSConnection):
    response_class = _TimedResponse

    def _new_conn(self) -> socket:
        return _connected(self)


def _connected(connection: HTTPConnection) -> socket:
    """A socket to the first address that accepts one. Raises what urllib3's own `_new_conn` does, and whatever the
    look-up raises."""
    call = _CALL.get()
    call.connected = True
    try:
        addresses = call.addresses(connection.host, connection.port)
    except gaierror as error:
        raise NameResolutionError(connection.host, connection, error) from error
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, "the host's addresses were not found in time") from error
    *others, last = addresses
    for address in others:
        with suppress(ConnectTimeoutError, NewConnectionError):
            return _connected_to(address, connection, call)
    return _connected_to(last, connection, call)


def _connected_to(address: str, connection: HTTPConnection, call: _Call) -> socket:
    try:
        seconds = call.wait(connection.timeout or 0.0)
        connected = create_connection((address, connection.port), seconds, socket_options=connection.socket_options)
        connected.settimeout(call.wait(connection.timeout or 0.0))  # For the TLS handshake.
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, "no connection in time") from error
    except OSError as error:
        raise NewConnectionError(connection, str(error)) from error
    return connected


def _was_lost(error: HTTPError) -> bool:
    return any(isinstance(cause, ConnectionError | ssl.SSLEOFError) for cause in error.args)
