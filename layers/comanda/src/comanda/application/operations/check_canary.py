"""The canary: an order of ours on a schedule, through the front door, that proves the whole path to its completion.

Each tick looks at the order of the tick before, and sends the next. Both keys follow from the time, so that nothing has
to be remembered, and a tick that comes twice sends nothing twice. It costs nothing (0.00), goes to a recipient of its
own, and is left out of the metrics.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from comanda.application.operations.events import CanaryChecked, CanaryCompleted
from comanda.application.shared.ports import Clock
from comanda.application.shared.telemetry import Telemetry
from comanda.domain.shared.access import CANARY
from comanda.domain.shared.errors import Unavailable
from comanda.domain.shared.identity import IdempotencyKey, KeySpace

ORDER = {"customer_id": CANARY, "items": [{"sku": "CANARY", "qty": 1, "unit_price": "0.00"}]}


class ApiClient(Protocol):
    """The HTTP API as a client sees it. Every method raises Unavailable where it does not answer as it should."""

    def submit(self, order: Mapping[str, Any], key: str) -> None:
        """POST /orders, accepted."""

    def order(self, order_id: str) -> Mapping[str, Any]:
        """GET /orders/{id}."""


@dataclass(frozen=True)
class CheckCanary:
    """Sends an order of our own through, and looks whether the last one came out."""

    api: ApiClient
    telemetry: Telemetry
    clock: Clock
    every: timedelta

    def __call__(self) -> None:
        """Never raises for an outage: that is what it tells."""
        tick = int(self.clock().timestamp() // self.every.total_seconds())
        faults = [fault for fault in (self._fault_of(tick - 1), self._fault_of_sending(tick)) if fault]
        self.telemetry.emit(CanaryChecked(failed=bool(faults), reason="; ".join(faults) or None))

    def _fault_of(self, tick: int) -> str | None:
        order_id = IdempotencyKey(CANARY, KeySpace.HEADER, _key_of(tick)).order_id
        try:
            view = self.api.order(order_id)
        except Unavailable as error:
            return f"order {order_id}: {error}"
        if view.get("status") != "completed":
            return f"order {order_id} is {view.get('status')} after {self.every}"
        began, ended = (datetime.fromisoformat(view[name]) for name in ("created_at", "updated_at"))
        self.telemetry.emit(CanaryCompleted(order_id=order_id, seconds=(ended - began).total_seconds()))
        return None

    def _fault_of_sending(self, tick: int) -> str | None:
        try:
            self.api.submit(ORDER, _key_of(tick))
        except Unavailable as error:
            return f"sending: {error}"
        return None


def _key_of(tick: int) -> str:
    return f"canary-{tick}"
