"""One URL over kept connections, with a time for the whole of a call and a limit for the size of its answer.

urllib3's time-outs are for a single wait: a server that sends a byte a second never meets one. So each wait for a part
of the answer gets what is left of the call: status line, headers and body alike.

Not covered: the look-up of the host's name takes as long as the system's resolver does, and each of its addresses has a
connect time-out of its own.
"""

import io
import ssl
import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from http.client import HTTPResponse
from socket import socket
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError


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
    """None: more than the limit, and cut off there."""


class TimedUrl:
    """Redirects are answers like any other: none is followed. Certificates are verified."""

    def __init__(self, url: str, limits: Limits, connections: int) -> None:
        self._limits = limits
        parsed = urllib3.util.parse_url(url)
        self._path = parsed.request_uri
        context = {"ssl_context": ssl.create_default_context()} if parsed.scheme == "https" else {}
        timeout = urllib3.Timeout(connect=limits.connect, read=limits.read)
        self._pool = urllib3.connection_from_url(url, maxsize=connections, timeout=timeout, retries=False, **context)
        self._pool.ConnectionCls = _TimedHttps if parsed.scheme == "https" else _TimedHttp

    def post(self, body: bytes, headers: Mapping[str, str]) -> Answered:
        """As `get`."""
        return self._call("POST", body, headers)

    def get(self, headers: Mapping[str, str]) -> Answered:
        """Raises urllib3's HTTPError where there is no whole answer."""
        return self._call("GET", None, headers)

    def _call(self, method: str, body: bytes | None, headers: Mapping[str, str]) -> Answered:
        """Make a call, or make it again.

        A kept connection may have been closed by the other side since, as a function sleeps between invocations: the
        call is then made again, which the idempotency key allows.
        """
        call = _Call(time.monotonic() + self._limits.total)
        _CALL.set(call)
        while True:
            call.connected = False
            try:
                return self._call_once(method, body, headers)
            except HTTPError as error:
                if call.connected or not _was_lost(error):
                    raise

    def _call_once(self, method: str, body: bytes | None, headers: Mapping[str, str]) -> Answered:
        response = self._pool.urlopen(
            method, self._path, body=body, headers=headers, redirect=False, preload_content=False
        )
        try:
            return Answered(response.status, response.headers, self._body_of(response))
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

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self.connected = False
        """By itself, and not by an earlier one."""

    def wait(self, seconds: float) -> float:
        """So long, or what is left. Raises TimeoutError where nothing is."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no time is left for this call")
        return min(seconds, left)


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

    def connect(self) -> None:
        _begin_to_connect(self)
        super().connect()


class _TimedHttps(HTTPSConnection):
    response_class = _TimedResponse

    def connect(self) -> None:
        _begin_to_connect(self)
        super().connect()


def _begin_to_connect(connection: HTTPConnection) -> None:
    call = _CALL.get()
    call.connected = True
    connection.timeout = call.wait(connection.timeout or 0.0)


def _was_lost(error: HTTPError) -> bool:
    return any(isinstance(cause, ConnectionError | ssl.SSLEOFError) for cause in error.args)
