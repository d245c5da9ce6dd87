"""`make` as the documents call it, in the folder that stands for the clone (test_docs.py)."""

import subprocess
import sys
import time
from pathlib import Path

from local import emulator
from local.__main__ import settings_given
from local.stack import deploy
from local.state import State

SERVERS = {"receiver": ("local.webhook_receiver", "receiver.log")}
PID_FILES = [f"{name}.pid" for name in SERVERS]


def main() -> None:
    folder, target, *variables = sys.argv[1:]
    given = dict(variable.split("=", 1) for variable in variables)
    if target in SERVERS:
        _start(Path(folder), target)
    elif target == "up":
        state = State(Path(folder, ".local"))
        running = emulator.find(state)
        assert running
        settings = settings_given(given.get("SET", "").split())
        wanted = Path(folder, "settings")
        if not wanted.exists() or wanted.read_text() != str(settings):  # A deploy that changes nothing takes time.
            deploy(state, running, settings)
            wanted.write_text(str(settings))
    else:
        sys.exit(f"no document's test knows make {target}")


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
