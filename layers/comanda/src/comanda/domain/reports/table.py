"""Tables: what a report holds, whatever format it is written in.

Rows are plain tuples in the order of the columns, streamed from an iterator, so that a report of any length needs the
memory of a few hundred rows. Any cell may be None: it stays empty.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import Any

from comanda.domain.shared.errors import InvalidTable
from comanda.domain.shared.locale import PT_BR, Locale, Paper
from comanda.domain.shared.money import money
from comanda.domain.shared.strict_json import is_unicode

Cell = str | int | Decimal | date | datetime | bool | None
Row = tuple[Cell, ...]


class Strong(tuple[Cell, ...]):
    """A row that stands out, such as a balance: bold, in formats that know bold."""

    __slots__ = ()


_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")
"""Control characters but tab and line feed, and the two code points that no XML document may hold (XML 1.0, 2.2)."""


class Kind(StrEnum):
    """What a column's cells are; the type they come in, and how they are shown."""

    TEXT = "text"
    """str"""
    INTEGER = "integer"
    """int"""
    DECIMAL = "decimal"
    """Decimal, with as many places as it has"""
    MONEY = "money"
    """Decimal with at most two places, in the table's currency"""
    DATE = "date"
    """date, without a time"""
    DATETIME = "datetime"
    """datetime that knows its zone; shown in the table's"""
    BOOLEAN = "boolean"
    """bool"""


_TYPES: dict[Kind, Any] = {
    Kind.TEXT: str,
    Kind.INTEGER: int,
    Kind.DECIMAL: Decimal,
    Kind.MONEY: Decimal,
    Kind.DATE: date,
    Kind.DATETIME: datetime,
    Kind.BOOLEAN: bool,
}
YEARS = range(2, 9999)
"""Of a time: in whatever zone it is shown, it still has one of the years that Python knows."""
SUMMABLE = {Kind.INTEGER, Kind.DECIMAL, Kind.MONEY}


@dataclass(frozen=True)
class Column:
    """One column. With `total`, its sum stands in the last row."""

    title: str
    kind: Kind = Kind.TEXT
    total: bool = False

    def __post_init__(self) -> None:
        check_text(self.title, f"column {self.title!r}")
        if self.total and self.kind not in SUMMABLE:
            raise InvalidTable(f"column {self.title!r}: {self.kind} cannot be summed up")


@dataclass(frozen=True)
class Chart:
    """Columns drawn from some of a table's rows: those whose first cell is `of`. Places of columns count from 0."""

    title: str
    of: str
    categories: int
    values: int


Fact = tuple[str, str]
"""Something about a table, and what it is called: ("Recipient", "ana")."""


@dataclass(frozen=True)
class Table:
    """What a file shows around its rows, and how. The same table and rows make the same bytes, anywhere, at any time:
    `created_at` goes into the file's properties, and no clock is read."""

    title: str
    columns: tuple[Column, ...]
    created_at: datetime
    facts: tuple[Fact, ...] = ()
    """Below the title: the period, the filters, the time up to which it holds."""
    currency: str = "BRL"
    """ISO 4217"""
    locale: Locale = PT_BR
    zone: tzinfo = UTC
    """Where its readers are: times are shown in it."""
    paper: Paper = Paper.A4
    chart: Chart | None = None
    """Drawn beside a small sheet; formats without charts leave it out."""

    def __post_init__(self) -> None:
        if not self.columns:
            raise InvalidTable("a table has at least one column")
        if self.created_at.tzinfo is None:
            raise InvalidTable("created_at knows its zone")
        for text in (self.title, *self.subtitle):
            check_text(text, "title")

    @property
    def subtitle(self) -> tuple[str, ...]:
        """The facts, one a line."""
        return tuple(f"{name}: {value}" for name, value in self.facts)

    @property
    def has_totals(self) -> bool:
        return any(column.total for column in self.columns)

    def local(self, moment: datetime) -> datetime:
        """The same instant in the readers' zone."""
        return moment.astimezone(self.zone)

    def as_shown(self, column: Column) -> Callable[[Any], str]:
        """What makes of a cell of this column, which is not None and was checked, the text that a reader sees."""
        match column.kind:
            case Kind.TEXT:
                return str
            case Kind.INTEGER | Kind.DECIMAL:
                return self.locale.number
            case Kind.MONEY:
                return self.locale.money
            case Kind.DATE:
                return self.locale.date
            case Kind.DATETIME:
                return lambda moment: self.locale.moment(self.local(moment))
            case Kind.BOOLEAN:
                return self.locale.boolean


