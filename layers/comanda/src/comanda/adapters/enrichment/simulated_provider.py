"""The default enrichment service: no network, the same answer for the same order, and switches to watch failures.

It prices SKUs from a small catalogue, knows every customer but `unknown`, and takes the time it is told to. Switches
are read from an item's sku or item_name:

    BOMBA      is rejected for good
    FLAKY-n    fails for now n times, then succeeds (FLAKY-2; FLAKY-99 practically always)
    SLOW-n     takes n seconds longer (SLOW-3)
"""

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from comanda.application.enrichment.ports import EnrichmentRequest
from comanda.domain.orders.order import Enrichment
from comanda.domain.shared.errors import PermanentError, TransientError

CATALOGUE: Mapping[str, Decimal] = {
    "ABC": Decimal("19.90"),
    "XYZ": Decimal("249.00"),
    "NOTEBOOK-14": Decimal("5000.00"),
    "MOUSE-01": Decimal("89.90"),
    "CABLE-USB": Decimal("24.50"),
    "COFFEE-1KG": Decimal("62.30"),
}
SWITCH_PRICE = Decimal("10.00")
"""What an item that is a switch costs, if the client gave no price."""

_REFERENCES = uuid.UUID("0b7b4a52-7c0e-4f0c-9a77-3f1d1f5e8a10")
_SWITCH = re.compile(r"(FLAKY|SLOW)-(\d{1,3})", re.ASCII)


@dataclass(frozen=True)
class SimulatedProvider:
    """Implements `EnrichmentProvider`. `delay` in seconds; `sleep` as time.sleep."""

    delay: float
    sleep: Callable[[float], None]

    def enrich(self, request: EnrichmentRequest) -> Enrichment:
        labels = [item.label for item in request.items]
        switches = [match.groups() for match in map(_SWITCH.fullmatch, labels) if match]
        self.sleep(self.delay + sum(float(number) for kind, number in switches if kind == "SLOW"))

        if "BOMBA" in labels:
            raise PermanentError("ItemRejected", "BOMBA is not an item we deliver")
        if request.customer_id == "unknown":
            raise PermanentError("CustomerUnknown", "the provider knows no customer 'unknown'")
        if any(kind == "FLAKY" and request.attempt <= int(number) for kind, number in switches):
            raise TransientError("ProviderError", f"the provider failed at attempt {request.attempt}")

        return Enrichment(
            provider="simulated",
            reference=str(uuid.uuid5(_REFERENCES, request.order_id)),
            prices={item.label: _price_of(item.label) for item in request.items if item.unit_price is None},
            customer={"name": f"Customer {request.customer_id}"} if request.customer_id else {},
        )

    def is_healthy(self) -> bool:
        return True


def _price_of(label: str) -> Decimal:
    if _SWITCH.fullmatch(label):
        return SWITCH_PRICE
    if label not in CATALOGUE:
        raise PermanentError("ItemUnknown", f"the provider has no price for {label!r}; give a unit_price")
    return CATALOGUE[label]
