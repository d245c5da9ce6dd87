"""Where the installed command `comanda` begins."""

import sys

from comanda_cli.terminal.interrupts import end_at_once_on_ctrl_c


def run() -> None:
    """The entry point `comanda`."""
    end_at_once_on_ctrl_c()
    # httpx comes with a command line of its own, which imports click, pygments and half of rich; it goes without where
    # that cannot be imported, and None says so ("The import system", The module cache).
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
    from comanda_cli.main import app

    app(prog_name="comanda")
