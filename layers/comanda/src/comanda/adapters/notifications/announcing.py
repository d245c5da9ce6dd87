"""From the streams of the tables to requests for notifications."""

from collections.abc import Iterator
from typing import Any

from comanda.adapters.changes.streams import RowWrite, row_writes_of
from comanda.adapters.orders.views import order_view
from comanda.adapters.reports.views import report_view
from comanda.application.notifications.announce import NotificationRequest
from comanda.application.shared.telemetry import Telemetry
from comanda.domain.changes.row_changes import Change, Subject
from comanda.domain.orders.order import Order
from comanda.domain.reports.report import Report
from comanda.domain.shared.notify import LAST_EVENTS, Notify

_NOT_TOLD = ("items", "metadata", "timeline", "parameters", "rows_written")
"""Of what GET shows: receivers that need it ask."""


def notification_requests_of(event: dict[str, Any], telemetry: Telemetry) -> Iterator[NotificationRequest]:
    """What a stream's event says, to everybody who asked, in its order."""
    for write in row_writes_of(event, telemetry):
        if isinstance(write.after, Order):
            yield from _requests_of_order(write, write.after)
        else:
            yield from _requests_of_report(write, write.after)


def _requests_of_order(write: RowWrite, order: Order) -> Iterator[NotificationRequest]:
    if order.notify is not None:
        for change in write.changes:
            yield _request(change, order.notify, order, order.caller, order_view(order))


def _requests_of_report(write: RowWrite, report: Report) -> Iterator[NotificationRequest]:
    """Who asked for a report that is over already is notified at once."""
    before = write.before.notify if isinstance(write.before, Report) else ()
    present = Change(Subject.REPORT, report.report_id, report.version, report.status, report.updated_at)
    for notify in report.notify:
        changes = write.changes
        if not changes and notify not in before and present.type in LAST_EVENTS:
            changes = (present,)
        for change in changes:
            yield _request(change, notify, report, report.request.caller, report_view(report))


def _request(
    change: Change, notify: Notify, subject: Order | Report, caller: str, view: dict[str, Any]
) -> NotificationRequest:
    data = {name: value for name, value in view.items() if name not in _NOT_TOLD} | {"status": change.status}
    return NotificationRequest(change, notify, caller, subject.correlation_id, data)
