"""A web page on this machine, a real browser that opens it, and a WebSocket gateway that answers as AWS does."""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.servers.local_server import LocalServer

PAGE = Path(__file__).with_name("page.html")
LIMIT_SECONDS = 300
"""Each of the page's steps ends after a minute."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOW_TO_INSTALL = (
    "no Chromium is installed: `apt-get install --no-install-recommends chromium` on Debian, `brew install --cask "
    "chromium` on a Mac, or set CHROMIUM to the program of one that is"
)


class WebPage:
    """A page that does what a web client does, and tells how it went."""

    def __init__(self) -> None:
        self.config: dict[str, str | None] = {}
        self.told: Queue[dict[str, Any]] = Queue()
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/config.json":
                    self._answer("application/json", json.dumps(page.config).encode())
                else:
                    self._answer("text/html", PAGE.read_bytes())

            def do_POST(self) -> None:
                page.told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self._answer("text/plain", b"")

            def _answer(self, content_type: str, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = LocalServer(0, Handler)

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    def opened_at(self, origin: str, profile: Path) -> dict[str, Any]:
        """What the page tells, opened by a browser under this origin."""
        with a_browser(f"{origin}/", profile):
            return self.told.get(timeout=LIMIT_SECONDS)


@contextmanager
def a_browser(url: str, profile: Path) -> Iterator[None]:
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.fail(HOW_TO_INSTALL, pytrace=False)
    options = ["--headless=new", "--disable-gpu", "--no-first-run", "--no-proxy-server", f"--user-data-dir={profile}"]
    if os.geteuid() == 0:  # Its sandbox does not run as root.
        options.append("--no-sandbox")
    with (profile.parent / f"{profile.name}.log").open("wb") as log:
        browser = subprocess.Popen([program, *options, url], stdout=log, stderr=log)
        try:
            yield
        finally:
            browser.terminate()
            browser.wait(20)


@contextmanager
def as_aws_answers(websocket_url: str) -> Iterator[str]:
    """The same WebSocket API, whose answer to a handshake names the subprotocol, as `$connect` says: API Gateway passes
    that on, the emulator does not, and a browser ends a connection without it."""
    parts = urlsplit(websocket_url)
    upstream = (parts.hostname or "", parts.port or 80)
    with ExitStack() as until_the_end, socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    server = socket.create_connection(upstream)
                    for each in (client, server):
                        until_the_end.callback(each.close)
                    server.sendall(_head(client))
                    status, _, rest = _head(server).partition(b"\r\n")
                    client.sendall(status + b"\r\nSec-WebSocket-Protocol: comanda\r\n" + rest)
                    for source, target in ((client, server), (server, client)):
                        Thread(target=_pump, args=(source, target), daemon=True).start()

        Thread(target=serve, daemon=True).start()
        port = listener.getsockname()[1]
        yield parts._replace(netloc=f"{parts.hostname}:{port}").geturl()


def _head(source: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n") and (byte := source.recv(1)):
        head += byte
    return head


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
