"""POST /reports/uploads: a link for one table of a stated size and type, and so many of them an hour."""

from dataclasses import dataclass
from datetime import timedelta

from comanda.application.reports.ports import Tables, UploadCounts, UploadLink
from comanda.application.shared.ports import Clock
from comanda.domain.shared.access import Action, Caller
from comanda.domain.shared.errors import FieldError, InvalidRequest, QuotaExceeded

MAX_UPLOAD_BYTES = 200 * 2**20
UPLOAD_TYPES = ("application/x-ndjson", "application/jsonl", "application/json")
"""What a table of JSON lines is called; the first, if nothing is said. No name is registered for it."""
_AN_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class OfferUpload:
    """Gives a link that takes one table of the stated size and type."""

    tables: Tables
    counts: UploadCounts
    per_hour: int
    clock: Clock

    def __call__(self, caller: Caller, size: int, content_type: str) -> UploadLink:
        """`size`: bytes. Raises Forbidden, InvalidRequest, QuotaExceeded, Unavailable."""
        caller.require(Action.UPLOAD_TABLE)
        faults = []
        if not 1 <= size <= MAX_UPLOAD_BYTES:
            faults.append(FieldError("bytes", f"the size of the table, from 1 to {MAX_UPLOAD_BYTES}"))
        if content_type not in UPLOAD_TYPES:
            faults.append(FieldError("content_type", f"one of {', '.join(UPLOAD_TYPES)}"))
        if faults:
            raise InvalidRequest(*faults)
        now = self.clock()
        hour = now.replace(minute=0, second=0, microsecond=0)
        if not self.counts.count(caller.name, hour, self.per_hour):
            seconds = int((hour + _AN_HOUR - now).total_seconds()) + 1
            raise QuotaExceeded(f"at most {self.per_hour} upload links an hour", retry_after=seconds)
        return self.tables.new_upload(caller.name, size, content_type)
