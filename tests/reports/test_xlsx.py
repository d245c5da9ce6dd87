"""Workbooks, read back by two readers that have nothing in common with the writer."""

import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from hypothesis import given
from python_calamine import CalamineWorkbook

from benchmarks import reports as benchmark
from comanda.adapters.reports.bucket import PART_BYTES
from comanda.adapters.reports.writers import xlsx
from comanda.adapters.reports.writers.xlsx_measures import LAST_ROW, widths_of
from comanda.domain.reports.table import Column, Kind, Row, Strong, Table, clean_text
from comanda.domain.shared.errors import InvalidTable
from comanda.domain.shared.locale import EN_US, Paper
from tests.reports.tables import CREATED, PLAIN, a_table, plain_rows, rows_of


def written(table: Table, rows: Iterable[Row]) -> bytes:
    return b"".join(xlsx.write(table, rows))


def by_openpyxl(content: bytes) -> Any:
    return openpyxl.load_workbook(BytesIO(content))


def rows_in(content: bytes) -> list[tuple[Any, ...]]:
    """What openpyxl reads below the header."""
    return list(by_openpyxl(content).active.iter_rows(min_row=2, values_only=True))


def as_excel_reads(cell: Any) -> Any:
    """openpyxl leaves the format's own escapes in a cell's text as they are."""
    return cell.replace("_x005F_", "_") if isinstance(cell, str) else cell


def expected(cell: Any, zone: Any = UTC) -> Any:
    """What a reader gives for a cell."""
    match cell:
        case str():
            return clean_text(cell)
        case bool() | None:
            return cell
        case datetime() if cell >= datetime(1900, 3, 1, tzinfo=UTC):
            return cell.astimezone(zone).replace(tzinfo=None)
        case date() if not isinstance(cell, datetime) and cell >= date(1900, 3, 1):
            return datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001
        case datetime() | date():
            return cell.isoformat()
        case _:
            text = f"{cell:f}" if isinstance(cell, Decimal) else str(cell)
            return float(cell) if len(text.lstrip("-0.").replace(".", "")) <= 15 else text


@pytest.mark.parametrize("kind", list(Kind))
def test_what_goes_in_is_read_back(kind: Kind) -> None:
    @given(rows_of(kind))
    def of_this_kind(rows: list[Row]) -> None:
        table = a_table(kind, Kind.INTEGER)
        found = rows_in(written(table, [(*row, 1) for row in rows]))
        for (cell,), (read, one) in zip(rows, found, strict=True):
            wanted = expected(cell)
            assert one == 1
            assert as_excel_reads(read) == (pytest.approx(wanted, rel=1e-15) if isinstance(wanted, float) else wanted)

    of_this_kind()


def test_a_text_that_comes_often_is_read_back_everywhere() -> None:
    texts = ["completed", "a & b", " blank ", "=1", "", "_x0041_", "two\nlines", "completed"]
    rows: list[Row] = [(text, f"{number}") for number, text in enumerate(texts * 60)]
    content = written(a_table(Kind.TEXT, Kind.TEXT), rows)
    assert [as_excel_reads(row[0]) for row in rows_in(content)] == [expected(text) for text in texts * 60]
    assert zipfile.ZipFile(BytesIO(content)).read("xl/sharedStrings.xml").count(b"<si>") == 6
    by_calamine = CalamineWorkbook.from_filelike(BytesIO(content)).get_sheet_by_index(0).to_python()
    assert [row[0] for row in by_calamine[1:7]] == texts[:6]


def test_space_and_what_looks_like_an_escape_are_marked_for_excel() -> None:
    """The readers here are more forgiving than Excel is."""
    content = written(a_table(Kind.TEXT), [(" a ",), ("b_x0041_",)])
    sheet = zipfile.ZipFile(BytesIO(content)).read("xl/worksheets/sheet1.xml")
    assert b'<t xml:space="preserve"> a </t>' in sheet
    assert b"b_x005F_x0041_</t>" in sheet


def test_more_texts_than_are_kept_stand_in_their_cells() -> None:
    first: list[Row] = [("one of few",)] * xlsx.SAMPLE_ROWS
    many: list[Row] = [(f"text {number}",) for number in range(xlsx.MAX_SHARED + 10)]
    content = written(a_table(Kind.TEXT), [*first, *many])
    assert rows_in(content) == [*first, *many]
    assert zipfile.ZipFile(BytesIO(content)).read("xl/sharedStrings.xml").count(b"<si>") == xlsx.MAX_SHARED


