"""The one way to begin a run: row first, message second, and what is owed in between stands in the row.

A row is never behind a message about it. Whoever dies after the write has left a row that owes its message, which the
reconciler sends; whoever dies before it has done nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic

from comanda.application.delivery.events import MessageOwed, RunOpened, RunRedriven, RunRequested, RunRequeued
from comanda.application.delivery.ports import Row, Rows, RunPublisher
from comanda.application.shared.ports import Clock
from comanda.application.shared.telemetry import Telemetry
from comanda.domain.delivery.work_item import By
from comanda.domain.shared.errors import Unavailable

_EVENTS: Mapping[By, type[RunOpened]] = {
    By.CLIENT: RunRequested,
    By.OPERATOR: RunRedriven,
    By.CONSOLE: RunRedriven,
    By.RECONCILER: RunRequeued,
    By.OUTAGE: RunRequeued,
}


@dataclass(frozen=True)
class OpenRun(Generic[Row]):
    """The one way in which a run begins, whoever begins it (docs/decisions/0015)."""

    rows: Rows[Row]
    publisher: RunPublisher[Row]
    """Into the first queue: whatever was achieved stands in the row, and is not done a second time."""
    telemetry: Telemetry
    clock: Clock

    def __call__(self, row: Row, by: By, note: str = "", *, after: int = 0) -> Row:
        """Begin the next run of `row`, and give it as it is then. Where its message cannot be sent now, the reconciler
        sends it.

        `after` as WorkItem.opened has it. Raises IllegalTransition where `by` may not begin one, VersionConflict
        where the row is no longer as it was read, Unavailable where it was not written, as far as anybody knows.
        """
        opened = self.write(row, row.opened(by, self.clock(), note, after=after), by)
        try:
            return self.send(opened)
        except Unavailable as error:
            self.telemetry.emit(MessageOwed(kind=row.kind, reason=str(error)), opened)
            return opened

    def write(self, row: Row, opened: Row, by: By) -> Row:
        """The first half. Raises VersionConflict, Unavailable."""
        self.rows.save(row, opened)
        self.telemetry.emit(_EVENTS[by](kind=row.kind, by=by.value), opened)
        return opened

    def send(self, opened: Row) -> Row:
        """The second half, as often as need be: its copies are of one run. Raises Unavailable."""
        self.publisher.publish(opened)
        sent = opened.sent(self.clock())
        self.rows.mark_sent(opened, sent)
        return sent
