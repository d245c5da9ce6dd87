"""What a delivered message means for the report it finds: as for orders (meeting.py), with one stage and a lease."""

from datetime import datetime

from comanda.domain.meeting import Verdict
from comanda.domain.messages import ReportDelivery
from comanda.domain.report import Report


def meet_report(report: Report | None, delivery: ReportDelivery, now: datetime) -> Verdict:
    """Decide what `delivery` means for `report`, its row (None: there is none)."""
    message = delivery.message
    if message is None or report is None or message.payload_hash != report.request.payload_hash:
        return Verdict.LET_THROUGH
    if report.is_over(now) or message.replay < report.replay:
        return Verdict.DROP
    if message.replay > report.replay:
        return Verdict.TAKE_UP
    tried = report.attempts
    if tried and tried.message_id == delivery.message_id and tried.receive_count > delivery.receive_count:
        return Verdict.SUPERSEDED
    if report.failure is None:
        return Verdict.WORK
    if report.failure.message_id == delivery.message_id:
        return Verdict.LET_THROUGH
    return Verdict.TAKE_UP if delivery.sent_at > report.failure.at else Verdict.LET_THROUGH
