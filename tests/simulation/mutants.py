"""Take one guard out at a time: the simulator must catch it by a broken promise (`make mutate-simulated`).

A mutation that stops the simulator itself counts as not caught: it is the auditor that must see the harm.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.guards.mutation import Mutation
from tests.mutations import MUTATIONS, copy_without, environment_of

SEEDS = 500
SIMULATED = [
    "the claim's condition",
    "the claim before the send",
    "a replayed key revives nothing",
    "the caller in the key",
    "the key space in the key",
    "the scope of the idempotency record",
    "the version every change is made from",
    "its own change met again is no other's",
    "row first, message second",
    "the message sent before its own is deleted",
    "an enrichment only where there is none",
    "a claim is not shown",
    "another caller's order is not shown",
    "the canonical body",
    "the replay number in bodies",
    "a run has the next number",
    "a run that has begun owes its message",
    "a failure belongs to its run",
    "a rescue is counted",
    "an outage counts as no rescue",
    "a run's row before its message",
    "a run's message is sent",
    "what is owed is sent",
    "what owes its message is found",
    "a message that came back is known by its id",
    "a message that came back begins a run",
    "what is over or of an older run begins nothing",
    "what is over is left alone",
    "a message of an older run is dropped",
    "the fence",
    "a message of a failed run is not worked",
    "what failed is left for the dead-letter queue",
    "only what is owed is marked as sent",
    "sent before it is no longer owed",
    "whoever writes a row owes nothing",
    "attempts per message",
    "the attempt written before it starts",
    "attempts of one receive are counted once",
    "what kills every worker is found out",
    "the last attempt fails",
    "the attempt given back",
    "only one's own attempt is given back",
    "an outage is no attempt",
    "the group backs off behind its head",
    "what failed is received at once until it is dead-lettered",
    "what failed stays in the queue",
    "with care each attempt is written",
    "the hand-deletion",
    "what is done needs no attempt",
    "dead letters of what failed stay",
    "dead letters of what was discarded are removed",
    "what failed is not rescued",
    "what was dead-lettered untried is rescued",
    "the stated number of rescues",
    "an outage costs no order its rescue",
    "a letter stays where its rescue was overtaken",
    "a group that shared a full receive is seen in full",
    "dead letters that stay can be redriven",
    "what hides behind ten dead letters is rescued",
    "what somebody is at does not hide",
    "an open circuit costs no attempt",
    "the last attempt asks how the provider is",
    "a healthy provider is tried again",
]
"""Guards of tests/guards/ whose absence an outsider can see."""

OF_REPORTS = [
    "the claim of a report before the send",
    "a keyed report never begins anew",
    "the caller in a report's id",
    "a report's parameters as they were validated",
    "the scope of the record of a report",
    "the settle margin",
    "an upload that is given up is aborted",
    "a caller's tables are its own",
    "a report in a group of its own",
    "the replay number in bodies of reports",
    "a lease is waited for",
    "what is put off uses up no attempt",
    "a lease keeps the reconciler away",
    "a claim of a report is not shown",
    "another caller's report is not shown",
]
"""The same for reports; hunted for in seeds that have some."""

OF_NOTIFICATIONS = [
    "a notification's row before its message",
    "the change in a notification's id",
    "an outage has the stream read again",
    "a message group for each receiver and order",
    "the attempt at a notification written before it starts",
    "the replay number in bodies of notifications",
    "who has answered 410 is not called",
    "410 ends a receiver",
    "the last attempt is made whatever is known of its receiver",
]
"""The same for notifications."""

WITHOUT: dict[str, list[Mutation]] = {
    name: [mutation for mutation in MUTATIONS if mutation.guard == name]
    for name in [*SIMULATED, *OF_REPORTS, *OF_NOTIFICATIONS]
} | {
    "the transaction's conditions, all of them": [
        mutation for mutation in MUTATIONS if mutation.guard.startswith("the transaction's condition")
    ],
    "the recipient as message group": [
        Mutation("", "domain/orders/order.py", "        return self.recipient_id\n", "        return self.order_id\n")
    ],
    "dead letters that have moved on are removed": [
        Mutation(
            "",
            "application/delivery/reconciler.py",
            "            return True\n        if row.is_failed",
            "            return False\n        if row.is_failed",
        )
    ],
}
"""By guard: what is taken out. Conditions that hold the same thing twice are taken out together."""


@dataclass(frozen=True)
class Catch:
    seeds: int
    verdict: str


def main() -> None:
    """Print what caught each mutation, as docs/proof.md has it; exit code 1 where one got through."""
    arguments = _arguments()
    chosen = [
        (guard, parts, kind)
        for guard, parts in WITHOUT.items()
        if not arguments.only or arguments.only in guard
        for kind in _kinds_of_seeds(guard)
    ]
    missed = 0
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for guard, parts, kind in chosen:
            catch = hunt(copy_without(Path(folder), *parts), arguments.first, arguments.seeds, *kind)
            print(
                f"| {guard} | {catch.verdict} | {catch.seeds} |" if catch else f"| {guard} | **nothing** | |",
                flush=True,
            )
            missed += catch is None
    print(f"{len(chosen)} guards taken out one by one in {time.monotonic() - started:.0f} s")
    sys.exit(f"{missed} mutations were not caught" if missed else 0)


def _kinds_of_seeds(guard: str) -> list[list[str]]:
    """The flags of the seeds that are worth trying: of what is a guard of both, each kind by itself."""
    kinds = (("--reports", OF_REPORTS), ("--notifications", OF_NOTIFICATIONS))
    return [[flag] for flag, guards in kinds if guard in guards] or [[]]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="try at most so many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--only", help="guards with this text in their names")
    return parser.parse_args()


def hunt(copy: Path, first: int, seeds: int, *flags: str) -> Catch | None:
    """Run seeds until a promise breaks; how many it took, and which promise."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--first", str(first), "--seeds", str(seeds), *flags],
        cwd=copy,
        env=environment_of(copy),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return None
    verdict = re.search(r"^seed (\d+): (.*?)(  \[.*\])?$", done.stdout, re.MULTILINE)
    if verdict is None:
        sys.exit(f"the simulator itself failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return Catch(int(verdict[1]) - first + 1, verdict[2])


if __name__ == "__main__":
    main()
