"""What happened, told as structured logs and EMF metrics by Powertools (E8, B10)."""

import warnings
from collections.abc import Mapping
from threading import Lock

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from comanda.domain.notification import Notification
from comanda.domain.order import Order
from comanda.domain.report import Report

LOGGER = Logger(log_uncaught_exceptions=False, utc=True)
METRICS = Metrics()
warnings.filterwarnings("ignore", "No application metrics to publish")  # A GET counts nothing.

COUNTED: Mapping[str, str] = {
    "order.accepted": "OrdersAccepted",
    "order.replayed": "OrdersReplayed",
    "order.cancelled": "OrdersCancelled",
    "order.completed": "OrdersCompleted",
    "order.failed": "OrdersFailed",
    "order.attempt_failed": "AttemptsFailed",
    "order.attempt_lost": "AttemptsLost",
    "order.taken_up": "OrdersTakenUp",
    "order.rescued": "OrdersRescued",
    "enrichment.circuit_open": "CircuitOpened",
    "enrichment.circuit_closed": "CircuitClosed",
    "report.accepted": "ReportsAccepted",
    "report.replayed": "ReportsReplayed",
    "report.cancelled": "ReportsCancelled",
    "report.ready": "ReportsReady",
    "report.failed": "ReportsFailed",
    "report.attempt_failed": "ReportAttemptsFailed",
    "report.attempt_lost": "ReportAttemptsLost",
    "report.taken_up": "ReportsTakenUp",
    "report.rescued": "ReportsRescued",
    "notification.announced": "NotificationsAnnounced",
    "notification.delivered": "NotificationsDelivered",
    "notification.failed": "NotificationsFailed",
    "notification.ended": "NotificationsEnded",
    "notification.attempt_failed": "NotificationAttemptsFailed",
    "notification.taken_up": "NotificationsTakenUp",
    "notification.rescued": "NotificationsRescued",
}
"""The metric that counts a happening."""

_TIMED: Mapping[str, str] = {"order.completed": "TimeToComplete", "report.ready": "TimeToGenerate"}
"""The metric of how long it took, where that is told as `seconds`."""

_WARNINGS = {
    "batch.out_of_time",
    "enrichment.circuit_open",
    "enrichment.switch_busy",
    "enrichment.switch_not_called",
    "order.attempt_failed",
    "order.attempt_lost",
    "order.failed",
    "order.rescued",
    "report.attempt_failed",
    "report.attempt_lost",
    "report.failed",
    "report.rescued",
    "notification.attempt_failed",
    "notification.attempt_lost",
    "notification.failed",
    "notification.rescued",
    "receiver.circuit_open",
    "queue.not_deleted",
    "queue.pause_not_set",
    "storage.unavailable",
}
_QUIET = {"message.let_through"}


class PowertoolsJournal:
    """Implements `Journal`: one log line a happening, with the same keys at every hop, and its metric."""

    def __init__(self) -> None:
        # Powertools keeps the metrics of an invocation in one place, and groups are worked side by side.
        self._lock = Lock()

    def tell(self, happening: str, subject: Order | Report | Notification | None = None, **facts: object) -> None:
        known = {} if subject is None else _keys_of(subject)
        if happening in _WARNINGS:
            LOGGER.warning(happening, extra={**known, **facts})
        elif happening in _QUIET:
            LOGGER.debug(happening, extra={**known, **facts})
        else:
            LOGGER.info(happening, extra={**known, **facts})
        self._measure(happening, facts)

    def _measure(self, happening: str, facts: Mapping[str, object]) -> None:
        if happening not in COUNTED:
            return
        with self._lock:
            METRICS.add_metric(name=COUNTED[happening], unit=MetricUnit.Count, value=1)
            seconds = facts.get("seconds")
            if happening in _TIMED and isinstance(seconds, float):
                METRICS.add_metric(name=_TIMED[happening], unit=MetricUnit.Milliseconds, value=seconds * 1000)


def _keys_of(subject: Order | Report | Notification) -> dict[str, object]:
    if isinstance(subject, Order):
        return {
            "order_id": subject.order_id,
            "recipient_id": subject.recipient_id,
            "caller": subject.caller,
            "correlation_id": subject.correlation_id,
            "status": subject.status.value,
        }
    if isinstance(subject, Notification):  # Not its target: an address is nobody's business here.
        return {
            "notification_id": subject.notification_id,
            "event": subject.event,
            f"{subject.event.partition('.')[0]}_id": subject.subject_id,
            "channel": subject.channel.value,
            "receiver_id": subject.receiver_id,
            "caller": subject.caller,
            "correlation_id": subject.correlation_id,
            "status": subject.status.value,
        }
    return {
        "report_id": subject.report_id,
        "report_type": subject.request.type,
        "format": subject.request.format.value,
        "caller": subject.request.caller,
        "correlation_id": subject.correlation_id,
        "status": subject.status.value,
    }
