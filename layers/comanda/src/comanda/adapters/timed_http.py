"""One URL over kept connections, with a time for the whole of a call and a limit for the size of its answer.

urllib3's time-outs are for a single wait: a server that sends a byte a second never meets one. So each wait gets what
is left of the call: for the addresses of the host, for each of them to accept, for TLS, status line, headers and body.
"""

import io
import math
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from http.client import HTTPResponse
from socket import SOCK_STREAM, gaierror, getaddrinfo, socket
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as CallTimeoutError
from urllib3.util.connection import allowed_gai_family, create_connection

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
        self._pool = urllib3.connection_from_url(url, maxsize=connections, timeout=timeout, retries=False, **context)
        self._pool.ConnectionCls = _TimedHttps if parsed.scheme == "https" else _TimedHttp

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

    def close(self) -> None:
        """Give up the kept connections."""
        self._pool.close()

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
        while part := response.read(self._limits.bytes + 1 - len(body), decode_content=False):
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

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._socket.settimeout(_CALL.get().wait(self._seconds))
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


class _TimedResponse(HTTPResponse):
    def __init__(self, sock: socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_TimedFile(sock, self.fp.detach()))


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
