"""Which interpreter the Makefile takes."""

import subprocess
import sys
from pathlib import Path

import pytest

from local.processes.guarded import ROOT

OLD = "#!/bin/sh\nexit 1\n"  # what an old Python answers to the version question
SHIM = "#!/bin/sh\necho 'pyenv: command not found' >&2\nexit 127\n"
RECENT = f'#!/bin/sh\nexec {sys.executable} "$@"\n'


def find_python(tmp_path: Path, programs: dict[str, str], wanted: str = "") -> subprocess.CompletedProcess[str]:
    """Run the script where only these programs are on the PATH."""
    for name, script in programs.items():
        program = tmp_path / name
        program.write_text(script)
        program.chmod(0o755)
    return subprocess.run(
        ["/bin/sh", ROOT / "local" / "find-python.sh"],
        env={"PATH": str(tmp_path), "PYTHON": wanted},
        capture_output=True,
        text=True,
        check=False,
    )


def test_takes_the_first_name_that_runs_and_is_recent(tmp_path: Path) -> None:
    found = find_python(tmp_path, {"python3": OLD, "python3.14": SHIM, "python3.12": RECENT, "python3.11": RECENT})
    assert (found.returncode, found.stdout) == (0, "python3.12\n")


def test_without_any_says_in_one_line_what_to_install(tmp_path: Path) -> None:
    found = find_python(tmp_path, {"python3": OLD, "python3.13": SHIM})
    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr.startswith("no Python 3.11 or newer was found: install one")
    assert found.stderr.count("\n") == 1


def test_takes_the_one_that_was_asked_for(tmp_path: Path) -> None:
    found = find_python(tmp_path, {"python3": OLD}, wanted=sys.executable)
    assert (found.returncode, found.stdout) == (0, f"{sys.executable}\n")


@pytest.mark.parametrize("wanted", ["no-such-python", "old"])
def test_takes_no_other_than_the_one_that_was_asked_for(tmp_path: Path, wanted: str) -> None:
    found = find_python(tmp_path, {"python3": RECENT, "old": OLD}, wanted=wanted)
    assert found.returncode == 1
    assert found.stderr == f"PYTHON={wanted} does not run, or is older than Python 3.11\n"
