"""Errors that a command reports in one line, and the exit code of each.

0 done; 1 an error: no such stack, refused, out of reach; 2 wrong usage; 3 nothing matched, or not done as asked;
130 ended by Ctrl-C.
"""

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from comanda.domain.shared.errors import ComandaError, IllegalTransition, NotFound
from comanda_cli.terminal.escaping import escaped
from comanda_cli.terminal.interrupts import Interruptible

NOT_DONE = 3
INTERRUPTED = 130
EXIT_CODES = "Exit codes: 0 done, 1 error, 2 wrong usage, 3 nothing matched or not done as asked, 130 Ctrl-C."


class CliError(Exception):
    """The command cannot do what was asked; the message says why, and what to do."""

    exit_code = 1
    keeps_lines = False
    """Whether the message is several lines of our own making."""


class NotDone(CliError):
    """Nothing matched, or what was asked for did not come about."""

    exit_code = NOT_DONE


class OneLineErrors(TyperGroup):
    """A Typer app that says in one line what went wrong, where the cause is not a defect of the command itself."""

    def invoke(self, ctx: Any) -> Any:
        try:
            with Interruptible():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except _reported() as error:
            keep = "\n" if isinstance(error, CliError) and error.keeps_lines else ""
            typer.echo(escaped(str(error), keep=keep), err=True)
            raise typer.Exit(_exit_code_of(error)) from error


def _reported() -> tuple[type[Exception], ...]:
    """Those of AWS only where something has imported botocore, which takes longer than a small command."""
    if "botocore" not in sys.modules:
        return CliError, ComandaError
    from botocore.exceptions import BotoCoreError, ClientError

    return CliError, ComandaError, BotoCoreError, ClientError


def _exit_code_of(error: Exception) -> int:
    if isinstance(error, CliError):
        return error.exit_code
    return NOT_DONE if isinstance(error, NotFound | IllegalTransition) else 1
