"""What an order, a report and a notification have in common: each is worked on in runs, by messages about it.

A run begins with one write of the row, `opened`, and has a number of its own (`replay`). A message says of which run it
is, so that whatever is left of an earlier one is known. Attempts and a failure belong to a run.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Self

from comanda.domain.shared.errors import IllegalTransition


class By(StrEnum):
    """Who begins a run."""

    CLIENT = "client"
    """Asks again for a report that is over."""
    OPERATOR = "operator"
    """Chooses a row, by the CLI."""
    CONSOLE = "console"
    """Moved the message out of a dead-letter queue: the console, or whoever starts a message move task."""
    RECONCILER = "steward"  # As logs have had it from the start.
    """Found the message dead-lettered before anybody tried it."""
    OUTAGE = "outage"
    """The reconciler, where an outage of the provider turned the workers away."""


PEOPLE = frozenset({By.CLIENT, By.OPERATOR, By.CONSOLE})
"""After them, rescues are counted from none."""


@dataclass(frozen=True)
class Attempts:
    """How often a message was tried, and at which receive of it that was written last."""

    message_id: str
    count: int
    receive_count: int


@dataclass(frozen=True)
class Failure:
    """Why a run failed. `message_id` is the message that failed; empty where nobody could see which it was."""

    name: str
    message: str
    stage: str
    """Whose worker, or whose dead-letter queue, it failed at."""
    attempts: int
    at: datetime
    message_id: str


@dataclass(frozen=True, kw_only=True)
class WorkItem:
    """The part of a row that the delivery of messages needs. Nothing is changed in place: a change gives a new one with
    the next `version`, which storage accepts only where the row still has the version that the change was made from."""

    kind: ClassVar[str]
    """What logs, metrics and failures call it."""

    created_at: datetime
    updated_at: datetime
    attempts: Attempts | None = None
    failure: Failure | None = None
    replay: int = 0
    """The number of its run."""
    owed: bool = False
    """The run has begun, and nobody knows yet that its first message was stored."""
    rescues: int = 0
    """Runs that were begun because a message was dead-lettered untried; since a person last began one, and not counting
    outages of the provider."""
    discarded: bool = False
    """Failed, looked at by a person, and left at that: it no longer asks for attention."""
    version: int = 1

    @property
    def row_id(self) -> str:
        """The key of its row."""
        raise NotImplementedError

    @property
    def message_group(self) -> str:
        raise NotImplementedError

    @property
    def log_keys(self) -> Mapping[str, str]:
        """What logs find it by. No address, and nothing that it holds."""
        raise NotImplementedError

    @property
    def is_canary(self) -> bool:
        """Whether nobody but the canary asked for it, so that no metric counts it."""
        return False

    @property
    def is_failed(self) -> bool:
        raise NotImplementedError

    def has_hash(self, payload_hash: str | None) -> bool:
        """Whether it is the payload that a message was sent for."""
        raise NotImplementedError

    def is_over(self, now: datetime) -> bool:
        """Nothing is left to do for it, and nothing failed."""
        raise NotImplementedError

    def seconds_held(self, now: datetime) -> float:  # noqa: ARG002
        """How long some worker's lease still lasts; 0 where there is none."""
        return 0.0

    def opened(self, by: By, now: datetime, note: str, *, after: int = 0) -> Self:
        """The next run begins, with a new budget of attempts. What was achieved stays.

        `after`: the run has a higher number than this one too, that of a message which was met. Raises
        IllegalTransition where `by` may not begin one.
        """
        run = max(self.replay, after) + 1
        rescues = 0 if by in PEOPLE else self.rescues + (by is By.RECONCILER)
        changes = {"attempts": None, "failure": None, "discarded": False, "replay": run, "rescues": rescues}
        return self._changed(now, owed=True, **changes, **self._opening(by, now, note))

    def _opening(self, by: By, now: datetime, note: str) -> Mapping[str, Any]:
        """What else changes when a run begins. Raises IllegalTransition where `by` may not begin one."""
        raise NotImplementedError

    def sent(self, now: datetime) -> Self:
        """The first message of its run is stored: as `opened`, but that nothing is owed. No new version: whoever has
        that message by now may have written the row, and must not find it changed."""
        return replace(self, owed=False, updated_at=now)

    def tried(self, message_id: str, receive_count: int, now: datetime) -> Self:
        """One attempt of this message is used up, and written down. Attempts of one receive are counted once."""
        used = self.attempts
        if used and (used.message_id, used.receive_count) == (message_id, receive_count):
            return self
        return self._changed(now, attempts=Attempts(message_id, self.attempts_of(message_id) + 1, receive_count))

    def given_back(self, now: datetime) -> Self:
        """The last attempt came to nothing through no fault of its own, and counts for nothing."""
        if self.attempts is None:
            raise IllegalTransition(f"{self.kind} {self.row_id} was not tried")
        return self._changed(now, attempts=replace(self.attempts, count=self.attempts.count - 1))

    def failed(self, failure: Failure) -> Self:
        raise NotImplementedError

    def attempts_of(self, message_id: str) -> int:
        """Attempts used up by this message; another message has a budget of its own."""
        return self.attempts.count if self.attempts and self.attempts.message_id == message_id else 0

    def _changed(self, now: datetime, **changes: Any) -> Self:
        """Whoever writes the row has a message of its run, or ends the run: nothing is owed after that."""
        return replace(self, **{"owed": False, **changes, "updated_at": now, "version": self.version + 1})
