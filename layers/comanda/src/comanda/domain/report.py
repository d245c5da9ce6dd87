"""A report: what was asked for, the states it can be in, and every change it can go through.

As with orders, a change gives a new `Report` with the next `version`, and storage accepts it only where the row still
has the version the change was made from. That alone keeps two workers from finishing one report twice: the lease only
keeps them from doing the work twice.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from comanda.domain.canonical import canonical_json, sha256_of
from comanda.domain.errors import IllegalTransition
from comanda.domain.notify import Notify
from comanda.domain.tried import MessageAttempts, MessageFailure

STAGE = "generation"
"""The one stage of a report, as `failure` shows it."""

MAX_PDF_ROWS = 100_000
"""More belong into a format that is not for paper."""

MAX_TOLD = 10
"""Receivers of one report."""

_REPORTS = uuid.UUID("0b9a7f4e-3f0e-4f8c-9a55-7f3b4c1d2e60")


class ReportFormat(StrEnum):
    XLSX = "xlsx"
    PDF = "pdf"
    CSV = "csv"


class ReportStatus(StrEnum):
    ACCEPTING = "accepting"
    """A claim made by the API before the message is stored. Not a report yet: never shown."""
    REQUESTED = "requested"
    GENERATING = "generating"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    """Its time is over: what was written is no longer given out."""


TRANSITIONS: Mapping[ReportStatus, frozenset[ReportStatus]] = {
    # A message may find `accepting` where the API died after sending: that is as good as requested.
    ReportStatus.ACCEPTING: frozenset(
        {ReportStatus.REQUESTED, ReportStatus.GENERATING, ReportStatus.FAILED, ReportStatus.EXPIRED}
    ),
    ReportStatus.REQUESTED: frozenset(
        {ReportStatus.GENERATING, ReportStatus.FAILED, ReportStatus.CANCELLED, ReportStatus.EXPIRED}
    ),
    # `generating` again: by the next worker, after the first one's lease ran out.
    ReportStatus.GENERATING: frozenset(
        {ReportStatus.GENERATING, ReportStatus.READY, ReportStatus.FAILED, ReportStatus.EXPIRED}
    ),
    # `requested` again: redriven. `accepting` again: the same was asked for once more, and is generated anew.
    ReportStatus.FAILED: frozenset(
        {ReportStatus.REQUESTED, ReportStatus.GENERATING, ReportStatus.ACCEPTING, ReportStatus.EXPIRED}
    ),
    ReportStatus.READY: frozenset({ReportStatus.EXPIRED}),
    ReportStatus.CANCELLED: frozenset({ReportStatus.ACCEPTING, ReportStatus.EXPIRED}),
    ReportStatus.EXPIRED: frozenset({ReportStatus.ACCEPTING}),
}
"""The legal transitions, all of them."""

_OVER = frozenset({ReportStatus.READY, ReportStatus.CANCELLED, ReportStatus.EXPIRED})
_MAY_BEGIN_ANEW = frozenset(before for before, after in TRANSITIONS.items() if ReportStatus.ACCEPTING in after)


@dataclass(frozen=True)
class ReportRequest:
    """What is asked for. Two that are equal are one report (B6)."""

    caller: str
    sees_all: bool
    """Whether the caller may read everybody's orders: what a report shows depends on it."""
    type: str
    format: ReportFormat
    parameters: Mapping[str, Any]
    """As the report type validated them, defaults filled in; plain JSON values."""

    @property
    def payload_hash(self) -> str:
        return sha256_of([self.sees_all, self.type, self.format.value, dict(self.parameters)])

    def report_id(self, key: str | None) -> str:
        """UUIDv5 (RFC 9562) of the caller's scope, type, format and parameters; or of the caller and an
        Idempotency-Key, which asks for a report of its own."""
        named = ["parameters", self.caller, self.payload_hash] if key is None else ["key", self.caller, key]
        return str(uuid.uuid5(_REPORTS, canonical_json(named)))


@dataclass(frozen=True)
class Lease:
    """One worker writes the report until then, and longer if it renews the lease. `number` counts them."""

    owner: str
    until: datetime
    number: int


@dataclass(frozen=True)
class ReportFile:
    """A finished file. `sha256` is lower-case hex."""

    key: str
    rows: int
    bytes: int
    sha256: str
    generation_ms: int
    left_out: int = 0
    """Rows of what it is made from that could not be read, and so are not in it."""


