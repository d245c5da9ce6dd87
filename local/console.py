"""What the local commands print: alive on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status

console = Console(width=None if sys.stdout.isatty() else 110, highlight=False, soft_wrap=False)


class Step:
    """A piece of work that is going on. `detail` shows how far it is."""

    def __init__(self, title: str, status: Status | None) -> None:
        self._title = title
        self._status = status

    def detail(self, text: str) -> None:
        if self._status is not None:
            self._status.update(f"{self._title} [dim]{text}[/dim]")


@contextmanager
def step(title: str) -> Iterator[Step]:
    """Show that something is going on, and how long it took."""
    started = time.monotonic()
    if console.is_terminal:
        with console.status(title) as status:
            yield Step(title, status)
    else:
        console.print(f"{title} …")
        yield Step(title, None)
    console.print(f"[green]✓[/green] {title} [dim]({time.monotonic() - started:.1f} s)[/dim]")
