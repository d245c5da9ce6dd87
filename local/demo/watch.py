"""Watch orders until nothing more happens to them."""

import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

import httpx
from rich.live import Live
from rich.table import Table

from local.console import console
from local.demo.http import get
from local.demo.orders import PlannedOrder
from local.errors import LocalError
from local.patience import Patience

STILL_SECONDS, LIMIT_SECONDS = 300.0, 1800.0
"""So long nothing may change; so long may all of it take, which needs about ten. Whatever happens to a message, its
order's status says so within five minutes (P8)."""
PAUSE_SECONDS = 0.1
STYLES = {"completed": "green", "failed": "red", "processing": "yellow", "pending": "dim"}

Clients = Mapping[str, httpx.Client]


@dataclass
class SentOrder:
    """An accepted order. `view` is what GET /orders/{id} said last, at first the answer to its POST."""

    planned: PlannedOrder
    view: Mapping[str, Any]
    replayed: bool
    sent_at: float = field(default_factory=time.monotonic)

    @property
    def order_id(self) -> str:
        return str(self.view["order_id"])

    @property
    def recipient_id(self) -> str:
        return str(self.view["recipient_id"])

    @property
    def status(self) -> str:
        return str(self.view["status"])

    @property
    def is_final(self) -> bool:
        return self.status in ("completed", "failed", "cancelled")

    @property
    def seconds(self) -> float:
        """From accepted to final by the service's clock; while it is on its way, by ours."""
        if not self.is_final:
            return time.monotonic() - self.sent_at
        end = datetime.fromisoformat(self.view["timeline"][-1]["at"])
        return (end - datetime.fromisoformat(self.view["created_at"])).total_seconds()


def watch(clients: Clients, orders: Sequence[SentOrder]) -> None:
    """Ask for every order until it is final: a live table on a terminal, a line for each finished order elsewhere."""
    if not console.is_terminal:
        for order in _until_final(clients, orders):
            if order.is_final:
                title = f"{recipient_name(order):8} {order.planned.title:26}"
                console.print(f"{title} {order.status:10} {order.seconds:5.1f} s")
        return
    with Live(get_renderable=lambda: _table(orders), console=console, refresh_per_second=8):
        wait_until_final(clients, orders)


def wait_until_final(clients: Clients, orders: Sequence[SentOrder]) -> None:
    """As `watch`, and show nothing."""
    deque(_until_final(clients, orders), maxlen=0)


def _until_final(clients: Clients, orders: Sequence[SentOrder]) -> Iterator[SentOrder]:
    """Ask for each waiting order in turn, and give it out after each look."""
    patience = Patience(STILL_SECONDS, LIMIT_SECONDS)
    while waiting := [order for order in orders if not order.is_final]:
        if patience.is_over([order.view for order in orders]):
            raise LocalError(f"{len(waiting)} of {len(orders)} orders are not done: {patience.why_over}")
        for order in waiting:
            order.view = get(clients[order.planned.token], f"/orders/{order.order_id}")
            yield order
        time.sleep(PAUSE_SECONDS)


def _table(orders: Sequence[SentOrder]) -> Table:
    table = Table("Recipient", "Order", "From", "Status", title="Orders, by recipient in the order of acceptance")
    table.add_column("Time", justify="right")
    for recipient, group in groupby(sorted(orders, key=recipient_name), key=recipient_name):
        for number, order in enumerate(group):
            style = STYLES.get(order.status, "")
            status = f"[{style}]{order.status}[/{style}]" if style else order.status
            name = recipient if number == 0 else ""
            table.add_row(name, order.planned.title, order.planned.token, status, f"{order.seconds:.1f} s")
        table.add_section()
    return table


def recipient_name(order: SentOrder) -> str:
    """A recipient's name; an order that is its own recipient has only its id, which says nothing to a reader."""
    return "(itself)" if order.recipient_id == order.order_id else order.recipient_id
