"""`make` as the documents call it, in the folder that stands for the clone (test_docs.py)."""

import subprocess
import sys
import time
from pathlib import Path

from local import emulator
from local.__main__ import settings_given
from local.stack import deploy
from local.state import State

SERVERS = {"receiver": ("local.servers.webhook_receiver", "receiver.log")}
PID_FILES = [f"{name}.pid" for name in SERVERS]


def main() -> None:
    folder, target, *variables = Path(sys.argv[1]), *sys.argv[2:]
    given = dict(variable.split("=", 1) for variable in variables)
    if target in SERVERS:
        _start(folder, target)
    elif target == "up":
        _up(folder, given.get("SET", ""))
    else:
        sys.exit(f"no document's test knows make {target}")


def remember(folder: Path, settings: str) -> None:
    """With what the stack was deployed last: a deploy that changes nothing takes its time all the same."""
    (folder / "settings").write_text(settings)


def _up(folder: Path, settings: str) -> None:
    state = State(folder / ".local")
    running = emulator.find(state)
    assert running
    if settings != (folder / "settings").read_text():
        deploy(state, running, settings_given(settings.split()))
        remember(folder, settings)


def _start(folder: Path, target: str) -> None:
    """In the background, as in a terminal of its own; it is there when this returns."""
    module, log = SERVERS[target]
    with (folder / log).open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    (folder / f"{target}.pid").write_text(str(process.pid))
    while "Ctrl-C ends it" not in (folder / log).read_text():
        if process.poll() is not None:
            sys.exit((folder / log).read_text())
        time.sleep(0.1)


if __name__ == "__main__":
    main()
