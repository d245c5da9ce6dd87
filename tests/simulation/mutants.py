"""Take one guard out at a time: the simulator must catch it by a broken promise, within so many seeds.

`make mutate-simulated` runs it, outside of the working tree. A mutation that stops the simulator itself counts as not
caught: what it is to show is that the auditor sees the harm.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.mutations import CODE, MUTATIONS, copy_project, mutated

SEEDS = 500


@dataclass(frozen=True)
class Catch:
    seeds: int
    verdict: str


def main() -> None:
    """Print what caught each mutation; exit code 1 where one got through."""
    arguments = _arguments()
    missed = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        copy_project(copy)
        for mutation in MUTATIONS:
            if arguments.only and arguments.only not in mutation.guard:
                continue
            started = time.monotonic()
            with mutated(mutation, copy):
                catch = hunt(copy, arguments.seeds)
            seconds = time.monotonic() - started
            found = f"{catch.seeds:4} seeds  {catch.verdict}" if catch else "NOT CAUGHT"
            print(f"{mutation.guard:50} {seconds:5.0f} s  {found}", flush=True)
            if catch is None:
                missed.append(mutation)
    sys.exit(f"{len(missed)} mutations were not caught" if missed else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--only", help="guards with this text in their names")
    return parser.parse_args()


def hunt(copy: Path, seeds: int) -> Catch | None:
    """Run seeds until a promise breaks; how many it took, and which promise."""
    paths = os.pathsep.join(str(copy / part) for part in (CODE.parent, Path("cli", "src")))
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--seeds", str(seeds)],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return None
    verdict = re.search(r"^seed (\d+): (.*)$", done.stdout, re.MULTILINE)
    if verdict is None:
        sys.exit(f"the simulator itself failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return Catch(int(verdict[1]) + 1, verdict[2])


if __name__ == "__main__":
    main()
