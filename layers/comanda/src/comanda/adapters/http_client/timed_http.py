"""One URL over kept connections, with a time for the whole of a call and a limit for the size of its answer.

urllib3's time-outs are for a single wait: a server that sends a byte a second never meets one. So each wait gets what
is left of the call: for the addresses of the host, for each of them to accept, for TLS, status line, headers and body.

An answer belongs to a call only because it came next on its connection. So interim answers are read past, and a
connection is kept only where it is certain that its answer has ended, and that nothing came behind it.
"""

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as CallTimeoutError

from comanda.adapters.http_client.call import CALL, Call, LookUp, addresses_of
from comanda.adapters.http_client.connections import TimedHttp, TimedHttps

_PART_BYTES = 64 * 1024
"""Of a body, at once."""


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
    """One whole answer."""

    status: int
    headers: Mapping[str, str]
    """Names in any case."""
    body: bytes | None
    """None: more than the limit, and cut off there; or broken off, where that does not matter."""


class Silence(StrEnum):
    """Why there is no whole answer."""

    TIMEOUT = "Timeout"
    UNREACHABLE = "Unreachable"


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
        self._connection = TimedHttps if parsed.scheme == "https" else TimedHttp
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
        call = Call(time.monotonic() + self._limits.total, self._look_up)
        CALL.set(call)
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


def _was_lost(error: HTTPError) -> bool:
    return any(isinstance(cause, ConnectionError | ssl.SSLEOFError) for cause in error.args)
