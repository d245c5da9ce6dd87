"""The starter's side of guard.py: start a command that ends with this process, unless it is released."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Self, cast

from local.errors import LocalError
from local.processes import guard

ROOT = Path(__file__).resolve().parents[2]


class Guarded:
    """A running command, stopped with all it started when the `with` block ends. Its output is added to `log`."""

    def __init__(self, command: Sequence[str | Path], env: Mapping[str, str], folder: Path, log: Path) -> None:
        with log.open("ab") as output:
            self._guard = subprocess.Popen(
                [sys.executable, "-m", guard.__name__, folder, *command],
                cwd=ROOT,
                env=env,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                start_new_session=True,  # Ctrl-C in the terminal is for us; the guard acts when we have ended
            )
        self._lifeline = cast("IO[bytes]", self._guard.stdin)
        with cast("IO[bytes]", self._guard.stdout) as answer:
            pid = answer.readline()
        if not pid:
            raise LocalError(f"{command[0]} could not be started; see {log}")
        self.pid = int(pid)

    def has_ended(self) -> bool:
        return self._guard.poll() is not None

    def wait(self, seconds: float) -> int | None:
        """The command's exit code, or None when it has not ended in time."""
        try:
            return self._guard.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def release(self) -> None:
        """Let the command live on when the `with` block, or this process, ends."""
        self._lifeline.write(guard.RELEASE)
        self._guard.wait()

    def stop(self) -> None:
        """End the command with all it started, and wait until it has."""
        self._lifeline.close()
        self._guard.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
