"""Requests that mean no good, kept as data (README.md)."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from comanda.domain.shared.access import Caller, Origin, Scope

FOLDER = Path(__file__).parent
CALLERS = {
    "ops": Caller("ops", Origin.API, frozenset(Scope)),
    "web": Caller("web", Origin.WEB, frozenset({Scope.ORDERS_READ, Scope.ORDERS_WRITE})),
    "reader": Caller("web", Origin.WEB, frozenset({Scope.ORDERS_READ})),
    "writer": Caller("web", Origin.WEB, frozenset({Scope.ORDERS_WRITE})),
}


@dataclass(frozen=True)
class HostileRequest:
    kind: str
    row: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.kind}: {self.row['name']}"

    @property
    def path(self) -> str:
        return str(self.row["path"]).partition("?")[0]

    @property
    def query(self) -> list[tuple[str, str]]:
        """Decoded, as API Gateway hands it over."""
        return parse_qsl(self.row["path"].partition("?")[2], keep_blank_values=True, errors="replace")

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [(name, value) for name, value in self.row.get("headers", [])]

    @property
    def body(self) -> bytes | None:
        if "body_base64" in self.row:
            return base64.b64decode(self.row["body_base64"])
        if "body_repeat" in self.row:
            before, unit, times, behind = self.row["body_repeat"]
            return f"{before}{unit * times}{behind}".encode()
        return self.row["body"].encode() if "body" in self.row else None

    @property
    def on_the_stack(self) -> bool:
        return self.row.get("stack", True) and self.row["caller"] not in {"reader", "writer"}


def hostile_requests() -> list[HostileRequest]:
    return [HostileRequest(kind, row) for kind, row in _rows() if "method" in row]


def hostile_messages() -> list[dict[str, str]]:
    """What is sent over a WebSocket."""
    return [row for kind, row in _rows() if kind == "websocket"]


def _rows() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in sorted(FOLDER.glob("*.jsonl")):
        for line in file.read_text().splitlines():
            yield file.stem, json.loads(line)
