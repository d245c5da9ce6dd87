"""A worker at its batch: what every stage shares, of orders, reports and notifications.

A batch mixes message groups. Groups are worked on side by side, and each group in order. What goes wrong with one
message stays with it:

- it failed for good: marked failed, its message left for the dead-letter queue, the next one begun (C2, P7);
- it failed for now: one attempt used up, its whole group backs off, other groups do not notice (D5);
- storage does not answer: the group backs off, and no attempt is used up (P6). Pauses grow with the receives, or a
  short outage would use up all of these.

Where work can kill its worker (`Step.may_kill`), a batch in which any message was received before is worked on with
care: one message at a time, the least tried groups first, each attempt written down before it starts, and each message
deleted as soon as it is done, so that whoever dies takes nobody along (A6). The happy path pays for none of it.

Powertools' FIFO processor stops a group, or the whole batch, at its first failure, whatever its kind; which is why
this is ours (docs/decisions/0004).
"""

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NoReturn

from comanda.application.delivery import events
from comanda.application.delivery.message_groups import Backoff, back_off, in_groups
from comanda.application.delivery.open_run import OpenRun
from comanda.application.delivery.ports import Executor, R, Row, Rows, SourceQueue, T, VersionConflict
from comanda.application.delivery.spans import NO_SPANS, Span, Spans
from comanda.application.delivery.step import Job, Step, TooEarly
from comanda.application.shared.ports import Clock
from comanda.application.shared.telemetry import Telemetry
from comanda.application.shared.unreadable import UNREADABLE, RowOfNewerRelease, emit_unreadable
from comanda.domain.delivery.disposition import Disposition, classify
from comanda.domain.delivery.messages import Delivery, Message
from comanda.domain.delivery.retry import GIVE_BACK_PAUSES, RetryPolicy
from comanda.domain.delivery.work_item import Attempts, By, Failure, WorkItem
from comanda.domain.shared.errors import (
    ComandaError,
    PermanentError,
    ProviderOutage,
    TransientError,
    Unavailable,
    UnreadableRow,
    WorkError,
)

LOOKS = 4
"""How often a group reads its rows because they changed under its hands, before it leaves the rest for later."""
REDRIVEN = "redriven from the dead-letter queue"
"""What the timeline says of a run that the console began."""

Found = Mapping[str, Row | UnreadableRow]
"""By row id."""
UNEXPECTED = "UnexpectedError"
"""The class of a failure whose error is none of Comanda's own."""
MAX_TRACE = 4000
"""Characters of a traceback, from its end."""
_CLASSIFIED: Mapping[Disposition, type[events.MessageClassified]] = {
    Disposition.OPEN: events.MessageRedriven,
    Disposition.DROP: events.MessageDropped,
    Disposition.DEAD_LETTER: events.MessageDeadLettered,
    Disposition.AHEAD: events.MessageAheadOfRow,
    Disposition.SUPERSEDED: events.MessageSuperseded,
}
_STAYS = frozenset({Disposition.DEAD_LETTER, Disposition.AHEAD})


class OneByOne:
    """An executor without threads."""

    def map(self, function: Callable[[T], R], things: Iterable[T], /) -> Iterator[R]:
        return map(function, things)


ONE_BY_ONE = OneByOne()


@dataclass(frozen=True)
class Worker(Generic[Row]):
    """Works a batch of one queue: groups side by side, a group's messages in order."""

    step: Step[Row]
    rows: Rows[Row]
    open_run: OpenRun[Row]
    queue: SourceQueue
    retry: RetryPolicy
    telemetry: Telemetry
    clock: Clock
    random: Callable[[], float]
    sleep: Callable[[float], None]
    """Seconds."""
    reserve_seconds: float
    """Nothing is begun with less time left than this."""
    executor: Executor = ONE_BY_ONE
    spans: Spans = NO_SPANS

    def __call__(self, batch: Sequence[Delivery[Message]], seconds_left: Callable[[], float]) -> list[str]:
        """Work on a batch; give the ids of the messages that must stay in the queue."""
        groups = in_groups(batch)
        if self.step.may_kill and any(delivery.receive_count > 1 for delivery in batch):
            groups = self._least_tried_first(groups)
            stay = iter([_CarefulGroup(self, group, seconds_left).work() for group in groups])
        else:
            stay = self.executor.map(lambda group: _Group(self, group, seconds_left).work(), groups)
        return [message_id for group in stay for message_id in group]

    def _least_tried_first(self, groups: list[list[Delivery[Message]]]) -> list[list[Delivery[Message]]]:
        if len(groups) == 1:
            return groups
        try:
            rows = self.rows.get_many(_row_ids(group[0] for group in groups))
        except Unavailable:
            return groups
        return sorted(groups, key=lambda group: _attempts_before(group[0], _row_of(group[0], rows)))


