"""`python -m tests.simulation`: run many seeds on all cores, or one of them with its story (`make simulate`)."""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.simulation.simulation import Result, simulate, simulate_all

DANGERS = {
    "P1": ("message swallowed", "order.replayed"),
    "P2": ("order.replayed", "request.refused"),
    "P3": ("order.overtaken", "message.drop"),
    "P4": ("order.attempt_failed", "storage.unavailable"),
    "P5": ("message dead-lettered",),
    "P6": ("storage.unavailable", "batch.out_of_time", "message.superseded"),
    "P7": ("message let through",),
    "P8": ("order.rescued",),
    "P9": ("order.taken_up", "message moved back"),
    "P10": ("provider called again",),
}
"""For each promise, what was counted when a guard of it had something to guard."""

CHUNK = 5


@dataclass
class Summary:
    """All seeds together."""

    seeds: int = 0
    orders: int = 0
    virtual_seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    injected: Counter[str] = field(default_factory=Counter)
    points: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    broken: list[Result] = field(default_factory=list)

    def add(self, result: Result) -> None:
        self.seeds += 1
        self.orders += result.orders
        self.virtual_seconds += result.virtual_seconds
        self.counts += result.counts
        self.injected += result.injected
        self.points += result.points
        if result.broken:
            self.broken.append(result)


def main() -> None:
    """Exit code 1 where a promise was broken."""
    arguments = _arguments()
    if arguments.seed is not None:
        result = simulate(arguments.seed, verbose=True)
        if arguments.verbose or result.broken:
            print(result.story)
        print(f"seed {result.seed}: {result.broken or 'every promise kept'}; history {result.digest}")
        sys.exit(1 if result.broken else 0)
    console = Console(stderr=True)
    started = time.monotonic()
    summary = _run(range(arguments.first, arguments.first + arguments.seeds), arguments, console)
    _report(summary, time.monotonic() - started, Console())
    if summary.broken:
        first = min(summary.broken, key=lambda result: result.seed)
        print(first.story)
        for result in summary.broken:
            print(f"seed {result.seed}: {result.broken}")
        print(f"Replay it: make simulate SEED={first.seed} VERBOSE=1")
        sys.exit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, help="how many seeds")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="replay this one")
    parser.add_argument("--verbose", action="store_true", help="with --seed: tell its whole story")
    parser.add_argument("--keep-going", action="store_true", help="run all seeds, whatever breaks")
    parser.add_argument("--points", action="store_true", help="show how often each call of each handler was crashed")
    return parser.parse_args()


def _run(seeds: range, arguments: argparse.Namespace, console: Console) -> Summary:
    summary = Summary()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("Simulating", total=len(seeds))
        for result in _results(seeds):
            summary.add(result)
            progress.advance(bar)
            if result.broken and not arguments.keep_going:
                break
    return summary


def _results(seeds: range) -> Iterator[Result]:
    """In the order of the seeds, from as many processes as there are cores."""
    chunks = [seeds[start : start + CHUNK] for start in range(0, len(seeds), CHUNK)]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        try:
            for results in pool.map(simulate_all, chunks):
                yield from results
        finally:
            pool.shutdown(cancel_futures=True)


def _report(summary: Summary, seconds: float, console: Console) -> None:
    pace = summary.seeds / seconds
    console.print(
        f"{summary.seeds} seeds in {seconds:.0f} s ({pace:.1f} a second): {summary.orders} orders, "
        f"{summary.virtual_seconds / 3600:.0f} hours of virtual time"
    )
    _print_counts(console, "faults", summary.injected)
    _print_counts(
        console, "reached", Counter({k: n for k, n in summary.counts.items() if k.startswith(("row ", "ended "))})
    )
    dangers = {promise: sum(summary.counts[name] for name in names) for promise, names in DANGERS.items()}
    _print_counts(console, "in danger", Counter(dangers))


def _print_counts(console: Console, title: str, counts: Counter[str]) -> None:
    table = Table(title=title, title_justify="left", show_header=False, box=None)
    for name, number in sorted(counts.items()):
        table.add_row(name, str(number))
    console.print(table)


if __name__ == "__main__":
    main()
