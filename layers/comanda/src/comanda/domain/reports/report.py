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
from typing import Any, ClassVar, Self

from comanda.domain.delivery.work_item import Attempts, By, Failure, WorkItem
from comanda.domain.shared.access import Action
from comanda.domain.shared.canonical import canonical_json, sha256_of
from comanda.domain.shared.errors import IllegalTransition
from comanda.domain.shared.notify import Notify

STAGE = "generation"
"""The one stage of a report, as `failure` shows it."""

MAX_PDF_ROWS = 100_000
"""More belong into a format that is not for paper."""

MAX_RECEIVERS = 10
"""Receivers of one report."""

_REPORTS = uuid.UUID("0b9a7f4e-3f0e-4f8c-9a55-7f3b4c1d2e60")
SHOWS: Mapping[str, Action] = {
    "orders": Action.READ_ORDER,
    "summary": Action.READ_ORDER,
    "recipient-statement": Action.READ_LEDGER,
}
"""What a type of report shows, and so what it takes to ask for one and to read it. A `table` shows what its caller
sent."""


class ReportFormat(StrEnum):
    """What a report's file can be."""

    XLSX = "xlsx"
    PDF = "pdf"
    CSV = "csv"


class ReportStatus(StrEnum):
    """Where a report stands, as GET shows it."""

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
    # `requested` again: redriven, or asked for once more.
    ReportStatus.FAILED: frozenset({ReportStatus.REQUESTED, ReportStatus.EXPIRED}),
    ReportStatus.READY: frozenset({ReportStatus.EXPIRED}),
    ReportStatus.CANCELLED: frozenset({ReportStatus.REQUESTED, ReportStatus.EXPIRED}),
    ReportStatus.EXPIRED: frozenset({ReportStatus.REQUESTED}),
}
"""The legal transitions, all of them."""

