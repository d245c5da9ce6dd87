"""Every type in every format, read back whole by readers that have nothing in common with the writers."""

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any

import openpyxl
import pypdfium2
import pytest
from python_calamine import CalamineWorkbook

from comanda.application.reports.types import REPORT_TYPES
from comanda.domain.reports.report import ReportFormat
from comanda.domain.reports.table import Row, Table, Totals
from tests.reports.every_report import Written, written

LOCALES = ("pt-BR", "en-US")
AS_OF = {"pt-BR": ("Posição em", "22/11/2026 06:30:"), "en-US": ("As of", "11/22/2026 06:30:")}
ZONE = {"pt-BR": ("Fuso horário", "America/Sao_Paulo"), "en-US": ("Time zone", "America/Sao_Paulo")}

every_report = pytest.mark.parametrize(
    ("name", "locale"), [(name, locale) for name in REPORT_TYPES for locale in LOCALES]
)


def in_a_cell(table: Table, cell: Any) -> Any:
    """What a spreadsheet holds for it."""
    match cell:
        case datetime():
            return table.local(cell).replace(tzinfo=None)
        case date():
            return datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001
        case Decimal():
            return float(cell)
    return cell


def all_rows(report: Written) -> list[Row]:
    """With the totals, if the table has them."""
    totals = Totals(report.table.columns)
    totals.add(report.rows)
    return [*report.rows, *([totals.row(report.table.locale.total)] if report.table.has_totals else [])]


def about(report: Written) -> list[list[Any]]:
    """What the last sheet holds."""
    totals = Totals(report.table.columns)
    totals.add(report.rows)
    return [
        [report.table.title, None],
        [None, None],
        *([name, value] for name, value in report.table.facts),
        [report.table.locale.rows, len(report.rows)],
        *(
            [f"Total: {column.title}", float(str(total))]
            for column, total in zip(report.table.columns, totals.foreseen(1), strict=True)
            if column.total
        ),
    ]


@every_report
def test_openpyxl_finds_every_cell(name: str, locale: str) -> None:
    report = written(name, ReportFormat.XLSX, locale)
    sheet, last = openpyxl.load_workbook(BytesIO(report.content)).worksheets
    found = [[cell.value for cell in row] for row in sheet.iter_rows()]
    titles = [column.title for column in report.table.columns]
    assert found == [titles, *([in_a_cell(report.table, cell) for cell in row] for row in all_rows(report))]
    assert [[cell.value for cell in row] for row in last.iter_rows()] == about(report)


@every_report
def test_calamine_finds_every_cell(name: str, locale: str) -> None:
    report = written(name, ReportFormat.XLSX, locale)
    book = CalamineWorkbook.from_filelike(BytesIO(report.content))
    sheet, last = (book.get_sheet_by_index(place).to_python() for place in (0, 1))
    wanted = [[in_a_cell(report.table, cell) for cell in row] for row in all_rows(report)]
    # It gives a time at midnight as a date, and an empty cell as an empty text.
    assert [list(map(_without_midnight, row)) for row in sheet[1:]] == [
        ["" if cell is None else _without_midnight(cell) for cell in row] for row in wanted
    ]
    assert last == [["" if cell is None else cell for cell in row] for row in about(report)]


def _without_midnight(cell: Any) -> Any:
    return cell.date() if isinstance(cell, datetime) and not (cell.hour or cell.minute or cell.second) else cell


@every_report
def test_pdfium_finds_every_line(name: str, locale: str) -> None:
    report = written(name, ReportFormat.PDF, locale)
    document, shows = pypdfium2.PdfDocument(report.content), list(map(report.table.as_shown, report.table.columns))
    lines = [" ".join(line.split()) for page in document for line in page.get_textpage().get_text_range().splitlines()]
    wanted = [
        " ".join(
            cell if isinstance(cell, str) else show(cell)
            for show, cell in zip(shows, row, strict=True)
            if cell is not None
        )
        for row in all_rows(report)
    ]
    assert [line for line in lines if line in set(wanted)] == wanted
    assert lines[: len(report.table.facts) + 1] == [report.table.title, *report.table.subtitle]
    paper = {(595, 842), (842, 595)} if locale == "pt-BR" else {(612, 792), (792, 612)}
    assert {tuple(map(round, page.get_size())) for page in document} <= paper


@every_report
def test_a_csv_is_the_table_and_nothing_else(name: str, locale: str) -> None:
    report = written(name, ReportFormat.CSV, locale)
    header, *rows = csv.reader(StringIO(report.content.decode("utf-8-sig"), newline=""))
    assert header == [column.title for column in report.table.columns]
    assert len(rows) == len(report.rows)
    assert {len(row) for row in rows} == {len(header)}
    for found, row in zip(rows, report.rows, strict=True):
        for text, cell in zip(found, row, strict=True):
            match cell:
                case None:
                    assert text == ""
                case bool() | str():
                    assert text.removeprefix("'").casefold() == str(cell).casefold()
                case datetime():
                    assert datetime.fromisoformat(text).astimezone(UTC) == cell
                case date():
                    assert date.fromisoformat(text) == cell
                case int() | Decimal():
                    assert Decimal(text) == cell


@every_report
def test_every_file_for_people_says_as_of_when_it_is(name: str, locale: str) -> None:
    (as_of, moment), zone = written(name, ReportFormat.XLSX, locale).table.facts[-2:]
    assert (as_of, zone) == (AS_OF[locale][0], ZONE[locale])
    assert moment.startswith(AS_OF[locale][1])


@pytest.mark.parametrize("report_format", ["xlsx", "pdf"])
def test_a_statement_ends_with_its_closing_balance_in_its_period(report_format: str) -> None:
    report = written("recipient-statement", ReportFormat(report_format), "pt-BR")
    opening, *entries, closing = report.rows
    amounts = [row[3] for row in entries if isinstance(row[3], Decimal)]
    assert closing[4] == sum(amounts, Decimal(str(opening[4])))
    assert [row[0] for row in entries] == list(range(int(str(entries[0][0])), int(str(entries[-1][0])) + 1))
    if report_format == "xlsx":
        sheet = openpyxl.load_workbook(BytesIO(report.content)).worksheets[0]
        last = list(sheet.iter_rows(values_only=True))[-2]
        assert (last[2], last[4]) == ("Saldo final", float(str(closing[4])))
    else:
        page = list(pypdfium2.PdfDocument(report.content))[-1]
        assert f"Saldo final {report.table.locale.money(Decimal(str(closing[4])))}" in " ".join(
            page.get_textpage().get_text_range().split()
        )
