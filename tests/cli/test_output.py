"""What the command prints: nothing from outside moves the terminal, nothing is cut, and JSON stays JSON."""

import ast
import io
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

import comanda_cli
from comanda_cli.terminal.escaping import escaped, escaped_json
from comanda_cli.terminal.output import print_table
from tests.cli.conftest import Cli, a_failed_order, an_api

ESC, CSI, RLO, LRI, ZWSP, BOM, SHY, LS = "\x1b[31m", "\x9b31m", "\u202e", "\u2066", "\u200b", "\ufeff", "\xad", "\u2028"
HOSTILE = f"a{ESC}b{CSI}c{RLO}d{LRI}e{ZWSP}f{BOM}g{SHY}h{LS}i\rj\x07k\x7fl\U000e0041m\u3164n\udc80o\tp\nq"
SHOWN = (
    r"a\u001b[31mb\u009b31mc\u202ed\u2066e\u200bf\ufeffg\u00adh\u2028i\rj\u0007k\u007fl\U000e0041m\u3164n\udc80o\tp\nq"
)


def is_plain(text: str) -> bool:
    return not [each for each in text if unicodedata.category(each) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and each != "\n"]


def test_what_is_not_to_be_seen_is_shown_as_its_number() -> None:
    assert escaped(HOSTILE) == SHOWN
    assert escaped("São João, 日本, 👍, ñ and  e\u0301") == "São João, 日本, 👍, ñ and  e\u0301"
    assert escaped("two\nlines\r", keep="\n") == "two\nlines\\r"


@given(st.text())
def test_no_text_gets_through_unescaped_and_json_says_the_same(text: str) -> None:
    assert is_plain(escaped(text))
    as_json = escaped_json(json.dumps({text: [text]}, ensure_ascii=False))
    assert is_plain(as_json)
    assert json.loads(as_json) == {text: [text]}


def an_order_view(text: str) -> dict[str, Any]:
    return {
        "order_id": "o-1",
        "client_order_id": text,
        "status": "failed",
        "recipient_id": text,
        "customer_id": text,
        "origin": "web",
        "items": [{"item_name": text, "qty": 1}],
        "currency": "BRL",
        "total_amount": "1.00",
        "failure": {"class": text, "message": text, "stage": "enrichment", "attempts": 1, "at": "now"},
        "created_at": "now",
        "timeline": [{"status": "failed", "at": "now", "note": text}],
    }


def answering(view: Any, status: int = 200) -> dict[str, Any]:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=json.dumps(view))

    return an_api(answer)


ZERO: dict[str, Any] = {"currency": "BRL", "orders_completed": 0, "entries": []}
ITEM = ("--customer", "123", "--item", "ABC:1")
COMMANDS: list[Callable[[Cli], Any]] = [
    lambda cli: cli("order", "get", "o-1", **answering(an_order_view(HOSTILE))),
    lambda cli: cli("order", "watch", "o-1", **answering(an_order_view(HOSTILE))),
    lambda cli: cli("order", "get", "o-1", **answering({"title": HOSTILE, "detail": HOSTILE}, 422)),
    lambda cli: cli("order", "get", "o-1", **answering(HOSTILE, 500)),
    lambda cli: cli("recipient", "show", "r", **answering({"recipient_id": HOSTILE, "balance": HOSTILE} | ZERO)),
    lambda cli: cli("order", "submit", *ITEM, **answering({"order_id": HOSTILE, "recipient_id": HOSTILE}, 202)),
    lambda cli: cli("dlq", "list"),
    lambda cli: cli("dlq", "summary"),
    lambda cli: cli("dlq", "redrive", "--all", "--dry-run"),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_prints_what_came_from_outside_as_it_is(cli: Cli, command: Callable[[Cli], Any]) -> None:
    text = HOSTILE.replace("\udc80", "")  # DynamoDB takes UTF-8 only.
    cli.put(a_failed_order(recipient_id=text, name=text))
    result = command(cli)
    assert "\\u202e" in result.output
    assert is_plain(result.output)


def test_json_of_a_command_is_json_and_plain(cli: Cli) -> None:
    order = a_failed_order(recipient_id=HOSTILE.replace("\udc80", ""))
    cli.put(order)
    printed = cli("dlq", "list", "--json").stdout
    assert is_plain(printed)
    assert json.loads(printed)[0]["recipient_id"] == order.recipient_id


def test_only_the_two_modules_that_escape_print() -> None:
    """A new command that calls print or typer.echo by itself would get round them."""
    folder = Path(comanda_cli.__file__).parent
    for file in folder.rglob("*.py"):
        if file.name in {"output.py", "errors.py"}:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in {"print", "typer.echo", "typer.secho", "sys.stdout.write"}, (
                    f"{file.name}: {called}"
                )


ORDER_ID = "0a4f6c1e-6b7d-5f3a-9d0e-3c2b1a09f8e7"
COLUMNS = ["Order", "Recipient", "Stage", "Class", "Message", "Attempts", "Failed at"]
ROW = [ORDER_ID, "ana", "enrichment", "ItemRejected", "BOMBA is not an item", 1, "2026-11-22T09:25:00.000Z"]


def drawn(width: int, columns: list[str], *rows: list[Any]) -> str:
    screen = Console(width=width, file=io.StringIO(), highlight=False)
    print_table(columns, rows, screen)
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def test_where_a_table_does_not_fit_its_rows_stand_one_below_the_other() -> None:
    other = [*ROW[:1], "x" * 200, *ROW[2:]]
    shown = drawn(80, COLUMNS, ROW, other)
    assert max(map(len, shown.splitlines())) <= 80
    for name in COLUMNS:
        assert shown.count(name) == 2, name
    assert shown.count(ORDER_ID) == 2
    words = shown.split()
    assert {"enrichment", "ItemRejected", "2026-11-22T09:25:00.000Z", "ana"} <= set(words)
    assert sum(word.count("x") for word in words if set(word) == {"x"}) == 200, "folded, not cut"


def test_a_table_that_fits_stays_one_and_folds_at_words() -> None:
    shown = drawn(80, ["Entry", "Order", "Amount"], [1, ORDER_ID, "10.00"], [2, ORDER_ID, "10.00"])
    assert shown.splitlines()[0].startswith("┏")
    assert shown.count(ORDER_ID) == 2
    assert shown.count("Order") == 1


def test_a_pipe_gets_each_row_on_one_line_however_long(cli: Cli) -> None:
    order = a_failed_order(recipient_id="r" * 500)
    cli.put(order)
    (line,) = [line for line in cli("dlq", "list").stdout.splitlines() if order.order_id in line]
    for text in ("r" * 500, "BOMBA is not an item", "ItemRejected"):
        assert text in line
