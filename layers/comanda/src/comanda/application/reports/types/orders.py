"""`orders`: one row for each order accepted in a period, with its status as found when the report is written."""

from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum

from comanda.application.reports.ports import OrderLine, Sources
from comanda.application.reports.types.period import Id, PeriodParameters
from comanda.application.reports.types.report_type import Asked, ReportType, Volume, laid_out
from comanda.application.reports.types.words import status_word
from comanda.domain.reports.report import ReportRequest
from comanda.domain.reports.table import Column, Fact, Kind, Row, Strong, Table
from comanda.domain.shared.access import Origin
from comanda.domain.shared.errors import UnreadableRow


class ShownStatus(StrEnum):
    """Every status of an order but `accepting`, which is no order yet."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class OrdersParameters(PeriodParameters):
    """A period, and what an order must have to be in the report."""

    recipient_id: Id | None = None
    customer_id: Id | None = None
    status: ShownStatus | None = None
    origin: Origin | None = None

    def wanted(self, asked: Asked) -> Callable[[OrderLine], bool]:
        """Whether an order belongs into the report: by its filters, and by whose orders the caller may see."""
        request = asked.report.request
        conditions = {
            "caller": None if request.sees_all else request.caller,
            "recipient_id": self.recipient_id,
            "customer_id": self.customer_id,
            "status": self.status and self.status.value,
            "origin": self.origin and self.origin.value,
        }
        given = [(name, value) for name, value in conditions.items() if value is not None]
        return lambda line: all(getattr(line, name) == value for name, value in given)

    def lines(self, asked: Asked) -> Iterator[OrderLine]:
        """The orders of the report, streamed. Of one that cannot be read nobody knows whether it is wanted: it is left
        out, and counted."""
        wanted = self.wanted(asked)
        for line in asked.reading(asked.sources.orders.orders(self.period.until(asked.report.as_of))):
            if isinstance(line, UnreadableRow):
                asked.left_out.add(line)
            elif wanted(line):
                yield line

    @property
    def period_and_filters(self) -> tuple[Fact, ...]:
        said = self.words
        return self.facts(
            recipient_id=self.recipient_id,
            customer_id=self.customer_id,
            status=status_word(said, self.status.value) if self.status else None,
            origin=self.origin.value if self.origin else None,
        )


class OfOrders(ReportType[OrdersParameters]):
    """What reports share that are made from the orders of a period."""

    parameters = OrdersParameters

    def settled_at(self, parameters: OrdersParameters, as_of: datetime) -> datetime:
        return parameters.period.until(as_of).end

    def volume(self, parameters: OrdersParameters, as_of: datetime, request: ReportRequest, sources: Sources) -> Volume:  # noqa: ARG002
        return Volume(read=sources.orders.count(parameters.period.until(as_of)))


class OrdersReport(OfOrders):
    """`orders`: one row per order of a period."""

    def volume(self, parameters: OrdersParameters, as_of: datetime, request: ReportRequest, sources: Sources) -> Volume:
        """With a filter, or of one caller's orders alone, nobody knows before how many rows remain."""
        read = super().volume(parameters, as_of, request, sources).read
        filters = (parameters.recipient_id, parameters.customer_id, parameters.status, parameters.origin)
        return Volume(read, written=read if request.sees_all and not any(filters) else 0)

    def document(self, parameters: OrdersParameters, asked: Asked) -> Table:
        said = parameters.words
        return laid_out(
            said["orders"],
            (
                Column(said["created_at"], Kind.DATETIME),
                Column(said["order_id"]),
                Column(said["client_order_id"]),
                Column(said["origin"]),
                Column(said["recipient_id"]),
                Column(said["customer_id"]),
                Column(said["status"]),
                Column(said["total_amount"], Kind.MONEY, total=True),
                Column(said["updated_at"], Kind.DATETIME),
            ),
            parameters,
            asked,
            parameters.period_and_filters,
        )

    def rows(self, parameters: OrdersParameters, asked: Asked) -> Iterator[Row]:
        said = parameters.words
        statuses = {status.value: status_word(said, status.value) for status in ShownStatus}
        for line in parameters.lines(asked):
            yield (
                line.created_at,
                line.order_id,
                line.client_order_id,
                line.origin.value,
                line.recipient_id,
                line.customer_id,
                statuses[line.status.value],
                line.total_amount,
                line.updated_at,
            )
        if number := asked.left_out.number:
            yield Strong((None, f"{said['left_out']}: {number}", *[None] * 7))


ORDERS = OrdersReport()
