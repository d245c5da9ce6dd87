"""What the use cases of reports need from the world outside."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from comanda.application.orders.ports import Ledger
from comanda.domain.delivery.work_item import Failure
from comanda.domain.orders.order import OrderStatus
from comanda.domain.reports.report import Report, ReportFile
from comanda.domain.reports.table import Row, Table
from comanda.domain.shared.access import Origin
from comanda.domain.shared.errors import UnreadableRow
from comanda.domain.shared.period import Period


class Reports(Protocol):
    """The reports table. Every method raises Unavailable where storage does not answer, and UnreadableRow where it
    gives a row that cannot be read."""

    def claim(self, report: Report) -> Report | None:
        """Store a claim where there is no row of that id; otherwise change nothing and give the row there is."""

    def get(self, report_id: str) -> Report | None:
        """The row as it stands now (strongly consistent), claims included."""

    def get_many(self, report_ids: Iterable[str]) -> Mapping[str, Report | UnreadableRow]:
        """The rows there are, by id, as they stand now. One that cannot be read takes no other along."""

    def fail_unreadable(self, report_id: str, failure: Failure) -> bool:
        """As Rows.fail_unreadable."""

    def save(self, before: Report, after: Report) -> None:
        """Write what differs, where the row still has `before.version`. Raises VersionConflict otherwise."""

    def mark_sent(self, owed: Report, sent: Report) -> None:
        """Write that nothing is owed, and nothing else, where the row is in the run of `owed` and owes its message."""


class ReportFiles(Protocol):
    """Where finished files are kept."""

    def write(self, report: Report, table: Table, rows: Iterable[Row], left_out: Callable[[], int]) -> ReportFile:
        """Write the whole file under `report.file_key`, or nothing. What was written for this report and replay
        already is not written again: then no row is read. `left_out` is asked once all rows were read.

        Raises ReportError, Unavailable, and whatever the rows raise.
        """


class ReportLinks(Protocol):
    """Presigned links to a report's file."""

    def link_to(self, report: Report) -> str:
        """A link to the file of a ready report, good for some minutes, that saves it under its file name."""


@dataclass(frozen=True)
class UploadLink:
    """Where a caller may PUT a table of that size and type, until then."""

    upload_id: str
    url: str
    expires_in: int
    """Seconds."""
    size: int
    """Bytes."""
    content_type: str


class Tables(Protocol):
    """Callers' own tables, too large for a message or a row: the claim check's luggage (B2). Lines of JSON.

    Every method raises Unavailable where storage does not answer.
    """

    def new_upload(self, caller: str, size: int, content_type: str) -> UploadLink:
        """A place of its own for one table of so many bytes; what is of another size or type is not let in."""

    def uploaded(self, caller: str, upload_id: str) -> tuple[str, int] | None:
        """What tells this content from any other, and its size in bytes; None where nothing was uploaded."""

    def keep(self, caller: str, lines: bytes) -> str:
        """Store a table that came inline; the same content has the same upload id."""

    def lines(self, caller: str, upload_id: str, content: str) -> Iterator[bytes]:
        """The lines of exactly this content, streamed. Raises PermanentError where it is gone or was replaced."""


class UploadCounts(Protocol):
    """How many upload links a caller was given in an hour."""

    def count(self, caller: str, hour: datetime, most: int) -> bool:
        """Count one more in the hour that begins then. False, and nothing is counted, where it had `most` already.

        A call whose answer was lost may count twice. Raises Unavailable.
        """


@dataclass(frozen=True, slots=True)
class OrderLine:
    """As much of an order as reports show."""

    order_id: str
    caller: str
    origin: Origin
    recipient_id: str
    customer_id: str | None
    client_order_id: str | None
    status: OrderStatus
    total_amount: Decimal | None
    created_at: datetime
    updated_at: datetime


class OrderPeriods(Protocol):
    """Orders by the time they were accepted. Every method raises Unavailable where storage does not answer."""

    def count(self, period: Period) -> int:
        """How many orders were accepted in it; 0 in an empty one, without a look."""

    def orders(self, period: Period) -> Iterator[OrderLine | UnreadableRow]:
        """These orders as they stand when they are read, by the time they were accepted, then by id; streamed."""


@dataclass(frozen=True)
class Sources:
    """All that reports are made from."""

    orders: OrderPeriods
    ledger: Ledger
    tables: Tables
