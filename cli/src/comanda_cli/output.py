"""What commands print: tables for people on stdout, JSON for scripts, remarks on stderr; and what they ask for."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from comanda.domain.errors import UnreadableRow
from comanda_cli.errors import NotDone

T = TypeVar("T")

STYLES = {
    "completed": "green",
    "failed": "red",
    "processing": "yellow",
    "pending": "dim",
    "cancelled": "dim",
    "ready": "green",
    "delivered": "green",
    "waiting": "yellow",
    "ended": "dim",
}
WIDE = 220
"""Columns where nobody looks at a terminal, so that a pipe gets whole ids."""
IDS, ID_WIDTH = {"Order", "Report", "Notification"}, 36
"""An id stays in one piece, to be copied."""


def console(*, stderr: bool = False) -> Console:
    is_terminal = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(stderr=stderr, width=None if is_terminal else WIDE, highlight=False)


def print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False))


def remark(text: str) -> None:
    typer.echo(text, err=True)


def readable(found: Iterable[T | UnreadableRow]) -> Iterator[T]:
    """What can be read; what cannot is said on the way."""
    for each in found:
        if isinstance(each, UnreadableRow):
            remark(f"Left alone: {each}. What to do: docs/order-lifecycle.md, A row that cannot be read.")
        else:
            yield each


def remark_owed(ids: Sequence[str]) -> None:
    """Of what has begun, without an answer that its message is stored."""
    if ids:
        remark(f"Sent by the steward within two minutes, as queue or table do not answer now: {', '.join(ids)}.")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold", min_width=ID_WIDTH if column in IDS else None)
    for row in rows:
        table.add_row(*(cell(value) for value in row))
    console().print(table)


def print_facts(facts: Mapping[str, object]) -> None:
    """Name and value, a line each, leaving out what is not there."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    for name, value in facts.items():
        if value is not None:
            grid.add_row(name, cell(value))
    console().print(grid)


def cell(value: object) -> Text:
    """Text as it is: what a customer or a provider wrote is no markup."""
    text = "-" if value is None else str(value)
    return Text(text, style=STYLES.get(text, ""))


def print_order(view: Mapping[str, Any]) -> None:
    """An order as GET shows it."""
    failure = view.get("failure")
    total = view.get("total_amount")
    print_facts(
        {
            "order": view["order_id"],
            "client's id": view.get("client_order_id"),
            "status": view["status"],
            "recipient": view["recipient_id"],
            "customer": view.get("customer_id"),
            "origin": view["origin"],
            "items": ", ".join(item_text(item) for item in view["items"]),
            "total": f"{total} {view['currency']}" if total else None,
            "failure": failure_text(failure) if failure else None,
            "created": view["created_at"],
        }
    )
    print_table(
        ["Status", "At", "Note"],
        [(moment["status"], moment["at"], moment.get("note", "")) for moment in view["timeline"]],
    )


def item_text(item: Mapping[str, Any]) -> str:
    price = f" at {item['unit_price']}" if item.get("unit_price") else ""
    return f"{item['qty']} x {item.get('sku') or item.get('item_name')}{price}"


def failure_text(failure: Mapping[str, Any]) -> str:
    attempts = "1 attempt" if failure["attempts"] == 1 else f"{failure['attempts']} attempts"
    return f"{failure['class']}: {failure['message']} ({failure['stage']}, {attempts}, {failure['at']})"


def confirm(question: str, *, yes: bool) -> None:
    """Raises NotDone where the answer is no."""
    try:
        agreed = yes or typer.confirm(question, err=True)
    except typer.Abort:  # Nobody there to answer.
        agreed = False
    if not agreed:
        raise NotDone("nothing was done")


def read_body(file: str) -> bytes:
    """The body of a request from a file, or from stdin for `-`."""
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}") from error
