"""`summary`: how many orders, and what the completed ones come to, by day, recipient, origin and status."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from comanda.application.reports.ports import OrderLine
from comanda.application.reports.types.orders import OfOrders, OrdersParameters
from comanda.application.reports.types.report_type import Asked, laid_out
from comanda.application.reports.types.words import status_word
from comanda.domain.orders.order import OrderStatus
from comanda.domain.reports.table import Chart, Column, Kind, Row, Strong, Table
from comanda.domain.shared.errors import PermanentError

MAX_RECIPIENTS = 20_000
"""More make no summary, and would not stay in memory."""


@dataclass
class _Sums:
    orders: int = 0
    completed: int = 0
    amount: Decimal = Decimal("0.00")

    def add(self, line: OrderLine) -> None:
        self.orders += 1
        if line.status is OrderStatus.COMPLETED:
            self.completed += 1
            self.amount += line.total_amount or 0


def _groups() -> dict[str, _Sums]:
    return defaultdict(_Sums)


@dataclass
class _Summary:
    days: dict[date, _Sums] = field(default_factory=lambda: defaultdict(_Sums))
    recipients: dict[str, _Sums] = field(default_factory=_groups)
    origins: dict[str, _Sums] = field(default_factory=_groups)
    statuses: dict[str, _Sums] = field(default_factory=_groups)
    total: _Sums = field(default_factory=_Sums)


class SummaryReport(OfOrders):
    """`summary`: orders and amounts of a period by day and status."""

    def document(self, parameters: OrdersParameters, asked: Asked) -> Table:
        said = parameters.words
        return laid_out(
            said["summary"],
            (
                Column(said["by"]),
                Column(said["value"]),
                Column(said["orders"], Kind.INTEGER),
                Column(said["completed"], Kind.INTEGER),
                Column(said["completed_amount"], Kind.MONEY),
            ),
            parameters,
            asked,
            parameters.period_and_filters,
            chart=Chart(title=said["completed_amount"], of=said["day"], categories=1, values=4),
        )

    def rows(self, parameters: OrdersParameters, asked: Asked) -> Iterator[Row]:
        """Days and recipients in their order; days without an order are left out."""
        said, locale = parameters.words, parameters.readers
        summary = _summed_up(parameters, asked)
        groups: dict[str, list[tuple[str, _Sums]]] = {
            said["day"]: [(locale.date(day), sums) for day, sums in sorted(summary.days.items())],
            said["recipient_id"]: sorted(summary.recipients.items()),
            said["origin"]: sorted(summary.origins.items()),
            said["status"]: [(status_word(said, status), sums) for status, sums in sorted(summary.statuses.items())],
        }
        for group, members in groups.items():
            for member, sums in members:
                yield group, member, sums.orders, sums.completed, sums.amount
        total = summary.total
        yield Strong((said["total"], None, total.orders, total.completed, total.amount))
        if number := asked.left_out.number:
            yield Strong((said["left_out"], None, number, None, None))


SUMMARY = SummaryReport()


def _summed_up(parameters: OrdersParameters, asked: Asked) -> _Summary:
    summary, zone = _Summary(), parameters.zone
    for line in parameters.lines(asked):
        for sums in (
            summary.days[line.created_at.astimezone(zone).date()],
            summary.recipients[line.recipient_id],
            summary.origins[line.origin.value],
            summary.statuses[line.status.value],
            summary.total,
        ):
            sums.add(line)
        if len(summary.recipients) > MAX_RECIPIENTS:
            raise PermanentError(
                "TooManyRecipients", f"more than {MAX_RECIPIENTS} recipients; ask for a shorter period, or for orders"
            )
    return summary
