"""Errors that a command reports in one line, with exit code 1."""

from typing import Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from typer.core import TyperGroup


class CliError(Exception):
    """The command cannot do what was asked; the message says why, and what to do."""


class OneLineErrors(TyperGroup):
    """A Typer app that says in one line what went wrong, where the cause is not a defect of the command itself."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (CliError, BotoCoreError, ClientError) as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from error
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(130) from None
