"""Which seeds to run where none are asked for: others for each commit, so that none is tried on known ones only."""

import hashlib
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOWEST, BEYOND = 1_000_000, 2**31 - 1_000_000
"""First seeds lie between; the million behind them is room for the seeds that follow."""

_SOURCES = ("layers", "functions", "infra", "cli", "tests")
"""Folders whose Python files stand for the code where there is no git."""


@dataclass(frozen=True)
class Code:
    """What the seeds are run on."""

    name: str
    """`abc1234`, `abc1234-changed-5e6f7a8` with what is not committed, or `sources-5e6f7a8` where there is no git."""
    identity: str
    """Of any length; another for other code."""

    @property
    def first_seed(self) -> int:
        """The same for the same code."""
        return LOWEST + int(hashlib.sha256(self.identity.encode()).hexdigest(), 16) % (BEYOND - LOWEST)

    def __str__(self) -> str:
        return f"commit {self.name}" if not self.name.startswith("sources-") else self.name


def code_at(root: Path = ROOT) -> Code:
    top, commit = _git(root, "rev-parse", "--show-toplevel"), _git(root, "rev-parse", "HEAD")
    if top is None or commit is None or Path(top.decode().strip()).resolve() != root.resolve():
        files = (file for folder in _SOURCES for file in (root / folder).rglob("*.py"))
        sources = _digest_of(root, files)
        return Code(f"sources-{sources[:7]}", sources)
    commit_id = commit.decode().strip()
    changes = _git(root, "diff", "--binary", "HEAD") or b""
    new = (_git(root, "ls-files", "-z", "--others", "--exclude-standard") or b"").decode().split("\0")
    if not changes and new == [""]:
        return Code(commit_id[:7], commit_id)
    changed = hashlib.sha256(changes + _digest_of(root, (root / name for name in new if name)).encode()).hexdigest()
    return Code(f"{commit_id[:7]}-changed-{changed[:7]}", commit_id + changed)


def _git(root: Path, *arguments: str) -> bytes | None:
    """None where git is missing, or refuses."""
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)  # noqa: S607
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None


def _digest_of(root: Path, files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in sorted(files):
        if file.is_file():
            digest.update(
                f"{file.relative_to(root).as_posix()}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode()
            )
    return digest.hexdigest()
