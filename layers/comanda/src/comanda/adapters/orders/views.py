"""What the API shows of orders and ledgers. Money is a decimal string, times are ISO 8601 in UTC."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from comanda.adapters.aws.present import present
from comanda.application.orders.ports import Balance, LedgerEntry
from comanda.domain.delivery.work_item import Failure
from comanda.domain.orders.order import Enrichment, Item, Order, OrderStatus
from comanda.domain.shared.times import to_iso


def accepted_view(order: Order) -> dict[str, Any]:
    """The answer to POST /orders: made only of what never changes, so that a replay gives the first answer again."""
    return present(
        {
            "order_id": order.order_id,
            "client_order_id": order.client_order_id,
            "recipient_id": order.recipient_id,
            "status": OrderStatus.PENDING.value,
            "created_at": to_iso(order.created_at),
        }
    )


def order_view(order: Order) -> dict[str, Any]:
    """The answer to GET /orders/{id}. `total_amount` is null until every item has a price."""
    view = {
        "order_id": order.order_id,
        "client_order_id": order.client_order_id,
        "customer_id": order.customer_id,
        "recipient_id": order.recipient_id,
        "origin": order.origin.value,
        "status": order.status.value,
        "items": [_item_view(item) for item in order.items],
        "currency": order.currency,
        "metadata": dict(order.metadata) or None,
        "enrichment": _enrichment_view(order.enrichment) if order.enrichment else None,
        "failure": _failure_view(order.failure) if order.failure else None,
        "timeline": [
            present({"status": moment.status.value, "at": to_iso(moment.at), "note": moment.note})
            for moment in order.timeline
        ],
        "created_at": to_iso(order.created_at),
        "updated_at": to_iso(order.updated_at),
    }
    return present(view) | {"total_amount": _money(order.total_amount)}


def balance_view(balance: Balance) -> dict[str, Any]:
    """The answer to GET /recipients/{id}."""
    return {
        "recipient_id": balance.recipient_id,
        "balance": _money(balance.amount),
        "currency": balance.currency,
        "orders_completed": balance.orders_completed,
    }


def entries_view(entries: Sequence[LedgerEntry], next_cursor: str | None) -> dict[str, Any]:
    """The answer to GET /recipients/{id}/entries: one page."""
    view = {
        "entries": [
            {
                "sequence": entry.sequence,
                "order_id": entry.order_id,
                "amount": _money(entry.amount),
                "completed_at": to_iso(entry.completed_at),
            }
            for entry in entries
        ],
        "next_cursor": next_cursor,
    }
    return present(view)


def _item_view(item: Item) -> dict[str, Any]:
    return present(
        {"sku": item.sku, "item_name": item.item_name, "qty": item.qty, "unit_price": _money(item.unit_price)}
    )


def _enrichment_view(enrichment: Enrichment) -> dict[str, Any]:
    return present(
        {
            "provider": enrichment.provider,
            "reference": enrichment.reference,
            "customer": dict(enrichment.customer) or None,
            "enriched_at": to_iso(enrichment.enriched_at) if enrichment.enriched_at else None,
        }
    )


def _failure_view(failure: Failure) -> dict[str, Any]:
    return {
        "class": failure.name,
        "message": failure.message,
        "stage": failure.stage,
        "attempts": failure.attempts,
        "at": to_iso(failure.at),
    }


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"
