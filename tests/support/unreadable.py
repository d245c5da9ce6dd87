"""Rows that nothing should make anything fail but what they are about: what was seen in them, and what may be."""

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from comanda.adapters.aws.values import from_dynamodb, to_dynamodb

ROWS = Path(__file__).parent / "rows"


def old_rows(kind: str) -> dict[str, dict[str, Any]]:
    """Rows as the releases before rows named their form wrote them, as DynamoDB gives them, by what they show."""
    rows: dict[str, dict[str, Any]] = json.loads((ROWS / f"{kind}.json").read_text())
    return rows


class Gone:
    """Instead of a value: the attribute is not there."""

    def __repr__(self) -> str:
        return "gone"


GONE = Gone()

ORDERS: list[tuple[str, object]] = [
    *((name, GONE) for name in ("updated_at", "replay", "currency", "correlation_id", "version", "items", "caller")),
    ("status", "refunded"),
    ("status", ""),
    ("status", ["completed"]),
    ("origin", "fax"),
    ("total_amount", Decimal("1.005")),
    ("total_amount", "10.00"),
    ("total_amount", Decimal("1E+100")),
    ("total_amount", -1),
    ("notify", "not JSON"),
    ("notify", "[" * 10_000),
    ("notify", '[{"events":["\\ud800"]}]'),
    ("notify", "{}"),
    ("created_at", "yesterday"),
    ("created_at", "2026-11-22T09:30:00.000"),
    ("updated_at", ""),
    ("created_at", "9999-12-31T23:59:59Z"),
    ("recipient_id", ""),
    ("currency", b"BRL"),
    ("customer_id", {"a": 1}),
    ("timeline", [{"status": "lost", "at": "2026-11-22T09:30:00.000Z"}]),
    ("timeline", "pending"),
    ("items", "ABC"),
    ("items", [{"sku": "ABC"}]),
    ("items", [1]),
    ("replay", "1"),
    ("replay", Decimal("0.5")),
    ("replay", True),
    ("failure", {"class": "X"}),
    ("metadata", {"a": ["nested"]}),
    ("schema", "1"),
]
"""What makes an order's row unreadable: an attribute, and what it holds."""

REPORTS: list[tuple[str, object]] = [
    *((name, GONE) for name in ("updated_at", "replay", "usable_until", "parameters", "version")),
    ("status", "printed"),
    ("format", "doc"),
    ("parameters", "not JSON"),
    ("parameters", "[]"),
    ("parameters", '{"n":NaN}'),
    ("parameters", '{"n":1e999}'),
    ("notify", "x"),
    ("lease", {"owner": "me"}),
    ("usable_until", "soon"),
    ("rows_written", Decimal(-1)),
    ("keyed", "yes"),
    ("type", b"table"),
    ("caller", ""),
]
NOTIFICATIONS: list[tuple[str, object]] = [
    *((name, GONE) for name in ("updated_at", "replay", "target", "data", "version")),
    ("status", "bounced"),
    ("channel", "fax"),
    ("data", "not JSON"),
    ("data", "[]"),
    ("happened_at", "soon"),
    ("locale", 7),
    ("target", ""),
    ("attempts", []),
    ("replay", Decimal(-1)),
]


def spoilt(row: Mapping[str, Any], name: str, value: object) -> dict[str, Any]:
    """A row of DynamoDB's with one attribute that is not as it should be."""
    fields = from_dynamodb(row) | {name: value}
    return to_dynamodb({name: value for name, value in fields.items() if value is not GONE})
