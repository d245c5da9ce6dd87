"""DynamoDB Streams, and the event source mapping that reads them ("DynamoDB Streams and AWS Lambda triggers").

A stream has the writes of a row in their order. Here a table is one shard: one batch is on its way at a time.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.golden import stream_record
from tests.simulation.expressions import Item
from tests.simulation.functions import Functions, Outcome

RETENTION = 24 * 3600.0
"""Seconds for which a stream keeps a record."""
LONGEST_PAUSE = 10.0
"""Seconds between two tries of a batch that failed."""


@dataclass(frozen=True)
class Record:
    """One write of a row."""

    at: float
    number: int
    key: Mapping[str, Any]
    before: Item | None
    after: Item | None


class StreamMapping:
    """Hands the records of a table's stream to a function: in order, at least once, again from the same position after
    an error, at times after a success too, as its checkpoint was lost. After an error, half a batch goes alone."""

    def __init__(
        self,
        functions: Functions,
        table: str,
        function: str,
        *,
        random: Random,
        wanted: Callable[[Item], bool],
        batch_size: int,
        read_again: float,
    ) -> None:
        """`wanted`: the filter, given the row after the write. `read_again`: how often a batch that succeeded comes
        again while things go wrong."""
        self.records: deque[Record] = deque()
        """Those that no function has dealt with yet."""
        self.missed = 0
        """Records that were a day old before any function had dealt with them."""
        self._functions = functions
        self._table = table
        self._function = function
        self._random = random
        self._wanted = wanted
        self._batch_size = self._most = batch_size
        self._read_again = read_again
        self._failures = 0
        self._number = 0
        self._is_reading = False

    def on_write(self, key_name: str, before: Item | None, after: Item | None) -> None:
        """A write that changes nothing makes no record."""
        if before == after or after is None or not self._wanted(after):
            return
        self._number += 1
        now = self._functions.scheduler.time()
        self.records.append(Record(now, self._number, {key_name: after[key_name]}, before, after))
        self._read_in(self._random.uniform(0.05, 0.6))

    def _read_in(self, seconds: float) -> None:
        if not self._is_reading:
            self._is_reading = True
            self._functions.scheduler.after(seconds, self._read)

    def _read(self) -> None:
        oldest = self._functions.scheduler.time() - RETENTION
        while self.records and self.records[0].at < oldest:
            self.records.popleft()
            self.missed += 1
        batch = [self.records[place] for place in range(min(self._most, len(self.records)))]
        if not batch:
            self._is_reading = False
            return
        event = {"Records": [_event(self._table, record) for record in batch]}
        self._functions.invoke(self._function, event, lambda outcome: self._finish(batch, outcome))

    def _finish(self, batch: list[Record], outcome: Outcome) -> None:
        faults, history = self._functions.faults, self._functions.history
        pause = self._random.uniform(0.01, 0.3)
        if not outcome.is_good:
            self._most = max(1, len(batch) // 2)
            self._failures += 1
            pause = min(LONGEST_PAUSE, 0.1 * 2.0**self._failures)
            history.tell(f"stream of {self._table}: {len(batch)} records come again")
        elif faults.active and self._random.random() < self._read_again:
            faults.injected["stream read again after a success"] += 1
            history.tell(f"stream of {self._table}: {len(batch)} records come again, though they succeeded")
        else:
            self._most, self._failures = self._batch_size, 0
            for record in batch:
                if self.records and self.records[0].number == record.number:
                    self.records.popleft()
        self._is_reading = False
        self._read_in(pause)


def _event(table: str, record: Record) -> dict[str, Any]:
    event = stream_record(record.key, record.before, record.after, sequence=record.number, table=table)
    event["dynamodb"]["ApproximateCreationDateTime"] = record.at
    return event