class _Group(Generic[Row]):
    """One message group of a batch, worked on from its first message to its last."""

    def __init__(
        self, worker: Worker[Row], group: Sequence[Delivery[Message]], seconds_left: Callable[[], float]
    ) -> None:
        self._worker = worker
        self._turn = worker.step.turn()
        self._waiting = list(group)
        self._stay: list[str] = []
        self._seconds_left = seconds_left
        self._rows: Found[Row] | None = None
        self._looks = LOOKS

    def work(self) -> list[str]:
        """The ids of the messages that must stay in the queue."""
        while self._waiting:
            span = self._worker.spans.begin()
            try:
                self._check_time()
                done, disposition = self._advance(self._look(), span)
            except VersionConflict:
                self._rows = None
            except Unavailable as error:
                pause = self._worker.retry.pause_after(self._waiting[0].receive_count, self._worker.random)
                unavailable = events.StorageUnavailable(group=self._group, reason=str(error), pause_seconds=pause)
                self._worker.telemetry.emit(unavailable)
                span.note(error_class=type(error).__name__)
                return self._back_off(pause, span)
            except Backoff as backoff:
                return self._back_off(backoff.seconds, span)
            else:
                self._acknowledge(self._waiting[0], disposition)
                span.end(*self._waiting[:done], done=disposition not in _STAYS)
                del self._waiting[:done]
        return self._stay

    def _check_time(self) -> None:
        if self._seconds_left() < self._worker.reserve_seconds:
            self._worker.telemetry.emit(events.OutOfTime(group=self._group, messages=len(self._waiting)))
            raise Backoff(0)

    def _look(self) -> Found[Row]:
        if self._rows is None:
            if self._looks == 0:
                raise Unavailable("the rows keep changing")
            self._looks -= 1
            self._rows = self._worker.rows.get_many(_row_ids(self._waiting))
        return self._rows

    def _back_off(self, seconds: int | None, span: Span) -> list[str]:
        span.end(self._waiting[0], done=False)
        return self._stay + back_off(self._worker.queue, self._waiting, seconds)

    def _acknowledge(self, delivery: Delivery[Message], disposition: Disposition) -> None:
        """What is done with is deleted at the end of the batch, by the event source mapping."""
        if disposition in _STAYS:
            self._worker.queue.hide([delivery], 0)
            self._stay.append(delivery.message_id)

    def _advance(self, rows: Found[Row], span: Span) -> tuple[int, Disposition]:
        """Deal with the first message, and with those that can go along: how many, and what becomes of the first."""
        head, step, now = self._waiting[0], self._worker.step, self._worker.clock()
        if head.of_newer_release:
            self._leave_to_newer_release(head, events.MessageOfNewerRelease)
        row = rows.get(head.message.row_id) if head.message else None
        if isinstance(row, UnreadableRow):
            return 1, self._fail_unreadable(head, row)
        disposition = classify(row, head, step.stage, now)
        if row is None or disposition is not Disposition.WORK:
            self._pass(row, head, disposition)
            return 1, disposition
        if (held := row.seconds_held(now)) and not _is_written_now(head, row):
            raise Backoff(max(1, round(held)))
        job = self._job(head, row, span)
        try:
            return self._attempt(job, self._followers(rows))
        except (Unavailable, TooEarly):
            self._give_back(job)
            raise

    def _leave_to_newer_release(
        self, delivery: Delivery[Message], event: type[events.MessageOfNewerRelease | RowOfNewerRelease]
    ) -> NoReturn:
        """It is received again until the newer release is back, and if that takes too long, a person redrives it."""
        pause = self._worker.retry.pause_after(delivery.receive_count, self._worker.random)
        self._worker.telemetry.emit(event(message_id=delivery.message_id, pause_seconds=pause))
        raise Backoff(pause)

    def _fail_unreadable(self, delivery: Delivery[Message], row: UnreadableRow) -> Disposition:
        """It fails, and nothing else of it: also where that cannot be written, its message is not lost."""
        if row.newer:
            self._leave_to_newer_release(delivery, RowOfNewerRelease)
        worker, step = self._worker, self._worker.step
        failure = Failure(UNREADABLE, str(row), step.stage, 0, worker.clock(), delivery.message_id)
        failed = worker.rows.fail_unreadable(row.row_id, failure)
        if failed:
            worker.telemetry.emit(
                events.RunFailed(
                    kind=step.kind, row_id=row.row_id, error_class=UNREADABLE, reason=row.why, stage=step.stage
                )
            )
        if failed or delivery.receive_count == 1:
            emit_unreadable(worker.telemetry, row, message_id=delivery.message_id, failed=failed)
        return Disposition.DEAD_LETTER

    def _pass(self, row: Row | None, head: Delivery[Message], disposition: Disposition) -> None:
        """Nothing is to be done for a message but what becomes of it."""
        self._worker.telemetry.emit(_CLASSIFIED[disposition](message_id=head.message_id), row)
        if disposition is Disposition.SUPERSEDED:
            raise Backoff(None)
        if disposition is Disposition.OPEN and row is not None and head.message is not None:
            self._worker.open_run(row, By.CONSOLE, REDRIVEN, after=head.message.replay)

    def _job(self, delivery: Delivery[Message], row: Row, span: Span = NO_SPANS) -> Job[Row]:
        attempt = _attempts_before(delivery, row) + 1
        return Job(delivery, row, attempt, self._worker.rows, self._seconds_left, span)

    def _followers(self, rows: Found[Row]) -> Iterator[Job[Row]]:
        for delivery in self._waiting[1:]:
            row = _row_of(delivery, rows)
            if row is None:
                return
            if classify(row, delivery, self._worker.step.stage, self._worker.clock()) is not Disposition.WORK:
                return
            yield self._job(delivery, row)

    def _attempt(self, job: Job[Row], followers: Iterable[Job[Row]]) -> tuple[int, Disposition]:
        try:
            self._write_attempt(job)
            return self._turn([job, *followers]), Disposition.WORK
        except PermanentError as error:
            self._fail(job, error)
        except TransientError as error:
            self._failed_for_now(job, error)
        except (VersionConflict, Unavailable, TooEarly):
            raise
        except Exception as error:  # noqa: BLE001 - a defect met by one message must not stop its neighbours (P6)
            self._failed_for_now(job, self._unexpected(job, error))
        return 1, Disposition.DEAD_LETTER

    def _unexpected(self, job: Job[Row], error: Exception) -> TransientError:
        """What it says may name our insides, or repeat somebody's data: the log has it, and callers only learn the
        name, where that is one of ours."""
        stage, kind = self._worker.step.stage, job.row.kind
        trace = "".join(traceback.format_exception(error))[-MAX_TRACE:]
        raised = type(error).__name__
        self._worker.telemetry.emit(
            events.UnexpectedErrorRaised(kind=kind, error_class=raised, reason=str(error), stage=stage, trace=trace),
            job.row,
        )
        name = raised if isinstance(error, ComandaError) else UNEXPECTED
        return TransientError(name, f"an unexpected error in {stage}; our log has it under the id of this {kind}")

    def _begun(self, job: Job[Row]) -> Row | None:
        return self._worker.step.begun(job)

    def _write_attempt(self, job: Job[Row]) -> None:
        """Write the attempt down before it starts, so that what kills the worker is found out.

        Raises PermanentError where all attempts were begun, and the last never came to an end.
        """
        if not self._worker.step.has_work(job.row) or _is_written_now(job.delivery, job.row):
            return
        begun = self._begun(job)
        if begun is None:
            return
        if job.attempt > self._worker.retry.max_attempts:
            raise PermanentError(
                "WorkerDied",
                "all attempts are used up; the last had no outcome: the worker died, or could not write it",
            )
        job.save(begun)
        started = events.AttemptStarted(kind=job.row.kind, stage=self._worker.step.stage, attempt=job.attempt)
        self._worker.telemetry.emit(started, job.row)

    def _give_back(self, job: Job[Row]) -> None:
        """The attempt came to nothing through no fault of its own. Whether it was written down, the row says.

        The outage may go on: it is tried for some seconds, or a few short outages would use up all attempts of what
        was never tried (P6).
        """
        worker, delivery = self._worker, job.delivery
        if self._begun(job) is None:
            return
        this_attempt = Attempts(delivery.message_id, job.attempt, delivery.receive_count)
        for pause in GIVE_BACK_PAUSES:
            try:
                row = worker.rows.get_many(_row_ids([delivery])).get(job.row.row_id)
                if (
                    row is None
                    or isinstance(row, UnreadableRow)
                    or row.attempts != this_attempt
                    or row.failure
                    or row.is_over(worker.clock())
                ):
                    return
                worker.rows.save(row, row.given_back(worker.clock()))
            except (VersionConflict, Unavailable):
                worker.sleep(pause)
            else:
                return
        worker.telemetry.emit(events.AttemptLost(kind=job.row.kind, stage=worker.step.stage), job.row)

    def _failed_for_now(self, job: Job[Row], error: TransientError) -> None:
        """One attempt is used up: the group backs off, or the run fails with its last one."""
        worker, delivery = self._worker, job.delivery
        if job.attempt >= worker.retry.max_attempts:
            self._fail(job, error)
            return
        tried = job.row.tried(delivery.message_id, delivery.receive_count, worker.clock())
        if tried is not job.row:
            job.save(tried)
        pause = worker.retry.pause_after(job.attempt, worker.random, asked_for=error.retry_after)
        failed = events.AttemptFailed(
            kind=job.row.kind,
            error_class=error.name,
            reason=str(error),
            attempt=job.attempt,
            stage=worker.step.stage,
            pause_seconds=pause,
            outage=isinstance(error, ProviderOutage),
        )
        worker.telemetry.emit(failed, job.row)
        job.span.note(error_class=error.name)
        raise Backoff(pause)

    def _fail(self, job: Job[Row], error: WorkError) -> None:
        stage, attempts = self._worker.step.stage, min(job.attempt, self._worker.retry.max_attempts)
        failure = Failure(
            error.name, str(error), stage, attempts, self._worker.clock(), message_id=job.delivery.message_id
        )
        job.save(job.row.failed(failure))
        failed = events.RunFailed(kind=job.row.kind, error_class=failure.name, reason=failure.message, stage=stage)
        self._worker.telemetry.emit(failed, job.row)
        job.span.note(error_class=failure.name)

    @property
    def _group(self) -> tuple[str, str]:
        """As its log lines have it: key and value."""
        return self._worker.step.group_is, self._waiting[0].group


