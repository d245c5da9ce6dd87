"""A server on this machine that stands for somebody outside: of a test, or on a terminal."""

import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Self, TypeVar

ADDRESS = "127.0.0.1"
MAX_PORT = 65_535


class LocalServer(ThreadingHTTPServer):
    """Serves from threads of its own, between `with` and its end. Port 0: any that is free."""

    request_queue_size = 64  # Who finds the queue full tries again a second later, or three.

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler], address: str = ADDRESS) -> None:
        super().__init__((address, port), handler)

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def serve_until_ctrl_c(self, what: str) -> None:
        print(f"{what}; Ctrl-C ends it.", flush=True)
        try:
            self.serve_forever()
        except KeyboardInterrupt:
            self.server_close()


Server = TypeVar("Server", bound=LocalServer)


def serve_as_command(server_at: Callable[[int], Server], default_port: int, what: Callable[[Server], str]) -> None:
    """Serve at the port that the command line gives. Ends with one line where that is none, or taken."""
    given = sys.argv[1] if sys.argv[1:] else str(default_port)
    if not (given.isascii() and given.isdigit() and int(given) <= MAX_PORT):
        sys.exit(f"a port is a number up to {MAX_PORT}, not {given!r}")
    try:
        server = server_at(int(given))
    except OSError as error:
        sys.exit(f"port {given} cannot be had: {error.strerror}; name another with PORT=NUMBER")
    server.serve_until_ctrl_c(what(server))
