"""What Excel refuses, or repairs with a complaint, where other readers shrug: the rules of ECMA-376 part 1, looked up
in the parts of workbooks as they are written."""

import re
import zipfile
from decimal import Decimal
from io import BytesIO
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from comanda.adapters.reports.writers import chart_xlsx, xlsx
from comanda.domain.reports.table import Chart, Kind, Row, Strong, Table
from comanda.domain.shared.locale import EN_US
from tests.reports.tables import PLAIN, a_table, plain_rows

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATIONSHIPS = "{http://schemas.openxmlformats.org/package/2006/relationships}"
TYPES = "{http://schemas.openxmlformats.org/package/2006/content-types}"
REFERENCE = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"

ORDER_OF_A_SHEET = (
    "sheetPr dimension sheetViews sheetFormatPr cols sheetData sheetCalcPr sheetProtection protectedRanges scenarios"
    " autoFilter sortState dataConsolidate customSheetViews mergeCells phoneticPr conditionalFormatting dataValidations"
    " hyperlinks printOptions pageMargins pageSetup headerFooter rowBreaks colBreaks customProperties cellWatches"
    " ignoredErrors smartTags drawing legacyDrawing"
)
"""CT_Worksheet (18.3.1.99)."""
ORDER_OF_A_WORKBOOK = (
    "fileVersion fileSharing workbookPr workbookProtection bookViews sheets functionGroups externalReferences"
    " definedNames calcPr"
)
"""CT_Workbook (18.2.27)."""

LONG = "&" * 120
TEXTS: list[Row] = [
    (text, number, Decimal("-1.50"), None)
    for number, text in enumerate(["=1+1", " a ", "", "_x0041_", "\x07bell", "two\nlines", "w" * 300, "]]>", "<&>\"'"])
]
BOOKS: dict[str, tuple[Table, list[Row]]] = {
    "nothing": (a_table(*PLAIN), []),
    "totals": (a_table(*PLAIN, total=True, locale=EN_US), [*plain_rows(300), Strong(plain_rows(1)[0])]),
    "odd texts": (a_table(*PLAIN, total=True), TEXTS),
    "long names": (a_table(*PLAIN, title=LONG, facts=((LONG, LONG),)), TEXTS),
    "a quote": (a_table(*PLAIN, title="João's [1] / history: 2026"), TEXTS),
    "every kind": (a_table(*Kind), [(None,) * len(Kind)]),
    "the last sheet's name": (a_table(*PLAIN, title="Sobre este relatório"), []),
    "a chart": (a_table(*PLAIN, chart=Chart("A & B", "order 1", categories=0, values=2)), plain_rows(3)),
    "wide": (a_table(*[Kind.MONEY] * 60), [(Decimal(1),) * 60]),
}


@pytest.fixture(params=BOOKS)
def book(request: pytest.FixtureRequest) -> zipfile.ZipFile:
    table, rows = BOOKS[request.param]
    writer: Any = chart_xlsx if table.chart else xlsx
    return zipfile.ZipFile(BytesIO(b"".join(writer.write(table, rows))))


def part(book: zipfile.ZipFile, path: str) -> ET.Element:
    return ET.fromstring(book.read(path))  # noqa: S314  our own


def sheets(book: zipfile.ZipFile) -> dict[str, ET.Element]:
    """By name, in the order of the workbook."""
    target = {each.get("Id"): each.get("Target") for each in part(book, "xl/_rels/workbook.xml.rels")}
    listed = part(book, "xl/workbook.xml").find(f"{MAIN}sheets")
    assert listed is not None
    return {str(sheet.get("name")): part(book, f"xl/{target[sheet.get(REFERENCE)]}") for sheet in listed}


def test_elements_stand_in_the_order_of_the_schema(book: zipfile.ZipFile) -> None:
    ordered = [(sheet, ORDER_OF_A_SHEET) for sheet in sheets(book).values()]
    for root, order in [*ordered, (part(book, "xl/workbook.xml"), ORDER_OF_A_WORKBOOK)]:
        places = [order.split().index(child.tag.removeprefix(MAIN)) for child in root]
        assert places == sorted(set(places))


def test_sheets_have_names_of_their_own_that_are_allowed(book: zipfile.ZipFile) -> None:
    names = list(sheets(book))
    assert len({name.casefold() for name in names}) == len(names) == 2
    for name in names:
        assert 1 <= len(name.encode("utf-16-le")) // 2 <= 31
        assert not re.search(r"[\[\]:*?/\\\x00-\x1f]", name)
        assert not name.startswith("'")
        assert not name.endswith("'")
        assert name.casefold() != "history"


