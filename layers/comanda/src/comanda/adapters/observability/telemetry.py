"""Events as structured logs and EMF metrics, by Powertools (E8, B10)."""

import warnings
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, TypeVar

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from comanda.application.shared.telemetry import Level, Measure, Service, TelemetryEvent
from comanda.domain.delivery.work_item import WorkItem

Answer = TypeVar("Answer")
Handler = Callable[[dict[str, Any], LambdaContext], Answer]

LOGGER = Logger(log_uncaught_exceptions=False, utc=True, location=None)  # `location` would always be this file.
warnings.filterwarnings("ignore", "No application metrics to publish")  # A GET measures nothing.

BUSINESS = EphemeralMetrics(service="business")
"""What the owner of the orders asks about."""
TECHNICAL = EphemeralMetrics(service="technical")
"""What the engineer on call asks about."""
# The namespace has the stage (POWERTOOLS_METRICS_NAMESPACE), and `service`, which Powertools always adds, is the one
# dimension: CloudWatch takes its price for each pair of a name and its dimensions. Not `Metrics`, of which there is one
# for all: what was added to the one would go out with the other.
_ADDING = Lock()
"""Groups are worked side by side, and one more value than a hundred makes Powertools print what it has."""


_METRICS: Mapping[Service, EphemeralMetrics] = {Service.BUSINESS: BUSINESS, Service.TECHNICAL: TECHNICAL}
_LOG: Mapping[Level, Callable[..., None]] = {
    Level.DEBUG: LOGGER.debug,
    Level.INFO: LOGGER.info,
    Level.WARNING: LOGGER.warning,
    Level.ERROR: LOGGER.error,
}


class PowertoolsTelemetry:
    """Implements `Telemetry`: one log line per event, with the same keys at every hop, and its metrics."""

    def emit(self, event: TelemetryEvent, subject: WorkItem | None = None) -> None:
        known = {} if subject is None else subject.log_keys
        _LOG[event.level](event.name, extra={**known, **event.keys()})
        if subject is not None and subject.is_canary:
            return
        with _ADDING:
            for measure in event.measures:
                _add(measure, event)


def _add(measure: Measure, event: TelemetryEvent) -> None:
    value = 1 if measure.field is None else getattr(event, measure.field)
    if value is None:
        return
    metrics, unit = _METRICS[measure.service], MetricUnit(measure.unit.value)
    metrics.add_metric(measure.name, unit, value * measure.factor)
    if measure.by is not None:
        dimensions = {"service": str(metrics.service), measure.by: str(getattr(event, measure.by))}
        with single_metric(
            measure.name,
            unit,
            value * measure.factor,
            namespace=metrics.namespace,
            default_dimensions=dimensions,
        ):
            pass  # It is printed at the end.


def measured(handler: Handler[Answer]) -> Handler[Answer]:
    """A handler at whose end, good or bad, the metrics of its invocation are printed for CloudWatch to find (EMF); and
    a draw decides for each invocation whether it logs everything (POWERTOOLS_LOGGER_SAMPLE_RATE)."""

    def sampled(event: dict[str, Any], context: LambdaContext) -> Answer:
        LOGGER.refresh_sample_rate_calculation()
        return handler(event, context)

    counted: Handler[Answer] = BUSINESS.log_metrics(TECHNICAL.log_metrics(sampled))
    return counted
