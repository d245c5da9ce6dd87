"""What a row of the orders table says to somebody who knows the items, but nothing of the code under test."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.simulation.expressions import Item
from tests.simulation.provider import HANGS, KILLER

CATALOGUE = {"ABC": Decimal("19.90")}
SWITCH_PRICE = Decimal("10.00")
"""What the simulated provider asks for items that are switches."""

PERMANENT = {"BOMBA": "ItemRejected", "NO-SUCH": "ItemUnknown"}


@dataclass(frozen=True)
class Row:
    """What a row of the orders table says."""

    order_id: str
    recipient_id: str
    status: str
    replay: int
    skus: tuple[str, ...]
    total: Decimal | None
    expected_total: Decimal
    failure: Mapping[str, Any] | None
    discarded: bool
    caller: str
    changed: bool
    """It carries the changed body of a key used twice."""

    @classmethod
    def of(cls, item: Item) -> "Row":
        items = [line["M"] for line in item["items"]["L"]]
        failure = item.get("failure", {}).get("M")
        return cls(
            order_id=item["order_id"]["S"],
            recipient_id=item["recipient_id"]["S"],
            status=item["status"]["S"],
            replay=int(item["replay"]["N"]),
            skus=tuple(line["sku"]["S"] for line in items),
            total=Decimal(item["total_amount"]["N"]) if "total_amount" in item else None,
            expected_total=sum((_price_of(line) for line in items), Decimal(0)),
            failure={name: next(iter(value.values())) for name, value in failure.items()} if failure else None,
            discarded=item.get("discarded", {}).get("BOOL", False),
            caller=item["caller"]["S"],
            changed="changed" in item["metadata"]["M"],
        )

    @property
    def holds_others_up(self) -> bool:
        """It rests between attempts, and its recipient's other orders with it."""
        return any(sku.startswith(("FLAKY", "SLOW")) or sku in {KILLER, HANGS} for sku in self.skus)

    def succeeds_within(self, attempts: int) -> bool:
        """Whether the provider gives in before the attempts are used up."""
        flaky = [int(sku.partition("-")[2]) for sku in self.skus if sku.startswith("FLAKY")]
        return not set(self.skus) & {*PERMANENT, KILLER, HANGS} and all(times < attempts for times in flaky)


def _price_of(line: Mapping[str, Any]) -> Decimal:
    quantity = Decimal(line["qty"]["N"])
    if "unit_price" in line:
        return quantity * Decimal(line["unit_price"]["N"])
    return quantity * CATALOGUE.get(line["sku"]["S"], SWITCH_PRICE)
