"""One order and one report before the demo: the first call of each function starts a process, which takes seconds."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from local.console import console, step
from local.demo.files import wait_until_ready
from local.demo.http import post
from local.demo.orders import PlannedOrder
from local.demo.watch import SentOrder, wait_until_final
from local.demo.webhooks import notify, wait_until_told
from local.errors import LocalError
from local.servers.webhook_receiver import WebhookReceiver

RECIPIENT = "warm-up"
ORDER = PlannedOrder(
    "api",
    "the warm-up's order",
    {"item_name": "Warm-up", "quantity": 1, "price": 1, "customer_id": RECIPIENT, "recipient_id": RECIPIENT},
)


def warm_up(ops: httpx.Client, orders: list[SentOrder]) -> None:
    """Send an order, have its webhooks told to a receiver of its own, and have its recipient's statement written.

    The order is put into `orders`, for whoever has to say how far it came. Raises LocalError where it fails, or comes
    to a standstill.
    """
    with step("Warming up: one order and one report, as the first call of each function starts a process"):
        with WebhookReceiver() as receiver:
            body = {**ORDER.body, "notify": notify(receiver)}
            accepted = post(ops, "/orders", body, str(uuid.uuid4()), ORDER.title)
            order = SentOrder(ORDER, accepted.json(), replayed=False)
            orders.append(order)
            wait_until_final({ORDER.token: ops}, [order])
            wait_until_told(receiver, [order])
        if order.status != ORDER.outcome:
            raise LocalError(f"the warm-up's order is {order.status}")
        today = datetime.now(UTC).date().isoformat()
        parameters = {"from": today, "to": today, "recipient_id": RECIPIENT}
        report: Mapping[str, Any] = {"type": "recipient-statement", "format": "pdf", "parameters": parameters}
        asked = post(ops, "/reports", dict(report), str(uuid.uuid4()), "the warm-up's report")
        wait_until_ready(ops, asked.json()["report_id"])
    console.print(f"  [dim]Its order, of the recipient {RECIPIENT}, is in the day's lists too.[/dim]")
