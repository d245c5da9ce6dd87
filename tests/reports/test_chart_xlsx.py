"""Small sheets with a chart: read back by openpyxl, the same bytes twice."""

from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import openpyxl
import pytest

from comanda.adapters.reports.writers import chart_xlsx
from comanda.domain.reports.table import Chart, Column, Kind, Row, Strong, Table
from comanda.domain.shared.errors import InvalidTable
from comanda.domain.shared.locale import EN_US

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
TABLE = Table(
    title="Summary: [of] everything",
    columns=(
        Column("By"),
        Column("Value"),
        Column("Orders", Kind.INTEGER),
        Column("Amount", Kind.MONEY),
        Column("On", Kind.DATE),
        Column("At", Kind.DATETIME),
        Column("Good", Kind.BOOLEAN),
    ),
    created_at=AT,
    facts=(("Period", "November"), ("As of", "now")),
    locale=EN_US,
    chart=Chart("Amount", of="Day", categories=1, values=3),
)
ROWS: list[Row] = [
    ("Day", "11/01/2026", 1, Decimal("0.10"), date(2026, 11, 1), AT, True),
    ("Day", "11/02/2026", 2, Decimal("1234.50"), None, None, False),
    ("Recipient", '=HYPERLINK("http://x")', 3, Decimal("-1.00"), None, None, None),
    Strong(("Total", None, 6, Decimal("1233.60"), None, None, None)),
]


def read(content: bytes) -> Any:
    return openpyxl.load_workbook(BytesIO(content)).active


def test_every_cell_is_read_back_with_its_type() -> None:
    sheet = read(b"".join(chart_xlsx.write(TABLE, ROWS)))
    read_rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert read_rows[0] == [column.title for column in TABLE.columns]
    assert read_rows[1] == ["Day", "11/01/2026", 1, 0.1, datetime(2026, 11, 1), AT.replace(tzinfo=None), True]  # noqa: DTZ001
    assert read_rows[3][:4] == ["Recipient", '=HYPERLINK("http://x")', 3, -1]
    assert sheet.cell(4, 2).data_type == "s", "a text, not a formula"
    assert "R$" in sheet["D3"].number_format


def test_the_chart_shows_the_rows_of_its_group_and_no_others() -> None:
    sheet = read(b"".join(chart_xlsx.write(TABLE, ROWS)))
    (chart,) = sheet._charts
    (series,) = chart.series
    assert series.val.numRef.f.endswith("$D$2:$D$3")
    assert series.cat.strRef.f.endswith("$B$2:$B$3")


def test_the_total_stands_out_and_stays_below_when_rows_are_sorted() -> None:
    sheet = read(b"".join(chart_xlsx.write(TABLE, ROWS)))
    assert [sheet.cell(row, 3).font.bold for row in (2, 5)] == [False, True]
    assert sheet.auto_filter.ref == "A1:G4"


def test_sheet_and_print_are_those_of_every_report() -> None:
    book = openpyxl.load_workbook(BytesIO(b"".join(chart_xlsx.write(TABLE, ROWS))))
    sheet, about = book.worksheets
    assert (sheet.freeze_panes, sheet.print_title_rows) == ("A2", "$1:$1")
    assert sheet.oddHeader.left.text == "&BSummary: [of] everything&B\nPeriod: November · As of: now"
    assert (sheet.oddFooter.center.text, about.oddFooter.center.text) == ("Page &P of &N",) * 2
    assert (sheet.page_setup.orientation, sheet.page_setup.fitToHeight) == ("landscape", 0)
    assert about.title == "About this report"
    assert [[cell.value for cell in row] for row in about.iter_rows()] == [
        ["Summary: [of] everything", None],
        [None, None],
        ["Period", "November"],
        ["As of", "now"],
        ["Rows", 4],
    ]


@pytest.mark.parametrize("rows", [[], ROWS[2:]])
def test_without_a_row_of_its_group_there_is_no_chart(rows: list[Row]) -> None:
    assert read(b"".join(chart_xlsx.write(TABLE, rows)))._charts == []


def test_the_same_rows_make_the_same_bytes() -> None:
    first, second = (b"".join(chart_xlsx.write(TABLE, ROWS)) for _ in range(2))
    assert first == second


def test_a_bad_cell_is_named() -> None:
    bad: list[Row] = [("Day", "x", 1, Decimal("0.001"), None, None, None)]
    with pytest.raises(InvalidTable, match="row 1, column 'Amount'"):
        list(chart_xlsx.write(TABLE, bad))
