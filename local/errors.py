"""The local stack's own kind of error."""

from comanda_cli.terminal.errors import CliError


class LocalError(CliError):
    """The local stack cannot do what was asked; the message says why, and what to do."""
