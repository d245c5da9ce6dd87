"""What reports over a period share: its days, and how they are checked."""

import re
from datetime import date, datetime, time, timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field, StrictStr, ValidationInfo, field_validator

from comanda.application.reports.types.report_type import Parameters
from comanda.application.reports.types.words import Words, words
from comanda.domain.reports.table import Fact
from comanda.domain.shared.identity import ID_PATTERN, MAX_ID
from comanda.domain.shared.period import Period

MAX_DAYS = 366
EARLIEST = date(1970, 1, 1)
"""Before it, nobody ordered anything, and years come near that no time zone can be reckoned in."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _day(value: object) -> object:
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError('a day is written like "2026-11-22"')
    return value


Day = Annotated[date, BeforeValidator(_day)]
Id = Annotated[StrictStr, Field(min_length=1, max_length=MAX_ID, pattern=ID_PATTERN)]


class PeriodParameters(Parameters):
    """`from` and `to`: whole days in `time_zone`, both included. Today may be among them, tomorrow not.

    The period of a day that its time zone leaves out is empty, and so is that of one which has only just begun.
    """

    first_day: Day = Field(alias="from")
    last_day: Day = Field(alias="to")

    @field_validator("last_day")
    @classmethod
    def _check(cls, last_day: date, info: ValidationInfo) -> date:
        first_day, zone = info.data.get("first_day"), info.data.get("time_zone")
        if first_day is None or zone is None or (info.context or {}).get("kept"):
            return last_day
        if first_day < EARLIEST:
            raise ValueError(f"a period begins on {EARLIEST.isoformat()} or later")
        if last_day < first_day:
            raise ValueError("the period ends before it begins")
        if (last_day - first_day).days >= MAX_DAYS:
            raise ValueError(f"a period has at most {MAX_DAYS} days")
        today = (info.context or {})["now"].astimezone(Parameters(time_zone=zone).zone).date()
        if last_day > today:
            raise ValueError(f"the period ends in the future; today is {today.isoformat()}")
        return last_day

    @property
    def period(self) -> Period:
        return Period(self._midnight(self.first_day), self._midnight(self.last_day + timedelta(days=1)))

    @property
    def words(self) -> Words:
        return words(self.readers)

    def facts(self, **filters: str | None) -> tuple[Fact, ...]:
        """Period and filters."""
        said, locale = self.words, self.readers
        period = f"{locale.date(self.first_day)} \u2013 {locale.date(self.last_day)}"
        given = [(said[name], value) for name, value in filters.items() if value is not None]
        return (said["period"], period), *given

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone)
