"""`python -m tests.simulation`: run many seeds on all cores, or one of them with its story (`make simulate`)."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.simulation.faults import CallFault
from tests.simulation.processes import side_by_side
from tests.simulation.seeds import code_at
from tests.simulation.simulation import Result, has_notifications, has_reports, simulate

DANGERS = {
    "P1 a message sent again after its first try had died": ("message swallowed",),
    "P2 a key used again": ("order.replayed", "PutItem idempotency: ConditionalCheckFailedException"),
    "P3 a completion of what was completed": ("TransactWriteItems orders,ledger: TransactionCanceledException",),
    "P4 a group held back behind its head": ("order.attempt_failed", "storage.unavailable", "batch.out_of_time"),
    "P5 a message dead-lettered": ("message dead-lettered",),
    "P6 work turned away through no fault of the order's": ("storage.unavailable", "batch.out_of_time"),
    "P7 an error that no retry mends": ("provider: ItemRejected", "provider: ItemUnknown"),
    "P8 an order dead-lettered untried": ("order.rescued",),
    "P9 a failed order taken up again": ("order.redriven",),
    "P10 the provider asked again about an order": ("provider asked again",),
    "B8 an outage that opened the circuit": ("enrichment.circuit_open",),
    "B8 an order about which there is no answer in time": ("provider: ProviderTimeout",),
    "B8 a provider looked at while its circuit was open": ("enrichment.probed",),
    "fence: a write from what is no longer so": ("UpdateItem orders: ConditionalCheckFailedException",),
    "reports P1 a message sent again after its first try had died": ("report message swallowed",),
    "reports P2 and B6 asked for again": ("report.replayed",),
    "reports B3 a link followed": ("report downloaded",),
    "reports B3 a file of its own met again": (
        "PutObject report-files: PreconditionFailed",
        "CompleteMultipartUpload report-files: PreconditionFailed",
    ),
    "reports P5 a message dead-lettered": ("report message dead-lettered",),
    "reports P6 work turned away through no fault of the report's": (
        "generate_report: storage.unavailable",
        "report.attempt_failed",
    ),
    "reports P7 an error that no retry mends": ("report.failed",),
    "reports P8 dead-lettered untried": ("report.rescued",),
    "reports P9 a failed report taken up again": ("report.redriven",),
    "reports fence: a write from what is no longer so": ("UpdateItem reports: ConditionalCheckFailedException",),
    "notifications B4 a change read again": ("PutItem notifications: ConditionalCheckFailedException",),
    "notifications P4 a receiver held back behind what it did not take": ("notification.attempt_failed",),
    "notifications P5 a message dead-lettered": ("notification message dead-lettered",),
    "notifications P6 work turned away through no fault of the receiver's": (
        "deliver_notifications: storage.unavailable",
    ),
    "notifications P8 dead-lettered untried": ("notification.rescued",),
    "notifications P9 a failed notification taken up again": ("notification.redriven",),
    "notifications P10 told again under the same id": ("receiver told again",),
    "notifications B8 a receiver left alone for a while": ("receiver.circuit_open",),
    "notifications B4 a receiver that wants nothing more": ("receiver: 410", "notification.ended"),
    "notifications fence: a write from what is no longer so": (
        "UpdateItem notifications: ConditionalCheckFailedException",
    ),
}
"""For each promise, what was counted when there was something to guard it from."""

TOLD_EVERY = 500
"""Seeds after which a log hears how far the run is."""


@dataclass
class Summary:
    """All seeds together."""

    seeds: int = 0
    orders: int = 0
    reports: int = 0
    notifications: int = 0
    virtual_seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    injected: Counter[str] = field(default_factory=Counter)
    points: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    broken: list[Result] = field(default_factory=list)

    def add(self, result: Result) -> None:
        self.seeds += 1
        self.orders += result.orders
        self.reports += result.reports
        self.notifications += result.notifications
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
    first = arguments.first
    if first is None:
        code = code_at()
        first = code.first_seed
        again = f"make simulate FIRST={first} SEEDS={arguments.seeds}"
        print(f"first seed {first}, from {code}; the same again: {again}", flush=True)
    seeds = range(first, first + arguments.seeds)
    chosen = [
        seed
        for seed in seeds
        if (not arguments.reports or has_reports(seed)) and (not arguments.notifications or has_notifications(seed))
    ]
    summary = _run(chosen, arguments, console)
    _report(summary, time.monotonic() - started, Console(width=140), points=arguments.points)
    if summary.broken:
        first = min(summary.broken, key=lambda result: result.seed)
        print(first.story)
        for result in summary.broken:
            print(f"seed {result.seed}: {result.broken}")
        print(f"Replay it: make simulate SEED={first.seed} VERBOSE=1")
        if arguments.first is None:
            print("It may have been broken before the last change: each commit has seeds of its own.")
        sys.exit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, help="how many seeds")
    parser.add_argument("--first", type=int, help="the first of them; unless said, one that follows from the commit")
    parser.add_argument("--reports", action="store_true", help="leave out those that have no reports")
    parser.add_argument("--notifications", action="store_true", help="leave out those that tell nobody of anything")
    parser.add_argument("--seed", type=int, help="replay this one")
    parser.add_argument("--verbose", action="store_true", help="with --seed: tell its whole story")
    parser.add_argument("--keep-going", action="store_true", help="run all seeds, whatever breaks")
    parser.add_argument("--points", action="store_true", help="show how often each call of each handler was crashed")
    return parser.parse_args()


def _run(seeds: Sequence[int], arguments: argparse.Namespace, console: Console) -> Summary:
    summary = Summary()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("Simulating", total=len(seeds))
        with closing(side_by_side(simulate, seeds)) as results:
            for result in results:
                summary.add(result)
                progress.advance(bar)
                if not console.is_terminal and (result.broken or summary.seeds % TOLD_EVERY == 0):
                    console.print(f"{summary.seeds} of {len(seeds)} seeds; {result.seed}: {result.broken or 'kept'}")
                if result.broken and not arguments.keep_going:
                    break
    return summary


def _report(summary: Summary, seconds: float, console: Console, *, points: bool) -> None:
    console.print(
        f"{summary.seeds} seeds in {seconds:.0f} s ({summary.seeds / seconds:.1f} a second): {summary.orders} orders, "
        f"{summary.reports} reports, "
        f"{summary.notifications} notifications, {summary.virtual_seconds / 3600:.0f} hours of virtual time"
    )
    reached = {
        name: number
        for name, number in summary.counts.items()
        if name.startswith(
            ("row ", "ended ", "report row ", "report ended ", "notification row ", "notification ended ")
        )
    }
    dangers = {danger: sum(summary.counts[name] for name in names) for danger, names in DANGERS.items()}
    _print_counts(console, "Faults", summary.injected)
    _print_counts(console, "States", Counter(reached))
    _print_counts(console, "Dangers", Counter(dangers))
    if points:
        _print_points(console, summary.points)


def _print_points(console: Console, points: Counter[tuple[str, str, str]]) -> None:
    table = Table("function", "call", "crashed before", "after", "lost before", "after", title="Crash points", box=None)
    faults = (CallFault.CRASH_BEFORE, CallFault.CRASH_AFTER, CallFault.LOST_BEFORE, CallFault.LOST_AFTER)
    for function, call in sorted({(function, call) for function, call, _ in points}):
        table.add_row(function, call, *(str(points[function, call, fault]) for fault in faults))
    console.print(table)


def _print_counts(console: Console, title: str, counts: Counter[str]) -> None:
    table = Table(title=title, title_justify="left", show_header=False, box=None)
    for name, number in sorted(counts.items()):
        table.add_row(name, str(number))
    console.print(table)


if __name__ == "__main__":
    main()
