"""What one stage brings to the worker: a step, and what it is given to do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol

from comanda.application.delivery.message_groups import Backoff
from comanda.application.delivery.ports import Row, Rows
from comanda.application.delivery.spans import NO_SPANS, Span
from comanda.domain.delivery.messages import Delivery, Message


class TooEarly(Backoff):
    """The work is put off for so many seconds, through no fault of its own: no attempt is used up."""


@dataclass
class Job(Generic[Row]):
    """A message together with its row, to be worked on. `attempt` counts from 1."""

    delivery: Delivery[Message]
    row: Row
    """As it stands in the table, as far as this worker knows."""
    attempt: int
    rows: Rows[Row]
    seconds_left: Callable[[], float]
    span: Span = NO_SPANS

    def save(self, after: Row) -> None:
        """Raises VersionConflict, Unavailable."""
        self.rows.save(self.row, after)
        self.row = after


class Turn(Protocol[Row]):
    """The work of one step on one message group of a batch. What it finds out ahead is gone with the batch."""

    def __call__(self, jobs: Sequence[Job[Row]], /) -> int:
        """Do the step for the first job, and for as many behind it as can go along; give the number done.

        Raises PermanentError or TransientError about the first job, TooEarly, VersionConflict, Unavailable.
        """


class Step(Protocol[Row]):
    """What one stage does."""

    @property
    def kind(self) -> str:
        """What logs call a row: `order`."""

    @property
    def stage(self) -> str: ...

    @property
    def group_is(self) -> str:
        """What logs call a message group: `recipient_id`."""

    @property
    def may_kill(self) -> bool:
        """Whether a batch that came before is worked on with care."""

    def turn(self) -> Turn[Row]:
        """For one message group of a batch."""

    def has_work(self, row: Row) -> bool:
        """Whether there is work to do, and not only a message to send again."""

    def begun(self, job: Job[Row]) -> Row | None:
        """The row with the attempt written down that is about to start; None where that is not needed. With care, it
        always is."""
