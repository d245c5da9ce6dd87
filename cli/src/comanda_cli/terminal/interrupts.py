"""Ctrl-C at any moment: while the command starts or ends, the process is over at once; in between, a KeyboardInterrupt
is raised, and what is in hand is finished or cleaned up. Never a traceback, and always exit code 130.

Imports as good as nothing: it is there first. Before it, in the first milliseconds, Ctrl-C is the interpreter's own.
"""

import os
import signal

EXIT_CODE = 130


def end_at_once_on_ctrl_c() -> None:
    """From now on. Nothing has begun yet, or all is done."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # What a shell starts in the background is to go on.
        signal.signal(signal.SIGINT, _end_at_once)


class Interruptible:
    """In this block Ctrl-C raises KeyboardInterrupt, if it was to end the process at once."""

    def __enter__(self) -> None:
        self._before = signal.getsignal(signal.SIGINT)
        if self._before is _end_at_once:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def __exit__(self, *_: object) -> None:
        if self._before is _end_at_once:
            signal.signal(signal.SIGINT, _end_at_once)


def _end_at_once(*_: object) -> None:
    os.write(2, b"interrupted\n")
    os._exit(EXIT_CODE)