def test_every_kind_is_read_back_by_calamine_too() -> None:
    table = a_table(*Kind)
    row: Row = ("João", 7, Decimal("1.25"), Decimal("5000.00"), date(2026, 11, 22), CREATED, True)
    (found,) = CalamineWorkbook.from_filelike(BytesIO(written(table, [row]))).get_sheet_by_index(0).to_python()[1:]
    assert found == ["João", 7, 1.25, 5000, date(2026, 11, 22), datetime(2026, 11, 22, 12, 30), True]  # noqa: DTZ001


def test_times_are_those_of_the_readers_zone() -> None:
    zone = ZoneInfo("America/Sao_Paulo")
    moments = [datetime(2018, 11, 4, hour, 30, tzinfo=UTC) for hour in range(6)]
    found = rows_in(written(a_table(Kind.DATETIME, zone=zone), [(moment,) for moment in moments]))
    assert [row[0] for row in found] == [expected(moment, zone) for moment in moments]


def test_what_looks_like_a_formula_is_text_and_stays_text() -> None:
    sheet = by_openpyxl(written(a_table(Kind.TEXT), [("=1+1",), ("@SUM(A1)",), ("harmless",)])).active
    cells = [sheet.cell(row, 1) for row in (2, 3, 4)]
    assert [(cell.data_type, cell.number_format, cell.quotePrefix) for cell in cells[:2]] == [("s", "@", True)] * 2
    assert cells[2].number_format == "General"


def test_a_sheet_looks_like_a_report() -> None:
    table = a_table(*PLAIN, total=True, facts=(("Período", "novembro"),), title="Orders & more")
    book = by_openpyxl(written(table, plain_rows(30)))
    sheet = book.active
    assert [cell.value for cell in sheet[1]] == [column.title for column in table.columns]
    assert (sheet["A1"].font.bold, sheet["A1"].fill.fgColor.rgb) == (True, "FF1F4E79")
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:D31"
    assert sheet.print_title_rows == "$1:$1"
    assert sheet.oddHeader.left.text == "&BOrders && more&B\nPeríodo: novembro"
    assert sheet["C3"].number_format == '"R$"\\ #,##0.00_0;[Red]\\-"R$"\\ #,##0.00_0'
    assert sheet["D3"].number_format == "dd/mm/yyyy\\ hh:mm:ss"
    assert [cell.value for cell in sheet[32]] == ["Total", sum(range(30)), pytest.approx(4.35), None]
    assert sheet["C32"].font.bold
    assert sheet.column_dimensions["A"].width == 10
    assert (book.properties.title, book.properties.description) == ("Orders & more", "Período: novembro")
    assert book.properties.created == CREATED.replace(tzinfo=None)


def test_the_last_sheet_says_what_the_file_is() -> None:
    facts = (("Period", "November & more"), ("Recipient", "=1+1"))
    table = a_table(*PLAIN, Kind.DECIMAL, total=True, facts=facts, title="Orders <1>", locale=EN_US)
    rows: list[Row] = [(*row, Decimal("0.125")) for row in plain_rows(300)]
    sheet = by_openpyxl(written(table, rows)).worksheets[-1]
    assert sheet.title == "About this report"
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        ["Orders <1>", None],
        [None, None],
        ["Period", "November & more"],
        ["Recipient", "=1+1"],
        ["Rows", 300],
        ["Total: integer 1", sum(range(300))],
        ["Total: money 2", 448.5],
        ["Total: decimal 4", 37.5],
    ]
    assert (sheet["B4"].data_type, sheet["B7"].number_format) == ("s", sheet.parent.worksheets[0]["C2"].number_format)


@pytest.mark.parametrize("title", ["About this report", "about THIS report"])
def test_a_table_may_have_the_last_sheets_name(title: str) -> None:
    names = by_openpyxl(written(a_table(Kind.TEXT, title=title, locale=EN_US), [])).sheetnames
    assert names == [title, "About this report (2)"]


def test_a_row_that_stands_out_is_bold_and_read_back() -> None:
    opening: Row = Strong(("Opening <balance>", None, Decimal("-5.00"), CREATED))
    rows = [opening, *plain_rows(2), opening]
    content = written(a_table(*PLAIN, total=True), rows)
    sheet = by_openpyxl(content).worksheets[0]
    assert [[cell.value for cell in row[:3]] for row in sheet.iter_rows(min_row=2, max_row=5)] == [
        ["Opening <balance>", None, -5],
        ["order 0", 0, 0],
        ["order 1", 1, 0.01],
        ["Opening <balance>", None, -5],
    ]
    assert [sheet.cell(row, 3).font.bold for row in range(2, 7)] == [True, False, False, True, True]
    assert sheet["C6"].value == -9.99, "it is added up like any other"
    with pytest.raises(InvalidTable, match="row 3, column 'money 2'"):
        written(a_table(*PLAIN), [*plain_rows(2), Strong(("x", 1, "1.00", None))])


