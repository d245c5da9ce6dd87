"""Errors that a command reports in one line, and the exit code of each.

0 done; 1 an error: no such stack, refused, out of reach; 2 wrong usage; 3 nothing matched, or not done as asked;
130 ended by Ctrl-C.
"""

from typing import Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from typer.core import TyperGroup

from comanda.domain.errors import ComandaError, IllegalTransition, NotFound

NOT_DONE = 3
INTERRUPTED = 130
EXIT_CODES = "Exit codes: 0 done, 1 error, 2 wrong usage, 3 nothing matched or not done as asked, 130 Ctrl-C."


class CliError(Exception):
    """The command cannot do what was asked; the message says why, and what to do."""

    exit_code = 1


class NotDone(CliError):
    """Nothing matched, or what was asked for did not come about."""

    exit_code = NOT_DONE


class OneLineErrors(TyperGroup):
    """A Typer app that says in one line what went wrong, where the cause is not a defect of the command itself."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (CliError, ComandaError, BotoCoreError, ClientError) as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(_exit_code_of(error)) from error
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(INTERRUPTED) from None


def _exit_code_of(error: Exception) -> int:
    if isinstance(error, CliError):
        return error.exit_code
    return NOT_DONE if isinstance(error, NotFound | IllegalTransition) else 1
