"""Start, find and stop the emulator (ministack), which runs without Docker in a virtual environment of its own."""

import json
import shutil
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Self

from local.errors import LocalError
from local.processes.guarded import ROOT, Guarded
from local.processes.processes import Process, identify, is_running, stop_group
from local.state import State, write_private

DEFAULT_PORT = 4566
HOST = "127.0.0.1"
START_LIMIT_SECONDS = 180.0
"""It needs less than one, on a machine with nothing else to do."""
HEALTH_PATIENCE_SECONDS = 30.0
"""A running emulator that was only busy must not be taken for one that hangs: it would be ended, with all it holds."""
PORTS_TRIED = 5
LISTENS = "Running on http"
"""What the emulator's log says once the port is its own."""
INTERPRETER = ROOT / ".venv-emulator" / "bin" / "python"

# Not by way of a proxy the user may have: it is on this machine.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class PortTaken(LocalError):
    """Another program listens there."""


@dataclass(frozen=True)
class Emulator:
    """An emulator that was started from this clone."""

    process: Process
    port: int

    @property
    def endpoint_url(self) -> str:
        # The address, not "localhost": it makes the AWS SDKs put the bucket's name into the path.
        return f"http://{HOST}:{self.port}"

    def is_healthy(self, patience_seconds: float = HEALTH_PATIENCE_SECONDS) -> bool:
        try:
            with _direct.open(f"{self.endpoint_url}/_ministack/health", timeout=patience_seconds) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


class StartedEmulator:
    """A fresh, empty emulator. It ends with the `with` block, however this process ends, unless it is kept."""

    def __init__(self, state: State, port: int) -> None:
        check_port_is_free(port)
        self._state = state
        shutil.rmtree(state.emulator_tmp, ignore_errors=True)
        state.emulator_tmp.mkdir(parents=True, exist_ok=True)
        state.emulator_log.unlink(missing_ok=True)
        # What another emulator held is gone with it.
        state.stack_file.unlink(missing_ok=True)
        state.env_file.unlink(missing_ok=True)
        self._guarded = Guarded(
            [INTERPRETER, "-m", "ministack"], _environment(state, port), state.folder, state.emulator_log
        )
        process = identify(self._guarded.pid)
        if process is None:
            raise self._failure("ended at once")
        self.emulator = Emulator(process, port)

    def wait_until_healthy(self) -> None:
        """Raises PortTaken where another program was quicker, also where that one looks like an emulator."""
        deadline = time.monotonic() + START_LIMIT_SECONDS
        while not (self._listens() and self.emulator.is_healthy()):
            if self._guarded.has_ended():
                if "already in use" in self._log():
                    raise _port_taken(self.emulator.port)
                raise self._failure("ended while it started")
            if time.monotonic() > deadline:
                raise self._failure(f"did not answer within {START_LIMIT_SECONDS:.0f} s")
            time.sleep(0.05)

    def keep(self, state: State | None = None) -> None:
        """Let it live on, and remember it, in `state` or else in its own, so that the next command finds it again."""
        remembered = {"pid": self.emulator.process.pid, "started": self.emulator.process.started}
        write_private(
            (state or self._state).emulator_file, json.dumps({**remembered, "port": self.emulator.port}) + "\n"
        )
        self._guarded.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._guarded.stop()

    def _listens(self) -> bool:
        return LISTENS in self._log()

    def _log(self) -> str:
        return self._state.emulator_log.read_text(errors="replace")

    def _failure(self, what: str) -> LocalError:
        return LocalError(f"the emulator {what}; see {self._state.emulator_log}")


@contextmanager
def on_a_free_port(state: State) -> Iterator[StartedEmulator]:
    """One that answers. Where another program takes the port that was free a moment ago, it takes another."""
    with ExitStack() as until_the_end:
        for number in range(1, PORTS_TRIED + 1):
            try:
                started = until_the_end.enter_context(StartedEmulator(state, free_port()))
                started.wait_until_healthy()
            except PortTaken:
                if number == PORTS_TRIED:
                    raise
            else:
                break
        yield started


def find(state: State) -> Emulator | None:
    """The emulator that an earlier command kept in this folder, if it still runs."""
    try:
        remembered = json.loads(state.emulator_file.read_text())
        emulator = Emulator(Process(remembered["pid"], remembered["started"]), remembered["port"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return emulator if is_running(emulator.process) else None


def stop(state: State) -> Emulator | None:
    """Stop the emulator of this folder with all its workers, and forget it. Returns what was stopped."""
    emulator = find(state)
    if emulator is not None:
        stop_group(emulator.process)
        if is_running(emulator.process):
            raise LocalError(f"the emulator (process {emulator.process.pid}) cannot be stopped")
    for file in (state.emulator_file, state.stack_file, state.env_file):
        file.unlink(missing_ok=True)
    shutil.rmtree(state.emulator_tmp, ignore_errors=True)
    return emulator


def check_port_is_free(port: int) -> None:
    """Raise PortTaken, with a port that would do, when another program listens there."""
    if _is_in_use(port):
        raise _port_taken(port)


def _port_taken(port: int) -> PortTaken:
    other = next((other for other in range(port + 1, min(port + 100, 65536)) if not _is_in_use(other)), None)
    advice = f"; try: make up PORT={other}" if other else ""
    return PortTaken(f"port {port} is in use by another program{advice}")


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _is_in_use(port: int) -> bool:
    with socket.socket() as probe:
        if probe.connect_ex((HOST, port)) == 0:
            return True
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError as error:
            raise LocalError(f"port {port} needs the rights of root; take one from 1024 on") from error
        except OSError:
            return True
    return False


def _environment(state: State, port: int) -> dict[str, str]:
    """All that the emulator sees, and so all that the functions in it inherit: nothing of the user's."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(state.emulator_tmp),
        "TMPDIR": str(state.emulator_tmp),
        "LANG": "C.UTF-8",
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": "000000000000",
        "MINISTACK_REGION": "us-east-1",
        "LAMBDA_EXECUTOR": "local",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
