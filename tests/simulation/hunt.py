"""`python -m tests.simulation.hunt`: run seeds that nobody has seen until the time is over, whatever breaks, and keep
what is found (`make hunt MINUTES=20`)."""

import argparse
import secrets
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count, takewhile
from pathlib import Path

from tests.simulation.processes import side_by_side
from tests.simulation.seeds import BEYOND, LOWEST, ROOT, Code, code_at
from tests.simulation.simulation import simulate

FOLDER = ROOT / ".hunt"
"""Ignored by git, and left alone by `make clean`."""
SUMMARY = "found.txt"
TOLD_EVERY = 200
"""Seeds after which one hears how far the hunt is."""


@dataclass(frozen=True)
class Tried:
    """What came of one seed."""

    seed: int
    verdict: str | None
    """The broken promise, or how the simulator itself failed."""
    story: str = ""
    """What concerns the order of the broken promise."""
    whole_story: str = ""


@dataclass
class Hunt:
    """All that a hunt found; every finding in a file of its own."""

    code: Code
    folder: Path
    seeds: int = 0
    found: list[tuple[Tried, Path]] = field(default_factory=list)

    def add(self, tried: Tried) -> Path | None:
        """The file, where something is broken."""
        self.seeds += 1
        if tried.verdict is None:
            return None
        file = self.folder / f"seed-{tried.seed}-{self.code.name}.txt"
        self.found.append((tried, file))
        self.folder.mkdir(exist_ok=True)
        if not file.exists():
            with (self.folder / SUMMARY).open("a", encoding="utf-8") as summary:
                summary.write(f"seed {tried.seed}  {self.code}  {tried.verdict}\n")
        file.write_text(self._text(tried), encoding="utf-8")
        return file

    def _text(self, tried: Tried) -> str:
        return (
            f"seed {tried.seed}\n{self.code}\nfound on {datetime.now(UTC):%Y-%m-%d}\nbroken: {tried.verdict}\n"
            f"{_replay(tried)}\n\nWhat concerns it:\n\n{tried.story}\n\nAll that happened:\n\n{tried.whole_story}\n"
        )

    def __str__(self) -> str:
        lines = [f"{self.seeds} seeds, {len(self.found)} broken"]
        for tried, file in self.found:
            lines += [f"seed {tried.seed}: {tried.verdict}", f"  {_replay(tried)}", f"  {file}"]
        return "\n".join(lines)


def main() -> None:
    """Exit code 1 where something was broken."""
    arguments = _arguments()
    first = LOWEST + secrets.randbelow(BEYOND - LOWEST) if arguments.first is None else arguments.first
    end = time.monotonic() + arguments.minutes * 60
    seeds = takewhile(lambda _: time.monotonic() < end, count(first))
    found = Hunt(code_at(), FOLDER)
    print(f"first seed {first}, on {found.code}, for {arguments.minutes:g} minutes; Ctrl-C ends it", flush=True)
    try:
        go_on(found, try_out, seeds)
    finally:
        print(f"{found}\nThe same seeds again, at {found.code}: make simulate FIRST={first} SEEDS={found.seeds}")
    sys.exit(1 if found.found else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.hunt", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20, help="begin no other seed after so many")
    parser.add_argument("--first", type=int, help="the first seed; unless said, a random one")
    return parser.parse_args()


def go_on(hunt: Hunt, run: Callable[[int], Tried], seeds: Iterable[int]) -> None:
    """Try all seeds, or those until Ctrl-C."""
    try:
        with closing(side_by_side(run, seeds)) as results:
            for tried in results:
                file = hunt.add(tried)
                if file:
                    print(f"seed {tried.seed}: {tried.verdict}\n  {file}", flush=True)
                elif hunt.seeds % TOLD_EVERY == 0:
                    print(f"{hunt.seeds} seeds, {len(hunt.found)} broken", flush=True)
    except KeyboardInterrupt:
        print("ended by Ctrl-C", flush=True)


def try_out(seed: int) -> Tried:
    try:
        result = simulate(seed)
    except Exception as error:  # noqa: BLE001 - a seed that the simulator itself does not survive is kept, too
        return Tried(seed, f"the simulator itself failed: {error!r}", traceback.format_exc())
    return Tried(seed, str(result.broken) if result.broken else None, result.story, result.whole_story)


def _replay(tried: Tried) -> str:
    return f"make simulate SEED={tried.seed} VERBOSE=1"


if __name__ == "__main__":
    main()
