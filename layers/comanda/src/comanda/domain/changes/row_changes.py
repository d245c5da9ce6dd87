"""What callers can be told of: each change of the status of an order or a report.

Changes are read off two states of a row that follow on each other, so that nobody who writes a row has to think of who
is told, and nobody who is told can hold up a writer (docs/decisions/0010).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from comanda.domain.orders.order import Order, OrderStatus
from comanda.domain.reports.report import Report


class Subject(StrEnum):
    """What a change is about."""

    ORDER = "order"
    REPORT = "report"


@dataclass(frozen=True)
class Change:
    """One change of status. Among all changes of a subject, no two have the same `version` and `status`."""

    subject: Subject
    subject_id: str
    version: int
    """Of the row that shows it; a later change never has a smaller one."""
    status: str
    at: datetime

    @property
    def type(self) -> str:
        """As callers know it: `order.completed`."""
        return f"{self.subject}.{self.status}"


def changes_of_order(before: Order | None, after: Order) -> list[Change]:
    """The changes from one state of an order's row to a later one, in order. A claim is no order yet, and not told of
    (P1); being published again, or discarded, is no change of status."""
    known = before.timeline if before else ()
    status = known[-1].status if known else OrderStatus.ACCEPTING
    changes = []
    for moment in after.timeline[len(known) :]:
        if moment.status is not status:
            changes.append(Change(Subject.ORDER, after.order_id, after.version, moment.status, moment.at))
        status = moment.status
    return changes


def changes_of_report(before: Report | None, after: Report) -> list[Change]:
    """The same for a report, whose row shows its present status only. One that expires is not written, nor told of."""
    if after.is_claim or (before and before.status is after.status and before.created_at == after.created_at):
        return []
    return [Change(Subject.REPORT, after.report_id, after.version, after.status, after.updated_at)]