class Totals:
    """The sums of the columns that have one, added up while rows stream by."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._sums: dict[int, Any] = {
            place: Decimal("0.00") if column.kind is Kind.MONEY else 0
            for place, column in enumerate(columns)
            if column.total
        }
        self._width = len(columns)

    def add(self, rows: Sequence[Row]) -> None:
        """Add checked rows."""
        for place in self._sums:
            cells: list[Any] = [row[place] for row in rows if row[place] is not None]
            self._sums[place] += sum(cells)

    def foreseen(self, times: int) -> Row:
        """The sums, if rows like those so far come so many times; None in columns without one."""
        return tuple(self._sums[place] * times if place in self._sums else None for place in range(self._width))

    def row(self, label: str) -> Row:
        """The last row of the table, with the label in the first column that has no sum."""
        cells: list[Cell] = [self._sums.get(place) for place in range(self._width)]
        if None in cells:
            cells[cells.index(None)] = label
        return tuple(cells)


def check_text(text: str, where: str) -> None:
    """Raises InvalidTable for half a surrogate pair: it is no character, and no file can hold it."""
    if not is_unicode(text):
        raise InvalidTable(f"{where}: text has a lone surrogate")


def clean_text(text: str) -> str:
    """Text that every format can hold: line ends are line feeds, and other control characters but tab are gone."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def check_rows(columns: Sequence[Column], rows: Sequence[Sequence[Any]], first: int = 1) -> None:
    """Raises InvalidTable that names row (counted from `first`) and column of the first cell that breaks a rule."""
    if {len(row) for row in rows} <= {len(columns)} and all(
        _surely_valid(column.kind, [row[place] for row in rows if row[place] is not None])
        for place, column in enumerate(columns)
    ):
        return
    for number, row in enumerate(rows, first):
        if len(row) != len(columns):
            raise InvalidTable(f"row {number}: {len(row)} cells for {len(columns)} columns")
        for column, cell in zip(columns, row, strict=True):
            check_cell(column, cell, f"row {number}, column {column.title!r}")


def _surely_valid(kind: Kind, cells: Sequence[Any]) -> bool:
    """Whether a glance at the cells of a column shows that each is valid; where it does not, each is looked at."""
    if not set(map(type, cells)) <= {_TYPES[kind]}:
        return False
    match kind:
        case Kind.TEXT:
            return is_unicode("".join(cells))
        case Kind.DECIMAL:
            return all(map(Decimal.is_finite, cells))
        case Kind.MONEY:
            return all(str(cell)[-3:-2] == "." and len(str(cell)) <= 16 for cell in cells)
        case Kind.DATETIME:
            return all(cell.tzinfo is not None and cell.year in YEARS for cell in cells)
        case Kind.INTEGER | Kind.DATE | Kind.BOOLEAN:
            return True


def check_cell(column: Column, cell: Any, where: str) -> None:
    """Raises InvalidTable where a cell is not what its column's kind says."""
    if cell is None:
        return
    looks_alike = (column.kind is Kind.INTEGER and isinstance(cell, bool)) or (
        column.kind is Kind.DATE and isinstance(cell, datetime)
    )
    if looks_alike or not isinstance(cell, _TYPES[column.kind]):
        raise InvalidTable(f"{where}: {type(cell).__name__} is no {column.kind}")
    match column.kind:
        case Kind.TEXT:
            check_text(cell, where)
        case Kind.DECIMAL if not cell.is_finite():
            raise InvalidTable(f"{where}: {cell} is no number")
        case Kind.MONEY:
            try:
                money(cell)
            except ValueError as error:
                raise InvalidTable(f"{where}: {error}") from None
        case Kind.DATETIME if cell.tzinfo is None:
            raise InvalidTable(f"{where}: a time without its zone")
        case Kind.DATETIME if cell.year not in YEARS:
            raise InvalidTable(f"{where}: a time has a year from {YEARS[0]} to {YEARS[-1]}")
