"""What asks for attention, derived from a row at each write (rule 3), for all three kinds."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from comanda.adapters.notifications import table as notification_table
from comanda.adapters.orders import rows as order_rows
from comanda.adapters.reports import rows as report_rows
from comanda.domain.delivery.work_item import By
from tests.domain.delivery.kinds import KINDS, Kind
from tests.support.builders import NOW, a_claim

ROWS = [
    pytest.param(KINDS["order"], order_rows.to_row, "open", id="order"),
    pytest.param(KINDS["report"], report_rows.to_row, None, id="report"),
    pytest.param(KINDS["notification"], notification_table.to_row, None, id="notification"),
]
"""To a row; and what an open one asks for: open reports and notifications are not in their index."""


@pytest.mark.parametrize(("kind", "to_row", "when_open"), ROWS)
def test_attention_is_of_what_is_owed_then_of_what_failed_then_of_what_is_open(
    kind: Kind, to_row: Callable[[Any], dict[str, Any]], when_open: str | None
) -> None:
    def attention(row: Any) -> str | None:
        key: str | None = to_row(row).get("attention")
        return key.partition("#")[0] if key else None

    opened = kind.row.opened(By.CONSOLE, NOW, "")
    assert attention(kind.row) == when_open
    assert attention(opened) == "owed"
    assert attention(opened.sent(NOW)) == when_open
    assert attention(kind.failed()) == "failed"
    assert attention(replace(kind.failed(), discarded=True)) is None
    assert attention(kind.failed().opened(By.CONSOLE, NOW, "")) == "owed"
    for name, row in kind.over.items():
        assert attention(row) is None or name == "expired", "expiry needs nobody to write it down"


def test_a_claim_expires_and_nothing_that_is_written_after_it() -> None:
    """Rule 3: or an order is gone, though its message may come yet."""
    claim = a_claim()
    assert "expires_at" in order_rows.to_row(claim)
    for order in (claim.stored(NOW), claim.tried("m", 2, NOW), claim.opened(By.CONSOLE, NOW, "")):
        assert "expires_at" not in order_rows.to_row(order)
