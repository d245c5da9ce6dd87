"""`comanda recipient`: what a recipient has received."""

from collections import deque
from typing import Annotated

import typer

from comanda_cli.stack.connection import connect
from comanda_cli.terminal.errors import EXIT_CODES
from comanda_cli.terminal.options import As, Json, Stage, Token
from comanda_cli.terminal.output import print_facts, print_json, print_table

app = typer.Typer(no_args_is_help=True)


@app.callback()
def recipient() -> None:
    """Balances and ledgers."""


@app.command("show", epilog=EXIT_CODES)
def show_recipient(
    ctx: typer.Context,
    recipient_id: str,
    last: Annotated[int, typer.Option(min=0, help="How many of the last ledger entries to show.")] = 10,
    caller: As = "ops",
    token: Token = None,
    stage: Stage = None,
    as_json: Json = False,
) -> None:
    """Show a recipient's balance and the last entries of its ledger. Needs the scope ledger:read."""
    api = connect(ctx, stage).api(caller, token)
    balance = api.balance(recipient_id)
    entries = list(deque(api.entries(recipient_id), maxlen=last)) if last else []
    if as_json:
        print_json({**balance, "entries": entries})
        return
    print_facts(
        {
            "recipient": balance["recipient_id"],
            "balance": f"{balance['balance']} {balance['currency']}",
            "orders": f"{balance['orders_completed']} completed",
        }
    )
    if entries:
        print_table(
            ["Entry", "Order", "Amount", "Completed"],
            [(entry["sequence"], entry["order_id"], entry["amount"], entry["completed_at"]) for entry in entries],
        )
