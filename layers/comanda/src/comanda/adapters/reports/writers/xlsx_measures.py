"""How wide columns are and how high rows, so that nothing is cut off; and how much of both a sheet may have."""

import unicodedata
from collections.abc import Sequence
from math import ceil
from typing import Any

from comanda.domain.reports.table import SUMMABLE, Cell, Kind, Row, Table, Totals
from comanda.domain.shared.locale import currency_symbol

LAST_ROW = 1_048_576
HIGHEST = 409
"""Of a row, in points."""
WIDEST, _NARROWEST = 48, 8
"""Of a column, in characters of the default font, as all widths here."""
_LEAST_UNSEEN = {Kind.INTEGER: 13, Kind.DECIMAL: 18, Kind.MONEY: 20}
"""Width of a column of numbers, where rows come that were not measured: a number that does not fit shows as ###."""


def widths_of(table: Table, sample: Sequence[Row], *, all_seen: bool) -> list[int]:
    """One width for each column, from its title (with room for the filter's button), the cells of the sample, and the
    totals that may come of it."""
    totals = Totals(table.columns)
    totals.add(sample)
    sums = totals.foreseen(1 if all_seen else LAST_ROW // len(sample))
    return [_width(table, place, [row[place] for row in sample], sums[place], all_seen) for place in range(len(sums))]


def _width(table: Table, place: int, cells: Sequence[Cell], total: Cell, all_seen: bool) -> int:
    column = table.columns[place]
    shown = table.as_shown(column)
    lengths = [columns_of(shown(cell)) for cell in cells if cell is not None]
    if total is not None:  # Bold.
        lengths.append(ceil(1.1 * len(shown(total))))
    beside = 2
    if column.kind in SUMMABLE:
        beside += 2
        lengths.append(0 if all_seen else _LEAST_UNSEEN[column.kind] - beside)
    if column.kind is Kind.MONEY:
        beside += len(currency_symbol(table.currency)) + 1
    title = columns_of(column.title) + 4
    return min(max([title, _NARROWEST, *(length + beside for length in lengths)]), WIDEST)


def lines_of(text: Any, width: int) -> int:
    """How many lines a text needs in a column, about; None, as a cell without one, needs one."""
    if not text:
        return 1
    if "\n" in text:
        return sum(lines_of(line, width) for line in text.split("\n"))
    return 1 if len(text) < width else ceil(len(text) / (width - 2))


def columns_of(text: str) -> int:
    """How wide the longest line is, in characters; wide ones of East Asia count twice."""
    return max(
        (sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line) for line in text.split("\n")),
        default=0,
    )
