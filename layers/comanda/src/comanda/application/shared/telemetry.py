"""Events: what the use cases report while they run, for logs and metrics.

An event is a class beside the capability that emits it. Its fields are the keys of its log line; its class says its
name, its level and what is measured. All of these are public: operators' queries and alarms hold them.
"""

from enum import StrEnum
from typing import ClassVar, NamedTuple, Never, Protocol, dataclass_transform

from comanda.domain.delivery.work_item import WorkItem


class Level(StrEnum):
    """Of a log line, as Python's logging has them."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class Service(StrEnum):
    """Who asks about a metric; its one dimension, `service`."""

    BUSINESS = "business"
    """The owner of the orders."""
    TECHNICAL = "technical"
    """The engineer on call."""


class Unit(StrEnum):
    """Of a metric ("MetricDatum" in the Amazon CloudWatch API Reference)."""

    COUNT = "Count"
    MILLISECONDS = "Milliseconds"
    BYTES = "Bytes"


class Measure(NamedTuple):
    """One metric of an event: it counts the event, or takes a number from one of its fields."""

    service: Service
    name: str
    field: str | None = None
    """The field with the number; where that is None, nothing is measured."""
    unit: Unit = Unit.COUNT
    factor: float = 1
    """The field's number times this is the metric's."""
    by: str | None = None
    """A field whose value is a dimension of its own: beside the sum, one metric per value."""


def business(name: str, *, by: str | None = None) -> tuple[Measure]:
    """Count the event for the owner of the orders."""
    return (Measure(Service.BUSINESS, name, by=by),)


def technical(name: str) -> tuple[Measure]:
    """Count the event for the engineer on call."""
    return (Measure(Service.TECHNICAL, name),)


def duration(service: Service, name: str, field: str) -> tuple[Measure]:
    """Take `field`, in seconds, as milliseconds."""
    return (Measure(service, name, field, Unit.MILLISECONDS, factor=1000),)


@dataclass_transform(kw_only_default=True, frozen_default=True)
class TelemetryEvent:
    """The base of events. A subclass annotates its fields, and mypy checks them as those of a frozen dataclass.

    It is no dataclass: `dataclasses` compiles the methods of each class at import, and every cold start would pay for
    the events of its function.
    """

    level: ClassVar[Level] = Level.INFO

    def __init__(self, **fields: Never) -> None:  # Where a subclass has fields, mypy knows the names and types.
        vars(self).update(fields)

    def __setattr__(self, name: str, value: object) -> Never:
        raise AttributeError(f"{type(self).__name__} is frozen")

    @property
    def name(self) -> str:
        """The message of its log line."""
        raise NotImplementedError

    @property
    def measures(self) -> tuple[Measure, ...]:
        return ()

    def keys(self) -> dict[str, object]:
        """Of its log line. A field that is None is left out."""
        return {key: value for key, value in vars(self).items() if value is not None}


class Telemetry(Protocol):
    """Where events go: structured logs and metrics."""

    def emit(self, event: TelemetryEvent, subject: WorkItem | None = None) -> None:
        """`subject`: the order, report or notification that the event is about; its log line carries its keys too."""
