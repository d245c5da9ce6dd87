"""Small XLSX sheets with a chart, by XlsxWriter: the whole of it in memory, so for summaries only."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from io import BytesIO
from typing import Any

import xlsxwriter

from comanda.adapters.reports import xlsx_parts as parts
from comanda.domain.errors import TooManyRows
from comanda.domain.table import Kind, Row, Table, check_rows, clean_text

MAX_ROWS = 100_000
_MOST_WIDE = 60
_CHUNK = 64 * 1024


def write(table: Table, rows: Iterable[Row]) -> Iterator[bytes]:
    """The bytes of a workbook, once all rows are read. Raises InvalidTable, TooManyRows."""
    read: list[Row] = []
    for row in rows:
        read.append(row)
        if len(read) > MAX_ROWS:
            raise TooManyRows(f"a sheet with a chart has at most {MAX_ROWS} rows; csv takes any number")
    check_rows(table.columns, read)
    content = _workbook(table, read)
    yield from (content[start : start + _CHUNK] for start in range(0, len(content), _CHUNK))


def _workbook(table: Table, rows: Sequence[Row]) -> bytes:
    out = BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        created = table.created_at.astimezone(UTC).replace(tzinfo=None)
        book.set_properties({"title": table.title, "comments": "\n".join(table.subtitle), "created": created})
        sheet = book.add_worksheet(parts.sheet_name(table.title, 0))
        sheet.write_string(0, 0, clean_text(table.title), book.add_format({"bold": True, "font_size": 14}))
        for number, line in enumerate(table.subtitle, 1):
            sheet.write_string(number, 0, clean_text(line))
        top = len(table.subtitle) + 2
        _write_rows(book, sheet, table, rows, top)
        sheet.freeze_panes(top + 1, 0)
        sheet.autofilter(top, 0, top + max(len(rows), 1), len(table.columns) - 1)
        if table.chart:
            _draw(book, sheet, table, rows, top)
    return out.getvalue()


def _write_rows(book: Any, sheet: Any, table: Table, rows: Sequence[Row], top: int) -> None:
    formats = parts.number_formats(table)
    head = book.add_format({"bold": True, "bg_color": "#DDE3EA", "bottom": 1})
    for place, column in enumerate(table.columns):
        sheet.write_string(top, place, clean_text(column.title), head)
        form = book.add_format({"num_format": formats.get(column.kind, "General")})
        shown = table.as_shown(column)
        widest = max([len(column.title), *(len(shown(row[place])) for row in rows if row[place] is not None)])
        sheet.set_column(place, place, min(widest, _MOST_WIDE) + 4)
        for number, row in enumerate(rows, top + 1):
            _write_cell(sheet, table, number, place, row[place], form)


def _write_cell(sheet: Any, table: Table, number: int, place: int, cell: Any, form: Any) -> None:
    """Text is always written as text: nothing in it becomes a formula or a link."""
    match table.columns[place].kind:
        case _ if cell is None:
            return
        case Kind.TEXT:
            sheet.write_string(number, place, clean_text(cell), form)
        case Kind.BOOLEAN:
            sheet.write_boolean(number, place, cell, form)
        case Kind.DATE:
            sheet.write_datetime(number, place, cell, form)
        case Kind.DATETIME:
            sheet.write_datetime(number, place, table.local(cell).replace(tzinfo=None), form)
        case Kind.INTEGER | Kind.DECIMAL | Kind.MONEY:
            sheet.write_number(number, place, cell, form)


def _draw(book: Any, sheet: Any, table: Table, rows: Sequence[Row], top: int) -> None:
    """Beside the rows; the rows that are drawn stand together."""
    chart = table.chart
    drawn = [number for number, row in enumerate(rows, top + 1) if chart and row[0] == chart.of]
    if not chart or not drawn:
        return
    first, last = drawn[0], drawn[-1]
    columns = book.add_chart({"type": "column"})
    columns.add_series(
        {
            "name": chart.title,
            "categories": [sheet.name, first, chart.categories, last, chart.categories],
            "values": [sheet.name, first, chart.values, last, chart.values],
        }
    )
    columns.set_title({"name": chart.title})
    columns.set_legend({"none": True})
    columns.set_size({"width": 720, "height": 400})
    sheet.insert_chart(top, len(table.columns) + 1, columns)
