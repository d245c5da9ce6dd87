"""What the delivery of messages needs from the world outside."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from comanda.domain.delivery.messages import Delivery, Message, Received
from comanda.domain.delivery.work_item import Failure, WorkItem
from comanda.domain.shared.errors import UnreadableRow

T = TypeVar("T")
R = TypeVar("R")
Row = TypeVar("Row", bound=WorkItem)
RowToPublish = TypeVar("RowToPublish", bound=WorkItem, contravariant=True)

OWED, OPEN, FAILED = "owed", "open", "failed"
"""What asks for attention: a message that is owed, work that has not come to an end, a failure."""


class Executor(Protocol):
    """Runs a function on several things side by side; `concurrent.futures.Executor` is one."""

    def map(self, function: Callable[[T], R], things: Iterable[T], /) -> Iterator[R]: ...


class Rows(Protocol[Row]):
    """A table. Every method raises Unavailable where storage does not answer; what is read is read as it stands now
    (strongly consistent), claims included."""

    def get_many(self, row_ids: Iterable[str], /) -> Mapping[str, Row | UnreadableRow]:
        """The rows there are, by id. One that cannot be read takes no other along."""

    def save(self, before: Row, after: Row, /) -> None:
        """Write what differs, where the row still has `before.version`. Raises VersionConflict otherwise."""

    def fail_unreadable(self, row_id: str, failure: Failure, /) -> bool:
        """Make a row failed that cannot be read, as far as that is so and it can be written. Whether it was: one that
        is over or failed is not, nor one that a newer release wrote."""

    def mark_sent(self, owed: Row, sent: Row, /) -> None:
        """Write that nothing is owed, and nothing else, where the row is in the run of `owed` and owes its message.
        Otherwise nothing is written."""


class RowsInNeed(Rows[Row], Protocol[Row]):
    """A table with its sparse index."""

    def needing_attention(self, kind: str, /) -> Iterator[Row | UnreadableRow]:
        """All rows that are OWED, or FAILED; the index is a moment behind, the rows are not."""

    def open_in(self, groups: Collection[str], shown: Iterable[Row], /) -> Iterator[Row | UnreadableRow]:
        """All open rows of some message groups, and those that cannot be read and may be of them; `shown`: rows of each
        group that are known."""


class RunPublisher(Protocol[RowToPublish]):
    """Sends the message of a run that has begun."""

    def publish(self, row: RowToPublish, /) -> None:
        """Send the first message of the row's run into its message group. Raises Unavailable; then it may be stored or
        not."""


class SourceQueue(Protocol):
    """The queue that a worker's messages came from."""

    def hide(self, deliveries: Sequence[Received], seconds: int) -> None:
        """Make messages visible again after so many seconds (ChangeMessageVisibility). Never raises for an outage:
        the queue's own visibility timeout then takes its place."""

    def delete(self, delivery: Received) -> None:
        """Acknowledge a message now, not at the end of its batch. Never raises for an outage: it then comes again."""


class DeadLetters(Protocol):
    """A dead-letter queue. Of each group, ten messages at most show up."""

    @property
    def stage(self) -> str:
        """Whose worker left its messages there."""

    def receive(self) -> Sequence[Delivery[Message]]:
        """At most ten more messages, hidden from everybody else for two minutes. Raises Unavailable."""

    def delete(self, delivery: Received) -> None:
        """Never raises for an outage: the message then shows up again."""

    def release(self, deliveries: Sequence[Received]) -> None:
        """Make messages visible again, for a person to look at and redrive."""

    def depth(self) -> int:
        """About how many messages there are, hidden ones included. Raises Unavailable."""


class VersionConflict(Exception):
    """The row is no longer what the change was made from, so nothing was written."""
