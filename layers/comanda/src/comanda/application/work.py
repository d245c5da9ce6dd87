"""A worker at its batch: what every stage shares.

A batch mixes message groups (recipients). Groups are worked on side by side, and each group in order. What goes wrong
with one message stays with it:

- it failed for good: marked failed, its message let through to the dead-letter queue, the next one begun (C2, P7);
- it failed for now: one attempt used up, its whole group rests for a while, other groups do not notice (D5);
- storage does not answer: the group rests, and nobody's attempt is used up (P6). Pauses grow with the receives, or a
  short outage would use up all of these.

A batch in which any message was received before is worked on with care, as one of its orders may have killed the
worker: one message at a time, the least tried groups first, each attempt written down before it starts, and each
message deleted as soon as it is done, so that whoever dies takes nobody along (A6). The happy path pays for none of it.

Powertools' FIFO processor stops a group, or the whole batch, at its first failure, whatever its kind; which is why
this is ours (docs/decisions/0004).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NoReturn, Protocol, TypeVar

from comanda.application.message_groups import Rest, in_groups, let_rest
from comanda.application.ports import Clock, Journal, Orders, Overtaken, SourceQueue
from comanda.application.spans import NO_SPANS, Span, Spans
from comanda.application.unreadable import UNREADABLE, tell_unreadable
from comanda.domain.errors import (
    PermanentError,
    ProviderOutage,
    TransientError,
    Unavailable,
    UnreadableRow,
    WorkError,
)
from comanda.domain.meeting import Verdict, meet
from comanda.domain.messages import Delivery
from comanda.domain.order import PUBLISHED_ANEW, Attempts, Failure, Order, OrderStatus, Stage
from comanda.domain.retry import GIVE_BACK_PAUSES, RetryPolicy

LOOKS = 4
"""How often a group reads its rows because they changed under its hands, before it leaves the rest for later."""

Rows = dict[str, Order | UnreadableRow]
"""By order id."""
T = TypeVar("T")
R = TypeVar("R")


class Executor(Protocol):
    """Runs a function on several things side by side; `concurrent.futures.Executor` is one."""

    def map(self, function: Callable[[T], R], things: Iterable[T], /) -> Iterator[R]: ...


@dataclass(frozen=True)
class Job:
    """A message together with the order it is about, to be worked on. `attempt` counts from 1."""

    delivery: Delivery
    order: Order
    attempt: int
    ahead: dict[str, Any] = field(default_factory=dict)
    """What a step found out ahead, by order id, for orders that are not done yet. All jobs of a group in a batch share
    it, and it is gone with the batch."""
    span: Span = NO_SPANS


class Step(Protocol):
    """What one stage does for its orders."""

    @property
    def stage(self) -> Stage: ...

    def begins(self, order: Order) -> bool:
        """Whether there is work to do, and not only a message to send again."""

    def __call__(self, jobs: Sequence[Job], /) -> int:
        """Do the step for the first job, and for as many behind it as can go along; give the number done.

        Raises PermanentError or TransientError about the first job, Overtaken, Unavailable.
        """


@dataclass(frozen=True)
class Worker:
    step: Step
    orders: Orders
    queue: SourceQueue
    retry: RetryPolicy
    journal: Journal
    clock: Clock
    draw: Callable[[], float]
    sleep: Callable[[float], None]
    """Seconds."""
    executor: Executor
    reserve_seconds: float
    """Nothing is begun with less time left than this."""
    spans: Spans = NO_SPANS

    def __call__(self, batch: Sequence[Delivery], seconds_left: Callable[[], float]) -> list[str]:
        """Work on a batch; give the ids of the messages that must stay in the queue."""
        groups = in_groups(batch)
        if any(delivery.receive_count > 1 for delivery in batch):
            work = partial(self._work_group, seconds_left=seconds_left, careful=True)
            stay = iter([work(group) for group in self._least_tried_first(groups)])
        else:
            work = partial(self._work_group, seconds_left=seconds_left, careful=False)
            stay = self.executor.map(work, groups)
        return [message_id for group in stay for message_id in group]

    def _least_tried_first(self, groups: list[list[Delivery]]) -> list[list[Delivery]]:
        if len(groups) == 1:
            return groups
        try:
            rows = self._read([group[0] for group in groups])
        except Unavailable:
            return groups
        return sorted(groups, key=lambda group: self._attempts_before(group[0], _order_of(group[0], rows)))

    def _work_group(self, group: Sequence[Delivery], *, seconds_left: Callable[[], float], careful: bool) -> list[str]:
        waiting, stay, looks = list(group), list[str](), LOOKS
        rows: Rows | None = None
        ahead: dict[str, Any] = {}
        while waiting:
            span = self.spans.begin()
            try:
                self._check_time(waiting, seconds_left())
                if rows is None:
                    rows, looks = self._look(waiting, looks), looks - 1
                done, verdict = self._advance(waiting, rows, ahead, span, careful=careful)
            except Overtaken:
                rows = None
                continue
            except Unavailable as error:
                self.journal.tell("storage.unavailable", reason=str(error), recipient_id=waiting[0].group)
                pause = self.retry.pause_after(waiting[0].receive_count, self.draw)
                span.note(error_class=type(error).__name__)
                span.end(waiting[0], done=False)
                return stay + let_rest(self.queue, waiting, pause)
            except Rest as rest:
                span.end(waiting[0], done=False)
                return stay + let_rest(self.queue, waiting, rest.seconds)
            stay += self._acknowledge(waiting[0], verdict, careful=careful)
            span.end(*waiting[:done], done=verdict is not Verdict.LET_THROUGH)
            del waiting[:done]
        return stay

    def _check_time(self, waiting: Sequence[Delivery], seconds_left: float) -> None:
        if seconds_left < self.reserve_seconds:
            self.journal.tell("batch.out_of_time", recipient_id=waiting[0].group, messages=len(waiting))
            raise Rest(0)

    def _look(self, waiting: Sequence[Delivery], looks: int) -> Rows:
        if looks == 0:
            raise Unavailable("the rows keep changing")
        return self._read(waiting)

    def _acknowledge(self, delivery: Delivery, verdict: Verdict, *, careful: bool) -> list[str]:
        """The id of the message if it must stay. With care, one that is done with is deleted before the next begins."""
        if verdict is Verdict.LET_THROUGH:
            self.queue.hide([delivery], 0)
            return [delivery.message_id]
        if careful:
            self.queue.delete(delivery)
        return []

    def _read(self, deliveries: Sequence[Delivery]) -> Rows:
        return dict(self.orders.get_many(delivery.message.order_id for delivery in deliveries if delivery.message))

    def _advance(
        self, waiting: Sequence[Delivery], rows: Rows, ahead: dict[str, Any], span: Span, *, careful: bool
    ) -> tuple[int, Verdict]:
        """Deal with the first message, and with those that can go along: how many, and what becomes of the first."""
        head = waiting[0]
        if head.of_newer_release:
            self._leave_to_newer_release(head, "message")
        found = rows.get(head.message.order_id) if head.message else None
        if isinstance(found, UnreadableRow):
            return 1, self._fail_unreadable(head, found)
        order = _order_of(head, rows)
        verdict = meet(order, head, self.step.stage)
        if order is None or verdict not in (Verdict.WORK, Verdict.TAKE_UP):
            self.journal.tell(f"message.{verdict.name.lower()}", order, message_id=head.message_id)
            if verdict is Verdict.SUPERSEDED:
                raise Rest(None)
            return 1, verdict
        if verdict is Verdict.TAKE_UP:
            order = rows[order.order_id] = self._take_up(order, head)

        job = Job(head, order, self._attempts_before(head, order) + 1, ahead, span)
        if careful:
            return self._try(job, [], careful=True)
        return self._try(job, self._followers(waiting[1:], rows, ahead), careful=False)

    def _leave_to_newer_release(self, delivery: Delivery, what: str) -> NoReturn:
        """It is received again until the newer release is back, and if that takes too long, a person redrives it."""
        pause = self.retry.pause_after(delivery.receive_count, self.draw)
        self.journal.tell(f"{what}.of_newer_release", message_id=delivery.message_id, pause_seconds=pause)
        raise Rest(pause)

    def _fail_unreadable(self, delivery: Delivery, row: UnreadableRow) -> Verdict:
        """One order fails, and nobody else of it: also where that cannot be written, its message is not lost."""
        if row.newer:
            self._leave_to_newer_release(delivery, "row")
        stage = self.step.stage
        failure = Failure(UNREADABLE, str(row), stage, 0, self.clock(), delivery.message_id)
        failed = self.orders.fail_unreadable(row.row_id, failure)
        if failed:
            self.journal.tell("order.failed", order_id=row.row_id, error_class=UNREADABLE, reason=row.why, stage=stage)
        if failed or delivery.receive_count == 1:
            tell_unreadable(self.journal, row, message_id=delivery.message_id, failed=failed)
        return Verdict.LET_THROUGH

    def _try(self, job: Job, followers: Iterable[Job], *, careful: bool) -> tuple[int, Verdict]:
        """Also where what came of it cannot be written, the attempt came to nothing."""
        try:
            return self._attempt(job, followers, careful=careful)
        except Unavailable:
            if careful:
                self._give_back(job)
            raise

    def _attempt(self, job: Job, followers: Iterable[Job], *, careful: bool) -> tuple[int, Verdict]:
        try:
            if careful:
                job = self._write_attempt(job)
            return self.step([job, *followers]), Verdict.WORK
        except PermanentError as error:
            self._fail(job, error)
        except TransientError as error:
            self._failed_for_now(job, error)
        except (Overtaken, Unavailable):
            raise
        except Exception as error:  # noqa: BLE001 - a defect met by one order must not stop its neighbours (P6)
            self._failed_for_now(job, TransientError(type(error).__name__, str(error)))
        return 1, Verdict.LET_THROUGH

    def _followers(self, deliveries: Sequence[Delivery], rows: Rows, ahead: dict[str, Any]) -> Iterator[Job]:
        for delivery in deliveries:
            order = _order_of(delivery, rows)
            if order is None or meet(order, delivery, self.step.stage) is not Verdict.WORK:
                return
            yield Job(delivery, order, self._attempts_before(delivery, order) + 1, ahead)

    def _take_up(self, order: Order, delivery: Delivery) -> Order:
        replay = delivery.message.replay if delivery.message else order.replay
        if replay == order.replay:
            note = "redriven from the dead-letter queue"
        else:
            note = "redriven" if order.status is OrderStatus.FAILED else PUBLISHED_ANEW
        counts = not (delivery.message and delivery.message.uncounted)
        taken_up = order.taken_up(self.clock(), replay, note, counts=counts)
        self.orders.save(order, taken_up)
        self.journal.tell("order.taken_up", taken_up, note=note)
        return taken_up

    def _attempts_before(self, delivery: Delivery, order: Order | None) -> int:
        """Attempts of this message before this receive of it."""
        if order is None:
            return 0
        used = order.attempts_of(self.step.stage, delivery.message_id)
        written_now = used and order.attempts and order.attempts.receive_count == delivery.receive_count
        return used - 1 if written_now else used

    def _write_attempt(self, job: Job) -> Job:
        """Write the attempt down before it starts, so that an order which kills the worker is found out.

        Raises PermanentError where all attempts were begun, and the last never came to an end.
        """
        order, delivery = job.order, job.delivery
        if not self.step.begins(order):
            return job
        if job.attempt > self.retry.max_attempts:
            raise PermanentError(
                "WorkerDied",
                "all attempts are used up; the last had no outcome: the worker died, or could not write it",
            )
        if order.attempts_of(self.step.stage, delivery.message_id) == job.attempt:
            return job
        tried = order.tried(self.step.stage, delivery.message_id, delivery.receive_count, self.clock())
        self.orders.save(order, tried)
        self.journal.tell("order.attempt_begun", tried, stage=self.step.stage, attempt=job.attempt)
        return replace(job, order=tried)

    def _give_back(self, job: Job) -> None:
        """The attempt came to nothing through no fault of the order's. Whether it was written down, the row says.

        The outage may go on: it is tried for some seconds, or a few short outages would use up all attempts of an order
        that was never tried (P6).
        """
        delivery, stage = job.delivery, self.step.stage
        this_attempt = Attempts(stage, delivery.message_id, job.attempt, delivery.receive_count)
        for pause in GIVE_BACK_PAUSES:
            try:
                order = _order_of(delivery, self._read([delivery]))
                if order is None or order.is_settled or order.failure or order.attempts != this_attempt:
                    return
                before = order.tried(stage, delivery.message_id, delivery.receive_count, self.clock(), attempts=-1)
                self.orders.save(order, before)
            except (Overtaken, Unavailable):
                self.sleep(pause)
            else:
                return
        self.journal.tell("order.attempt_lost", job.order, stage=stage)

    def _failed_for_now(self, job: Job, error: TransientError) -> None:
        """One attempt is used up: the group rests, or the order fails with its last one."""
        if job.attempt >= self.retry.max_attempts:
            self._fail(job, error)
            return
        order = job.order
        if order.attempts_of(self.step.stage, job.delivery.message_id) < job.attempt:
            order = order.tried(self.step.stage, job.delivery.message_id, job.delivery.receive_count, self.clock())
            self.orders.save(job.order, order)
        pause = self.retry.pause_after(job.attempt, self.draw, asked_for=error.retry_after)
        self.journal.tell(
            "order.attempt_failed",
            order,
            error_class=error.name,
            reason=str(error),
            attempt=job.attempt,
            stage=self.step.stage,
            pause_seconds=pause,
            outage=isinstance(error, ProviderOutage),
        )
        job.span.note(error_class=error.name)
        raise Rest(pause)

    def _fail(self, job: Job, error: WorkError) -> None:
        failure = Failure(
            name=error.name,
            message=str(error),
            stage=self.step.stage,
            attempts=min(job.attempt, self.retry.max_attempts),
            at=self.clock(),
            message_id=job.delivery.message_id,
        )
        failed = job.order.failed(failure)
        self.orders.save(job.order, failed)
        self.journal.tell("order.failed", failed, error_class=failure.name, reason=failure.message, stage=failure.stage)
        job.span.note(error_class=failure.name)


def _order_of(delivery: Delivery, rows: Rows) -> Order | None:
    """None also where it cannot be read."""
    found = rows.get(delivery.message.order_id) if delivery.message else None
    return found if isinstance(found, Order) else None