def test_rows_and_cells_go_up_and_stand_inside(book: zipfile.ZipFile) -> None:
    for sheet in sheets(book).values():
        numbers = [int(str(row.get("r"))) for row in sheet.iter(f"{MAIN}row")]
        assert numbers == sorted(set(numbers))
        assert all(1 <= float(row.get("ht", "15")) <= 409 for row in sheet.iter(f"{MAIN}row"))
        assert all(0 < float(str(column.get("width"))) <= 255 for column in sheet.iter(f"{MAIN}col"))
        for row in sheet.iter(f"{MAIN}row"):
            places = [re.fullmatch(r"([A-Z]{1,3})(\d+)", str(cell.get("r"))) for cell in row]
            assert {place and place[2] for place in places} <= {row.get("r")}
            letters = [place[1] for place in places if place]
            assert letters == sorted(set(letters), key=lambda some: (len(some), some))


def test_what_cells_refer_to_is_there(book: zipfile.ZipFile) -> None:
    styles = part(book, "xl/styles.xml")
    kept = {child.tag.removeprefix(MAIN): list(child) for child in styles}
    for counted in styles:
        assert counted.get("count") in {None, str(len(list(counted)))}
    formats = {int(str(form.get("numFmtId"))) for form in kept.get("numFmts", [])}
    for form in kept["cellXfs"]:
        assert int(str(form.get("fontId"))) < len(kept["fonts"])
        assert int(str(form.get("fillId"))) < len(kept["fills"])
        assert int(str(form.get("borderId"))) < len(kept["borders"])
        assert int(str(form.get("numFmtId"))) in formats | set(range(50))
    shared = len(list(part(book, "xl/sharedStrings.xml")))
    for sheet in sheets(book).values():
        for cell in sheet.iter(f"{MAIN}c"):
            assert int(cell.get("s", "0")) < len(kept["cellXfs"])
            if cell.get("t") == "s":
                assert int(cell.findtext(f"{MAIN}v", "")) < shared
        assert not list(sheet.iter(f"{MAIN}f")), "no formula, ever"


def test_defined_names_are_those_of_table_sheets(book: zipfile.ZipFile) -> None:
    (name, sheet), *_ = sheets(book).items()
    listed = part(book, "xl/workbook.xml").find(f"{MAIN}definedNames")
    assert listed is not None
    found = {str(each.get("name")): (each.get("localSheetId"), each.text) for each in listed}
    filtered = sheet.find(f"{MAIN}autoFilter")
    assert filtered is not None
    first, last = str(filtered.get("ref")).split(":")
    absolute = ":".join(re.sub(r"([A-Z]+)(\d+)", r"$\1$\2", corner) for corner in (first, last))
    quoted = "'" + name.replace("'", "''") + "'"
    plain = name if re.fullmatch(r"[A-Za-z]\w*", name) else quoted
    assert found == {
        "_xlnm._FilterDatabase": ("0", found["_xlnm._FilterDatabase"][1]),
        "_xlnm.Print_Titles": ("0", found["_xlnm.Print_Titles"][1]),
    }
    assert found["_xlnm._FilterDatabase"][1] in {f"{quoted}!{absolute}", f"{plain}!{absolute}"}
    assert found["_xlnm.Print_Titles"][1] in {f"{quoted}!$1:$1", f"{plain}!$1:$1"}


def test_page_headers_are_short_enough(book: zipfile.ZipFile) -> None:
    for sheet in sheets(book).values():
        for side in ("oddHeader", "oddFooter"):
            for found in sheet.iter(f"{MAIN}{side}"):
                assert len((found.text or "").encode("utf-16-le")) // 2 <= 255


def test_every_part_has_a_type_and_every_relation_a_part(book: zipfile.ZipFile) -> None:
    paths, types = set(book.namelist()), part(book, "[Content_Types].xml")
    known = {each.get("Extension") for each in types.iter(f"{TYPES}Default")}
    named = {str(each.get("PartName")).lstrip("/") for each in types.iter(f"{TYPES}Override")}
    assert named <= paths
    assert all(path in named or path.rsplit(".", 1)[1] in known for path in paths - {"[Content_Types].xml"})
    for path in (path for path in paths if path.endswith(".rels")):
        folder = path.removesuffix(path.rsplit("/", 1)[1]).removesuffix("_rels/")
        for each in part(book, path).iter(f"{RELATIONSHIPS}Relationship"):
            target = str(each.get("Target"))
            found = target.lstrip("/") if target.startswith("/") else f"{folder}{target}"
            assert re.sub(r"[^/]+/\.\./", "", found) in paths
