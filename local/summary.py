"""What `make up` says at its end."""

from pathlib import Path

from rich.table import Table

from comanda_cli.stack.stack_info import StackInfo
from local.console import console
from local.processes.guarded import ROOT
from local.state import State


def relative(file: Path) -> Path:
    """As seen from the project's folder, where it is in there."""
    return file.relative_to(ROOT) if file.is_relative_to(ROOT) else file


def print_summary(stack: StackInfo, state: State) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_row("[bold]API[/bold]", stack.api_url)
    table.add_row("AWS endpoint", stack.endpoint_url)
    table.add_row("Queues", ", ".join(stack.queues) + " (each with a dead-letter queue)")
    table.add_row("Tables", ", ".join(stack.tables))
    table.add_row("Functions", ", ".join(stack.functions))
    table.add_row("Tokens", ", ".join(stack.tokens))
    table.add_row("", f"[dim]all their names, URLs and tokens are in {relative(state.stack_file)}[/dim]")
    table.add_row("Logs", f"{relative(state.emulator_log)}, {relative(state.cdk_log)}")
    console.print()
    console.print(table)
    print_examples(state)
    console.print("\nOrders in a live table: [bold]make demo[/bold]. Stop everything: [bold]make down[/bold]")


def print_examples(state: State) -> None:
    """Lines to paste, not wrapped."""
    order = '{"customer_id": "123", "items": [{"sku": "ABC", "qty": 2}, {"sku": "XYZ", "qty": 1}]}'
    as_web = '-H "Authorization: Bearer $WEB_TOKEN"'
    lines = (
        f". {relative(state.env_file)}",
        f"curl -si $API_URL/orders {as_web} -H 'Content-Type: application/json' -d '{order}'",
        f"curl -s $API_URL/orders/ORDER_ID {as_web}",
        'curl -s $API_URL/recipients/123 -H "Authorization: Bearer $OPS_TOKEN"',
        'curl -s $API_URL/recipients/123/entries -H "Authorization: Bearer $OPS_TOKEN"',
    )
    console.print("\n[bold]Try next[/bold]")
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)
