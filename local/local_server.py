"""A server on this machine that stands for somebody outside: of a test, or on a terminal."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Self

ADDRESS = "127.0.0.1"


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
