"""What happened, told as structured logs and EMF metrics by Powertools (E8, B10)."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from comanda.domain.delivery.work_item import WorkItem
from comanda.domain.notifications.notification import Notification
from comanda.domain.orders.order import Order
from comanda.domain.reports.report import Report
from comanda.domain.shared.access import CANARY

Answer = TypeVar("Answer")
Handler = Callable[[dict[str, Any], LambdaContext], Answer]

LOGGER = Logger(log_uncaught_exceptions=False, utc=True, location=None)  # It would name this file, always.
warnings.filterwarnings("ignore", "No application metrics to publish")  # A GET counts nothing.

BUSINESS = EphemeralMetrics(service="business")
"""What the owner of the orders asks about."""
TECHNICAL = EphemeralMetrics(service="technical")
"""What the engineer on call asks about."""
# The namespace has the stage (POWERTOOLS_METRICS_NAMESPACE), and `service`, which Powertools always adds, is the one
# dimension: CloudWatch takes its price for each pair of a name and its dimensions. Not `Metrics`, of which there is one
# for all: what was added to the one would go out with the other.
_ADDING = Lock()
"""Groups are worked side by side, and one more value than a hundred makes Powertools print what it has."""


@dataclass(frozen=True)
class Measure:
    """One metric of a happening: it counts, or it takes a number that was told with it."""

    metrics: EphemeralMetrics
    name: str
    fact: str | None = None
    """Under this name the number is told; one that is not told, or None, is not measured."""
    unit: MetricUnit = MetricUnit.Count
    factor: float = 1
    by: str | None = None
    """A fact whose value is a dimension of its own: beside the sum, one metric for each of its values."""

    def add(self, facts: Mapping[str, object]) -> None:
        value = 1 if self.fact is None else facts.get(self.fact)
        if not isinstance(value, int | float):
            return
        self.metrics.add_metric(self.name, self.unit, value * self.factor)
        if self.by is not None and self.by in facts:
            dimensions = {"service": str(self.metrics.service), self.by: str(facts[self.by])}
            with single_metric(
                self.name,
                self.unit,
                value * self.factor,
                namespace=self.metrics.namespace,
                default_dimensions=dimensions,
            ):
                pass  # It is printed at the end.


def _count(metrics: EphemeralMetrics, name: str, by: str | None = None) -> Measure:
    return Measure(metrics, name, by=by)


def _time(metrics: EphemeralMetrics, name: str, fact: str) -> Measure:
    """`fact` is told in seconds."""
    return Measure(metrics, name, fact, MetricUnit.Milliseconds, factor=1000)


MEASURED: Mapping[str, tuple[Measure, ...]] = {
    "order.accepted": (_count(BUSINESS, "OrdersAccepted"),),
    "order.replayed": (_count(BUSINESS, "OrdersReplayed"),),
    "order.cancelled": (_count(BUSINESS, "OrdersCancelled"),),
    "order.completed": (
        _count(BUSINESS, "OrdersCompleted"),
        _time(BUSINESS, "TimeToComplete", "seconds"),
        _time(TECHNICAL, "TimeInCompletion", "stage_seconds"),
    ),
    "order.failed": (_count(BUSINESS, "OrdersFailed", by="error_class"),),
    "order.processing": (_time(TECHNICAL, "TimeInProcessing", "stage_seconds"),),
    "order.enriched": (_time(TECHNICAL, "TimeInEnrichment", "stage_seconds"),),
    "order.attempt_failed": (_count(TECHNICAL, "AttemptsFailed"),),
    "order.attempt_lost": (_count(TECHNICAL, "AttemptsLost"),),
    "order.redriven": (_count(TECHNICAL, "OrdersRedriven"),),
    "order.rescued": (_count(TECHNICAL, "OrdersRescued"),),
    "enrichment.asked": (_time(TECHNICAL, "EnrichmentLatency", "seconds"),),
    "enrichment.circuit_open": (_count(TECHNICAL, "CircuitOpened"),),
    "enrichment.circuit_closed": (_count(TECHNICAL, "CircuitClosed"),),
    "enrichment.switched": (Measure(TECHNICAL, "EnrichmentPaused", "paused"),),
    "report.accepted": (_count(BUSINESS, "ReportsAccepted"),),
    "report.replayed": (_count(BUSINESS, "ReportsReplayed"),),
    "report.cancelled": (_count(BUSINESS, "ReportsCancelled"),),
    "report.ready": (
        _count(BUSINESS, "ReportsReady"),
        _time(BUSINESS, "TimeToReady", "total_seconds"),
        _time(TECHNICAL, "TimeToGenerate", "seconds"),
        Measure(TECHNICAL, "ReportRows", "rows"),
        Measure(TECHNICAL, "ReportBytes", "bytes", MetricUnit.Bytes),
    ),
    "report.failed": (_count(BUSINESS, "ReportsFailed", by="error_class"),),
    "report.begun": (_time(TECHNICAL, "ReportQueueTime", "queue_seconds"),),
    "report.attempt_failed": (_count(TECHNICAL, "ReportAttemptsFailed"),),
    "report.attempt_lost": (_count(TECHNICAL, "ReportAttemptsLost"),),
    "report.redriven": (_count(TECHNICAL, "ReportsRedriven"),),
    "report.rescued": (_count(TECHNICAL, "ReportsRescued"),),
    "notification.announced": (_count(TECHNICAL, "NotificationsAnnounced"),),
    "notification.delivered": (
        _count(BUSINESS, "NotificationsDelivered"),
        _time(TECHNICAL, "TimeToDeliver", "seconds"),
    ),
    "notification.failed": (_count(BUSINESS, "NotificationsFailed", by="error_class"),),
    "notification.ended": (_count(BUSINESS, "NotificationsEnded"),),
    "notification.attempt_failed": (_count(TECHNICAL, "NotificationAttemptsFailed"),),
    "notification.rescued": (_count(TECHNICAL, "NotificationsRescued"),),
    "message.ahead": (_count(TECHNICAL, "MessagesAheadOfRows"),),
    **{
        f"{kind}.message_owed_too_long": (_count(TECHNICAL, "MessagesOwedTooLong"),)
        for kind in ("order", "report", "notification")
    },
    "canary.checked": (Measure(TECHNICAL, "CanaryFailed", "failed"),),
    "canary.completed": (_time(TECHNICAL, "CanaryTime", "seconds"),),
    "storage.unavailable": (_count(TECHNICAL, "StorageUnavailable"),),
    "row.unreadable": (_count(TECHNICAL, "UnreadableRows"),),
}
"""The metrics of each happening; docs/operating.md says what they cost."""

_ERRORS = {
    "row.unreadable",
    "order.unexpected_error",
    "report.unexpected_error",
    "notification.unexpected_error",
}
_WARNINGS = {
    "batch.out_of_time",
    "enrichment.circuit_not_written",
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
    "order.message_owed",
    "order.message_owed_too_long",
    "report.message_owed",
    "report.message_owed_too_long",
    "notification.message_owed",
    "notification.message_owed_too_long",
    "message.ahead",
    "receiver.circuit_open",
    "queue.not_deleted",
    "queue.pause_not_set",
    "message.of_newer_release",
    "row.of_newer_release",
    "storage.unavailable",
}
_QUIET = {"message.dead_letter"}


class PowertoolsTelemetry:
    """Implements `Telemetry`: one log line a happening, with the same keys at every hop, and its metrics."""

    def tell(self, happening: str, subject: WorkItem | None = None, **facts: object) -> None:
        known = {} if subject is None else _keys_of(subject)
        if happening in _ERRORS:
            LOGGER.error(happening, extra={**known, **facts})
        elif happening in _WARNINGS:
            LOGGER.warning(happening, extra={**known, **facts})
        elif happening in _QUIET:
            LOGGER.debug(happening, extra={**known, **facts})
        else:
            LOGGER.info(happening, extra={**known, **facts})
        if isinstance(subject, Order) and subject.caller == CANARY:
            return  # Nobody's business.
        with _ADDING:
            for measure in MEASURED.get(happening, ()):
                measure.add(facts)


def measured(handler: Handler[Answer]) -> Handler[Answer]:
    """A handler at whose end, good or bad, the metrics of its invocation are printed for CloudWatch to find (EMF); and
    for each invocation it is drawn anew whether it logs everything (POWERTOOLS_LOGGER_SAMPLE_RATE)."""

    def sampled(event: dict[str, Any], context: LambdaContext) -> Answer:
        LOGGER.refresh_sample_rate_calculation()
        return handler(event, context)

    counted: Handler[Answer] = BUSINESS.log_metrics(TECHNICAL.log_metrics(sampled))
    return counted


def _keys_of(subject: WorkItem) -> dict[str, object]:
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
    if not isinstance(subject, Report):
        return {"row_id": subject.row_id}
    return {
        "report_id": subject.report_id,
        "report_type": subject.request.type,
        "format": subject.request.format.value,
        "caller": subject.request.caller,
        "correlation_id": subject.correlation_id,
        "status": subject.status.value,
    }
