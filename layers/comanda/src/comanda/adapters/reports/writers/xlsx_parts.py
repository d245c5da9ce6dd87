"""The parts of a workbook as XML: cells, the frame of a sheet, styles, properties (ECMA-376, part 1)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC
from enum import IntEnum
from itertools import count
from math import ceil
from xml.sax.saxutils import escape, quoteattr

from comanda.adapters.reports.writers.xlsx_measures import HIGHEST, WIDEST, columns_of, lines_of
from comanda.domain.reports.table import SUMMABLE, Cell, Kind, Row, Table, clean_text
from comanda.domain.shared.locale import Paper, currency_symbol

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

MAX_SHEET_NAME = 31
_NOT_IN_SHEET_NAMES = re.compile(r"[\[\]:*?/\\]")
_ESCAPE_SEQUENCE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
"""Text that looks like the format's own escapes for control characters (ST_Xstring, ECMA-376 22.9.2.19)."""
_UPRIGHT, _SMALLEST = 110, 300
"""Up to the first, paper stands upright; past the second, print would be smaller than half its size on one page."""
PAPERS = {Paper.LETTER: 1, Paper.A4: 9}
"""ST_PaperSize (ECMA-376, 18.3.1.63)."""
HEADER_COLOUR = "1F4E79"

_KINDS = list(Kind)
AS_TEXT = 1
_HEADER, _NUMBER_HEADER, _TITLE = 2, 3, 4


class Look(IntEnum):
    """How a cell of a kind is set."""

    PLAIN = 0
    STRONG = 1
    TOTAL = 2
    NOTE = 3
    """At the left; text goes on in further lines."""


def style_of(kind: Kind, look: Look = Look.PLAIN) -> int:
    """The number of a cell format in styles.xml."""
    return 5 + len(Look) * _KINDS.index(kind) + look


WRAPPED = style_of(Kind.TEXT, Look.NOTE)


@dataclass(frozen=True)
class Sheet:
    """A finished sheet: its name, and the number of the last row that is no total; None where it is no table."""

    name: str
    last_row: int | None


def letters_of(place: int) -> str:
    """A for 0, Z for 25, AA for 26."""
    letters = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, 26)
        letters = chr(65 + letter) + letters
    return letters


def escaped(text: str) -> str:
    """Cleaned text as XML holds it."""
    return escape(_ESCAPE_SEQUENCE.sub("_x005F_", text))


def text_cell(
    place: int, number: int | str, content: str, style: int | None = None, *, keep_space: bool = False
) -> str:
    """A cell with its text in it; `content` is escaped already. A formula it can never be."""
    styled = "" if style is None else f' s="{style}"'
    space = ' xml:space="preserve"' if keep_space else ""
    return f'<c r="{letters_of(place)}{number}"{styled} t="inlineStr"><is><t{space}>{content}</t></is></c>'


def shared_cell(place: int, number: int | str, shared: int | str, style: int | None = None) -> str:
    """A cell whose text stands in the table of shared texts."""
    styled = "" if style is None else f' s="{style}"'
    return f'<c r="{letters_of(place)}{number}"{styled} t="s"><v>{shared}</v></c>'


def number_cell(place: int, number: int | str, value: object, style: int) -> str:
    """A cell that holds a number. `style`: its index among the styles."""
    return f'<c r="{letters_of(place)}{number}" s="{style}"><v>{value}</v></c>'


def boolean_cell(place: int, number: int | str, value: object, style: int) -> str:
    """A cell that holds true or false."""
    return f'<c r="{letters_of(place)}{number}" s="{style}" t="b"><v>{value}</v></c>'


def empty_cell(place: int, number: int, style: int) -> str:
    """A cell that holds nothing, and has a style."""
    return f'<c r="{letters_of(place)}{number}" s="{style}"/>'


def sheet_path(place: int) -> str:
    """Where a sheet lies in the package. `place` counts from 0."""
    return f"xl/worksheets/sheet{place + 1}.xml"


def sheet_name(title: str, place: int) -> str:
    """A name Excel takes: 1 to 31 UTF-16 units, none of `[]:*?/\\`, no apostrophe at its ends, not "History";
    from the second sheet on with a number."""
    number = f" ({place + 1})" if place else ""
    name = " ".join(_NOT_IN_SHEET_NAMES.sub(" ", clean_text(title)).split())
    while len(name.encode("utf-16-le")) // 2 > MAX_SHEET_NAME - len(number):
        name = name[:-1]
    name = name.strip(" '")
    if not name or name.casefold() == "history":
        name = "Report"
    return name + number


