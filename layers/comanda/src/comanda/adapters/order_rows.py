"""An order as a row of the orders table, and back.

Rows stay under 1 KB for an everyday order, so that each write costs one write unit: only what is there is written.
"""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from comanda.adapters.notify_rows import notify_from_text, notify_to_text
from comanda.adapters.present import present
from comanda.adapters.work_item_rows import attention_kind_of, work_from_row, work_to_row
from comanda.domain.access import Origin
from comanda.domain.money import money
from comanda.domain.order import Enrichment, Item, Moment, Order, OrderStatus, Stage
from comanda.domain.times import from_iso, to_iso

ATTENTION_SHARDS = 8
"""Open orders are spread over so many index partitions, each good for 1,000 writes a second."""

PERIOD_INDEX = "period"
PERIOD_SHARDS = 8
"""Each month's orders are spread over so many index partitions, which are read side by side (docs/decisions/0007)."""

CLAIM_LIFETIME = timedelta(days=15)
"""Longer than a queue keeps a message (14 days): while the message of a claim may exist, so does the claim (P1)."""


def to_row(order: Order) -> dict[str, Any]:
    row = {
        "order_id": order.order_id,
        "caller": order.caller,
        "origin": order.origin.value,
        "recipient_id": order.recipient_id,
        "customer_id": order.customer_id,
        "client_order_id": order.client_order_id,
        "items": [_item_to_row(item) for item in order.items],
        "currency": order.currency,
        "total_amount": order.total_amount,
        "metadata": dict(order.metadata) or None,
        "payload_hash": order.payload_hash,
        "correlation_id": order.correlation_id,
        "status": order.status.value,
        "timeline": [_moment_to_row(moment) for moment in order.timeline] or None,
        "enrichment": _enrichment_to_row(order.enrichment) if order.enrichment else None,
        "attention": attention_of(order),
        "period": period_of(order),
        "notify": notify_to_text(order.notify) if order.notify else None,
        "created_at": to_iso(order.created_at),
        **work_to_row(order),
        "expires_at": int((order.created_at + CLAIM_LIFETIME).timestamp()) if order.is_claim else None,
    }
    return present(row)


def from_row(row: Mapping[str, Any]) -> Order:
    return Order(
        order_id=row["order_id"],
        caller=row["caller"],
        origin=Origin(row["origin"]),
        recipient_id=row["recipient_id"],
        customer_id=row.get("customer_id"),
        client_order_id=row.get("client_order_id"),
        items=tuple(_item_from_row(item) for item in row["items"]),
        currency=row["currency"],
        total_amount=_amount(row.get("total_amount")),
        metadata={
            key: int(value) if isinstance(value, Decimal) else value for key, value in row.get("metadata", {}).items()
        },
        payload_hash=row["payload_hash"],
        correlation_id=row["correlation_id"],
        status=OrderStatus(row["status"]),
        timeline=tuple(
            Moment(OrderStatus(moment["status"]), from_iso(moment["at"]), moment.get("note"))
            for moment in row.get("timeline", [])
        ),
        enrichment=_enrichment_from_row(row["enrichment"]) if "enrichment" in row else None,
        notify=next(iter(notify_from_text(row.get("notify"))), None),
        created_at=from_iso(row["created_at"]),
        **work_from_row(row, Stage.PROCESSING),
    )


def attention_of(order: Order) -> str | None:
    """The key of the sparse index `attention`: `owed#<shard>`, `open#<shard>` or `failed#<shard>`; None for what is
    done with."""
    kind = attention_kind_of(order, is_over=order.is_settled)
    return kind and f"{kind}#{uuid.UUID(order.order_id).int % ATTENTION_SHARDS}"


def period_of(order: Order) -> str | None:
    """The key of the index `period`, `2026-11#<shard>`, the same for life; None for a claim, which is no order yet."""
    if order.is_claim:
        return None
    return f"{month_of(order.created_at)}#{uuid.UUID(order.order_id).int % PERIOD_SHARDS}"


def month_of(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m")


def _moment_to_row(moment: Moment) -> dict[str, Any]:
    return present({"status": moment.status.value, "at": to_iso(moment.at), "note": moment.note})


def _item_to_row(item: Item) -> dict[str, Any]:
    fields = {"sku": item.sku, "item_name": item.item_name, "qty": item.qty, "unit_price": item.unit_price}
    return present(fields)


def _item_from_row(row: Mapping[str, Any]) -> Item:
    return Item(
        qty=int(row["qty"]),
        sku=row.get("sku"),
        item_name=row.get("item_name"),
        unit_price=_amount(row.get("unit_price")),
    )


def _enrichment_to_row(enrichment: Enrichment) -> dict[str, Any]:
    """Prices are not repeated here: they stand in the items."""
    fields = {
        "provider": enrichment.provider,
        "reference": enrichment.reference,
        "customer": dict(enrichment.customer) or None,
        "enriched_at": to_iso(enrichment.enriched_at) if enrichment.enriched_at else None,
    }
    return present(fields)


def _enrichment_from_row(row: Mapping[str, Any]) -> Enrichment:
    return Enrichment(
        provider=row["provider"],
        reference=row["reference"],
        customer=row.get("customer", {}),
        enriched_at=from_iso(row["enriched_at"]) if "enriched_at" in row else None,
    )


def _amount(value: Decimal | None) -> Decimal | None:
    """DynamoDB drops trailing zeros; money has two places always."""
    return None if value is None else money(value)
