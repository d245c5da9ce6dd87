"""How messages are delivered, of whatever kind: batches, attempts, pauses."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from infra.settings.group import Group

RECONCILER_RESERVE_SECONDS = 5
"""A reconciler begins no row with less time left than this."""


class DeliverySettings(Group):
    """Of orders, reports and notifications alike, where those say nothing of their own."""

    batch_size: Annotated[int, Field(ge=1, le=10)] = 10
    """Of orders and notifications; a report has an invocation to itself."""
    max_attempts: Annotated[int, Field(ge=1, le=20)] = 5
    """Attempts an order has at each step, and a report. They are counted on its row, not by SQS."""
    max_rescues: Annotated[int, Field(ge=0, le=10)] = 1
    """How often a reconciler begins an order, report or notification again whose message was dead-lettered untried."""
    retry_pause_seconds: Annotated[int, Field(ge=1, le=43_200)] = 2
    retry_pause_limit_seconds: Annotated[int, Field(ge=1, le=43_200)] = 300
    """Pauses double from the first to the second, which ChangeMessageVisibility ends at twelve hours."""

    @property
    def reconciler_reserve_seconds(self) -> int:
        return RECONCILER_RESERVE_SECONDS

    @property
    def max_receive_count(self) -> int:
        """How often SQS hands a message out before it goes to the dead-letter queue (P6), of orders and reports."""
        return receives(self.batch_size, self.max_attempts)


@dataclass(frozen=True)
class QueueWork:
    """How the messages of a queue are worked: what an invocation is given, and when a message comes back."""

    timeout_seconds: int
    reserve_seconds: int
    visibility_timeout_seconds: int
    batch_size: int
    concurrency: int | None
    max_attempts: int
    retry_pause_seconds: int
    retry_pause_limit_seconds: int
    max_receive_count: int


def receives(batch_size: int, max_attempts: int) -> int:
    """A net, not the retry policy: each message of a batch may use up its attempts, and every time all of the batch is
    received again, so a follower needs batch x attempts receives to be tried, and then its own."""
    return batch_size * max_attempts + max_attempts
