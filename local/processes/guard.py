"""Run a command that must not outlive whoever started it, however that one ends.

    python -m local.processes.guard FOLDER COMMAND [ARGUMENT …]

The starter holds the other end of standard input. When that closes, because the starter is done or was killed, even by
SIGKILL, the command's whole process group is stopped. A line `release` on it lets the command live on by itself. The
command's process id is the first and only line of standard output; what the command prints goes to standard error.
"""

import os
import select
import signal
import subprocess
import sys
import threading

from local.processes.processes import identify, signal_group, stop_group

RELEASE = b"release\n"


def main() -> int:
    """Start the command and watch over it. Returns its exit code."""
    told_to_end = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told_to_end.set())
    folder, *command = sys.argv[1:]
    child = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=sys.stderr, stderr=sys.stderr, start_new_session=True
    )
    leader = identify(child.pid)
    try:
        print(child.pid, flush=True)
        while child.poll() is None and not told_to_end.is_set():
            if select.select([sys.stdin], [], [], 0.05)[0]:
                if os.read(sys.stdin.fileno(), len(RELEASE)) == RELEASE:
                    os._exit(0)
                break
    finally:
        if leader is not None:
            stop_group(leader)
        signal_group(child.pid, signal.SIGKILL)  # what the command left behind when it ended by itself
    return child.wait()


if __name__ == "__main__":
    sys.exit(main())
