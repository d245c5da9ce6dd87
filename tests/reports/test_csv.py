"""CSV, read back by the standard library's reader."""

import csv
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given

from comanda.adapters.reports.writers import csv as csv_report
from comanda.domain.reports.table import Kind, Row, Table, clean_text
from comanda.domain.shared.errors import InvalidTable
from tests.reports.tables import PLAIN, a_table, plain_rows, rows_of


def written(table: Table, rows: Iterable[Row]) -> bytes:
    return b"".join(csv_report.write(table, rows))


def read_back(content: bytes) -> list[list[str]]:
    return list(csv.reader(StringIO(content.decode("utf-8-sig"), newline="")))[1:]


@given(rows_of(Kind.TEXT, Kind.INTEGER, Kind.DECIMAL, Kind.MONEY, Kind.DATETIME))
def test_what_goes_in_is_read_back(rows: list[Row]) -> None:
    table = a_table(Kind.TEXT, Kind.INTEGER, Kind.DECIMAL, Kind.MONEY, Kind.DATETIME)
    for before, after in zip(rows, read_back(written(table, rows)), strict=True):
        text, number, decimal, amount, moment = before
        guarded = clean_text(text) if isinstance(text, str) else ""
        assert after[0] == (f"'{guarded}" if guarded[:1] in {"=", "+", "-", "@", "\t", "\n"} else guarded)
        assert after[1] == ("" if number is None else str(number))
        assert [Decimal(cell) if cell else None for cell in after[2:4]] == [decimal, amount]
        assert (datetime.fromisoformat(after[4]) if after[4] else None) == moment


def test_the_file_is_rfc_4180_in_utf_8() -> None:
    table = a_table(*Kind, zone=ZoneInfo("America/Sao_Paulo"))
    moment = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
    row: Row = ('São "Paulo", a\nb', -7, Decimal("1E+3"), Decimal(5000), date(2026, 11, 22), moment, True)
    assert written(table, [row, (None,) * 7]) == (
        b"\xef\xbb\xbftext 0,integer 1,decimal 2,money 3,date 4,datetime 5,boolean 6\r\n"
        b'"S\xc3\xa3o ""Paulo"", a\nb",-7,1000,5000.00,2026-11-22,2026-11-22T09:30:00.000-03:00,true\r\n'
        b",,,,,,\r\n"
    )


def test_the_byte_order_mark_can_be_left_out() -> None:
    assert b"".join(csv_report.write(a_table(Kind.TEXT), [], byte_order_mark=False)) == b"text 0\r\n"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\x00=1+1"])
def test_a_text_that_would_run_as_a_formula_does_not(text: str) -> None:
    ((cell, number),) = read_back(written(a_table(Kind.TEXT, Kind.INTEGER), [(text, -1)]))
    assert cell == f"'{clean_text(text)}"
    assert number == "-1"


def test_a_bad_cell_is_refused_late_too() -> None:
    with pytest.raises(InvalidTable, match="row 2001, column 'integer 1'"):
        written(a_table(*PLAIN), [*plain_rows(2_000), ("x", "1", None, None)])


def test_many_rows_are_all_there() -> None:
    assert [row[0] for row in read_back(written(a_table(*PLAIN), plain_rows(2_500)))] == [
        f"order {number}" for number in range(2_500)
    ]
