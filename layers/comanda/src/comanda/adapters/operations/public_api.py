"""Our own HTTP API as a client sees it, for the canary."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from urllib3.exceptions import HTTPError

from comanda.adapters.http_client.header_secret import ProviderSecret
from comanda.adapters.http_client.timed_http import Answered, Limits, TimedUrl
from comanda.domain.shared.errors import Unavailable

LIMITS = Limits(connect=3, read=20, total=20, bytes=64 * 1024)
"""API Gateway answers within 29 s, and a cold start is no failure."""


@dataclass(frozen=True)
class FrontDoor:
    """Implements `Door`. `token` holds the header to send, `Bearer …`."""

    api_url: str
    token: ProviderSecret

    def submit(self, order: Mapping[str, Any], key: str) -> None:
        headers = self._headers() | {"Content-Type": "application/json", "Idempotency-Key": key}
        try:
            answered = self._url("orders").post(json.dumps(order).encode(), headers)
        except HTTPError as error:
            raise Unavailable(f"POST /orders: {type(error).__name__}") from error
        self._check(answered, HTTPStatus.ACCEPTED)

    def order(self, order_id: str) -> Mapping[str, Any]:
        try:
            answered = self._url(f"orders/{order_id}").get(self._headers())
        except HTTPError as error:
            raise Unavailable(f"GET /orders: {type(error).__name__}") from error
        self._check(answered, HTTPStatus.OK)
        view: Mapping[str, Any] = json.loads(answered.body or b"{}")
        return view

    def _url(self, path: str) -> TimedUrl:
        return TimedUrl(f"{self.api_url.rstrip('/')}/{path}", LIMITS, connections=1)

    def _headers(self) -> dict[str, str]:
        return {"Accept": "application/json", "User-Agent": "comanda-canary", **self.token.header()}

    def _check(self, answered: Answered, expected: HTTPStatus) -> None:
        if answered.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            self.token.was_refused()
        if answered.status != expected:
            raise Unavailable(f"answered {answered.status}")
