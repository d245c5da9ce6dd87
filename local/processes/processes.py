"""Processes that outlive the one who started them: known again without doubt, and stopped with all they started."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """A process for good: its id may be given to another one later, but not with the same start."""

    pid: int
    started: str


def identify(pid: int) -> Process | None:
    """The process with this id now, or None. One that has ended and waits to be collected counts as none."""
    started = _started_on_linux(pid) if _PROC.joinpath("self", "stat").exists() else _started_elsewhere(pid)
    return Process(pid, started) if started else None


def is_running(process: Process) -> bool:
    return identify(process.pid) == process


def stop_group(leader: Process, patience_seconds: float = 1.0) -> None:
    """End the leader and its process group: asked first, killed when it has not ended in time.

    Does nothing when the leader has ended: its id, and so its group's, may be somebody else's by now.
    """
    if not is_running(leader):
        return
    signal_group(leader.pid, signal.SIGTERM)
    _wait_until_ended(leader, patience_seconds)
    signal_group(leader.pid, signal.SIGKILL)
    _wait_until_ended(leader, 5.0)


def signal_group(group: int, number: signal.Signals) -> None:
    """Signal every process of the group, if there still is one."""
    with suppress(ProcessLookupError):
        os.killpg(group, number)


def _wait_until_ended(process: Process, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while is_running(process) and time.monotonic() < deadline:
        time.sleep(0.02)


def _started_on_linux(pid: int) -> str | None:
    """Fields 3 and 22 of /proc/<pid>/stat (proc(5)): the state, and the start in clock ticks since this boot."""
    try:
        stat = _PROC.joinpath(str(pid), "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    if fields[0] in ("Z", "X"):
        return None
    boot = _PROC.joinpath("sys", "kernel", "random", "boot_id").read_text().strip()
    return f"{boot}/{fields[19]}"


def _started_elsewhere(pid: int) -> str | None:
    asked = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, started = asked.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else started.strip()
