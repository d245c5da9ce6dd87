"""What the demo orders, and what should become of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class PlannedOrder:
    """One POST /orders. `token` names the caller, and with it the origin."""

    token: Literal["web", "mobile", "api"]
    title: str
    body: Mapping[str, Any]
    outcome: Literal["completed", "failed"] = "completed"
    send_twice: bool = False


def _order(recipient: str, *skus: str) -> Mapping[str, Any]:
    return {
        "customer_id": f"{recipient}-account",
        "recipient_id": recipient,
        "items": [{"sku": sku, "qty": 1} for sku in skus],
    }


SLOW_SECONDS = 3
"""Less than the local stage gives a call of the provider, and than a worker reserves for an order."""

# In the order in which they are sent. `carla` shows that an order which fails for good holds nobody up, `bruno` that
# one which fails for now is tried again and not overtaken, `ana` that a slow one is waited for. She comes last: an
# emulator gives a worker one batch at a time, so that whatever is sent behind a slow order waits for it.
PLAN = (
    PlannedOrder(
        "web", "2 ABC, 1 XYZ", {"customer_id": "123", "items": [{"sku": "ABC", "qty": 2}, {"sku": "XYZ", "qty": 1}]}
    ),
    PlannedOrder("api", "1 Notebook", {"item_name": "Notebook", "quantity": 1, "price": 5000}),
    PlannedOrder("api", "BOMBA is rejected", _order("carla", "BOMBA"), outcome="failed"),
    PlannedOrder("web", "1 COFFEE-1KG", _order("carla", "COFFEE-1KG")),
    PlannedOrder("mobile", "1 NOTEBOOK-14, sent twice", _order("davi", "NOTEBOOK-14"), send_twice=True),
    PlannedOrder("mobile", "1 MOUSE-01, 1 CABLE-USB", _order("davi", "MOUSE-01", "CABLE-USB")),
    PlannedOrder("api", "1 ABC, 1 COFFEE-1KG", _order("davi", "ABC", "COFFEE-1KG")),
    PlannedOrder("web", "1 XYZ", _order("davi", "XYZ")),
    PlannedOrder("mobile", "FLAKY-2 fails twice", _order("bruno", "FLAKY-2", "MOUSE-01")),
    PlannedOrder("web", "1 CABLE-USB", _order("bruno", "CABLE-USB")),
    PlannedOrder(
        "web", f"SLOW-{SLOW_SECONDS} takes {SLOW_SECONDS} s longer", _order("ana", f"SLOW-{SLOW_SECONDS}", "COFFEE-1KG")
    ),
    PlannedOrder("api", "1 ABC", _order("ana", "ABC")),
)
