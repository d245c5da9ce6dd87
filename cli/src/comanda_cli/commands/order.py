"""`comanda order`: one order at a time."""

import json
import re
import uuid
from typing import Annotated, Any

import typer

from comanda_cli.stack.connection import connect
from comanda_cli.terminal.errors import EXIT_CODES, NOT_DONE
from comanda_cli.terminal.options import As, Json, OrderId, Stage, Token, Waiting, taking
from comanda_cli.terminal.output import failure_text, print_json, print_order, read_body, remark, remark_owed, say
from comanda_cli.terminal.watching import watch

app = typer.Typer(no_args_is_help=True)

OPEN = {"pending", "processing"}
_ITEM = re.compile(r"(?P<sku>.+?):(?P<qty>\d{1,9})(?::(?P<price>\d{1,10}(?:\.\d{1,2})?))?")


@app.command("submit", epilog=EXIT_CODES)
def submit_order(
    ctx: typer.Context,
    customer: Annotated[str | None, typer.Option(help="The customer's id.")] = None,
    recipient: Annotated[str | None, typer.Option(help="Default: the customer.")] = None,
    item: Annotated[list[str] | None, typer.Option(metavar="SKU:QTY[:PRICE]", help="Repeat for more.")] = None,
    body: Annotated[str | None, typer.Option(metavar="FILE", help="The whole body as JSON; - for stdin.")] = None,
    key: Annotated[str | None, typer.Option(help="Idempotency key. Default: a new one, which is printed.")] = None,
    caller: As = "api",
    token: Token = None,
    stage: Stage = None,
    as_json: Json = False,
) -> None:
    """Submit an order and print its id. The same key again is the same order again."""
    content = _body(body, customer, recipient, item or [])
    api = connect(ctx, stage).api(caller, token)
    key = key or str(uuid.uuid4())
    if not as_json:
        remark(f"Idempotency key {key}")
    answer, replayed = api.submit(content, key)
    if as_json:
        print_json({**answer, "idempotency_key": key, "replayed": replayed})
        return
    say(answer["order_id"])
    remark("It was there already: nothing was sent." if replayed else f"Accepted for {answer['recipient_id']}.")


@app.command("get", epilog=EXIT_CODES)
def get_order(
    ctx: typer.Context,
    order_id: OrderId,
    caller: As = "ops",
    token: Token = None,
    stage: Stage = None,
    as_json: Json = False,
) -> None:
    """Show an order: status, items, total, failure, timeline."""
    view = connect(ctx, stage).api(caller, token).order(order_id)
    if as_json:
        print_json(view)
    else:
        print_order(view)


@app.command("watch", epilog=EXIT_CODES)
def watch_order(
    ctx: typer.Context,
    order_id: OrderId,
    limit: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="How long to watch at most.")] = 300,
    caller: As = "ops",
    token: Token = None,
    stage: Stage = None,
    as_json: Json = False,
) -> None:
    """Watch an order until it is finished. Exit code 3 where it does not complete: failed, cancelled, or still open."""
    connection = connect(ctx, stage)
    api = connection.api(caller, token)
    view = watch(lambda: api.order(order_id), _moments, OPEN, limit, connection.outside.sleep, show=not as_json)
    if as_json:
        print_json(view)
    elif view["status"] in OPEN:
        remark(f"still {view['status']} after {limit:.0f} s")
    elif view.get("failure"):
        remark(failure_text(view["failure"]))
    if view["status"] != "completed":
        raise typer.Exit(NOT_DONE)


@app.command("retry", epilog=EXIT_CODES)
@taking(Waiting, "waiting")
def retry_order(
    ctx: typer.Context, order_id: OrderId, waiting: Waiting, stage: Stage = None, as_json: Json = False
) -> None:
    """Redrive one failed order, also one that was discarded, and say what became of it.

    Exit code 3 where it is not failed, and is left alone; where it failed again, or is not over within --wait.
    """
    from comanda.application.orders.redrive import RedriveOrder
    from comanda_cli.endings import Endings

    connection = connect(ctx, stage)
    outside = connection.outside
    redriven = RedriveOrder(connection.orders, connection.order_runs)(order_id, outside.user())
    if not as_json:
        say(f"Order {order_id} is on its way again, run {redriven.replay + 1}.")
    endings = Endings("completed")
    if not redriven.owed:
        endings.watch(connection.orders, [redriven], waiting.seconds, outside.sleep, outside.clock)
    if as_json:
        facts = {"order_id": order_id, "replay": redriven.replay, "owed": redriven.owed}
        print_json({**facts, "endings": endings.to_json() if waiting.seconds and not redriven.owed else None})
    elif redriven.owed:
        remark_owed([order_id])
    elif waiting.seconds:
        endings.print_details(waiting.seconds, f"comanda dlq show {order_id}")
        if endings.are_as_wanted:
            say("It is completed.")
    if waiting.seconds and not endings.are_as_wanted:
        raise typer.Exit(NOT_DONE)


def _body(file: str | None, customer: str | None, recipient: str | None, items: list[str]) -> bytes:
    if file is not None:
        if customer or recipient or items:
            raise typer.BadParameter("--body is the whole order; it goes with no --customer, --recipient or --item")
        return read_body(file)
    if not customer or not items:
        raise typer.BadParameter("an order needs --customer and at least one --item, or --body")
    order: dict[str, Any] = {"customer_id": customer, "items": [_item(text) for text in items]}
    if recipient:
        order["recipient_id"] = recipient
    return json.dumps(order).encode()


def _item(text: str) -> dict[str, Any]:
    match = _ITEM.fullmatch(text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is not SKU:QTY or SKU:QTY:PRICE, such as ABC:2 or ABC:2:19.90")
    item: dict[str, Any] = {"sku": match["sku"], "qty": int(match["qty"])}
    return item | {"unit_price": match["price"]} if match["price"] else item


def _moments(view: dict[str, Any]) -> list[str]:
    return [
        f"{moment['at']}  {moment['status']}" + (f"  {moment['note']}" if moment.get("note") else "")
        for moment in view["timeline"]
    ]
