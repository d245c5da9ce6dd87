"""Where the installed command `comanda` begins."""

import sys
from typing import Any, cast

from comanda_cli.interrupts import end_at_once_on_ctrl_c


def run() -> None:
    end_at_once_on_ctrl_c()
    # httpx comes with a command line of its own, which imports click, pygments and half of rich; it goes without where
    # that cannot be imported, and None says so ("The import system", The module cache).
    cast("dict[str, Any]", sys.modules).setdefault("httpx._main", None)
    from comanda_cli.main import app

    app(prog_name="comanda")
