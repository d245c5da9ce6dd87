"""Seeds side by side, and that nobody works on for a run that is over."""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from itertools import count, islice
from pathlib import Path

import pytest

from tests.simulation.processes import side_by_side

ROOT = Path(__file__).resolve().parents[2]


def _itself(seed: int) -> int:
    return seed


def test_seeds_come_in_order_and_only_as_they_are_needed() -> None:
    taken = []
    seeds = (taken.append(seed) or seed for seed in count(7))  # type: ignore[func-returns-value]
    with closing(side_by_side(_itself, seeds, processes=2)) as results:
        assert list(islice(results, 20)) == list(range(7, 27))
    assert len(taken) < 40


def long_seed(seed: int) -> None:
    """Says that it has begun, and outlasts the test."""
    os.write(1, b"begun\n")
    time.sleep(120)


LONG_RUN = """
import signal

from tests.simulation.processes import side_by_side
from tests.simulation.test_processes import long_seed

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # Whatever the test was started by ignores.
    list(side_by_side(long_seed, [1, 2], processes=2))
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_processes_of_a_run_end_with_it(how: signal.Signals, tmp_path: Path) -> None:
    """All of them have its output open, which ends with the last of them."""
    script = tmp_path / "run.py"
    script.write_text(LONG_RUN)
    run = subprocess.Popen(
        [sys.executable, str(script)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert run.stdout
    assert [run.stdout.readline() for _ in range(2)] == [b"begun\n", b"begun\n"]
    run.send_signal(how)
    run.communicate(timeout=90)
