"""Answers whose end is known for certain (RFC 9112): interim ones are read past, and what came behind is found out."""

import io
import re
import ssl
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse, IncompleteRead
from socket import SHUT_RDWR, socket
from typing import Any

from comanda.adapters.http_client.call import CALL

MAX_INTERIM = 16
"""Answers of a call before its final one (RFC 9110, 15.2)."""
MAX_HEAD_BYTES = 64 * 1024
"""Of all its answers."""
_MAX_CHUNK_LINE = 4096
_MAX_TRAILERS = 100
_LINE = re.compile(rb"[^\r\n\0]*\r\n")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?\r?\n")
_PLAIN_CHUNK = re.compile(rb"[0-9A-Fa-f]{1,16}\r\n")
_LENGTH = re.compile(r"[0-9]{1,18}")
_WITHOUT_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
_PERHAPS_UNREAD = {400, 408, 411, 413, 417, 431}
"""Said by servers that did not read all of a request: they may take the rest of it for the next one."""


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
        self._socket.settimeout(CALL.get().wait(self._seconds))
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


class TimedResponse(HTTPResponse):
    """The final answer of a call. Its connection is kept only where its end is certain."""

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
