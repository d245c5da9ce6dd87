"""The enrichment service over HTTP: the contract is in docs/enrichment.md."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from urllib3.exceptions import HTTPError

from comanda.adapters.enrichment.answers import AnswerMismatch, enrichment_of, error_of_call
from comanda.adapters.http_client.header_secret import ProviderSecret
from comanda.adapters.http_client.timed_http import TimedUrl
from comanda.application.enrichment.ports import EnrichmentRequest
from comanda.application.shared.ports import Clock
from comanda.domain.orders.order import Enrichment, Item
from comanda.domain.shared.canonical import canonical_json
from comanda.domain.shared.errors import Unavailable

MAX_ANSWER_BYTES = 256 * 1024
"""A hundred items with their prices are 25 KB; a row takes 400."""


@dataclass(frozen=True)
class HttpProvider:
    """Implements `EnrichmentProvider`.

    The key is the order's id for its whole life, whatever its attempt and replay, and the body is the same each time:
    an order that was answered once is never enriched twice, also when it is redriven after its worker lost the answer
    (P10). A provider that refuses to look at a rejected order again sees from `Comanda-Replay` that somebody wants it.
    """

    url: TimedUrl
    health: TimedUrl
    """Where it says how it is."""
    secret: ProviderSecret | None
    clock: Clock
    traceparent: Callable[[], str | None] = lambda: None
    """The W3C trace context of what is being done, if there is one."""

    def enrich(self, request: EnrichmentRequest) -> Enrichment:
        """Raises PermanentError, TransientError, and Unavailable where the secret cannot be read."""
        headers = self._headers() | {
            "Content-Type": "application/json",
            "Idempotency-Key": request.order_id,
            "Comanda-Replay": str(request.replay),
        }
        try:
            answered = self.url.post(canonical_json(_body_of(request)).encode(), headers)
        except HTTPError as error:
            raise error_of_call(error) from error
        if self.secret and answered.status in {401, 403}:
            self.secret.was_refused()
        try:
            return enrichment_of(answered, request, self.clock)
        except AnswerMismatch:
            self.url.drop_connections()
            raise

    def is_healthy(self) -> bool:
        """Any answer is one, but those that turn away whoever comes: 5xx and 429. A provider need not know of GET."""
        try:
            status = self.health.get(self._headers()).status
        except (HTTPError, Unavailable):
            return False
        return status < 500 and status != HTTPStatus.TOO_MANY_REQUESTS

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "comanda"}
        if traceparent := self.traceparent():
            headers["traceparent"] = traceparent
        return headers | dict(self.secret.header() if self.secret else {})


def _body_of(request: EnrichmentRequest) -> dict[str, Any]:
    return {
        "order_id": request.order_id,
        "customer_id": request.customer_id,
        "currency": request.currency,
        "items": [_item_of(item) for item in request.items],
    }


def _item_of(item: Item) -> dict[str, Any]:
    name = {"sku": item.sku} if item.sku else {"item_name": item.item_name}
    price = {} if item.unit_price is None else {"unit_price": str(item.unit_price)}
    return {**name, "qty": item.qty, **price}
