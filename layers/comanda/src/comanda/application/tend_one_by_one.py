"""Every minute: make the status tell the truth about messages that were dead-lettered (P8), as for orders (steward.py).

It is simpler than for orders: every dead letter can be seen, and each is judged by itself. A report is a message group
of its own, and a group of notifications holds what one receiver is told of one order, which is fewer than SQS shows
where it is looked at alone.
What a dead letter means, each of the two says itself (tend_reports.py, tend_notifications.py).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import ClassVar, Generic, Protocol, TypeVar

from comanda.application.ports import Clock, Journal, Overtaken
from comanda.application.see_dead_letters import TendedQueue, see_all
from comanda.application.unreadable import tell_unreadable
from comanda.domain.errors import UnreadableRow
from comanda.domain.messages import NotificationDelivery, ReportDelivery, last_runs
from comanda.domain.notification import Notification
from comanda.domain.report import Report

UNAVAILABLE = "WorkerUnavailable"
"""The class of failure of what no worker could try."""

DeadLetter = ReportDelivery | NotificationDelivery
Row = TypeVar("Row", Report, Notification)
RowToPublish = TypeVar("RowToPublish", Report, Notification, contravariant=True)


class Rows(Protocol[Row]):
    """The table they stand in. Every method raises Unavailable where storage does not answer."""

    def get(self, row_id: str, /) -> Row | None:
        """The row as it stands now (strongly consistent), claims included. Raises UnreadableRow."""

    def save(self, before: Row, after: Row) -> None:
        """Write what differs, where the row still has `before.version`. Raises Overtaken otherwise."""


class RowPublisher(Protocol[RowToPublish]):
    def publish(self, row: RowToPublish, /) -> None:
        """Send the message into the group of `row`. Raises Unavailable; then it may be stored or not."""


class Fate(Enum):
    """What a dead letter says about its row."""

    DONE_WITH = auto()
    """Nothing any more: it is removed."""
    STAYS = auto()
    """Nothing new: it stays for a person to redrive, or to be looked at again in a minute."""
    UNTRIED = auto()
    """It was never tried: published anew, and failed once that was done before (P6)."""
    UNTRIED_AGAIN = auto()
    """Redriven, and dead-lettered again before any worker could take it up: failed once more."""


@dataclass(frozen=True)
class TendOneByOne(ABC, Generic[Row]):
    rows: Rows[Row]
    publisher: RowPublisher[Row]
    dead_letters: TendedQueue[DeadLetter]
    journal: Journal
    clock: Clock
    max_rescues: int
    reserve_seconds: float

    what: ClassVar[str]
    """What the journal and the failure call it."""

    @abstractmethod
    def fate_of(self, row: Row, replay: int) -> Fate:
        """What a dead letter of the run `replay` says about its row."""

    @abstractmethod
    def abandoned(self, row: Row, why: str, message_id: str, replay: int) -> Row:
        """Failed as UNAVAILABLE, for the message that was dead-lettered, as of its run."""

    def __call__(self, seconds_left: Callable[[], float]) -> None:
        """Look at each dead letter as far as the time goes. Raises Unavailable; the next minute goes on."""
        see_all(self.dead_letters, self._look_through, lambda: seconds_left() > self.reserve_seconds)

    def _look_through(self, deliveries: Sequence[DeadLetter]) -> list[DeadLetter]:
        """Deal with each dead letter; give those that stay."""
        last_run = last_runs(delivery.message for delivery in deliveries)
        kept = []
        for delivery in deliveries:
            message = delivery.message
            is_old = message is not None and message.replay < last_run[message.row_id]
            if is_old or (message and self._is_done_with(message.row_id, message.replay, delivery.message_id)):
                self.dead_letters.delete(delivery)
            else:
                kept.append(delivery)
        return kept

    def _is_done_with(self, row_id: str, replay: int, message_id: str) -> bool:
        try:
            row = self.rows.get(row_id)
        except UnreadableRow as error:
            tell_unreadable(self.journal, error)
            return False
        if row is None:
            return False
        fate = self.fate_of(row, replay)
        if fate is Fate.UNTRIED and row.rescues < self.max_rescues:
            return self._publish_anew(row, replay)
        if fate in {Fate.UNTRIED, Fate.UNTRIED_AGAIN}:
            self._fail(row, message_id, replay)
        return fate is Fate.DONE_WITH

    def _publish_anew(self, row: Row, replay: int) -> bool:
        """`replay` of the dead letter is ahead of the row where a steward died after sending: that body is used up."""
        rescued = row.rescued(self.clock(), replay + 1)
        self.publisher.publish(rescued)
        try:
            self.rows.save(row, rescued)
        except Overtaken:
            return False
        self.journal.tell(f"{self.what}.rescued", rescued)
        return True

    def _fail(self, row: Row, message_id: str, replay: int) -> None:
        """Only where the row still is as it was read. It takes on the message's replay: the next has another."""
        why = f"the workers could not run; the {self.what} was published anew and came back untried"
        failed = self.abandoned(row, why, message_id, replay)
        try:
            self.rows.save(row, failed)
        except Overtaken:
            return
        self.journal.tell(f"{self.what}.failed", failed, error_class=UNAVAILABLE, reason=why)
