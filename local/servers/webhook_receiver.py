"""A receiver to try webhooks with: `python -m local.servers.webhook_receiver`, in the demo, and in the tests.

It answers 204, or as it is told to, and keeps what it is told. As a command it prints that, and verifies it where
WEBHOOK_SECRET is what `comanda webhook secret issue` printed.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from standardwebhooks import Webhook, WebhookVerificationError

from comanda_cli.terminal.escaping import escaped
from local.servers.local_server import ADDRESS, LocalServer, serve_as_command

DEFAULT_PORT = 4581


class NotificationRequest(NamedTuple):
    """One webhook as it came."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def event_id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event

    def is_signed_with(self, secret: str) -> bool:
        try:
            Webhook(secret).verify(self.body, dict(self.headers))
        except WebhookVerificationError:
            return False
        return True


class WebhookReceiver(LocalServer):
    """Keeps what it is told."""

    def __init__(self, port: int = 0, on_told: Callable[[NotificationRequest], None] | None = None) -> None:
        super().__init__(port, _Hook)
        self.status = 204
        self.told: list[NotificationRequest] = []
        self._on_told = on_told

    @property
    def url(self) -> str:
        return f"http://{ADDRESS}:{self.server_port}/hook"

    def hear(self, told: NotificationRequest) -> None:
        self.told.append(told)
        if self._on_told:
            self._on_told(told)


class _Hook(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: WebhookReceiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.hear(NotificationRequest(dict(self.headers.items()), body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the standard library
        """Says nothing."""


def main() -> None:
    secret = os.environ.get("WEBHOOK_SECRET")
    if fault := _fault_of(secret):
        sys.exit(f"WEBHOOK_SECRET {fault}")

    def show(told: NotificationRequest) -> None:
        try:
            event, event_id = told.event, told.event_id
            about = event["data"].get("order_id") or event["data"]["report_id"]
            signed = "not verified" if secret is None else "signed" if told.is_signed_with(secret) else "WRONGLY SIGNED"
            line = f"{event['timestamp']}  {event['type']:18}  {about}  {event_id}  {signed}"
        except (KeyError, TypeError, ValueError):
            line = f"this is no event of Comanda's: {told.body[:200]!r}"
        print(escaped(line), flush=True)

    serve_as_command(
        lambda port: WebhookReceiver(port, show), DEFAULT_PORT, lambda server: f"A receiver of webhooks at {server.url}"
    )


def _fault_of(secret: str | None) -> str | None:
    """None where it is one, or where there is none on purpose."""
    if secret is None:
        return None
    if not secret.removeprefix("whsec_"):
        return (
            "is empty: the command that was to print it failed. A caller that has a secret already is given another by "
            "`comanda webhook secret rotate`. Unset it to receive without verifying."
        )
    try:
        Webhook(secret)
    except ValueError:
        return "is no secret as `comanda webhook secret issue` prints it: whsec_ and base64"
    return None


if __name__ == "__main__":
    main()
