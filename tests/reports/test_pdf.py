"""PDF, read back by PDFium: as text, and as it looks."""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal

import pypdfium2
import pytest

from benchmarks import reports as benchmark
from comanda.adapters.reports.writers import pdf
from comanda.domain.reports.report import MAX_PDF_ROWS
from comanda.domain.reports.table import Column, Kind, Row, Strong, Table
from comanda.domain.shared.errors import InvalidTable, TooManyRows
from comanda.domain.shared.locale import EN_US, Paper
from tests.reports.tables import CREATED, PLAIN, a_table, plain_rows


def written(table: Table, rows: Iterable[Row]) -> pypdfium2.PdfDocument:
    return pypdfium2.PdfDocument(b"".join(pdf.write(table, rows)))


def text_of(document: pypdfium2.PdfDocument) -> list[str]:
    """The lines of all pages."""
    return [" ".join(line.split()) for page in document for line in page.get_textpage().get_text_bounded().splitlines()]


def test_every_row_and_total_is_read_back() -> None:
    lines = text_of(written(a_table(*PLAIN, total=True), plain_rows(500)))
    assert [line for line in lines if line.startswith("order ")] == [
        f"order {number} {number} {number // 100},{number % 100:02} 22/11/2026 {12 + (30 + number // 60) // 60}:"
        f"{(30 + number // 60) % 60:02}:{number % 60:02}"
        for number in range(500)
    ]
    assert lines[-1] == "Total 124.750 1.247,50"


def test_each_page_has_its_header_and_its_number() -> None:
    document = written(a_table(*PLAIN, facts=(("Período", "novembro"), ("Filtro", "nenhum"))), plain_rows(200))
    pages = [page.get_textpage().get_text_bounded() for page in document]
    assert len(pages) == 4
    for number, page in enumerate(pages, 1):
        assert "text 0" in page
        assert "money 2 (R$)" in page
        assert f"Página {number} de 4" in page
        assert "Orders · 22/11/2026 12:30:00" in page
    assert pages[0].splitlines()[:3] == ["Orders", "Período: novembro", "Filtro: nenhum"]


@pytest.mark.parametrize("rows", [0, 1, 59, 60, 61, 62, 63, 64, 122, 123, 124, 125, 126, 127])
def test_no_row_is_lost_where_a_page_ends(rows: int) -> None:
    lines = text_of(written(a_table(*PLAIN, total=True), plain_rows(rows)))
    assert [int(line.split()[1]) for line in lines if line.startswith("order ")] == list(range(rows))
    assert sum(line.startswith("Total") for line in lines) == 1


@pytest.mark.parametrize(
    ("paper", "columns", "size"),
    [
        (Paper.A4, 2, (595, 842)),
        (Paper.A4, 12, (842, 595)),
        (Paper.LETTER, 2, (612, 792)),
        (Paper.LETTER, 12, (792, 612)),
    ],
)
def test_the_paper_is_turned_where_columns_need_it(paper: Paper, columns: int, size: tuple[int, int]) -> None:
    (page,) = written(a_table(*[Kind.TEXT] * columns, paper=paper), [("some dozen letters",) * columns])
    assert tuple(map(round, page.get_size())) == size


def test_letters_are_smaller_before_a_text_is_cut() -> None:
    """Nine columns of an orders report: without its whole id, an order cannot be looked up."""
    order_id = "d5e34124-5c6e-4337-95ba-2bdd177219d3"
    kinds = (Kind.DATETIME, *[Kind.TEXT] * 6, Kind.MONEY, Kind.DATETIME)
    row: Row = (CREATED, order_id, "PED-000001", "mobile", "ana", "c" * 120, "completed", Decimal("9999.99"), CREATED)
    lines = text_of(written(a_table(*kinds, total=True), [row] * 3))
    assert sum(order_id in line for line in lines) == 3
    assert sum(re.search(r" c{9,119}… ", line) is not None for line in lines) == 3, "the longest makes room"


def test_letters_are_no_smaller_than_they_need_be() -> None:
    found = []
    for length in range(2, 26):
        (page,) = written(a_table(*[Kind.TEXT] * 8), [("W" * length,) * 8])
        text = page.get_textpage()
        _, bottom, _, top = text.get_charbox(text.get_text_range().index("WW"), loose=False)
        found.append(round((top - bottom) / 0.729 * 2) / 2)  # The height of capitals in this font.
    assert found == sorted(found, reverse=True)
    assert set(found[:-1]) >= {7.5, 7.0, 6.5, 6.0}


def test_a_wide_table_fits_on_paper() -> None:
    kinds = [Kind.TEXT, Kind.INTEGER, Kind.MONEY, Kind.DATE] * 6
    row: Row = ("a text", 1234, Decimal("-1234.50"), CREATED.date()) * 6
    lines = text_of(written(a_table(*kinds, total=True), [row]))
    assert " ".join(["a text 1.234 -1.234,50 22/11/2026"] * 6) in lines


def test_a_row_that_stands_out_is_in_bold() -> None:
    rows: list[Row] = [("plain", 1, None, None), Strong(("strong", 2, None, None)), ("plain", 3, None, None)]
    (page,) = written(a_table(*PLAIN), rows)
    text = page.get_textpage()
    content = text.get_text_range()

    def width(word: str, after: int = 0) -> float:
        at = content.index(word, after)
        return float(text.get_charbox(at + len(word) - 1)[2] - text.get_charbox(at)[0])

    (bold,) = written(a_table(*PLAIN), [("strong", 2, None, None)])
    plain = bold.get_textpage()
    at = plain.get_text_range().index("strong")
    assert width("strong") > plain.get_charbox(at + 5)[2] - plain.get_charbox(at)[0]
    assert width("plain") == pytest.approx(width("plain", content.index("strong")), abs=0.1), "and no other is"


