"""XLSX, written forward only: a row function compiled from the columns' kinds, joined text, deflate, ZIP stream.

The format is ECMA-376 (Office Open XML), part 1, chapter 18; the limits are Excel's ("Excel specifications and
limits"). What a spreadsheet cannot hold exactly is written as text and not changed: numbers of more than 15 digits,
and dates before 1900-03-01, about which spreadsheets disagree (Excel's 1900 is a leap year).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import chain, islice
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from comanda.adapters.reports.writers import xlsx_parts as parts
from comanda.adapters.reports.writers.xlsx_measures import HIGHEST, LAST_ROW, lines_of, widths_of
from comanda.adapters.reports.writers.xlsx_parts import Look
from comanda.domain.reports.table import Column, Kind, Row, Strong, Table, Totals, check_cell, check_rows, clean_text
from comanda.domain.shared.errors import InvalidTable

MAX_COLUMNS = 16_384
MAX_TEXT = 32_767
"""UTF-16 code units in a cell."""
MAX_SHEET_BYTES = 2**31 - 2**20
"""Of XML. `zipfile` wants ZIP64 for larger entries, which not every reader takes, so such a sheet ends earlier."""
DEFLATE_LEVEL = 1
"""A quarter more bytes than at level 6, in half the time (docs/decisions/0006)."""
BATCH_CELLS = 5_120
SAMPLE_ROWS = 200
"""From these it is decided, before the first byte is out, how wide columns are, and which repeat their texts."""
MAX_SHARED, MAX_SHARED_LENGTH = 16_384, 100
"""How many texts, and of how many characters, are kept to the end to be written once (ECMA-376, 18.4)."""

_MAX_DIGITS = 15
_FIRST_DAY = date(1900, 3, 1)
_EPOCH_DAY = date(1899, 12, 30)
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001  a spreadsheet's times have no zone
_EPOCH_UTC = _EPOCH.replace(tzinfo=UTC)
_DAY = timedelta(days=1)
_FIRST_NUMBER = (_FIRST_DAY - _EPOCH_DAY).days

_is_plain = re.compile(r"(?![ =+\-@])[^\x00-\x1f\x7f-\x9f&<>\ud800-\udfff\ufffe\uffff]{0,16000}(?<! )").fullmatch
"""Text that goes into XML as it is, needs no `xml:space` and no style, and is surely not too long."""

Render = Callable[[Sequence[Row], int], str]
"""Rows and the number of the first, to XML."""


def write(table: Table, rows: Iterable[Row]) -> Iterator[bytes]:
    """The bytes of a workbook, in pieces of some ten kilobytes, while the rows are read.

    A table longer than a sheet goes on in further sheets, each with the header. Raises InvalidTable.
    """
    if len(table.columns) > MAX_COLUMNS:
        raise InvalidTable(f"{len(table.columns)} columns; a sheet has at most {MAX_COLUMNS}")
    batch_rows = max(1, BATCH_CELLS // len(table.columns))
    rows = iter(rows)
    sample = list(islice(rows, SAMPLE_ROWS))
    check_rows(table.columns, sample)
    widths = widths_of(table, sample, all_seen=len(sample) < SAMPLE_ROWS)
    rows = chain(sample, rows)
    head = parts.sheet_head(table, widths)
    cells = _Cells(table, sample, widths)
    sheets: list[parts.Sheet] = []
    out = _Buffer()
    with ZipFile(out, "w", ZIP_DEFLATED, compresslevel=DEFLATE_LEVEL) as archive:
        batch = list(islice(rows, batch_rows))
        while batch or not sheets:
            sheet = _SheetRows(cells)
            with archive.open(parts.sheet_path(len(sheets)), "w") as entry:
                entry.write(head)
                while batch and (xml := sheet.take(batch)):
                    entry.write(xml)
                    batch = batch[sheet.taken :] or list(islice(rows, batch_rows))
                    if out.pieces:
                        yield out.take()
                if not batch:
                    entry.write(cells.totals_row(sheet.last_row + 1))
                entry.write(parts.sheet_foot(table, widths, sheet.last_row))
            sheets.append(parts.Sheet(parts.sheet_name(table.title, len(sheets)), sheet.last_row))
        with archive.open(parts.sheet_path(len(sheets)), "w") as entry:
            entry.write(cells.about())
        sheets.append(parts.Sheet(parts.free_name(table.locale.about, [sheet.name for sheet in sheets]), None))
        for path, content in parts.workbook(table, sheets, cells.shared).items():
            with archive.open(path, "w") as entry:
                entry.write(content)
    yield out.take()


class _SheetRows:
    """The rows of one sheet, as many as it holds."""

    def __init__(self, cells: "_Cells") -> None:
        self._cells = cells
        self._bytes = 0
        self.last_row = 1
        """The header stands in row 1."""
        self.taken = 0

    def take(self, batch: Sequence[Row]) -> bytes:
        """XML of the first `taken` rows of the batch; empty where the sheet is full."""
        fitting = batch[: LAST_ROW - self._cells.table.has_totals - self.last_row]
        xml = self._cells.render(fitting, self.last_row + 1)
        if self._bytes and self._bytes + len(xml) > MAX_SHEET_BYTES:
            return b""
        self._cells.count(fitting)
        self._bytes += len(xml)
        self.taken = len(fitting)
        self.last_row += self.taken
        return xml


class _Cells:
    """Turns rows of one table into XML, adds them up, and keeps the texts that are written once."""

    def __init__(self, table: Table, sample: Sequence[Row], widths: Sequence[int]) -> None:
        self.table = table
        self._wrapping = {
            place: width
            for place, (column, width) in enumerate(zip(table.columns, widths, strict=True))
            if column.kind is Kind.TEXT and any(lines_of(row[place], width) > 1 for row in sample)
        }
        """Columns whose texts go on in further lines, and their widths."""
        self.shared: dict[str, int] = {}
        self._sharing = [
            column.kind is Kind.TEXT and 2 * len({row[place] for row in sample}) <= len(sample)
            for place, column in enumerate(table.columns)
        ]
        self._totals = Totals(table.columns)
        self._rows_before = 0
        self._render = self._compile()

    def render(self, rows: Sequence[Row], first: int) -> bytes:
        """XML of rows; `first` is the number of the first in its sheet. Raises InvalidTable."""
        try:
            if Strong in set(map(type, rows)):
                return b"".join(
                    self._set_apart(row, number, Look.STRONG)
                    if type(row) is Strong
                    else self._render([row], number).encode()
                    for number, row in enumerate(rows, first)
                )
            return self._render(rows, first).encode()
        except (TypeError, ValueError, AttributeError, InvalidTable):
            check_rows(self.table.columns, rows, self._rows_before + 1)
            raise

    def count(self, rows: Sequence[Row]) -> None:
        self._totals.add(rows)
        self._rows_before += len(rows)

    def totals_row(self, number: int) -> bytes:
        if not self.table.has_totals:
            return b""
        return self._set_apart(self._totals.row(self.table.locale.total), number, Look.TOTAL)

    def about(self) -> bytes:
        """The last sheet: what the others are, and what is known only at their end."""
        facts = parts.about(self.table, self._rows_before, self._totals.foreseen(1))
        rows = "".join(
            f'<row r="{number}">{self._value(Kind.TEXT, 0, name, number, Look.STRONG)}'
            f"{self._value(kind, 1, value, number, Look.NOTE)}</row>"
            for number, (name, kind, value) in enumerate(facts, 3)
        )
        return parts.about_head(self.table, facts) + rows.encode() + parts.about_foot(self.table)

    def _set_apart(self, row: Row, number: int, look: Look) -> bytes:
        """A row that is not like the others. Raises InvalidTable."""
        cells = ""
        for place, (column, cell) in enumerate(zip(self.table.columns, row, strict=True)):
            if isinstance(cell, str):  # A label may stand in a column of any kind.
                cells += self._value(Kind.TEXT, place, cell, number, look)
            else:
                check_cell(column, cell, f"row {number} of the sheet, column {column.title!r}")
                cells += self._value(column.kind, place, cell, number, look)
        return f'<row r="{number}">{cells}</row>'.encode()

    def _compile(self) -> Render:
        """One f-string for a whole row. What is usual for a kind is written in place; the rest asks `_any`."""
        names = [f"v{place}" for place in range(len(self.table.columns))]
        styles = [parts.WRAPPED if place in self._wrapping else None for place in range(len(names))]
        cells = list(map(_expression, self.table.columns, range(len(names)), names, self._sharing, styles))
        height = f"{{height({', '.join(names[place] for place in self._wrapping)})}}" if self._wrapping else ""
        # Compiling one f-string takes time with the square of its length: 17 s for 16,384 columns in one.
        groups = ["".join(cells[first : first + 64]) for first in range(0, len(cells), 64)]
        row = " + ".join(f"f'''{group}'''" for group in [f'<row r="{{n}}"{height}>' + groups[0], *groups[1:], "</row>"])
        variables = ", ".join(names)
        source = f"def render(rows, first):\n return ''.join([{row} for n, ({variables},) in enumerate(rows, first)])"
        known: dict[str, Any] = {
            "height": partial(_height, list(self._wrapping.values())),
            "plain": _is_plain,
            "money": _usual_money,
            "moment": self._moment,
            "day": _usual_day,
            "shared": self.shared.get,
            "odd": [partial(self._any, place) for place in range(len(names))],
        }
        exec(source, known)  # noqa: S102  made of column numbers and style numbers, of nothing a caller wrote
        render: Render = known["render"]
        return render

    def _any(self, place: int, cell: Any, number: int) -> str:
        """The XML of any cell. Raises InvalidTable where its column's kind or the format does not allow it."""
        column = self.table.columns[place]
        where = f"row {number} of the sheet, column {column.title!r}"
        check_cell(column, cell, where)
        if column.kind is Kind.TEXT:
            return self._text(place, number, cell, where)
        return self._value(column.kind, place, cell, number, Look.PLAIN)

    def _value(self, kind: Kind, place: int, cell: Any, number: int, look: Look) -> str:
        """The XML of a checked cell that need not be fast."""
        style = parts.style_of(kind, look)
        if cell is None:
            return parts.empty_cell(place, number, style)
        value: object
        match kind:
            case Kind.TEXT:
                return parts.text_cell(place, number, parts.escaped(clean_text(cell)), style, keep_space=True)
            case Kind.BOOLEAN:
                return parts.boolean_cell(place, number, f"{cell:d}", style)
            case Kind.DATE:
                value, exact = _usual_day(cell), cell.isoformat()
            case Kind.DATETIME:
                value, exact = self._moment(cell), cell.isoformat()
            case Kind.INTEGER | Kind.DECIMAL | Kind.MONEY:
                exact = f"{cell:f}" if isinstance(cell, Decimal) else str(cell)
                digits = exact.lstrip("-0.").replace(".", "")
                value = exact if len(digits) <= _MAX_DIGITS else None
        if value is None:
            return parts.text_cell(place, number, exact, style=parts.AS_TEXT)
        return parts.number_cell(place, number, value, style)

    def _text(self, place: int, number: int, text: str, where: str) -> str:
        """Any text. What could be taken for a formula gets the format "text", and stays text when it is edited."""
        cleaned = clean_text(text)
        length = len(cleaned.encode("utf-16-le")) // 2
        if length > MAX_TEXT:
            raise InvalidTable(f"{where}: {length} characters; a cell holds {MAX_TEXT}")
        if cleaned.startswith(("=", "+", "-", "@")):
            return parts.text_cell(place, number, parts.escaped(cleaned), parts.AS_TEXT, keep_space=True)
        style = parts.WRAPPED if place in self._wrapping else None
        if self._sharing[place] and length <= MAX_SHARED_LENGTH and len(self.shared) < MAX_SHARED:
            return parts.shared_cell(place, number, self.shared.setdefault(text, len(self.shared)), style)
        return parts.text_cell(place, number, parts.escaped(cleaned), style, keep_space=True)

    def _moment(self, moment: datetime) -> float | None:
        """Days since the epoch as a clock on the wall in the table's zone shows them; None before the first date.

        Raises TypeError for a time without its zone.
        """
        days = (moment - _EPOCH_UTC) / _DAY
        if self.table.zone is not UTC:
            days = (moment.astimezone(self.table.zone).replace(tzinfo=None) - _EPOCH) / _DAY
        return days if days >= _FIRST_NUMBER else None


