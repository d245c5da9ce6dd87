"""What commands print: tables for people on stdout, JSON for scripts, remarks on stderr; and what they ask for.

Everything goes through here, so that whatever came from outside is escaped (escaping.py). Rich is imported where it is
needed: it takes longer than all else that a small command does.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from comanda.domain.shared.errors import UnreadableRow
from comanda_cli.terminal.errors import NotDone
from comanda_cli.terminal.escaping import escaped, escaped_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

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
UNLIMITED = 1_000_000
"""Columns where nobody looks at a terminal, so that a pipe gets everything, uncut and on one line."""
LONGEST_WORD = 36
"""Characters that stay in one piece wherever a table is shown: an id, which is to be copied."""
BORDER, EDGE = 3, 1
"""Characters that a table takes for each column, and once more."""


def console(*, stderr: bool = False) -> "Console":
    """Rich's console on standard output, or on standard error."""
    from rich.console import Console

    is_terminal = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(stderr=stderr, width=None if is_terminal else UNLIMITED, highlight=False)


def say(text: object) -> None:
    """A line of the answer."""
    typer.echo(escaped(str(text)))


def remark(text: str) -> None:
    """A line that is no part of the answer."""
    typer.echo(escaped(text), err=True)


def print_json(value: object) -> None:
    """JSON on standard output, and nothing else there."""
    typer.echo(escaped_json(json.dumps(value, ensure_ascii=False)))


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
        remark(f"Sent by the reconciler within two minutes, as queue or table do not answer now: {', '.join(ids)}.")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], screen: "Console | None" = None) -> None:
    """A table; or, where the screen is too narrow to show each column, the rows one below the other. Nothing is cut."""
    from rich.table import Table

    screen = screen or console()
    cells = [[cell(value) for value in row] for row in rows]
    widths = [_least_width([name, *column]) for name, *column in zip(columns, *cells, strict=True)]
    if sum(widths) + BORDER * len(widths) + EDGE > screen.width:
        for row in cells:
            screen.print(_facts(dict(zip(columns, row, strict=True))), end="\n\n" if row is not cells[-1] else "\n")
        return
    table = Table()
    for name, width in zip(columns, widths, strict=True):
        table.add_column(name, overflow="fold", min_width=width)
    for row in cells:
        table.add_row(*row)
    screen.print(table)


def _least_width(column: "Sequence[str | Text]") -> int:
    """Of the longest word: narrower, a column is no longer to be read."""
    from rich.cells import cell_len

    return min(LONGEST_WORD, max(cell_len(word) for text in column for word in (str(text).split() or [""])))


def print_facts(facts: Mapping[str, object]) -> None:
    """Name and value, a line each, leaving out what is not there."""
    console().print(_facts({name: cell(value) for name, value in facts.items() if value is not None}))


def _facts(facts: "Mapping[str, Text]") -> "Table":
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in facts.items():
        grid.add_row(name, value)
    return grid


def cell(value: object) -> "Text":
    """Text as it is: what a customer or a provider wrote is no markup."""
    from rich.text import Text

    text = "-" if value is None else escaped(str(value))
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
    """An item of an order in one line."""
    price = f" at {item['unit_price']}" if item.get("unit_price") else ""
    return f"{item['qty']} x {item.get('sku') or item.get('item_name')}{price}"


def failure_text(failure: Mapping[str, Any]) -> str:
    """A failure in one line."""
    attempts = "1 attempt" if failure["attempts"] == 1 else f"{failure['attempts']} attempts"
    return f"{failure['class']}: {failure['message']} ({failure['stage']}, {attempts}, {failure['at']})"


def confirm(question: str, *, yes: bool) -> None:
    """Raises NotDone where the answer is no."""
    try:
        agreed = yes or typer.confirm(question, err=True)
    except typer.Abort as abort:
        if isinstance(abort.__context__, KeyboardInterrupt):
            typer.echo(err=True)  # What was typed ends no line.
            raise KeyboardInterrupt from None
        agreed = False  # Nobody there to answer.
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
