"""`comanda`: operate a Comanda stack from a terminal."""

from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.main import get_group

from comanda_cli.terminal.errors import EXIT_CODES, OneLineErrors


class Listed(NamedTuple):
    """A command as `--help` lists it; its module, in `comanda_cli.commands`, is imported once it is called."""

    help: str
    function: str | None = None
    """The module's function that is the command; else its `app` is a group of commands."""


COMMANDS = {
    "order": Listed("Submit, read, watch and retry orders."),
    "report": Listed("Ask for, watch, retry and discard reports."),
    "notification": Listed("What callers were told; resend it, or leave it at that."),
    "recipient": Listed("Balances and ledgers."),
    "queues": Listed(
        "Show each queue: waiting, in flight, delayed, and how much lies in its dead-letter queue.", "show_queues"
    ),
    "logs": Listed(
        "Show the life of an order or a report: what each function logged about it, by time, in UTC.", "show_logs"
    ),
    "dlq": Listed("Failed orders: look, redrive, discard. Dead letters: move, remove."),
    "token": Listed("Make, list and revoke bearer tokens."),
    "webhook": Listed("What webhooks are signed with."),
}


class LazyCommands(OneLineErrors):
    """Lists all commands, and imports the one that is called: all of them take seconds."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        return (name, _imported(name), rest) if name in COMMANDS else (name, command, rest)


def _imported(name: str) -> Any:
    listed, module, holder = COMMANDS[name], import_module(f"comanda_cli.commands.{name}"), typer.Typer()
    if listed.function:
        holder.command(name, epilog=EXIT_CODES)(getattr(module, listed.function))
    else:
        holder.add_typer(module.app, name=name, help=listed.help, epilog=EXIT_CODES)
    return get_group(holder).commands[name]


app = typer.Typer(
    cls=LazyCommands, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__, epilog=EXIT_CODES
)


@app.callback()
def main() -> None:
    """Operate a Comanda stack: the local one found through .local/stack.json, or with --stage one on AWS."""


def _is_listed() -> None:
    """Stands for a command that is not imported yet."""


for _name, _listed in COMMANDS.items():
    app.command(_name, help=_listed.help)(_is_listed)
