"""A span of time, which knows whether it is empty. Storage is asked for a Period, and never for two bounds."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self


@dataclass(frozen=True)
class Period:
    """From `begin` until before `end`, in whole milliseconds: no time is kept more exactly (times.py).

    It is empty where the end is not after the begin: a day that a time zone leaves out, a day that has only just begun,
    or bounds the wrong way round.
    """

    begin: datetime
    end: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "begin", _whole_milliseconds(self.begin))
        object.__setattr__(self, "end", _whole_milliseconds(self.end))

    @property
    def is_empty(self) -> bool:
        return self.end <= self.begin

    def until(self, moment: datetime) -> Self:
        """What of it lies before a moment; nothing, where that is before its begin."""
        return type(self)(self.begin, max(self.begin, min(self.end, moment)))

    def __contains__(self, moment: datetime) -> bool:
        return self.begin <= moment < self.end


def _whole_milliseconds(moment: datetime) -> datetime:
    """The earlier one, as it is written down; in UTC."""
    utc = moment.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)
