"""Read the ledgers after the demo, check what was promised, and say it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import Any

import httpx
from rich.table import Table

from local.console import console
from local.demo.http import get
from local.demo.watch import SentOrder, recipient_name
from local.servers.fake_provider import FakeProvider


@dataclass(frozen=True)
class Ledger:
    """A recipient's ledger as the API shows it, and the orders of this demo that belong in it."""

    recipient: str
    balance: Decimal
    currency: str
    entries: Sequence[dict[str, Any]]
    expected: Sequence[SentOrder]
    """In the order of acceptance."""

    @property
    def stands_in_order(self) -> bool:
        """The demo's orders stand in it exactly once each, in the order of acceptance, with their totals (P3, P4).

        The ledger of a stack that stays up has entries of earlier demos, too.
        """
        expected = [(order.order_id, order.view["total_amount"]) for order in self.expected]
        ours = {order.order_id for order in self.expected}
        return [(entry["order_id"], entry["amount"]) for entry in self.entries if entry["order_id"] in ours] == expected

    @property
    def adds_up(self) -> bool:
        return self.balance == sum((Decimal(entry["amount"]) for entry in self.entries), Decimal(0))


@dataclass(frozen=True)
class Promise:
    text: str
    holds: bool


def read_ledgers(ops: httpx.Client, orders: Sequence[SentOrder]) -> list[Ledger]:
    """The ledger of every recipient of the demo who should have one."""
    completed = [order for order in orders if order.status == "completed"]
    recipients = dict.fromkeys(order.recipient_id for order in completed)
    return [
        _read_ledger(ops, recipient_id, [order for order in completed if order.recipient_id == recipient_id])
        for recipient_id in recipients
    ]


def check(orders: Sequence[SentOrder], ledgers: Sequence[Ledger]) -> list[Promise]:
    """What the demo shows, each with whether it came true."""
    entries = {entry["order_id"] for ledger in ledgers for entry in ledger.entries}
    repeated = [order for order in orders if order.planned.send_twice]
    failed = [order for order in orders if order.planned.outcome == "failed"]
    return [
        Promise(
            f"{len(orders)} orders were accepted, and each ended as planned",
            all(order.status == order.planned.outcome for order in orders),
        ),
        Promise("what was sent twice with one Idempotency-Key is one order", all(order.replayed for order in repeated)),
        Promise(
            "every ledger has its orders once each, in the order of acceptance",
            all(ledger.stands_in_order for ledger in ledgers),
        ),
        Promise("every balance is the sum of its entries, to the cent", all(ledger.adds_up for ledger in ledgers)),
        Promise("the failed order is in no ledger", not any(order.order_id in entries for order in failed)),
    ]


def check_provider(provider: FakeProvider, orders: Sequence[SentOrder]) -> Promise:
    calls = provider.book.calls
    return Promise(
        f"the provider was asked over HTTP, {calls.total()} times, each time under the order's own key",
        set(calls) == {order.order_id for order in orders},
    )


def print_outcome(orders: Sequence[SentOrder], ledgers: Sequence[Ledger]) -> None:
    console.print()
    console.print(_origins_table(orders))
    console.print(_ledgers_table(ledgers))
    for order in orders:
        if failure := order.view.get("failure"):
            console.print(f"[red]Failed:[/red] {order.order_id} of {recipient_name(order)}")
            console.print(
                f"        {failure['class']}: {failure['message']} "
                f"[dim](stage {failure['stage']}, attempts {failure['attempts']})[/dim]",
                soft_wrap=True,
            )


def print_promises(promises: Sequence[Promise]) -> None:
    console.print()
    for promise in promises:
        mark = "[green]✓[/green]" if promise.holds else "[bold red]✗ NOT TRUE:[/bold red]"
        console.print(f"{mark} {promise.text}")


def _read_ledger(ops: httpx.Client, recipient_id: str, expected: Sequence[SentOrder]) -> Ledger:
    balance = get(ops, f"/recipients/{recipient_id}")
    entries: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = get(ops, f"/recipients/{recipient_id}/entries", cursor)
        entries += page["entries"]
        if "next_cursor" not in page:
            return Ledger(
                recipient_name(expected[0]), Decimal(balance["balance"]), balance["currency"], entries, expected
            )
        cursor = {"cursor": page["next_cursor"]}


def _origins_table(orders: Sequence[SentOrder]) -> Table:
    table = Table("From", title="Orders by origin", title_justify="left")
    for heading in ("Sent", "Accepted", "Completed", "Failed", "Median time"):
        table.add_column(heading, justify="right")
    origins = ("web", "mobile", "api")
    for name, among in [*((origin, {origin}) for origin in origins), ("all", set(origins))]:
        ours = [order for order in orders if order.planned.token in among]
        statuses = Counter(order.status for order in ours)
        sent = sum(1 + order.planned.send_twice for order in ours)
        time = median(order.seconds for order in ours)
        table.add_row(
            name, str(sent), str(len(ours)), str(statuses["completed"]), str(statuses["failed"]), f"{time:.1f} s"
        )
    return table


def _ledgers_table(ledgers: Sequence[Ledger]) -> Table:
    table = Table("Recipient", title="Ledgers", title_justify="left")
    table.add_column("Entries", justify="right")
    table.add_column("Balance", justify="right")
    table.add_column("In order of acceptance")
    table.add_column("Balance = sum")
    for ledger in sorted(ledgers, key=lambda ledger: ledger.recipient):
        table.add_row(
            ledger.recipient,
            str(len(ledger.entries)),
            f"{ledger.balance:,.2f} {ledger.currency}",
            _mark(ledger.stands_in_order),
            _mark(ledger.adds_up),
        )
    return table


def _mark(holds: bool) -> str:
    return "[green]yes[/green]" if holds else "[bold red]NO[/bold red]"
