"""What becomes of what was begun again: looked at until it is over, or the time is."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Protocol

from comanda.domain.delivery.work_item import Failure, WorkItem
from comanda.domain.shared.errors import Unavailable, UnreadableRow
from comanda_cli.terminal.output import console, remark, say

LOOK_EVERY_SECONDS, LATER_EVERY_SECONDS = 0.5, 2.0
AT_FIRST_SECONDS = 10.0
"""So long it looks often: whoever waits for one order sees it at once, and thousands are not read all the time."""
ROWS_PER_READ = 100
"""BatchGetItem takes no more keys."""
MOST_NAMED = 10
"""Ids in a summary."""


class Table(Protocol):
    """As much of a table as is needed to see what became of its rows."""

    def get_many(self, row_ids: Iterable[str], /) -> Mapping[str, Any]: ...


@dataclass
class Endings:
    """By the id of each that was begun again."""

    wanted: str
    """The status that makes it a success."""
    ended: dict[str, str] = field(default_factory=dict)
    """The status of those that came to an end and did not fail."""
    failed: dict[str, Failure] = field(default_factory=dict)
    open: dict[str, str] = field(default_factory=dict)
    """The status of those that are not over yet. Their messages may still be behind others."""

    @property
    def are_as_wanted(self) -> bool:
        return not self.failed and not self.open and set(self.ended.values()) <= {self.wanted}

    @property
    def summary(self) -> str:
        """`2 completed, 1 failed again, 1 not over yet`."""
        counts = sorted(Counter(self.ended.values()).items())
        counts += [("failed again", len(self.failed)), ("not over yet", len(self.open))]
        return ", ".join(f"{number} {text}" for text, number in counts if number)

    def to_json(self) -> dict[str, Any]:
        failed = {row_id: failure_text(failure) for row_id, failure in self.failed.items()}
        return {**asdict(self), "failed": failed}

    def watch(
        self,
        table: Table,
        begun: Sequence[WorkItem],
        limit_seconds: float,
        sleep: Callable[[float], None],
        now: Callable[[], datetime],
    ) -> None:
        """Look at what was begun until all of it is over, or the time is. What was seen before a KeyboardInterrupt
        stays."""
        self.open.update((item.row_id, _status_of(item)) for item in begun)
        waited = 0.0
        screen = console(stderr=True)
        with (
            screen.status("waiting for the end; Ctrl-C ends the waiting only") if screen.is_terminal else nullcontext()
        ):
            while self.open and waited < limit_seconds:
                pause = LOOK_EVERY_SECONDS if waited < AT_FIRST_SECONDS else LATER_EVERY_SECONDS
                sleep(pause)
                waited += pause
                for item in _read(table, list(self.open)):
                    self._seen(item, now())

    def _seen(self, item: WorkItem, now: datetime) -> None:
        self.open.pop(item.row_id)
        if item.failure and item.is_failed:
            self.failed[item.row_id] = item.failure
        elif item.is_over(now):
            self.ended[item.row_id] = _status_of(item)
        else:
            self.open[item.row_id] = _status_of(item)

    def print_details(self, limit_seconds: float, look_again: str) -> None:
        """Each that did not end well, the first of many. `look_again`: the command that shows all."""
        for row_id, failure in list(self.failed.items())[:MOST_NAMED]:
            say(f"Failed again: {row_id}, {failure_text(failure)}")
        if len(self.failed) > MOST_NAMED:
            say(f"And {len(self.failed) - MOST_NAMED} more that failed again: `{look_again}`.")
        for row_id, status in self.ended.items():
            if status != self.wanted:
                say(f"Not {self.wanted} but {status}: {row_id}")
        if self.open:
            some = ", ".join(f"{row_id} ({status})" for row_id, status in list(self.open.items())[:MOST_NAMED])
            more = f" and {len(self.open) - MOST_NAMED} more" if len(self.open) > MOST_NAMED else ""
            remark(f"Not over yet after {limit_seconds:g} s, look again later: {some}{more}.")


def failure_text(failure: Failure) -> str:
    """A failure in one line."""
    attempts = "1 attempt" if failure.attempts == 1 else f"{failure.attempts} attempts"
    return f"{failure.name}: {failure.message} ({failure.stage}, {attempts})"


def _status_of(item: Any) -> str:
    return str(item.status.value)


def _read(table: Table, row_ids: Sequence[str]) -> Iterator[WorkItem]:
    for start in range(0, len(row_ids), ROWS_PER_READ):
        try:
            found = table.get_many(row_ids[start : start + ROWS_PER_READ]).values()
        except Unavailable:
            return
        yield from (item for item in found if not isinstance(item, UnreadableRow))
