"""Which seeds are run where none are asked for."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.simulation.seeds import LOWEST, Code, code_at


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("GIT_")]:  # As git sets them for its hooks.
        monkeypatch.delenv(name)
    _git(tmp_path, "init", "--quiet")
    (tmp_path / "code.py").write_text("one\n")
    _commit(tmp_path)
    return tmp_path


def test_a_commit_has_seeds_of_its_own(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    one = code_at(repository)
    copy = tmp_path_factory.mktemp("copy")
    _git(repository, "clone", "--quiet", str(repository), str(copy))
    assert code_at(copy) == one
    (repository / "code.py").write_text("two\n")
    _commit(repository)
    another = code_at(repository)
    assert another.first_seed != one.first_seed
    assert str(another) == f"commit {_git(repository, 'rev-parse', 'HEAD')[:7]}"


def test_so_has_what_is_not_committed(repository: Path) -> None:
    committed = code_at(repository)
    (repository / "code.py").write_text("two\n")
    changed = code_at(repository)
    assert code_at(repository) == changed
    (repository / "new.py").write_text("one\n")
    with_new = code_at(repository)
    (repository / "new.py").write_text("two\n")
    with_other = code_at(repository)
    assert len({code.first_seed for code in (committed, changed, with_new, with_other)}) == 4
    (repository / "new.py").unlink()
    _git(repository, "checkout", "--quiet", ".")
    assert code_at(repository) == committed


def test_what_git_ignores_changes_no_seeds(repository: Path) -> None:
    (repository / ".gitignore").write_text("*.log\n")
    _commit(repository)
    before = code_at(repository)
    (repository / "a.log").write_text("noise")
    assert code_at(repository) == before


def test_where_there_is_no_git_the_sources_decide(repository: Path) -> None:
    """Also in a folder of somebody else's repository."""
    root = repository / "unpacked"
    (root / "tests").mkdir(parents=True)
    (root / "tests" / "test_it.py").write_text("one\n")
    one = code_at(root)
    assert one == code_at(root)
    assert str(one).startswith("sources-")
    (root / "tests" / "test_it.py").write_text("two\n")
    assert code_at(root).first_seed != one.first_seed


def test_first_seeds_are_none_that_were_ever_run_by_number() -> None:
    firsts = [Code("", str(number)).first_seed for number in range(2000)]
    assert min(firsts) >= LOWEST == 1_000_000
    assert max(firsts) < 2**31
    assert len(set(firsts)) == 2000
    assert max(firsts) - min(firsts) > 2**30


def _git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", *who, *arguments],  # noqa: S607
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def _commit(folder: Path) -> None:
    _git(folder, "add", ".")
    _git(folder, "commit", "--quiet", "--message", "A change")
