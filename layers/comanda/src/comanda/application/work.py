"""A worker at its batch: what every stage shares.

A batch mixes message groups (recipients). Groups are worked on side by side, and each group in order. What goes wrong
with one message stays with it:

- it failed for good: marked failed, its message let through to the dead-letter queue, the next one begun (C2, P7);
- it failed for now: one attempt used up, its whole group rests for a while, other groups do not notice (D5);
- storage does not answer: the group rests, and nobody's attempt is used up (P6).

Powertools' FIFO processor stops a group, or the whole batch, at its first failure, whatever its kind; which is why
this is ours (docs/decisions/0004).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from comanda.application.ports import Clock, Journal, Orders, Overtaken, SourceQueue
from comanda.domain.errors import PermanentError, TransientError, Unavailable, WorkError
from comanda.domain.meeting import Verdict, meet
from comanda.domain.messages import Delivery
from comanda.domain.order import Failure, Order, Stage
from comanda.domain.retry import RetryPolicy

LOOKS = 4
"""How often a group reads its rows because they changed under its hands, before it leaves the rest for later."""

T = TypeVar("T")
R = TypeVar("R")


class Executor(Protocol):
    """Runs a function on several things side by side; `concurrent.futures.Executor` is one."""

    def map(self, function: Callable[[T], R], things: Iterable[T], /) -> Iterator[R]: ...


@dataclass(frozen=True)
class Job:
    """A message together with the order it is about, to be worked on."""

    delivery: Delivery
    order: Order
    attempts_used: int


class Step(Protocol):
    """What one stage does for its orders."""

    @property
    def stage(self) -> Stage: ...

    def __call__(self, jobs: Sequence[Job], /) -> int:
        """Do the step for the first job, and for as many behind it as can go along; give the number done.

        Raises PermanentError or TransientError about the first job, Overtaken, Unavailable.
        """


class _Rest(Exception):
    """The group rests for so many seconds."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass(frozen=True)
class Worker:
    step: Step
    orders: Orders
    queue: SourceQueue
    retry: RetryPolicy
    journal: Journal
    clock: Clock
    draw: Callable[[], float]
    executor: Executor

    def __call__(self, batch: Sequence[Delivery]) -> list[str]:
        """Work on a batch; give the ids of the messages that must stay in the queue."""
        stay = self.executor.map(self._work_group, _groups(batch))
        return [message_id for group in stay for message_id in group]

    def _work_group(self, group: Sequence[Delivery]) -> list[str]:
        waiting, stay, looks = list(group), list[str](), LOOKS
        rows: dict[str, Order] | None = None
        while waiting:
            try:
                if rows is None:
                    rows, looks = self._look(waiting, looks), looks - 1
                done, verdict = self._advance(waiting, rows)
            except Overtaken:
                rows = None
            except Unavailable as error:
                self.journal.tell("storage.unavailable", reason=str(error), recipient_id=waiting[0].group)
                return stay + self._rest(waiting, self.retry.pause_after(1, self.draw))
            except _Rest as rest:
                return stay + self._rest(waiting, rest.seconds)
            else:
                if verdict is Verdict.LET_THROUGH:
                    self.queue.hide(waiting[:1], 0)
                    stay.append(waiting[0].message_id)
                del waiting[:done]
        return stay

    def _look(self, waiting: Sequence[Delivery], looks: int) -> dict[str, Order]:
        if looks == 0:
            raise Unavailable("the rows keep changing")
        return dict(self.orders.get_many(delivery.message.order_id for delivery in waiting if delivery.message))

    def _advance(self, waiting: Sequence[Delivery], rows: dict[str, Order]) -> tuple[int, Verdict]:
        """Deal with the first message, and with those that can go along: how many, and what becomes of the first."""
        head = waiting[0]
        order = rows.get(head.message.order_id) if head.message else None
        verdict = meet(order, head, self.step.stage)
        if order is None or verdict in (Verdict.LET_THROUGH, Verdict.DROP):
            self.journal.tell(f"message.{verdict.name.lower()}", order, message_id=head.message_id)
            return 1, verdict
        if verdict is Verdict.TAKE_UP:
            order = rows[order.order_id] = self._take_up(order, head)

        jobs = [Job(head, order, order.attempts_of(self.step.stage, head.message_id))]
        jobs += self._followers(waiting[1:], rows)
        try:
            return self.step(jobs), Verdict.WORK
        except PermanentError as error:
            self._fail(jobs[0], error)
        except TransientError as error:
            self._count(jobs[0], error)
        except (Overtaken, Unavailable):
            raise
        except Exception as error:  # noqa: BLE001 - a defect met by one order must not stop its neighbours (P6)
            self._count(jobs[0], TransientError(type(error).__name__, str(error)))
        return 1, Verdict.LET_THROUGH

    def _followers(self, deliveries: Sequence[Delivery], rows: dict[str, Order]) -> Iterator[Job]:
        for delivery in deliveries:
            order = rows.get(delivery.message.order_id) if delivery.message else None
            if order is None or meet(order, delivery, self.step.stage) is not Verdict.WORK:
                return
            yield Job(delivery, order, order.attempts_of(self.step.stage, delivery.message_id))

    def _take_up(self, order: Order, delivery: Delivery) -> Order:
        replay = delivery.message.replay if delivery.message else order.replay
        taken_up = order.taken_up(self.clock(), replay)
        self.orders.save(order, taken_up)
        self.journal.tell("order.taken_up", taken_up)
        return taken_up

    def _count(self, job: Job, error: WorkError) -> None:
        """One attempt is used up: the group rests, or the order fails with its last one."""
        if job.attempts_used + 1 >= self.retry.max_attempts:
            self._fail(job, error)
            return
        tried = job.order.tried(self.step.stage, job.delivery.message_id, self.clock())
        self.orders.save(job.order, tried)
        pause = self.retry.pause_after(job.attempts_used + 1, self.draw)
        self.journal.tell(
            "order.attempt_failed",
            tried,
            error_class=error.name,
            reason=str(error),
            attempt=job.attempts_used + 1,
            stage=self.step.stage,
            pause_seconds=pause,
        )
        raise _Rest(pause)

    def _fail(self, job: Job, error: WorkError) -> None:
        failure = Failure(
            name=error.name,
            message=str(error),
            stage=self.step.stage,
            attempts=job.attempts_used + 1,
            at=self.clock(),
            message_id=job.delivery.message_id,
        )
        failed = job.order.failed(failure)
        self.orders.save(job.order, failed)
        self.journal.tell("order.failed", failed, error_class=failure.name, reason=failure.message, stage=failure.stage)

    def _rest(self, waiting: Sequence[Delivery], seconds: int) -> list[str]:
        """Followers rest as long as their head: one message still in flight would keep the whole group locked."""
        self.queue.hide(waiting, seconds)
        return [delivery.message_id for delivery in waiting]


def _groups(batch: Sequence[Delivery]) -> list[list[Delivery]]:
    groups: dict[str, list[Delivery]] = {}
    for delivery in batch:
        groups.setdefault(delivery.group, []).append(delivery)
    return list(groups.values())