def free_name(title: str, sheets: Iterable[str]) -> str:
    """A name that none of these sheets has; Excel takes small and capital letters for the same."""
    taken = {name.casefold() for name in sheets}
    names = (sheet_name(title, place) for place in count())
    return next(name for name in names if name.casefold() not in taken)


def about(table: Table, rows: int, totals: Row) -> list[tuple[str, Kind, Cell]]:
    """What the last sheet says about the others: name, kind and value of each fact."""
    locale = table.locale
    return [
        *((name, Kind.TEXT, value) for name, value in table.facts),
        (locale.rows, Kind.INTEGER, rows),
        *(
            (f"{locale.total}: {column.title}", column.kind, total)
            for column, total in zip(table.columns, totals, strict=True)
            if column.total
        ),
    ]


def about_width(facts: Sequence[tuple[str, Kind, Cell]]) -> int:
    """Of the names of facts."""
    return min(max(columns_of(name) for name, _, _ in facts) + 4, WIDEST)


def about_head(table: Table, facts: Sequence[tuple[str, Kind, Cell]]) -> bytes:
    """Everything before the facts, which begin in row 3."""
    title = text_cell(0, 1, escaped(clean_text(table.title)), _TITLE, keep_space=True)
    return (
        f'{_DECLARATION}<worksheet xmlns="{_MAIN}"><sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>'
        '<sheetViews><sheetView showGridLines="0" workbookViewId="0"/></sheetViews>'
        f'<sheetFormatPr defaultRowHeight="15"/><cols>{_columns([about_width(facts), WIDEST])}</cols>'
        f'<sheetData><row r="1" ht="24" customHeight="1">{title}</row>'
    ).encode()


def about_foot(table: Table) -> bytes:
    """The end of the sheet that says what the report is about."""
    return f"</sheetData>{_print_setup(table, 1, '', landscape=False)}</worksheet>".encode()


def _columns(widths: Sequence[int]) -> str:
    return "".join(
        f'<col min="{place}" max="{place}" width="{width}" customWidth="1"/>' for place, width in enumerate(widths, 1)
    )


def sheet_head(table: Table, widths: Sequence[int]) -> bytes:
    """Everything before the first row of data: frozen header, and how wide columns are."""
    titles = [clean_text(column.title) for column in table.columns]
    height = min(5 + 15 * max(lines_of(title, width - 1) for title, width in zip(titles, widths, strict=True)), HIGHEST)
    header = "".join(
        text_cell(
            place,
            1,
            escaped(title),
            _NUMBER_HEADER if column.kind in SUMMABLE else _HEADER,
            keep_space=True,
        )
        for place, (column, title) in enumerate(zip(table.columns, titles, strict=True))
    )
    return (
        f'{_DECLARATION}<worksheet xmlns="{_MAIN}"><sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>'
        '<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft"'
        ' state="frozen"/><selection pane="bottomLeft" activeCell="A2" sqref="A2"/></sheetView></sheetViews>'
        f'<sheetFormatPr defaultRowHeight="15"/><cols>{_columns(widths)}</cols>'
        f'<sheetData><row r="1" ht="{height}" customHeight="1">{header}</row>'
    ).encode()


def sheet_foot(table: Table, widths: Sequence[int], last_row: int) -> bytes:
    """Everything after the last row: filter, and how it is printed."""
    wide = sum(widths)
    setup = _print_setup(table, ceil(wide / _SMALLEST), page_header(table), landscape=wide > _UPRIGHT)
    last = letters_of(len(table.columns) - 1)
    return f'</sheetData><autoFilter ref="A1:{last}{last_row}"/>{setup}</worksheet>'.encode()


def page_header(table: Table) -> str:
    """Title and facts, on each page; of 255 characters at most."""
    return f"&L&B{_print_text(table.title, 80)}&B\n{_print_text(' · '.join(table.subtitle), 150)}"


def page_footer(table: Table) -> str:
    """What is printed below each page: title and page number."""
    return f"&C{table.locale.page} &P {table.locale.of} &N"


def _print_setup(table: Table, pages_wide: int, header: str, *, landscape: bool) -> str:
    orientation = "landscape" if landscape else "portrait"
    return (
        '<pageMargins left="0.4" right="0.4" top="0.9" bottom="0.6" header="0.3" footer="0.3"/>'
        f'<pageSetup paperSize="{PAPERS[table.paper]}" fitToWidth="{pages_wide}" fitToHeight="0"'
        f' orientation="{orientation}"/>'
        f"<headerFooter><oddHeader>{escape(header)}</oddHeader>"
        f"<oddFooter>{escape(page_footer(table))}</oddFooter></headerFooter>"
    )