def _height(widths: Sequence[int], *texts: str | None) -> str:
    """The attribute that makes a row as high as its texts need: not every reader looks for itself."""
    lines = max(map(lines_of, texts, widths))
    return f' ht="{min(15 * lines, HIGHEST)}"' if lines > 1 else ""


def _expression(column: Column, place: int, v: str, sharing: bool, text_style: int | None) -> str:
    """The part of the row's f-string that writes one cell, from the variable `v` and the row number `n`."""
    style = parts.style_of(column.kind)
    limit = 10**_MAX_DIGITS
    number_cell = parts.number_cell(place, "{n}", "{m}", style)
    match column.kind:
        case Kind.TEXT if sharing:
            usual = parts.shared_cell(place, "{n}", "{m}", text_style)
            condition = f"(m := shared({v})) is not None"
        case Kind.TEXT:
            usual = parts.text_cell(place, "{n}", f"{{{v}}}", text_style)
            condition = f"plain({v}) and '_x' not in {v}"
        case Kind.BOOLEAN:
            usual, condition = parts.boolean_cell(place, "{n}", f"{{{v}:d}}", style), f"{v}.__class__ is bool"
        case Kind.INTEGER:
            usual, condition = number_cell, f"{v}.__class__ is int and {-limit} < (m := {v}) < {limit}"
        case Kind.MONEY:
            usual, condition = number_cell, f"(m := money({v}))"
        case Kind.DATE:
            usual, condition = number_cell, f"(m := day({v}))"
        case Kind.DATETIME:
            usual, condition = number_cell, f"(m := moment({v}))"
        case Kind.DECIMAL:
            usual, condition = "", "False"
    return f'''{{"" if {v} is None else f"""{usual}""" if {condition} else odd[{place}]({v}, n)}}'''


def _usual_money(amount: object) -> str | None:
    """An amount with two places and at most 15 digits, as XML has it."""
    text = str(amount)
    return text if amount.__class__ is Decimal and text[-3:-2] == "." and len(text) <= _MAX_DIGITS + 1 else None


def _usual_day(day: date) -> int | None:
    return (day - _EPOCH_DAY).days if day.__class__ is date and day >= _FIRST_DAY else None


class _Buffer:
    """What `ZipFile` writes into: it cannot seek, so each entry is followed by a data descriptor (APPNOTE 4.3.9)."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def take(self) -> bytes:
        taken = b"".join(self.pieces)
        self.pieces.clear()
        return taken
