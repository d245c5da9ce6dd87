"""The worker of reports, its queue, and what is kept of a report."""

from typing import Annotated

from pydantic import Field

from infra.settings.group import Group

_SECONDS_PER_DAY = 24 * 60 * 60


class ReportSettings(Group):
    """How reports are written, kept and given out."""

    timeout_seconds: Annotated[int, Field(ge=1, le=900)] = 900
    """The most Lambda gives; a report that would take longer is refused before it begins."""
    reserve_seconds: Annotated[int, Field(ge=1, le=900)] = 15
    """No report goes on with less time left than this: what was written has to be stored."""
    visibility_timeout_seconds: Annotated[int, Field(ge=1, le=43_200)] = 960
    """When the report of a dead worker comes back. Not six times the worker's timeout, as for orders: the mapping has a
    limit of its own, so that it is hardly throttled, and a report that comes back too early finds its lease held."""
    lease_seconds: Annotated[int, Field(ge=2, le=900)] = 60
    """A worker that has written nothing down for so long counts as dead."""
    memory_mb: Annotated[int, Field(ge=128, le=10_240)] = 1769
    """So much comes with one whole virtual CPU ("Configure Lambda function memory"); a report takes less than 128."""
    concurrency: Annotated[int, Field(ge=2, le=1000)] = 5
    """Most reports written at once (B9). What waits beyond that waits in the queue."""
    rows_per_second: Annotated[int, Field(ge=1)] = 3000
    """As many as are read and written for certain: with the timeout, it decides which report is too large."""
    settle_seconds: Annotated[int, Field(ge=0, le=600)] = 5
    """How far the index `period` may be behind the table at the most; it is usually less than a second."""
    lifetime_days: Annotated[int, Field(ge=1, le=365)] = 7
    """How long a report can be looked at and downloaded; after that the same request writes it again."""
    link_seconds: Annotated[int, Field(ge=1, le=900)] = 900
    uploads_per_hour: Annotated[int, Field(ge=1, le=100_000)] = 60
    """Links to upload a table, per caller, from one full hour to the next."""

    @property
    def lifetime_seconds(self) -> int:
        return self.lifetime_days * _SECONDS_PER_DAY

    @property
    def longest_lease_seconds(self) -> int:
        """From the receive of a report: its worker renews the lease for the last time when only the reserve is left."""
        return self.timeout_seconds - self.reserve_seconds + self.lease_seconds

    @property
    def late_seconds(self) -> int:
        """A message so old outlived a whole run of a worker, and its own return after that worker died."""
        return self.timeout_seconds + self.visibility_timeout_seconds
