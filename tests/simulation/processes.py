"""Seeds side by side, in processes that end when the one that started them ends, however it does."""

import gc
import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from multiprocessing import active_children, get_context, parent_process
from threading import Thread
from typing import TypeVar

R = TypeVar("R")


def side_by_side(
    run: Callable[[int], R], seeds: Iterable[int], processes: int | None = None
) -> Generator[R, None, None]:
    """In the order of the seeds, which are taken as they are needed. Close it to end what is under way.

    `run`: importable, and so its answers. `processes`: as many as there are cores, unless said.
    """
    processes = processes or os.cpu_count() or 1
    others = set(active_children())
    # Forked processes would hold the pipes of each other, and see no end of their parent.
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _begin, (run,))
    remaining = iter(seeds)
    try:
        running: deque[Future[R]] = deque(pool.submit(run, seed) for seed in islice(remaining, 4 * processes))
        while running:
            yield running.popleft().result()
            running.extend(pool.submit(run, seed) for seed in islice(remaining, 1))
    finally:
        for process in set(active_children()) - others:
            process.terminate()
        pool.shutdown(cancel_futures=True)


def _begin(_run: object) -> None:
    """In each process, once all that a seed needs has been imported: it came with `_run`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer, and reaches all of a terminal.
    Thread(target=_end_with_parent, daemon=True).start()
    gc.collect()
    gc.freeze()  # What was imported stays; looking through it again and again is a tenth of a seed's time.


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent
    parent.join()
    os._exit(1)