def test_nothing_stands_outside_of_its_column() -> None:
    long: Row = ("W" * 300, 10**15, Decimal("9999999999999.99"), CREATED)
    document = written(a_table(*PLAIN, total=True), [*plain_rows(200), *[long] * 30])
    for page in document:
        width, _ = page.get_size()
        text = page.get_textpage()
        boxes = [text.get_charbox(place) for place in range(text.count_chars())]
        assert max(right for _, _, right, _ in boxes) <= width - 28
    (wide,) = {line for line in text_of(document) if line.startswith("W")}
    assert re.fullmatch(r"W+… 1\.000\.000\.000\.000\.000 9\.999\.999\.999\.999,99 22/11/2026 12:30:00", wide)


def test_money_is_aligned_at_its_right_edge() -> None:
    (page,) = written(a_table(Kind.MONEY), [(Decimal("1.00"),), (Decimal("1234567.00"),)])
    text = page.get_textpage()
    content = text.get_text_range()
    rights = [text.get_charbox(content.index(amount) + len(amount) - 1)[2] for amount in ("1,00", "1.234.567,00")]
    assert rights[0] == pytest.approx(rights[1], abs=0.1)


@pytest.mark.parametrize("text", ["ação", "Ωμέγα", "Привет", "გამარჯობა", "€ ₽ → ✓", "Việt Nam"])
def test_scripts_of_the_font_are_shown_and_read_back(text: str) -> None:
    document = written(a_table(Kind.TEXT), [(text,)])
    assert text in text_of(document)


def test_hebrew_and_arabic_stand_in_the_order_of_sight() -> None:
    (page,) = written(a_table(Kind.TEXT), [("שלום",), ("سلام",)])
    text = page.get_textpage()
    content = text.get_text_range()
    lefts = {letter: text.get_charbox(content.index(letter))[0] for letter in "שם"}
    assert lefts["ש"] > lefts["ם"], "the first letter stands on the right"
    assert "سلام" in content


def test_what_the_font_does_not_have_is_a_box_and_still_read_back() -> None:
    (page,) = written(a_table(Kind.TEXT), [("中文 a",), ("\U0001f600 b",), ("tab\tand\nline\x07",)])
    assert page.get_textpage().get_text_range().splitlines()[-3:] == ["中文 a", "\ufffd b", "tab and line"]


def test_cells_are_shown_on_the_page() -> None:
    """Ink where the text is: glyphs are in the embedded subset, not only in the text layer."""
    (page,) = written(a_table(Kind.TEXT), [("Ж" * 10,)])
    text = page.get_textpage()
    left, bottom, _, top = text.get_charbox(text.get_text_range().index("Ж"))
    right = text.get_charbox(text.get_text_range().index("Ж") + 9)[2]
    height = page.get_size()[1]
    image = page.render(scale=4).to_pil().convert("L")
    cell = image.crop((int(left * 4), int((height - top) * 4), int(right * 4), int((height - bottom) * 4)))
    assert 0.1 < sum(cell.histogram()[:128]) / (cell.width * cell.height) < 0.7


def test_properties_are_those_of_the_table() -> None:
    document = written(a_table(*PLAIN, title="Ações (1)", facts=(("Mês", "novembro"),), locale=EN_US), plain_rows(1))
    found = document.get_metadata_dict()
    assert (found["Title"], found["Subject"]) == ("Ações (1)", "Mês: novembro")
    assert found["CreationDate"] == "D:20261122123000Z"
    assert "Page 1 of 1" in " ".join(text_of(document))


def test_a_long_subtitle_goes_on_in_the_next_line() -> None:
    words = " ".join(f"filter{number}" for number in range(60))
    assert words in " ".join(text_of(written(a_table(*PLAIN, facts=(("Filtros", words),)), [])))


def test_a_long_title_goes_on_in_the_next_line() -> None:
    title = " ".join(f"word{number}" for number in range(25))
    document = written(a_table(*PLAIN, title=title, facts=(("Month", "November"),)), plain_rows(60))
    lines = text_of(document)
    assert " ".join(lines).startswith(f"{title} Month: November ")
    assert [line.split()[1] for line in lines if line.startswith("order ")] == [str(number) for number in range(60)]


def test_more_rows_than_a_pdf_takes_are_refused() -> None:
    def rows(count: int) -> Iterator[Row]:
        return ((number,) for number in range(count))

    most = b"".join(pdf.write(a_table(Kind.INTEGER), rows(MAX_PDF_ROWS)))
    assert most.endswith(b"%%EOF\n")
    with pytest.raises(TooManyRows, match="XLSX"):
        b"".join(pdf.write(a_table(Kind.INTEGER), rows(MAX_PDF_ROWS + 1)))


@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.MONEY])
def test_more_columns_than_fit_on_paper_are_refused(kind: Kind) -> None:
    table = Table("t", tuple(Column(f"column {place}", kind) for place in range(60)), CREATED)
    with pytest.raises(InvalidTable, match="60 columns do not fit on paper; ask for XLSX"):
        written(table, [])


def test_a_bad_cell_is_refused_late_too() -> None:
    with pytest.raises(InvalidTable, match="row 501, column 'integer 1'"):
        written(a_table(*PLAIN), [*plain_rows(500), ("x", "1", None, None)])


def test_pages_are_out_before_all_rows_are_read() -> None:
    waiting = iter(plain_rows(10_000))
    chunks = pdf.write(a_table(*PLAIN), waiting)
    assert next(chunks) + next(chunks)
    assert len(list(waiting)) > 9_000


def test_the_bound_is_deflated_as_the_writer_deflates() -> None:
    assert benchmark.LEVEL == pdf.DEFLATE_LEVEL
