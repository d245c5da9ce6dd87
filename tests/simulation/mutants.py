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
    "the replay number in bodies",
    "row first, message second",
    "the message sent before its own is deleted",
    "an enrichment only where there is none",
    "the attempt written before it starts",
    "the attempt given back",
    "an outage is no attempt",
    "the group rests behind its head",
    "the hand-deletion",
    "the fence",
    "the very message that failed is let through",
    "a redrive is sent after the failure",
    "an old run's message is dropped",
    "a settled order is left alone",
    "a claim is not shown",
    "another caller's order is not shown",
    "the canonical body",
    "the redrive's message before its row",
    "the steward publishes before it writes",
    "a rescue has a body of its own",
    "the steward's one rescue",
    "a rescue taken up before it is written counts",
    "a group that shared a full receive is seen in full",
    "its own change met again is no other's",
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
    "a run that the row does not know of is taken up",
    "the very message of a failed report is let through",
    "a claim of a report is not shown",
    "another caller's report is not shown",
    "the message of a redriven report before its row",
    "the steward of reports and notifications publishes before it writes",
    "the one rescue of a report or a notification",
]
"""The same for reports; hunted for in seeds that have some."""

OF_NOTIFICATIONS = [
    "a notification's row before its message",
    "the change in a notification's id",
    "an outage has the stream read again",
    "a message group for each receiver and order",
    "the attempt at a notification written before it starts",
    "the very message of a failed notification is let through",
    "an old replay of a notification is dropped",
    "who has answered 410 is not called",
    "410 ends a receiver",
    "a resent notification's message before its row",
    "the steward of reports and notifications publishes before it writes",
    "the one rescue of a report or a notification",
    "dead letters of notifications that are over are removed",
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
        Mutation("", "adapters/order_queues.py", "MessageGroupId=order.recipient_id", "MessageGroupId=order.order_id")
    ],
    "attempts per message": [
        Mutation(
            "",
            "domain/order.py",
            "(self.attempts.stage, self.attempts.message_id) == (stage, message_id)",
            "self.attempts.stage is stage",
        )
    ],
    "an order that is open is saved from oblivion": [
        Mutation(
            "",
            "application/steward.py",
            "return self._save_from_oblivion(order, stage, delivery.message_id, message.replay)",
            "return False",
        )
    ],
    "dead letters that have moved on are removed": [
        Mutation(
            "",
            "application/steward.py",
            "(order.discarded and message.replay == order.replay):\n            return True",
            "(order.discarded and message.replay == order.replay):\n            return False",
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