@pytest.mark.parametrize("rows", [1, 199, 200, 5_000])
def test_no_number_is_too_wide_for_its_column(rows: int) -> None:
    """A spreadsheet shows ### instead. Every number may be as large as the largest of the first 200 rows."""
    widest = a_table(Kind.TEXT, Kind.INTEGER, Kind.MONEY, total=True)
    sheet = by_openpyxl(written(widest, [("x", 99_999, Decimal("-99999.99"))] * rows)).worksheets[0]
    integers, amounts = f"{99_999 * rows:,}", f"-R$ {Decimal('99999.99') * rows:,}"
    assert sheet.column_dimensions["B"].width >= len(integers) * 1.1 + 1
    assert sheet.column_dimensions["C"].width >= len(amounts) * 1.1 + 1


def test_a_total_of_a_full_sheet_fits_too() -> None:
    row: Row = ("x", 99_999, Decimal("-99999.99"))
    _, integers, amounts = widths_of(
        a_table(Kind.TEXT, Kind.INTEGER, Kind.MONEY, total=True), [row] * 200, all_seen=False
    )
    assert integers >= len(f"{99_999 * 1_048_000:,}") * 1.1 + 1
    assert amounts >= len(f"-R$ {Decimal('99999.99') * 1_048_000:,}") * 1.1 + 1


def test_long_texts_go_on_in_further_lines_of_a_higher_row() -> None:
    long = "some words " * 12
    sheet = by_openpyxl(written(a_table(Kind.TEXT, Kind.TEXT), [("short", "x"), (long, "x"), ("a\nb\nc", "x")])).active
    assert [sheet.cell(row, 1).alignment.wrap_text for row in (2, 3, 4)] == [True] * 3
    assert sheet["B3"].alignment.wrap_text is None
    assert [sheet.row_dimensions[row].height for row in (2, 3, 4)] == [None, 45, 45]


def test_the_header_is_as_high_as_its_titles_need() -> None:
    def height(title: str) -> float:
        table = Table("t", (Column(title), Column("b", Kind.MONEY)), CREATED)
        return float(by_openpyxl(written(table, [])).active.row_dimensions[1].height)

    titles = ["a", "x" * 44, "words " * 16, "two\nlines", "x" * 5_000]
    assert list(map(height, titles)) == [20, 20, 50, 35, 409]


def test_a_row_is_never_higher_than_excel_allows() -> None:
    sheet = by_openpyxl(written(a_table(Kind.TEXT), [("line\n" * 100,)])).active
    assert sheet.row_dimensions[2].height == 409


@pytest.mark.parametrize(
    ("kinds", "paper", "setup"),
    [
        ([Kind.TEXT] * 3, Paper.A4, (9, "portrait", 1)),
        ([Kind.TEXT] * 3, Paper.LETTER, (1, "portrait", 1)),
        ([Kind.TEXT] * 12, Paper.A4, (9, "landscape", 1)),
        ([Kind.TEXT] * 40, Paper.A4, (9, "landscape", 3)),
    ],
)
def test_paper_is_turned_and_laid_side_by_side_as_columns_need(
    kinds: list[Kind], paper: Paper, setup: tuple[int, str, int]
) -> None:
    rows: list[Row] = [("some dozen letters",) * len(kinds)]
    sheet = by_openpyxl(written(a_table(*kinds, paper=paper), rows)).active
    page = sheet.page_setup
    assert (page.paperSize, page.orientation, page.fitToWidth) == setup
    assert (page.fitToHeight, sheet.sheet_properties.pageSetUpPr.fitToPage) == (0, True)


def test_formats_follow_currency_and_locale() -> None:
    sheet = by_openpyxl(written(a_table(*PLAIN, currency="CHF", locale=EN_US), plain_rows(1))).active
    assert sheet["C2"].number_format == '"CHF"\\ #,##0.00_0;[Red]\\-"CHF"\\ #,##0.00_0'
    assert sheet["D2"].number_format == "mm/dd/yyyy\\ h:mm:ss AM/PM"


def test_a_table_without_rows_is_a_header() -> None:
    assert rows_in(written(a_table(*PLAIN), [])) == []
    assert rows_in(written(a_table(*PLAIN, total=True), [])) == [("Total", 0, 0, None)]