class _CarefulGroup(_Group[Row]):
    """A message group of a batch in which something may have killed the worker before."""

    def _begun(self, job: Job[Row]) -> Row | None:
        return job.row.tried(job.delivery.message_id, job.delivery.receive_count, self._worker.clock())

    def _followers(self, rows: Found[Row]) -> Iterator[Job[Row]]:  # noqa: ARG002
        return iter(())

    def _acknowledge(self, delivery: Delivery[Message], disposition: Disposition) -> None:
        super()._acknowledge(delivery, disposition)
        if disposition not in _STAYS:
            self._worker.queue.delete(delivery)


def _row_ids(deliveries: Iterable[Delivery[Message]]) -> list[str]:
    return [delivery.message.row_id for delivery in deliveries if delivery.message]


def _row_of(delivery: Delivery[Message], rows: Found[Row]) -> Row | None:
    """None also where it cannot be read."""
    found = rows.get(delivery.message.row_id) if delivery.message else None
    return None if isinstance(found, UnreadableRow) else found


def _is_written_now(delivery: Delivery[Message], row: WorkItem) -> bool:
    """The attempt of this very receive stands in the row."""
    used = row.attempts
    return used is not None and (used.message_id, used.receive_count) == (delivery.message_id, delivery.receive_count)


def _attempts_before(delivery: Delivery[Message], row: WorkItem | None) -> int:
    """Attempts of this message before this receive of it."""
    if row is None:
        return 0
    used = row.attempts_of(delivery.message_id)
    return used - 1 if _is_written_now(delivery, row) else used