OVER = frozenset({ReportStatus.READY, ReportStatus.CANCELLED, ReportStatus.EXPIRED})
_MAY_BE_ASKED_AGAIN = frozenset({ReportStatus.FAILED, ReportStatus.CANCELLED, ReportStatus.EXPIRED})


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
    def shows(self) -> Action | None:
        return SHOWS.get(self.type)

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
class Report(WorkItem):
    """A report: what was asked for, who works on it, and its file."""

    report_id: str
    request: ReportRequest
    keyed: bool
    """Asked for under an Idempotency-Key: it stands for this one generation forever, and never begins again (P2)."""
    correlation_id: str
    expires_at: datetime
    status: ReportStatus = ReportStatus.ACCEPTING
    rows_written: int = 0
    """Progress, from a little while ago."""
    lease: Lease | None = None
    file: ReportFile | None = None
    notify: tuple[Notify, ...] = ()
    """Who is notified of its changes: each that asked for this generation."""

    kind: ClassVar[str] = "report"

    @property
    def subject_id(self) -> str:
        return self.report_id

    @property
    def row_id(self) -> str:
        return self.report_id

    @property
    def message_group(self) -> str:
        return self.report_id

    @property
    def log_keys(self) -> Mapping[str, str]:
        return {
            "report_id": self.report_id,
            "report_type": self.request.type,
            "format": self.request.format.value,
            "caller": self.request.caller,
            "correlation_id": self.correlation_id,
            "status": self.status.value,
        }

    @property
    def is_failed(self) -> bool:
        return self.status is ReportStatus.FAILED

    def has_hash(self, payload_hash: str | None) -> bool:
        return payload_hash == self.request.payload_hash

    @property
    def as_of(self) -> datetime:
        """The cut-off, when it was asked for, the last time: what came later is not in the report."""
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
        return self.at(now).status in OVER

    def at(self, now: datetime) -> Self:
        """The report as it is at this moment: expiry is a matter of time, and needs nobody to write it down."""
        may_expire = ReportStatus.EXPIRED in TRANSITIONS[self.status]
        over = may_expire and now >= self.expires_at and not self.seconds_held(now)
        return replace(self, status=ReportStatus.EXPIRED) if over else self

    def may_be_asked_again(self, now: datetime) -> bool:
        """Whether asking for the same generates it once more: once it has expired, failed or been taken back. A claim
        that nobody went on with in its time was never answered, and so is generated under a key too."""
        return (self.is_claim or not self.keyed) and self.at(now).status in _MAY_BE_ASKED_AGAIN

    def asked_again(
        self, now: datetime, expires_at: datetime, correlation_id: str, notify: tuple[Notify, ...] = ()
    ) -> Self:
        """The next generation, in a run of its own, under the same id. The lease stays, as its number is never used
        again. Raises IllegalTransition where the last generation still stands."""
        opened = self.at(now).opened(By.CLIENT, now, "asked for again")
        return replace(
            opened,
            created_at=now,
            expires_at=expires_at,
            correlation_id=correlation_id,
            rows_written=0,
            file=None,
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
        return self._moved(
            ReportStatus.GENERATING,
            now,
            lease=Lease(owner, now + timedelta(seconds=seconds), number),
            attempts=Attempts(message_id, self.attempts_of(message_id) + 1, receive_count),
            rows_written=0,
        )

    def renewed(self, rows_written: int, now: datetime, seconds: float) -> Self:
        """The work goes on. Raises IllegalTransition where there is no lease."""
        if self.lease is None:
            raise IllegalTransition(f"a report that is {self.status} has no lease")
        lease = replace(self.lease, until=now + timedelta(seconds=seconds))
        return self._changed(now, lease=lease, rows_written=rows_written)

    def tried(self, message_id: str, receive_count: int, now: datetime) -> Self:
        """The worker gives up for now; the next one need not wait. The attempt was counted with the lease."""
        return super().tried(message_id, receive_count, now)._released(now)

    def given_back(self, now: datetime) -> Self:
        return super().given_back(now)._released(now)

    def _released(self, now: datetime) -> Self:
        """Keeps the lease's number, never used again."""
        ended = replace(self.lease, until=now) if self.lease else None
        return replace(self, lease=ended, updated_at=now, version=self.version + 1)

    def finished(self, file: ReportFile, now: datetime) -> Self:
        return self._moved(ReportStatus.READY, now, file=file, rows_written=file.rows)

    def failed(self, failure: Failure) -> Self:
        return self._moved(ReportStatus.FAILED, failure.at, failure=failure)

    def _opening(self, by: By, now: datetime, note: str) -> Mapping[str, Any]:  # noqa: ARG002
        """A failed report waits for its worker again, and a claim is as good as requested. Only its caller begins one
        that is over."""
        may = {
            By.CLIENT: self.status in _MAY_BE_ASKED_AGAIN,
            By.OPERATOR: self.is_failed,
            By.CONSOLE: self.status not in OVER,
        }.get(by, self.status not in OVER and not self.is_failed)
        if not may:
            raise IllegalTransition(f"a report that is {self.status} is not begun again by the {by}")
        return {} if self.status is ReportStatus.GENERATING else {"status": ReportStatus.REQUESTED}

    def set_aside(self, now: datetime) -> Self:
        """A failed report that nobody needs to look at any more. Raises IllegalTransition for any other."""
        if self.status is not ReportStatus.FAILED:
            raise IllegalTransition(f"a report that is {self.status} cannot be discarded")
        return self._changed(now, discarded=True)

    def also_telling(self, notify: Notify, now: datetime) -> Self:
        """One more is notified, of the present status too where it is the last one. Raises ValueError past
        MAX_RECEIVERS."""
        if len(self.notify) >= MAX_RECEIVERS:
            raise ValueError(f"{MAX_RECEIVERS} receivers are notified of this report already")
        return self._changed(now, notify=(*self.notify, notify), owed=self.owed)

    def seconds_held(self, now: datetime) -> float:
        if self.status is not ReportStatus.GENERATING or self.lease is None:
            return 0.0
        return max(0.0, (self.lease.until - now).total_seconds())

    def _moved(self, status: ReportStatus, now: datetime, **changes: Any) -> Self:
        if status not in TRANSITIONS[self.status]:
            raise IllegalTransition(f"a report that is {self.status} cannot become {status}")
        return self._changed(now, status=status, **changes)
