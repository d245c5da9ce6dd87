"""An order as a row of the orders table, and back.

Rows stay under 1 KB for an everyday order, so that each write costs one write unit: only what is there is written.
"""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from comanda.adapters.aws.notify_rows import notify_of, notify_to_text
from comanda.adapters.aws.present import present
from comanda.adapters.aws.row_fields import (
    SCHEMA,
    Fields,
    amount,
    by_name,
    count,
    each,
    inside,
    moment,
    name,
    number,
    one_of,
    reading,
    text,
    unfit,
)
from comanda.adapters.delivery.work_item_rows import attention_kind_of, work_from_row, work_to_row
from comanda.domain.orders.order import Enrichment, Item, Order, OrderStatus, Stage, TimelineEntry
from comanda.domain.shared.access import Origin
from comanda.domain.shared.times import to_iso

ATTENTION_SHARDS = 8
"""Open orders are spread over so many index partitions, each good for 1,000 writes a second."""

PERIOD_INDEX = "period"
PERIOD_SHARDS = 8
"""Each month's orders are spread over so many index partitions, which are read side by side (docs/decisions/0007)."""

CLAIM_LIFETIME = timedelta(days=15)
"""Longer than a queue keeps a message (14 days): while the message of a claim may exist, so does the claim (P1)."""


def to_row(order: Order) -> dict[str, Any]:
    """An order as its row."""
    row = {
        "schema": SCHEMA,
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
        "timeline": [_moment_to_row(entry) for entry in order.timeline] or None,
        "enrichment": _enrichment_to_row(order.enrichment) if order.enrichment else None,
        "attention": attention_of(order),
        "period": period_of(order),
        "notify": notify_to_text(order.notify) if order.notify else None,
        **work_to_row(order),
        "expires_at": int((order.created_at + CLAIM_LIFETIME).timestamp()) if order.is_claim else None,
    }
    return present(row)


def from_row(row: Mapping[str, Any]) -> Order:
    """Raises UnreadableRow."""
    return reading(str(row.get("order_id")), row, _order)


def _order(row: Fields) -> Order:
    return Order(
        order_id=row.get("order_id", _order_id),
        caller=row.get("caller", name),
        origin=row.get("origin", one_of(Origin)),
        recipient_id=row.get("recipient_id", name),
        customer_id=row.find("customer_id", text),
        client_order_id=row.find("client_order_id", text),
        items=row.get("items", each(inside(_item))),
        currency=row.get("currency", name),
        total_amount=row.find("total_amount", amount),
        metadata=row.find("metadata", by_name(_metadatum)) or {},
        payload_hash=row.get("payload_hash", name),
        correlation_id=row.get("correlation_id", text),
        status=row.get("status", one_of(OrderStatus)),
        timeline=row.find("timeline", each(inside(_moment))) or (),
        enrichment=row.find("enrichment", inside(_enrichment)),
        notify=next(iter(notify_of(row)), None),
        **work_from_row(row, Stage.PROCESSING),
    )


def attention_of(order: Order) -> str | None:
    """The key of the sparse index `attention`: `owed#<shard>`, `open#<shard>` or `failed#<shard>`; None for what is
    done with."""
    kind = attention_kind_of(order, is_over=order.is_settled)
    return kind and attention_key(kind, order.order_id)


def attention_key(kind: str, order_id: str) -> str:
    """Raises ValueError where the id is no UUID."""
    return f"{kind}#{uuid.UUID(order_id).int % ATTENTION_SHARDS}"


def period_of(order: Order) -> str | None:
    """The key of the index `period`, `2026-11#<shard>`, the same for life; None for a claim, which is no order yet."""
    if order.is_claim:
        return None
    return f"{month_of(order.created_at)}#{uuid.UUID(order.order_id).int % PERIOD_SHARDS}"


def month_of(when: datetime) -> str:
    """The partition of the index `period` that an order of this time is in."""
    return when.astimezone(UTC).strftime("%Y-%m")


def _moment_to_row(entry: TimelineEntry) -> dict[str, Any]:
    return present({"status": entry.status.value, "at": to_iso(entry.at), "note": entry.note})


def _item_to_row(item: Item) -> dict[str, Any]:
    fields = {"sku": item.sku, "item_name": item.item_name, "qty": item.qty, "unit_price": item.unit_price}
    return present(fields)


def _item(row: Fields) -> Item:
    return Item(
        qty=row.get("qty", count),
        sku=row.find("sku", text),
        item_name=row.find("item_name", text),
        unit_price=row.find("unit_price", amount),
    )


def _moment(row: Fields) -> TimelineEntry:
    return TimelineEntry(row.get("status", one_of(OrderStatus)), row.get("at", moment), row.find("note", text))


def _order_id(value: Any) -> str:
    """A UUID: the shards of indexes are made of it."""
    with unfit("is no UUID"):
        uuid.UUID(text(value))
    return str(value)


def _metadatum(value: Any) -> str | int | bool | None:
    if value is None or isinstance(value, bool):
        return value
    return text(value) if isinstance(value, str) else number(value)


def _enrichment_to_row(enrichment: Enrichment) -> dict[str, Any]:
    """Prices are not repeated here: they stand in the items."""
    fields = {
        "provider": enrichment.provider,
        "reference": enrichment.reference,
        "customer": dict(enrichment.customer) or None,
        "enriched_at": to_iso(enrichment.enriched_at) if enrichment.enriched_at else None,
    }
    return present(fields)


def _enrichment(row: Fields) -> Enrichment:
    return Enrichment(
        provider=row.get("provider", text),
        reference=row.get("reference", text),
        customer=row.find("customer", by_name(text)) or {},
        enriched_at=row.find("enriched_at", moment),
    )