def workbook(table: Table, sheets: Sequence[Sheet], shared: Iterable[str]) -> dict[str, bytes]:
    """All parts but the sheets, by their paths."""
    texts = "".join(f'<si><t xml:space="preserve">{escaped(clean_text(text))}</t></si>' for text in shared)
    places = range(1, len(sheets) + 1)
    listed = "".join(
        f'<sheet name={quoteattr(sheet.name)} sheetId="{place}" r:id="rId{place}"/>'
        for place, sheet in zip(places, sheets, strict=True)
    )
    related = "".join(
        f'<Relationship Id="rId{place}" Type="{_RELATIONSHIPS}/worksheet" Target="worksheets/sheet{place}.xml"/>'
        for place in places
    )
    overrides = "".join(
        f'<Override PartName="/{sheet_path(place - 1)}" ContentType="application/'
        'vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
        for place in places
    )
    contents = {
        "xl/workbook.xml": (
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONSHIPS}"><bookViews><workbookView/></bookViews>'
            f"<sheets>{listed}</sheets><definedNames>{_defined_names(table, sheets)}</definedNames></workbook>"
        ),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships">{related}'
            f'<Relationship Id="rId{len(sheets) + 1}" Type="{_RELATIONSHIPS}/styles" Target="styles.xml"/>'
            f'<Relationship Id="rId{len(sheets) + 2}" Type="{_RELATIONSHIPS}/sharedStrings"'
            ' Target="sharedStrings.xml"/>'
            "</Relationships>"
        ),
        "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}">{texts}</sst>',
        "xl/styles.xml": _styles(table),
        "docProps/core.xml": _properties(table),
        "_rels/.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships">'
            f'<Relationship Id="rId1" Type="{_RELATIONSHIPS}/officeDocument" Target="xl/workbook.xml"/>'
            f'<Relationship Id="rId2" Type="{_PACKAGE}/relationships/metadata/core-properties"'
            ' Target="docProps/core.xml"/></Relationships>'
        ),
        "[Content_Types].xml": (
            f'<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            '<Override PartName="/xl/workbook.xml" ContentType="application/'
            'vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
            '<Override PartName="/xl/styles.xml" ContentType="application/'
            'vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>'
            '<Override PartName="/xl/sharedStrings.xml" ContentType="application/'
            'vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/>'
            '<Override PartName="/docProps/core.xml" ContentType="application/'
            f'vnd.openxmlformats-package.core-properties+xml"/>{overrides}</Types>'
        ),
    }
    return {path: (_DECLARATION + xml).encode() for path, xml in contents.items()}


def _defined_names(table: Table, sheets: Sequence[Sheet]) -> str:
    """The filtered range, which Excel keeps as a hidden name, and the header that is printed on each page. Sorted, as
    Excel writes them."""
    last = letters_of(len(table.columns) - 1)
    quoted = [escape("'" + sheet.name.replace("'", "''") + "'") for sheet in sheets]
    filters = [
        f'<definedName name="_xlnm._FilterDatabase" localSheetId="{place}" hidden="1">'
        f"{quoted[place]}!$A$1:${last}${sheet.last_row}</definedName>"
        for place, sheet in enumerate(sheets)
        if sheet.last_row
    ]
    titles = [
        f'<definedName name="_xlnm.Print_Titles" localSheetId="{place}">{quoted[place]}!$1:$1</definedName>'
        for place, sheet in enumerate(sheets)
        if sheet.last_row
    ]
    return "".join(filters + titles)


def number_formats(table: Table) -> dict[Kind, str]:
    """How spreadsheets show the cells of each kind that is not plain text. A number ends a digit's width (`_0`) before
    the next column; an indent would do the same, but LibreOffice forgets it where formats change."""
    symbol = currency_symbol(table.currency).replace('"', "")
    spaced = table.locale.spaced_symbol or symbol.isalpha()
    amount = f'"{symbol}"\\ #,##0.00' if spaced else f'"{symbol}"#,##0.00'
    return {
        Kind.INTEGER: "#,##0_0",
        # With two places at the least: Excel shows 5 as "5." under #.###
        Kind.DECIMAL: "#,##0.00#############_0",
        Kind.MONEY: f"{amount}_0;[Red]\\-{amount}_0",
        Kind.DATE: table.locale.sheet_date,
        Kind.DATETIME: f"{table.locale.sheet_date}\\ {table.locale.sheet_time}",
    }


