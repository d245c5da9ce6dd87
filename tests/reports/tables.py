"""Tables to write, and cells of every kind to write into them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from comanda.domain.reports.table import Column, Kind, Row, Table

CREATED = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)


def a_table(*kinds: Kind, total: bool = False, **changes: Any) -> Table:
    """One column of each kind."""
    columns = tuple(
        Column(f"{kind} {place}", kind, total and kind in {Kind.INTEGER, Kind.DECIMAL, Kind.MONEY})
        for place, kind in enumerate(kinds)
    )
    return replace(Table("Orders", columns, CREATED), **changes)


CELLS: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.TEXT: st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
    | st.sampled_from(
        ["=1+1", "+1", "-1", "@a", "_x0041_", " a ", "a\nb", "<&>\"'", "]]>", "שלום", "مرحبا", "\U0001f600"]
    ),
    Kind.INTEGER: st.integers(-(10**18), 10**18),
    Kind.DECIMAL: st.decimals(-(10**9), 10**9, allow_nan=False, places=4),
    Kind.MONEY: st.decimals(-(10**15), 10**15, allow_nan=False, places=2),
    Kind.DATE: st.dates(date(1850, 1, 1), date(2200, 1, 1)),
    Kind.DATETIME: st.datetimes(
        datetime(1850, 1, 1),  # noqa: DTZ001
        datetime(2200, 1, 1),  # noqa: DTZ001
        timezones=st.just(UTC),
    ).map(lambda moment: moment - timedelta(microseconds=moment.microsecond % 1000)),
    Kind.BOOLEAN: st.booleans(),
}
"""Valid cells of each kind; times to the millisecond."""


def rows_of(*kinds: Kind) -> st.SearchStrategy[list[Row]]:
    return st.lists(st.tuples(*(st.none() | CELLS[kind] for kind in kinds)), max_size=30)


def plain_rows(count: int) -> list[Row]:
    """Rows of text, integer, money and time."""
    return [
        (f"order {number}", number, Decimal(number).scaleb(-2), CREATED + timedelta(seconds=number))
        for number in range(count)
    ]


PLAIN = (Kind.TEXT, Kind.INTEGER, Kind.MONEY, Kind.DATETIME)
