"""Every minute: send what is owed, and make the status tell the truth about messages that were dead-lettered (P8).

A message gets into a dead-letter queue in two ways. Its run failed, and it was left for that queue: nothing to do. Or
it was received too often without ever being tried, because the workers could not run at all, or were throttled, or died
of somebody else: then the next run is begun, a stated number of times, and only then does it fail (P6).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Generic

from comanda.application.delivery.dead_letters import MOST_SHOWN, Letter, see_all
from comanda.application.delivery.events import MessageOwed, MessageOwedTooLong, RunFailed
from comanda.application.delivery.open_run import OpenRun
from comanda.application.delivery.ports import OWED, DeadLetters, Row, RowsInNeed, VersionConflict
from comanda.application.shared.ports import Clock
from comanda.application.shared.telemetry import Telemetry
from comanda.application.shared.unreadable import UNREADABLE, emit_unreadable
from comanda.domain.delivery.work_item import By, Failure
from comanda.domain.shared.errors import Unavailable, UnreadableRow

OWED_FOR = timedelta(minutes=1)
"""Whoever began the run has sent its message by then, or never will."""
OWED_TOO_LONG = timedelta(minutes=10)
"""Someone has to look: the sweep could not send it so often."""
QUIET = timedelta(minutes=3)
"""Nobody is at a row that was not written for so long, as far as one can tell."""
STANDS_STILL = timedelta(hours=1)
"""A message group of which nothing was written for so long has no worker."""
REQUEUED = "requeued: its message was dead-lettered untried"
REQUEUED_AFTER_OUTAGE = "requeued: an outage of the provider turned it away"


@dataclass(frozen=True)
class Reconciler(Generic[Row]):
    """Sends what is owed, and judges what was dead-lettered. Called each minute."""

    rows: RowsInNeed[Row]
    open_run: OpenRun[Row]
    dead_letters: Sequence[DeadLetters]
    telemetry: Telemetry
    clock: Clock
    max_rescues: int
    reserve_seconds: float
    """It begins nothing with less time left than this."""
    in_outage: Callable[[str], bool] = lambda _: False
    """Whether an outage turns the workers of a stage away, however well they run: nothing of that is counted, nor
    failed (docs/decisions/0009). Raises Unavailable."""

    def __call__(self, seconds_left: Callable[[], float]) -> None:
        """As far as the time goes. Raises Unavailable; the next minute goes on."""
        has_time = partial(self._has_time, seconds_left)
        self._send_what_is_owed(has_time)
        for queue in self.dead_letters:
            kept = see_all(queue, partial(self._look_through, queue), has_time)
            crowds = {group: letters for group, letters in kept.items() if len(letters) >= MOST_SHOWN}
            if crowds:
                hidden = queue.depth() - sum(map(len, kept.values()))
                self._look_behind(queue, crowds, hidden, has_time)

    def _has_time(self, seconds_left: Callable[[], float]) -> bool:
        return seconds_left() > self.reserve_seconds

    def _send_what_is_owed(self, has_time: Callable[[], bool]) -> None:
        """One by one: what cannot be sent stops no other."""
        for listed in self.rows.needing_attention(OWED):
            if not has_time():
                return
            if isinstance(listed, UnreadableRow):
                self._fail_unreadable(listed, self.dead_letters[0].stage, message_id="")
                continue
            try:
                self._send(listed.row_id)
            except Unavailable as error:
                self.telemetry.emit(MessageOwed(kind=listed.kind, reason=str(error)), listed)

    def _send(self, row_id: str) -> None:
        """Read again, sent first, and then no longer owed. Raises Unavailable."""
        row, now = self.rows.get_many([row_id]).get(row_id), self.clock()
        if row is None or isinstance(row, UnreadableRow) or not row.owed or row.updated_at > now - OWED_FOR:
            return
        if row.updated_at < now - OWED_TOO_LONG:
            self.telemetry.emit(MessageOwedTooLong(kind=row.kind), row)
        self.open_run.send(row)

    def _look_through(self, queue: DeadLetters, letters: Sequence[Letter]) -> list[Letter]:
        """Deal with each dead letter; give those that stay."""
        rows = self.rows.get_many(letter.message.row_id for letter in letters if letter.message)
        kept = []
        for letter in letters:
            if self._is_done_with(letter, rows, queue.stage):
                queue.delete(letter)
            else:
                kept.append(letter)
        return kept

    def _readable(self, found: Iterable[Row | UnreadableRow]) -> Iterator[Row]:
        for each in found:
            if isinstance(each, UnreadableRow):
                emit_unreadable(self.telemetry, each)
            else:
                yield each

    def _is_done_with(self, letter: Letter, rows: Mapping[str, Row | UnreadableRow], stage: str) -> bool:
        """A letter of a failed run stays, at whatever stage: it may be the only one that the console has."""
        message = letter.message
        row = rows.get(message.row_id) if message else None
        if isinstance(row, UnreadableRow):
            self._fail_unreadable(row, stage, letter.message_id)
            return False
        if row is None or message is None:
            return False
        now = self.clock()
        if message.replay < row.replay or row.is_over(now):
            return True
        if row.is_failed:
            return row.discarded
        if row.owed or row.seconds_held(now):  # Its message is on its way, or some worker is at it after all.
            return False
        return self._requeue_or_fail(row, stage, letter.message_id, message.replay)

    def _requeue_or_fail(self, row: Row, stage: str, message_id: str, run: int) -> bool:
        """Whether the next run has begun, in the place of the one that was dead-lettered."""
        if self.in_outage(stage):
            return self._requeue(row, By.OUTAGE, run)
        if row.rescues < self.max_rescues:
            return self._requeue(row, By.RECONCILER, run)
        if run == row.replay and row.updated_at < self.clock() - QUIET:
            self._fail(row, stage, message_id)
        return False

    def _requeue(self, row: Row, by: By, run: int) -> bool:
        try:
            self.open_run(row, by, REQUEUED_AFTER_OUTAGE if by is By.OUTAGE else REQUEUED, after=run)
        except VersionConflict:
            return False
        return True

    def _fail(self, row: Row, stage: str, message_id: str) -> None:
        """Only where the row still is as it was read."""
        why = f"the workers of stage {stage} could not run; the {row.kind} was requeued and came back untried"
        failed = row.failed(Failure("WorkerUnavailable", why, stage, 0, self.clock(), message_id))
        try:
            self.rows.save(row, failed)
        except VersionConflict:
            return
        self.telemetry.emit(RunFailed(kind=row.kind, error_class="WorkerUnavailable", reason=why, stage=stage), failed)

    def _fail_unreadable(self, row: UnreadableRow, stage: str, message_id: str) -> None:
        """No worker ran that could have failed it. What a newer release wrote is left to that."""
        failure = Failure(UNREADABLE, str(row), stage, 0, self.clock(), message_id)
        failed = not row.newer and self.rows.fail_unreadable(row.row_id, failure)
        if failed or row.newer:
            emit_unreadable(self.telemetry, row, failed=failed)

    def _look_behind(
        self, queue: DeadLetters, crowds: Mapping[str, Sequence[Letter]], hidden: int, has_time: Callable[[], bool]
    ) -> None:
        """What lies behind ten dead letters of a group nobody can see. So many as are hidden, of the open rows of these
        groups that nobody has written for a while, the oldest first, are taken for theirs."""
        if hidden <= 0:
            return
        shown = self.rows.get_many(
            letter.message.row_id for letters in crowds.values() for letter in letters[:1] if letter.message
        )
        now = self.clock()
        found = self._readable(self.rows.open_in(crowds, list(self._readable(shown.values()))))
        open_rows = [row for row in found if not (row.owed or row.seconds_held(now))]
        moving = {row.message_group for row in open_rows if row.updated_at > now - STANDS_STILL}
        quiet = sorted((row for row in open_rows if row.updated_at < now - QUIET), key=lambda row: row.created_at)
        for row in quiet[:hidden]:
            if not has_time():
                return
            self._requeue_or_fail_unseen(row, queue.stage, stands_still=row.message_group not in moving)

    def _requeue_or_fail_unseen(self, row: Row, stage: str, *, stands_still: bool) -> None:
        """As for a dead letter that was seen. But it may only wait in its queue, behind others: it fails where its
        whole group has no worker, and is requeued once more where the group has one."""
        is_stale = row.updated_at < self.clock() - STANDS_STILL
        if self.in_outage(stage):
            if is_stale:  # Its timeline grows with each, and an outage may last for days.
                self._requeue(row, By.OUTAGE, row.replay)
        elif row.rescues < self.max_rescues:
            self._requeue(row, By.RECONCILER, row.replay)
        elif stands_still:
            self._fail(row, stage, message_id="")
        elif is_stale:
            self._requeue(row, By.RECONCILER, row.replay)
