"""Look at something again and again, and print its news, until it is finished."""

import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any

from comanda_cli.terminal.escaping import escaped
from comanda_cli.terminal.output import console

LOOK_EVERY_SECONDS = 0.3

View = dict[str, Any]


def watch(
    look: Callable[[], View],
    lines: Callable[[View], Iterable[str]],
    busy: set[str],
    limit: float,
    sleep: Callable[[float], None],
    *,
    show: bool,
) -> View:
    """Give what is seen once its status is none of `busy`, or when `limit` seconds are over; print each line once."""
    deadline = time.monotonic() + limit
    screen = console()
    shown: set[str] = set()
    with screen.status("watching") if show and screen.is_terminal else nullcontext():
        while True:
            view = look()
            for line in lines(view) if show else ():
                if line not in shown:
                    screen.print(escaped(line), markup=False, soft_wrap=True)
                    shown.add(line)
            if view["status"] not in busy or time.monotonic() > deadline:
                return view
            sleep(LOOK_EVERY_SECONDS)
