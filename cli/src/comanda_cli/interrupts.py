"""Ctrl-C at any moment: while the command starts or ends, the process is over at once; in between, a KeyboardInterrupt
is raised, and what is in hand is finished or cleaned up. Never a traceback, and always exit code 130.

Imports as good as nothing: it is there first.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

EXIT_CODE = 130


def end_at_once_on_ctrl_c() -> None:
    """From now on. Nothing has begun yet, or all is done."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # What a shell starts in the background is to go on.
        signal.signal(signal.SIGINT, _end_at_once)


@contextmanager
def interruptible() -> Iterator[None]:
    """In this block Ctrl-C raises KeyboardInterrupt, if it was to end the process at once."""
    before = signal.getsignal(signal.SIGINT)
    if before is not _end_at_once:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end_at_once(*_: object) -> None:
    os.write(2, b"interrupted\n")
    os._exit(EXIT_CODE)
