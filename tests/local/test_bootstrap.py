"""What the install does again, what not, and what it says when it cannot."""

from pathlib import Path

import pytest

from local import bootstrap
from local.bootstrap import InstallError, Part


@pytest.fixture
def lock_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one lock file."""
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "LOG", tmp_path / "install.log")
    lock = tmp_path / "lock.txt"
    lock.write_text("uv==1\n")
    return lock


def part_of(lock_file: Path) -> Part:
    folder = lock_file.parent / "installed"
    return Part(folder, (lock_file,), None, lambda: folder.mkdir(exist_ok=True))


def test_is_done_once(lock_file: Path) -> None:
    part = part_of(lock_file)
    assert not part.is_current()
    part.make()
    assert part.is_current()


def test_is_done_again_when_a_lock_file_changed(lock_file: Path) -> None:
    part = part_of(lock_file)
    part.make()
    lock_file.write_text("uv==2\n")
    assert not part.is_current()


def test_is_done_again_after_an_interruption(lock_file: Path) -> None:
    part_of(lock_file).make()

    def interrupted() -> None:
        raise KeyboardInterrupt

    part = part_of(lock_file)
    with pytest.raises(KeyboardInterrupt):
        Part(part.folder, part.sources, None, interrupted).make()
    assert not part.is_current()


def test_is_done_again_in_a_copied_folder(lock_file: Path) -> None:
    """Scripts in a virtual environment name its absolute path."""
    part = part_of(lock_file)
    part.make()
    moved = part.folder.rename(part.folder.with_name("moved"))
    assert not Part(moved, part.sources, None, part.install).is_current()


def test_is_done_again_when_the_interpreter_is_gone(lock_file: Path) -> None:
    part = part_of(lock_file)
    part.make()
    assert not Part(part.folder, part.sources, part.folder / "bin" / "python", part.install).is_current()


@pytest.mark.parametrize(
    "output",
    [
        "WARNING: Retrying after connection broken by 'NewConnectionError(…)'\nERROR: No matching distribution found",
        "error: Failed to fetch: `https://registry.example/simple/boto3/`\n  Caused by: error sending request for url",
        "npm error code ECONNREFUSED\nnpm error syscall connect",
    ],
    ids=["pip", "uv", "npm"],
)
def test_a_dead_registry_is_said_in_one_line(lock_file: Path, output: str) -> None:
    script = f"import sys; print({output!r}); sys.exit(1)"
    with pytest.raises(InstallError) as raised:
        bootstrap._run("uv", "python3", "-c", script)
    assert str(raised.value) == "uv: the package registry cannot be reached; see install.log"


def test_another_failure_shows_its_last_error(lock_file: Path) -> None:
    script = "import sys; print('error: hash mismatch for boto3'); print('bye'); sys.exit(1)"
    with pytest.raises(InstallError) as raised:
        bootstrap._run("the emulator", "python3", "-c", script)
    assert str(raised.value) == "the emulator: error: hash mismatch for boto3; see install.log"


def test_a_python_without_venv_is_told_how_to_get_it(lock_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(InstallError, match=r"has no venv module: on Debian or Ubuntu, apt install python3\.\d+-venv$"):
        bootstrap._make_venv(lock_file.parent / ".venv")