def _styles(table: Table) -> str:
    formats = number_formats(table)
    format_ids = {kind: 164 + place for place, kind in enumerate(formats)}
    formats_xml = "".join(
        f'<numFmt numFmtId="{format_ids[kind]}" formatCode={quoteattr(code)}/>' for kind, code in formats.items()
    )
    header = 'numFmtId="0" fontId="2" fillId="2" borderId="0" xfId="0" applyFont="1" applyFill="1" applyAlignment="1"'
    body = 'fontId="0" fillId="0" borderId="0" xfId="0" applyAlignment="1"'
    cell_formats = [
        f'<xf numFmtId="0" {body}><alignment vertical="top"/></xf>',
        f'<xf numFmtId="49" {body} quotePrefix="1" applyNumberFormat="1"><alignment vertical="top" wrapText="1"/></xf>',
        f'<xf {header}><alignment vertical="center" wrapText="1"/></xf>',
        f'<xf {header}><alignment horizontal="right" vertical="center" wrapText="1" indent="1"/></xf>',
        '<xf numFmtId="0" fontId="3" fillId="0" borderId="0" xfId="0" applyFont="1"/>',
    ]
    for kind in _KINDS:
        format_id = f'numFmtId="{format_ids[kind]}" applyNumberFormat="1"' if kind in format_ids else 'numFmtId="0"'
        for look in Look:
            font, border = int(look in (Look.STRONG, Look.TOTAL)), int(look is Look.TOTAL)
            cell_formats.append(
                f'<xf {format_id} fontId="{font}" fillId="0" borderId="{border}" xfId="0" applyFont="1"'
                f' applyBorder="1" applyAlignment="1"><alignment {_alignment(kind, look)} vertical="top"/></xf>'
            )
    face = '<name val="Calibri"/><family val="2"/>'
    fonts = (
        f'<font><sz val="11"/>{face}</font>',
        f'<font><b/><sz val="11"/>{face}</font>',
        f'<font><b/><sz val="11"/><color rgb="FFFFFFFF"/>{face}</font>',
        f'<font><b/><sz val="14"/>{face}</font>',
    )
    dark = '<color rgb="FF1F2937"/>'
    return (
        f'<styleSheet xmlns="{_MAIN}"><numFmts count="{len(formats)}">{formats_xml}</numFmts>'
        f'<fonts count="{len(fonts)}">{"".join(fonts)}</fonts>'
        '<fills count="3"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill>'
        '<fill><patternFill patternType="solid"><fgColor rgb="FF'
        f'{HEADER_COLOUR}"/><bgColor indexed="64"/></patternFill></fill>'
        "</fills>"
        '<borders count="2"><border><left/><right/><top/><bottom/><diagonal/></border>'
        f'<border><left/><right/><top style="thin">{dark}</top><bottom style="double">{dark}</bottom><diagonal/>'
        "</border></borders>"
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"><alignment vertical="top"/></xf>'
        "</cellStyleXfs>"
        f'<cellXfs count="{len(cell_formats)}">{"".join(cell_formats)}</cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )


def _properties(table: Table) -> str:
    created = table.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        f'<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<dc:title>{escape(clean_text(table.title))}</dc:title><dc:creator>Comanda</dc:creator>"
        f"<dc:description>{escape(clean_text(chr(10).join(table.subtitle)))}</dc:description>"
        f'<dcterms:created xsi:type="dcterms:W3CDTF">{created}</dcterms:created>'
        f'<dcterms:modified xsi:type="dcterms:W3CDTF">{created}</dcterms:modified></cp:coreProperties>'
    )


def _alignment(kind: Kind, look: Look) -> str:
    if kind is Kind.TEXT:
        return 'wrapText="1"' if look is Look.NOTE else ""
    if kind in SUMMABLE and look is not Look.NOTE:
        return 'horizontal="right"'
    return 'horizontal="left"'


def _print_text(text: str, longest: int) -> str:
    """Text for a page header, where & begins a code, in so many UTF-16 units at most."""
    shown = " ".join(clean_text(text).split())
    while len(shown.replace("&", "&&").encode("utf-16-le")) // 2 > longest:
        shown = shown[:-1]
    return shown.replace("&", "&&")
