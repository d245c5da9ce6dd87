"""`comanda` as it is installed, run in a process of its own."""

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMANDA = Path(sys.executable).with_name("comanda")


@dataclass(frozen=True)
class Cli:
    """Runs in a folder that has a `.local/stack.json`, as after `make up`."""

    folder: Path

    def __call__(self, *arguments: str, exit_code: int = 0) -> str:
        done = subprocess.run(
            [COMANDA, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == exit_code, done.stdout + done.stderr
        return done.stdout

    def json(self, *arguments: str, exit_code: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", exit_code=exit_code))

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [COMANDA, *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_hears_ctrl_c,
        )


def _hears_ctrl_c() -> None:
    """As at a terminal: what a shell starts in the background, such as these tests, has it ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