@dataclass(frozen=True)
class Report:
    report_id: str
    request: ReportRequest
    keyed: bool
    """Asked for under an Idempotency-Key: it stands for this one generation for ever, and never begins anew (P2)."""
    correlation_id: str
    created_at: datetime
    """When it was asked for, the last time if it was begun anew. It holds up to this moment: `as_of`."""
    updated_at: datetime
    expires_at: datetime
    status: ReportStatus = ReportStatus.ACCEPTING
    rows_written: int = 0
    """Progress, from a little while ago."""
    lease: Lease | None = None
    attempts: MessageAttempts | None = None
    failure: MessageFailure | None = None
    file: ReportFile | None = None
    replay: int = 0
    """Rises each time the report begins anew or is published anew, so that the new messages have new bodies."""
    rescues: int = 0
    """How often the steward published the report anew because its message was dead-lettered untried."""
    discarded: bool = False
    """Failed, looked at by a person, and left at that."""
    notify: tuple[Notify, ...] = ()
    """Who is told of its changes: each that asked for this generation."""
    version: int = 1

    @property
    def subject_id(self) -> str:
        return self.report_id

    @property
    def as_of(self) -> datetime:
        """The cut-off: what came later is not in the report."""
        return self.created_at

    @property
    def is_claim(self) -> bool:
        """Only claimed by the API so far, and therefore not to be shown to anybody (P1)."""
        return self.status is ReportStatus.ACCEPTING

    @property
    def file_name(self) -> str:
        """What a browser saves it as; plain ASCII."""
        asked = self.created_at.strftime("%Y%m%dT%H%M%SZ")
        return f"{self.request.type}-{asked}-{self.report_id[:8]}.{self.request.format}"

    @property
    def file_key(self) -> str:
        """Where the worker that holds the lease writes: nobody else ever writes there."""
        number = self.lease.number if self.lease else 0
        asked = self.created_at.strftime("%Y%m%dT%H%M%S%f")
        return f"reports/{self.report_id}/{asked}-{number}.{self.request.format}"

    def is_over(self, now: datetime) -> bool:
        """Nothing is left to do for it: ready, taken back, or past its time."""
        return self.at(now).status in _OVER

    def at(self, now: datetime) -> Self:
        """The report as it is at this moment: expiry is a matter of time, and needs nobody to write it down."""
        may_expire = ReportStatus.EXPIRED in TRANSITIONS[self.status]
        over = may_expire and now >= self.expires_at and not self._is_held(now)
        return replace(self, status=ReportStatus.EXPIRED) if over else self

    def may_begin_anew(self, now: datetime) -> bool:
        """Whether asking for the same generates it anew: once it has expired, failed or been taken back. A claim that
        nobody went on with in its time was never answered, and so begins anew under a key too."""
        return (self.is_claim or not self.keyed) and self.at(now).status in _MAY_BEGIN_ANEW

    def begun_anew(
        self, now: datetime, expires_at: datetime, correlation_id: str, notify: tuple[Notify, ...] = ()
    ) -> Self:
        """A claim for the next generation, under the same id. The lease stays, as its number is never used again: this
        request may have asked for the last generation too, where its claim was stored late and a twin went on with it.
        Nor is a replay number: a redrive that could not be written down has sent the next one (redrive_report.py), and
        SQS would take the same body for its copy.
        """
        return replace(
            self.at(now)._moved(ReportStatus.ACCEPTING, now),
            created_at=now,
            expires_at=expires_at,
            correlation_id=correlation_id,
            rows_written=0,
            attempts=None,
            failure=None,
            file=None,
            replay=self.replay + 2,
            rescues=0,
            discarded=False,
            notify=notify,
        )

    def stored(self, now: datetime) -> Self:
        """Row and message are both stored: the claim is a report."""
        return self._moved(ReportStatus.REQUESTED, now)

    def cancelled(self, now: datetime) -> Self:
        return self._moved(ReportStatus.CANCELLED, now)

    def leased(self, owner: str, message_id: str, receive_count: int, now: datetime, seconds: float) -> Self:
        """A worker begins: lease and attempt are one write. What an earlier worker wrote counts for nothing."""
        number = self.lease.number + 1 if self.lease else 1
        used = MessageAttempts(message_id, self.attempts_of(message_id) + 1, receive_count)
        return replace(
            self._moved(ReportStatus.GENERATING, now),
            lease=Lease(owner, now + timedelta(seconds=seconds), number),
            attempts=used,
            failure=None,
            rows_written=0,
        )

    def renewed(self, rows_written: int, now: datetime, seconds: float) -> Self:
        """The work goes on. Raises IllegalTransition where there is no lease."""
        if self.lease is None:
            raise IllegalTransition(f"a report that is {self.status} has no lease")
        lease = replace(self.lease, until=now + timedelta(seconds=seconds))
        return replace(self, lease=lease, rows_written=rows_written, updated_at=now, version=self.version + 1)

    def released(self, now: datetime, *, attempt_counts: bool) -> Self:
        """The worker gives up for now; the next one need not wait. Keeps the lease's number, never used again."""
        lease, attempts = self.lease, self.attempts
        if attempts and not attempt_counts:
            attempts = replace(attempts, count=attempts.count - 1)
        ended = replace(lease, until=now) if lease else None
        return replace(self, lease=ended, attempts=attempts, updated_at=now, version=self.version + 1)

    def finished(self, file: ReportFile, now: datetime) -> Self:
        return replace(self._moved(ReportStatus.READY, now), file=file, rows_written=file.rows)

    def failed(self, failure: MessageFailure) -> Self:
        return replace(self._moved(ReportStatus.FAILED, failure.at), failure=failure)

    def taken_up(self, replay: int) -> Self:
        """A failed report, or one whose message was lost on the way, begins again with a new budget of attempts:
        a part of the change that takes the lease. A failed one was published anew by a person, so rescues count anew;
        any other by the steward, whose rescue has not been counted yet."""
        rescues = 0 if self.status is ReportStatus.FAILED else self.rescues + 1
        return replace(self, attempts=None, replay=replay, rescues=rescues, discarded=False)

    def redriven(self, now: datetime, replay: int) -> Self:
        """A failed report was published anew by a person, as `replay`. Raises IllegalTransition for any other."""
        if self.status is not ReportStatus.FAILED:
            raise IllegalTransition(f"a report that is {self.status} cannot be redriven")
        return replace(self.taken_up(replay)._moved(ReportStatus.REQUESTED, now), failure=None)

    def rescued(self, now: datetime, replay: int) -> Self:
        """Published anew by the steward as `replay`: whatever is left of earlier runs is an old copy from now on."""
        known = self.stored(now) if self.is_claim else self
        return replace(known, replay=replay, rescues=known.rescues + 1, updated_at=now, version=self.version + 1)

    def abandoned(self, failure: MessageFailure, replay: int) -> Self:
        """No worker could run for it: failed, or failed once more after a redrive that nobody took up."""
        moved = self if self.status is ReportStatus.FAILED else self._moved(ReportStatus.FAILED, failure.at)
        return replace(moved, failure=failure, replay=replay, updated_at=failure.at, version=self.version + 1)

    def set_aside(self, now: datetime) -> Self:
        """A failed report that nobody needs to look at any more. Raises IllegalTransition for any other."""
        if self.status is not ReportStatus.FAILED:
            raise IllegalTransition(f"a report that is {self.status} cannot be discarded")
        return replace(self, discarded=True, updated_at=now, version=self.version + 1)

    def also_telling(self, notify: Notify, now: datetime) -> Self:
        """One more is told, of the present status too where it is the last one. Raises ValueError past MAX_TOLD."""
        if len(self.notify) >= MAX_TOLD:
            raise ValueError(f"{MAX_TOLD} receivers are told of this report already")
        return replace(self, notify=(*self.notify, notify), updated_at=now, version=self.version + 1)

    def attempts_of(self, message_id: str) -> int:
        """Attempts used up by this message; another message has a budget of its own."""
        return self.attempts.count if self.attempts and self.attempts.message_id == message_id else 0

    def is_held_by(self, owner: str) -> bool:
        return self.lease is not None and self.lease.owner == owner

    def seconds_held(self, now: datetime) -> float:
        """How long some worker's lease still lasts; 0 where there is none."""
        if self.status is not ReportStatus.GENERATING or self.lease is None:
            return 0
        return max(0.0, (self.lease.until - now).total_seconds())

    def _is_held(self, now: datetime) -> bool:
        return self.seconds_held(now) > 0

    def _moved(self, status: ReportStatus, now: datetime) -> Self:
        if status not in TRANSITIONS[self.status]:
            raise IllegalTransition(f"a report that is {self.status} cannot become {status}")
        return replace(self, status=status, updated_at=now, version=self.version + 1)
