"""Small XLSX sheets with a chart, by XlsxWriter: the whole of it in memory, so for summaries only."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from io import BytesIO
from typing import Any

import xlsxwriter

from comanda.adapters.reports.writers import xlsx_parts as parts
from comanda.adapters.reports.writers.xlsx_measures import HIGHEST, WIDEST, lines_of, widths_of
from comanda.domain.reports.table import SUMMABLE, Chart, Kind, Row, Strong, Table, Totals, check_rows, clean_text
from comanda.domain.shared.errors import TooManyRows
from comanda.domain.shared.locale import currency_symbol

MAX_ROWS = 100_000
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
    widths = widths_of(table, rows, all_seen=True)
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        created = table.created_at.astimezone(UTC).replace(tzinfo=None)
        facts = "\n".join(table.subtitle)
        book.set_properties({"title": table.title, "author": "Comanda", "comments": facts, "created": created})
        sheet = book.add_worksheet(parts.sheet_name(table.title, 0))
        _write_rows(book, sheet, table, rows, widths)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, _last_filtered(rows), len(table.columns) - 1)
        sheet.repeat_rows(0)
        if table.chart:
            _draw(book, sheet, table, table.chart, rows)
        _set_up_print(sheet, table)
        sheet.set_landscape()
        sheet.set_header(parts.page_header(table))
        _write_about(book, table, rows)
    return out.getvalue()


def _write_rows(book: Any, sheet: Any, table: Table, rows: Sequence[Row], widths: Sequence[int]) -> None:
    look = {"bold": True, "font_color": "#FFFFFF", "bg_color": f"#{parts.HEADER_COLOUR}", "valign": "vcenter"}
    formats = parts.number_formats(table)
    sheet.set_row(0, 20)
    for place, column in enumerate(table.columns):
        aligned: dict[str, Any] = {"align": "right" if column.kind in SUMMABLE else "left"}
        indent = {"indent": 1} if column.kind in SUMMABLE else {}
        sheet.write_string(0, place, clean_text(column.title), book.add_format(look | aligned | indent))
        sheet.set_column(place, place, widths[place])
        wrapped = {"text_wrap": column.kind is Kind.TEXT}
        plain = aligned | wrapped | {"num_format": formats.get(column.kind, "General"), "valign": "top"}
        strong = plain | {"bold": True, "top": 1}
        forms = {tuple: book.add_format(plain), Strong: book.add_format(strong)}
        for number, row in enumerate(rows, 1):
            _write_cell(sheet, table, number, place, row[place], column.kind, forms[type(row)])
    texts = [(place, widths[place]) for place, column in enumerate(table.columns) if column.kind is Kind.TEXT]
    for number, row in enumerate(rows, 1):
        lines = max((lines_of(row[place], width) for place, width in texts), default=1)
        if lines > 1:
            sheet.set_row(number, min(15 * lines, HIGHEST))


def _write_cell(sheet: Any, table: Table, number: int, place: int, cell: Any, kind: Kind, form: Any) -> None:
    """Text is always written as text: nothing in it becomes a formula or a link."""
    match kind:
        case _ if cell is None:
            sheet.write_blank(number, place, None, form)
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


def _last_filtered(rows: Sequence[Row]) -> int:
    """The last row that a filter or a sort may move: a total stays where it is."""
    return max(len(rows) - (type(rows[-1]) is Strong), 1) if rows else 1


def _set_up_print(sheet: Any, table: Table) -> None:
    sheet.set_paper(parts.PAPERS[table.paper])
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.4, right=0.4, top=0.9, bottom=0.6)
    sheet.set_footer(parts.page_footer(table))


def _write_about(book: Any, table: Table, rows: Sequence[Row]) -> None:
    """The last sheet, as `xlsx` writes it."""
    totals = Totals(table.columns)
    totals.add(rows)
    facts = parts.about(table, len(rows), totals.foreseen(1))
    sheet = book.add_worksheet(parts.free_name(table.locale.about, [book.worksheets()[0].name]))
    sheet.hide_gridlines(2)
    sheet.set_row(0, 24)
    sheet.set_column(0, 0, parts.about_width(facts))
    sheet.set_column(1, 1, WIDEST)
    sheet.write_string(0, 0, clean_text(table.title), book.add_format({"bold": True, "font_size": 14}))
    strong, formats = book.add_format({"bold": True, "valign": "top"}), parts.number_formats(table)
    for number, (name, kind, value) in enumerate(facts, 2):
        form = {"num_format": formats.get(kind, "General"), "align": "left", "valign": "top", "text_wrap": True}
        sheet.write_string(number, 0, clean_text(name), strong)
        _write_cell(sheet, table, number, 1, value, kind, book.add_format(form))
    _set_up_print(sheet, table)


def _draw(book: Any, sheet: Any, table: Table, chart: Chart, rows: Sequence[Row]) -> None:
    """Beside the rows; the rows that are drawn stand together."""
    drawn = [number for number, row in enumerate(rows, 1) if row[0] == chart.of]
    if not drawn:
        return
    first, last = drawn[0], drawn[-1]
    columns = book.add_chart({"type": "column"})
    columns.add_series(
        {
            "name": [sheet.name, 0, chart.values],
            "categories": [sheet.name, first, chart.categories, last, chart.categories],
            "values": [sheet.name, first, chart.values, last, chart.values],
            "fill": {"color": f"#{parts.HEADER_COLOUR}"},
            "gap": 60,
        }
    )
    measured = table.columns[chart.values]
    unit = f" ({currency_symbol(table.currency)})" if measured.kind is Kind.MONEY else ""
    columns.set_title({"name": f"{clean_text(chart.title)}{unit}", "name_font": {"size": 13}})
    columns.set_x_axis({"name": clean_text(chart.of), "num_font": {"rotation": -45}})
    columns.set_y_axis({"num_format": "#,##0", "major_gridlines": {"visible": True, "line": {"color": "#D9D9D9"}}})
    columns.set_legend({"none": True})
    columns.set_size({"width": 720, "height": 400})
    sheet.insert_chart(1, len(table.columns) + 1, columns)
