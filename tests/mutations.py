"""Take one guard out at a time: each must turn a test red. `make mutate` runs it, outside of the working tree.

A guard that can be removed without anybody noticing is either not needed or not tested. The test that docs/guards.md
names is tried first; where that stays green, all fast tests are, until the first one fails.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.guards.dead_letters import DEAD_LETTERS
from tests.guards.edge import EDGE
from tests.guards.mutation import Mutation
from tests.guards.notifications import NOTIFICATIONS
from tests.guards.orders import ORDERS
from tests.guards.outages import OUTAGES
from tests.guards.reports import REPORTS
from tests.guards.runs import RUNS
from tests.guards.unreadable import UNREADABLE
from tests.guards.webhooks import WEBHOOKS
from tests.guards.websockets import WEBSOCKETS
from tests.guards.workers import WORKERS

ROOT = Path(__file__).resolve().parents[1]
CODE = Path("layers", "comanda", "src", "comanda")
AT_ONCE = 2
TESTS = ["tests/domain", "tests/application", "tests/contract", "tests/functions", "tests/crashes"]
MUTATIONS = [
    *ORDERS,
    *RUNS,
    *WORKERS,
    *DEAD_LETTERS,
    *REPORTS,
    *OUTAGES,
    *WEBHOOKS,
    *NOTIFICATIONS,
    *WEBSOCKETS,
    *UNREADABLE,
    *EDGE,
]
WRITTEN_DOWN = re.compile(r"^\| ([^|`]+) \| `([^:`]+)::(\w+)` \|$", re.MULTILINE)
"""A row of docs/guards.md: the guard, the file below tests/, and the test that notices."""


def main() -> None:
    """Print which test notices what, as docs/guards.md has it; exit code 1 where a guard could be removed unnoticed.

    Arguments are names of guards; without any, all are taken out.
    """
    started = time.monotonic()
    chosen = [mutation for mutation in MUTATIONS if not sys.argv[1:] or mutation.guard in sys.argv[1:]]
    unnoticed = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as executor:
        tried = executor.map(partial(try_out, Path(folder)), chosen)
        for mutation, noticed_by in zip(chosen, tried, strict=True):
            print(f"| {mutation.guard} | {noticed_by or '**nobody**'} |", flush=True)  # noqa: T201
            unnoticed += noticed_by is None
    print(f"{len(chosen)} guards taken out one by one in {time.monotonic() - started:.0f} s")  # noqa: T201
    sys.exit(f"{unnoticed} of them can be removed unnoticed" if unnoticed else 0)


def written_down() -> list[tuple[str, str, str]]:
    """The rows of docs/guards.md."""
    return WRITTEN_DOWN.findall((ROOT / "docs" / "guards.md").read_text())


def try_out(folder: Path, mutation: Mutation) -> str | None:
    """A test that fails without the guard: the one that is written down, or else the first."""
    copy = copy_without(folder, mutation)
    named = [f"tests/{file}::{test}" for guard, file, test in written_down() if guard == mutation.guard]
    noticed_by = (first_failure(copy, *named) if named else None) or first_failure(copy, *TESTS)
    shutil.rmtree(copy)
    return noticed_by


def copy_without(folder: Path, *mutations: Mutation) -> Path:
    """A copy of all that the tests need, without these guards."""
    copy = Path(tempfile.mkdtemp(dir=folder))
    for part in ("layers", "functions", "tests", "cli", "local", "infra", "app.py", "cdk.json", "pyproject.toml"):
        source = ROOT / part
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, copy / part)
    for mutation in mutations:
        file = copy / path_of(mutation)
        whole = file.read_text()
        if whole.count(mutation.code) != 1:
            sys.exit(f"{mutation.guard}: the code stands {whole.count(mutation.code)} times in {mutation.file}")
        file.write_text(whole.replace(mutation.code, mutation.instead))
    return copy


def path_of(mutation: Mutation) -> Path:
    """Below the root."""
    return Path(mutation.file) if mutation.file.startswith("functions/") else CODE / mutation.file


def environment_of(copy: Path) -> dict[str, str]:
    """Python finds the copy first."""
    paths = os.pathsep.join(str(copy / part) for part in (CODE.parent, Path("cli", "src")))
    return os.environ | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}


def first_failure(copy: Path, *tests: str) -> str | None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            "-k",
            "not emulator",
            *tests,
        ],
        cwd=copy,
        env=environment_of(copy),
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED ")]
    if done.returncode == 1 and failed:
        return "`" + failed[0].removeprefix("FAILED tests/").split(" - ")[0].split("[")[0] + "`"
    if done.returncode != 0:
        sys.exit(f"pytest ended with {done.returncode}:\n{done.stdout[-2000:]}")
    return None


if __name__ == "__main__":
    main()
