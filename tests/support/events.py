"""Every event there is, found in the code of the use cases."""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pkgutil import walk_packages

import comanda.application
from comanda.application.delivery.events import RowEvent
from comanda.application.shared.telemetry import TelemetryEvent
from comanda.domain.notifications.notification import Notification
from comanda.domain.orders.order import Order
from comanda.domain.reports.report import Report

KINDS = (Order.kind, Report.kind, Notification.kind)


@cache
def event_types() -> tuple[type[TelemetryEvent], ...]:
    """Those that can be emitted: classes without subclasses."""
    for module in walk_packages(comanda.application.__path__, "comanda.application."):
        import_module(module.name)
    return tuple(_leaves_of(TelemetryEvent))


def _leaves_of(event: type[TelemetryEvent]) -> Iterator[type[TelemetryEvent]]:
    if not event.__subclasses__() and event.__module__.startswith("comanda."):
        yield event
    for narrower in event.__subclasses__():
        yield from _leaves_of(narrower)


@cache
def every_event() -> tuple[TelemetryEvent, ...]:
    """One of each type, without its fields; of each kind of row where rows share the type."""
    found: list[TelemetryEvent] = []
    for event in event_types():
        found += [event(kind=kind) for kind in KINDS] if issubclass(event, RowEvent) else [event()]
    return tuple(found)


@cache
def event_names() -> frozenset[str]:
    return frozenset(event.name for event in every_event())


@cache
def metric_names() -> frozenset[tuple[str, str]]:
    """Service and name."""
    return frozenset((measure.service.value, measure.name) for event in every_event() for measure in event.measures)
