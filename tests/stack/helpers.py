"""What whole-stack tests do again and again, through HTTP only."""

import time
import uuid
from typing import Any

import httpx

BUSY = {"pending", "processing"}


def a_recipient() -> str:
    """A recipient nobody else has."""
    return f"rec-{uuid.uuid4().hex[:12]}"


def an_order(recipient_id: str, *skus: str, **fields: Any) -> dict[str, Any]:
    items = [{"sku": sku, "qty": 1} for sku in skus or ("ABC",)]
    return {"customer_id": "123", "recipient_id": recipient_id, "items": items, **fields}


def post(client: httpx.Client, body: dict[str, Any], key: str | None = None) -> str:
    """Post an order that is to be accepted; give its id."""
    answer = client.post("orders", json=body, headers={"Idempotency-Key": key} if key else {})
    assert answer.status_code == 202, answer.text
    order_id: str = answer.json()["order_id"]
    return order_id


def finished(client: httpx.Client, order_id: str, limit_seconds: float = 120) -> dict[str, Any]:
    """The order once it is neither pending nor processing any more."""
    return settled(client, f"orders/{order_id}", BUSY, limit_seconds)


def settled(client: httpx.Client, path: str, busy: set[str], limit_seconds: float) -> dict[str, Any]:
    """What is there once its status is none of `busy`."""
    deadline = time.monotonic() + limit_seconds
    while True:
        view: dict[str, Any] = client.get(path).json()
        if view["status"] not in busy:
            return view
        assert time.monotonic() < deadline, f"still {view['status']} after {limit_seconds} s: {view}"
        time.sleep(0.1)


def ledger(client: httpx.Client, recipient_id: str) -> list[dict[str, Any]]:
    """All entries of a recipient, page by page."""
    entries: list[dict[str, Any]] = []
    query = {"limit": "50"}
    while True:
        page = client.get(f"recipients/{recipient_id}/entries", params=query).json()
        entries += page["entries"]
        if "next_cursor" not in page:
            return entries
        query["cursor"] = page["next_cursor"]
