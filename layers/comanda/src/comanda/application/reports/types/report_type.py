"""What a type of report says about itself, and what several of them share."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Generic, Protocol, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictStr, ValidationInfo, field_validator

from comanda.application.reports.ports import Sources
from comanda.application.reports.types.words import words
from comanda.domain.reports.report import Report, ReportRequest
from comanda.domain.reports.table import Chart, Column, Fact, Row, Table
from comanda.domain.shared.access import Caller
from comanda.domain.shared.errors import UnreadableRow
from comanda.domain.shared.locale import EN_US, PT_BR, Locale, Paper

LOCALES = {locale.tag: locale for locale in (PT_BR, EN_US)}


def _known_locale(tag: str) -> str:
    if tag not in LOCALES:
        raise ValueError(f"one of {', '.join(LOCALES)}")
    return tag


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # ZoneInfoNotFoundError is a KeyError; a folder's name gives an OSError.
        raise ValueError('a time zone of the IANA list, such as "America/Sao_Paulo"') from None
    return name


class Parameters(BaseModel):
    """What every type of report takes. Days begin and end in `time_zone`, and times are shown in it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    locale: Annotated[StrictStr, AfterValidator(_known_locale)] = PT_BR.tag
    time_zone: Annotated[StrictStr, Field(max_length=64), AfterValidator(_known_zone)] = "UTC"
    paper: Paper | None = None
    """None for the paper of the locale, also where that was named: one request, however it is written."""

    @field_validator("paper")
    @classmethod
    def _only_another(cls, paper: Paper | None, info: ValidationInfo) -> Paper | None:
        readers = LOCALES.get(info.data.get("locale", ""))
        return None if readers and paper is readers.paper else paper

    @property
    def readers(self) -> Locale:
        return LOCALES[self.locale]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


P = TypeVar("P", bound=Parameters)
T = TypeVar("T")


class Reading(Protocol):
    """Passes rows on, and does on the way what has to be done from time to time."""

    def __call__(self, things: Iterable[T], /) -> Iterator[T]: ...


MOST_NAMED = 10
"""Rows that are left out and told of by name; of more, their number has to do."""


@dataclass
class LeftOut:
    """Rows of what a report is made from that cannot be read. The report says how many, and is written without them."""

    number: int = 0
    named: list[UnreadableRow] = field(default_factory=list)

    def add(self, row: UnreadableRow) -> None:
        self.number += 1
        if self.number <= MOST_NAMED:
            self.named.append(row)


@dataclass(frozen=True)
class Asked:
    """A report at work: whose it is, and what it is made from."""

    report: Report
    sources: Sources
    currency: str
    """ISO 4217; the stage's."""
    reading: Reading
    """Passes on what a type reads, and keeps the worker's lease alive: all that is read goes through it."""
    left_out: LeftOut = field(default_factory=LeftOut)
    """Where a type puts what it cannot read."""


@dataclass(frozen=True)
class Volume:
    """Rows to be read, or as many as take that time, and rows that the file will have: 0 where nobody knows yet."""

    read: int
    written: int = 0


class ReportType(ABC, Generic[P]):
    """One type of report. `P` is what it takes, validated by pydantic under the context `{"now": datetime}`."""

    parameters: type[P]

    def prepared(self, parameters: P, caller: Caller, sources: Sources) -> P:  # noqa: ARG002
        """The parameters as they are kept: small, and with what they refer to looked up. Raises InvalidRequest."""
        return parameters

    @abstractmethod
    def settled_at(self, parameters: P, as_of: datetime) -> datetime:
        """The moment up to which its sources are to be complete before it is written."""

    @abstractmethod
    def volume(self, parameters: P, as_of: datetime, request: ReportRequest, sources: Sources) -> Volume:
        """How much there is to do, before it is begun. Raises Unavailable."""

    @abstractmethod
    def document(self, parameters: P, asked: Asked) -> Table: ...

    @abstractmethod
    def rows(self, parameters: P, asked: Asked) -> Iterator[Row]:
        """Streamed. Raises PermanentError and InvalidTable where no retry will mend it, Unavailable."""


def parameters_of(report_type: ReportType[P], kept: Any) -> P:
    """The parameters of a report that was accepted, from its row."""
    return report_type.parameters.model_validate(dict(kept), context={"kept": True})


def laid_out(
    title: str,
    columns: tuple[Column, ...],
    parameters: Parameters,
    asked: Asked,
    facts: tuple[Fact, ...] = (),
    chart: Chart | None = None,
) -> Table:
    """A table in its readers' language, currency and time zone, which says as of when it is."""
    said, readers = words(parameters.readers), parameters.readers
    as_of = readers.moment(asked.report.as_of.astimezone(parameters.zone))
    return Table(
        title=title,
        columns=columns,
        created_at=asked.report.as_of,
        facts=(*facts, (said["as_of"], as_of), (said["time_zone"], parameters.time_zone)),
        currency=asked.currency,
        locale=readers,
        zone=parameters.zone,
        paper=parameters.paper or readers.paper,
        chart=chart,
    )
