"""The emulator starts, is found again, and leaves no process behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local import emulator
from local.emulator import HOST, PortTaken, StartedEmulator, find, free_port
from local.errors import LocalError
from local.processes.guarded import ROOT, Guarded
from local.processes.processes import Process, identify, is_running, stop_group
from local.state import State

SLEEPER = [sys.executable, "-c", "import time; time.sleep(300)"]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = State(tmp_path / "state")
    yield state
    emulator.stop(state)


def eventually(holds: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds()


def has_no_process(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def test_an_emulator_that_is_not_kept_ends_with_its_block(state: State) -> None:
    with StartedEmulator(state, free_port()) as started:
        started.wait_until_healthy()
        assert is_running(started.emulator.process)
    assert eventually(lambda: has_no_process(started.emulator.process.pid))
    assert find(state) is None


def test_one_that_is_kept_is_found_again_and_stopped(state: State) -> None:
    with StartedEmulator(state, free_port()) as started:
        started.wait_until_healthy()
        started.keep()
    found = find(state)
    assert found == started.emulator
    assert found.is_healthy()
    assert emulator.stop(state) == found
    assert eventually(lambda: has_no_process(found.process.pid))
    assert emulator.stop(state) is None


def test_one_whose_starter_is_killed_ends_too(state: State) -> None:
    """Not even SIGKILL leaves anything: the guard sees its end of the pipe close."""
    script = (
        "import sys, time; from pathlib import Path; from local.state import State; from local.emulator import *\n"
        "with StartedEmulator(State(Path(sys.argv[1])), free_port()) as started:\n"
        "    started.wait_until_healthy(); print(started.emulator.process.pid, flush=True); time.sleep(300)\n"
    )
    starter = subprocess.Popen([sys.executable, "-c", script, state.folder], cwd=ROOT, stdout=subprocess.PIPE)
    assert starter.stdout is not None
    with starter.stdout as output:
        pid = int(output.readline())
    assert identify(pid) is not None
    starter.kill()
    starter.wait()
    assert eventually(lambda: has_no_process(pid))


def test_a_group_is_stopped_with_all_its_members(tmp_path: Path) -> None:
    """Also with one that does not listen to SIGTERM."""
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(300)"
    script = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-uc', {deaf!r}]); time.sleep(300)"
    log = tmp_path / "log"
    with Guarded([sys.executable, "-c", script], os.environ, tmp_path, log) as guarded:
        assert eventually(lambda: "deaf" in log.read_text())
    assert eventually(lambda: has_no_process(guarded.pid))


def test_a_guarded_command_gives_its_exit_code(tmp_path: Path) -> None:
    with Guarded([sys.executable, "-c", "raise SystemExit(7)"], os.environ, tmp_path, tmp_path / "log") as guarded:
        assert guarded.wait(10) == 7


def test_a_process_that_got_a_remembered_id_is_not_stopped(state: State) -> None:
    stranger = subprocess.Popen(SLEEPER, start_new_session=True)
    try:
        remembered = {"pid": stranger.pid, "started": "before this boot", "port": 4566}
        state.emulator_file.write_text(json.dumps(remembered))
        assert emulator.stop(state) is None
        stop_group(Process(stranger.pid, "before this boot"))
        assert stranger.poll() is None
        assert not state.emulator_file.exists()
    finally:
        stranger.kill()
        stranger.wait()


def test_a_zombie_does_not_count_as_running() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    assert eventually(lambda: identify(child.pid) is None)
    child.wait()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"pid": "x"}'])
def test_a_spoilt_memory_counts_as_none(state: State, content: str) -> None:
    state.emulator_file.write_text(content)
    assert find(state) is None


def test_a_port_in_use_is_said_with_one_that_is_free(state: State) -> None:
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(LocalError, match=rf"^port {port} is in use by another program; try: make up PORT=\d+$"):
            StartedEmulator(state, port)
    assert not state.emulator_log.exists()


def test_a_port_that_was_taken_meanwhile_is_left_to_its_taker(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((HOST, 0)) as other:
        ports = iter([other.getsockname()[1], free_port()])
        monkeypatch.setattr(emulator, "free_port", lambda: next(ports))
        with emulator.on_a_free_port(state) as started:
            assert started.emulator.is_healthy()
            assert started.emulator.port != other.getsockname()[1]


def test_an_emulator_of_somebody_else_is_not_taken_for_ours(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two who start at the same moment may have found the same port free; only one of them gets it."""
    with emulator.on_a_free_port(State(tmp_path / "another")) as other:
        port = other.emulator.port
        monkeypatch.setattr(emulator, "check_port_is_free", lambda port: None)
        with StartedEmulator(state, port) as started, pytest.raises(PortTaken, match=f"port {port} is in use"):
            started.wait_until_healthy()
        assert other.emulator.is_healthy()


def test_make_up_says_it_too_and_starts_nothing(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        script = (
            "import sys; from pathlib import Path; import local.__main__ as main; from local.state import State\n"
            "main.DEFAULT_FOLDER = Path(sys.argv.pop(1)); main.app()"
        )
        up = subprocess.run(
            [sys.executable, "-c", script, tmp_path, "up", "--port", str(port)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert up.returncode == 1
    assert up.stdout == ""
    assert up.stderr.startswith(f"port {port} is in use by another program; try: make up PORT=")
    assert up.stderr.count("\n") == 1


def test_only_one_command_at_a_time_changes_a_folder(state: State) -> None:
    with state.lock(), pytest.raises(LocalError, match="another make up or make down"), state.lock():
        pass


def test_the_emulator_sees_nothing_of_the_user(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://elsewhere")
    monkeypatch.setenv("SOME_TOKEN", "secret")
    with StartedEmulator(state, free_port()) as started:
        environment = Path(f"/proc/{started.emulator.process.pid}/environ")
        if not environment.exists():
            pytest.skip("needs /proc")
        started.wait_until_healthy()
        names = {entry.split(b"=")[0] for entry in environment.read_bytes().split(b"\0")}
    assert b"BIND_HOST" in names
    assert not names & {b"AWS_ENDPOINT_URL", b"SOME_TOKEN"}


def test_a_guard_that_is_told_to_end_stops_its_command(tmp_path: Path) -> None:
    with Guarded(SLEEPER, os.environ, tmp_path, tmp_path / "log") as guarded:
        os.kill(guarded._guard.pid, signal.SIGTERM)
        assert eventually(lambda: has_no_process(guarded.pid))