def test_rows_past_a_sheets_end_go_on_in_the_next() -> None:
    count = LAST_ROW + 100
    table = a_table(Kind.INTEGER, total=True, title="A title with [31] signs and some more")
    content = written(table, ((number,) for number in range(count)))
    book = CalamineWorkbook.from_filelike(BytesIO(content))
    first, second = (book.get_sheet_by_index(place).to_python() for place in (0, 1))
    names = ["A title with 31 signs and some", "A title with 31 signs and s (2)", "Sobre este relatório"]
    assert book.sheet_names == names
    assert book.get_sheet_by_index(2).to_python()[-2:] == [["Linhas", count], ["Total: integer 0", sum(range(count))]]
    assert len(first) == LAST_ROW - 1
    assert first[0] == second[0] == ["integer 0"]
    assert [row[0] for row in first[1:] + second[1:-1]] == list(range(count))
    assert second[-1] == [sum(range(count))]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Orders", "Orders"),
        ("a/b\\c?d*e[f]g:h", "a b c d e f g h"),
        ("'quoted'", "quoted"),
        ("History", "Report"),
        ("?*", "Report"),
        ("", "Report"),
        ("x" * 40, "x" * 31),
        ("\U0001f600" * 20, "\U0001f600" * 15),
        ("tab\tand\nline", "tab and line"),
    ],
)
def test_a_sheet_has_a_name_that_excel_takes(title: str, name: str) -> None:
    assert by_openpyxl(written(a_table(Kind.TEXT, title=title), [])).sheetnames[0] == name


def test_text_longer_than_a_cell_is_refused_and_the_longest_is_not() -> None:
    rows: list[Row] = [("x" * xlsx.MAX_TEXT,), ("\U0001f600" * (xlsx.MAX_TEXT // 2),)]
    assert rows_in(written(a_table(Kind.TEXT), rows)) == rows
    for text in ("x" * (xlsx.MAX_TEXT + 1), "\U0001f600" * (xlsx.MAX_TEXT // 2 + 1)):
        with pytest.raises(InvalidTable, match=r"column 'text 0': 3276\d characters; a cell holds 32767"):
            written(a_table(Kind.TEXT), [(text,)])


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        (Kind.TEXT, 1),
        (Kind.TEXT, "\ud800"),
        (Kind.TEXT, b"bytes"),
        (Kind.INTEGER, True),
        (Kind.INTEGER, 1.5),
        (Kind.INTEGER, "1"),
        (Kind.MONEY, Decimal("NaN")),
        (Kind.MONEY, Decimal("0.001")),
        (Kind.MONEY, "1.00"),
        (Kind.DECIMAL, Decimal("Infinity")),
        (Kind.DATE, CREATED),
        (Kind.DATETIME, CREATED.replace(tzinfo=None)),
        (Kind.DATETIME, date(2026, 1, 1)),
        (Kind.BOOLEAN, 1),
    ],
)
@pytest.mark.parametrize("zone", [UTC, ZoneInfo("America/Sao_Paulo")])
def test_a_bad_cell_is_refused_wherever_it_stands(kind: Kind, cell: Any, zone: Any) -> None:
    rows: list[Row] = [(None,)] * 1_000
    for place in (5, 999):
        with pytest.raises(InvalidTable, match=f"row {place + 1}, column"):
            written(a_table(kind, zone=zone), [*rows[:place], (cell,)])


def test_a_ragged_row_is_refused_late_too() -> None:
    with pytest.raises(InvalidTable, match="row 701: 1 cells for 4 columns"):
        written(a_table(*PLAIN), [*plain_rows(700), ("short",)])


def test_more_columns_than_a_sheet_has_are_refused() -> None:
    widest = Table("t", tuple(Column(f"{place}") for place in range(xlsx.MAX_COLUMNS)), CREATED)
    content = written(widest, [("x",) * xlsx.MAX_COLUMNS])
    rows = CalamineWorkbook.from_filelike(BytesIO(content)).get_sheet_by_index(0).to_python()
    assert rows[1] == ["x"] * xlsx.MAX_COLUMNS
    with pytest.raises(InvalidTable, match="16385 columns"):
        written(Table("t", (*widest.columns, Column("one too many")), CREATED), [])


def test_the_file_needs_no_zip64_and_is_whole() -> None:
    archive = zipfile.ZipFile(BytesIO(written(a_table(*PLAIN), plain_rows(5_000))))
    assert archive.testzip() is None
    assert {entry.extract_version for entry in archive.infolist()} == {20}
    assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_first_part_is_out_before_a_tenth_of_a_million_rows_is_read() -> None:
    read = 0

    def counted() -> Iterator[Row]:
        nonlocal read
        for row in benchmark.rows_of(1_000_000):
            read += 1
            yield row

    size = 0
    for chunk in xlsx.write(benchmark._table(), counted()):
        size += len(chunk)
        if size >= PART_BYTES:
            break
    assert read < 100_000


def test_rows_are_read_as_they_are_written() -> None:
    waiting = iter(plain_rows(100_000))
    chunks = xlsx.write(a_table(*PLAIN), waiting)
    assert len(b"".join(islice(chunks, 3))) < 300_000
    assert len(list(waiting)) > 90_000


def test_the_bound_is_deflated_as_the_writer_deflates() -> None:
    assert benchmark.LEVEL == xlsx.DEFLATE_LEVEL
