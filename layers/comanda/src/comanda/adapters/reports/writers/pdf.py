"""PDF tables, written forward only: page after page, and at the end what all pages refer to (ISO 32000-1).

Why not ReportLab's canvas or its LongTable: docs/decisions/0006.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import partial
from itertools import chain, islice
from typing import Any

from comanda.adapters.reports.writers.pdf_font import Font, stream, visible
from comanda.domain.reports.report import MAX_PDF_ROWS
from comanda.domain.reports.table import SUMMABLE, Cell, Kind, Row, Strong, Table, Totals, check_rows, clean_text
from comanda.domain.shared.errors import InvalidTable, TooManyRows
from comanda.domain.shared.locale import Paper, currency_symbol

DEFLATE_LEVEL = 1
SAMPLE_ROWS = 200
"""Widths of columns, and with them how the paper is turned, are decided from these."""

_MARGIN = 30.0
"""Of the paper on each side, in points (1/72 inch) as all lengths here."""
_SIZES, _LAST_RESORT = (7.5, 7.0, 6.5, 6.0), (6.0, 5.0, 4.0)
"""Of letters, the first at which all texts are shown in full; at the others, long ones are cut."""
_FRAME_SIZE = 7.5
_TITLE_SIZE, _TITLE_LINE = 14.0, 18.0
_FACT_SIZE, _FACT_LINE = 8.5, 12.0
_LINE_HEIGHT, _BELOW, _GAP, _LEAST_TEXT = 1.6, 0.47, 1.2, 4.8
"""In sizes of letters: of a line, of it below the baseline, between two columns, and how narrow text columns may be.
Numbers are never cut."""
_FOOTER = 22.0
_COUNT_WIDTH = 24.0
"""Room for the number of pages."""
_MAX_CACHED = 4_096

_CATALOG, _PAGES, _INFO, _RESOURCES, _HEADER, _PAGE_COUNT = range(1, 7)
_REGULAR, _BOLD = 10, 20
_FIRST_PAGE = 30
"""Numbers of objects. Fonts have six each; each page two."""
_PAPERS = {Paper.A4: (595.28, 841.89), Paper.LETTER: (612.0, 792.0)}
"""Width and height in portrait."""
_BEGIN = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"


def write(table: Table, rows: Iterable[Row]) -> Iterator[bytes]:
    """The bytes of a document, a page at a time, while the rows are read.

    Portrait where the columns fit, else landscape, else in smaller letters, and in the end with long text cut off by an
    ellipsis. Raises TooManyRows, and InvalidTable also for columns that do not fit on paper.
    """
    rows = iter(rows)
    sample = list(islice(rows, SAMPLE_ROWS))
    check_rows(table.columns, sample)
    fonts = _Fonts(Font("DejaVuSans.ttf"), Font("DejaVuSans-Bold.ttf"))
    layout = _lay_out(table, sample, fonts, all_seen=len(sample) < SAMPLE_ROWS)
    document = _Document()
    yield document.begin()
    content, y = _heading(table, layout, fonts)
    lines = _lines(table, layout, fonts, chain(sample, rows))
    while (some := list(islice(lines, layout.lines_below(y)))) or not document.pages:
        frame = _frame(table, layout, fonts, y, len(some), len(document.pages) + 1)
        body = "".join([line(y - layout.line * place) for place, line in enumerate(some, 2)])
        yield document.page(f"{content}{frame}BT/F1 {layout.size} Tf {body}ET")
        content, y = "", layout.height - _MARGIN
    yield document.end(table, layout, fonts)


@dataclass(frozen=True)
class _Fonts:
    regular: Font
    bold: Font


@dataclass(frozen=True)
class _Layout:
    """The paper as it is turned, the size of letters, and each column's left edge and width."""

    width: float
    height: float
    size: float
    columns: tuple[tuple[float, float], ...]

    @property
    def line(self) -> float:
        """From one baseline to the next."""
        return _LINE_HEIGHT * self.size

    def lines_below(self, y: float) -> int:
        """How many lines fit below the header of columns, if that begins at y."""
        return int((y - _FOOTER - _MARGIN) / self.line) - 1


Line = Callable[[float], str]
"""From the height of its baseline to the operators that show it."""


def _lay_out(table: Table, sample: Sequence[Row], fonts: _Fonts, *, all_seen: bool) -> _Layout:
    totals = Totals(table.columns)
    totals.add(sample)
    sums = totals.foreseen(1 if all_seen else MAX_PDF_ROWS // len(sample))
    natural = [_natural_width(table, sample, sums[place], fonts, place) for place in range(len(sums))]
    narrow, wide = _PAPERS[table.paper]
    turned = [(narrow, wide, _SIZES[0]), *((wide, narrow, size) for size in _SIZES)]
    for width, height, size in turned:
        room = _room(width, size, len(natural))
        if sum(natural) * size <= room:
            return _placed(width, height, size, [size * each for each in natural], room)
    for size in _LAST_RESORT:
        room = _room(wide, size, len(natural))
        if squeezed := _squeezed(table, [size * each for each in natural], size, room):
            return _placed(wide, narrow, size, squeezed, room)
    raise InvalidTable(f"{len(natural)} columns do not fit on paper; ask for XLSX")


def _room(width: float, size: float, columns: int) -> float:
    """For the cells of a line."""
    return width - 2 * _MARGIN - _GAP * size * (columns - 1)


def _squeezed(table: Table, widths: list[float], size: float, room: float) -> list[float] | None:
    """Widths with which texts share what numbers leave them, short ones in full; None where that is too little."""
    texts = [place for place, column in enumerate(table.columns) if column.kind is Kind.TEXT]
    room_for_texts = room - sum(widths) + sum(widths[place] for place in texts)
    for left, place in zip(range(len(texts), 0, -1), sorted(texts, key=widths.__getitem__), strict=True):
        if widths[place] > room_for_texts / left:
            widths[place] = room_for_texts / left
            if widths[place] < _LEAST_TEXT * size:
                return None
        room_for_texts -= widths[place]
    return widths if sum(widths) <= room + 0.01 else None


def _placed(width: float, height: float, size: float, widths: Sequence[float], room: float) -> _Layout:
    """Columns beside each other; what is left of the room is shared among them."""
    spare = (room - sum(widths)) / len(widths)
    edges, x = [], _MARGIN
    for column_width in widths:
        edges.append((x, column_width + spare))
        x += column_width + spare + _GAP * size
    return _Layout(width, height, size, tuple(edges))


def _natural_width(table: Table, sample: Sequence[Row], total: Cell, fonts: _Fonts, place: int) -> float:
    """What shows the title, the sample and the total in full, in sizes of letters."""
    column = table.columns[place]
    shown = table.as_shown(column)
    widths = [fonts.regular.width(shown(row[place])) for row in sample if row[place] is not None]
    bold = [_title(table, place), *([shown(total)] if total is not None else [])]
    return max([*map(fonts.bold.width, bold), *widths]) / 1000 + 0.13


def _title(table: Table, place: int) -> str:
    column = table.columns[place]
    title = visible(column.title)
    return f"{title} ({currency_symbol(table.currency)})" if column.kind is Kind.MONEY else title


def _lines(table: Table, layout: _Layout, fonts: _Fonts, rows: Iterator[Row]) -> Iterator[Line]:
    """One for each row, and one for the totals."""
    cells = [_cell(table, layout, place, fonts.regular) for place in range(len(table.columns))]
    totals, read = Totals(table.columns), 0
    while batch := list(islice(rows, SAMPLE_ROWS)):
        check_rows(table.columns, batch, read + 1)
        read += len(batch)
        if read > MAX_PDF_ROWS:
            raise TooManyRows(f"a PDF takes at most {MAX_PDF_ROWS} rows; ask for XLSX, which takes any number")
        totals.add(batch)
        for row in batch:
            if type(row) is Strong:
                yield partial(_bold_line, table, layout, fonts.bold, row)
            else:
                yield partial(_line, cells, row)
    if table.has_totals:
        yield partial(_bold_line, table, layout, fonts.bold, totals.row(table.locale.total))


def _line(cells: Sequence[Callable[[Any], tuple[str, str]]], row: Row, y: float) -> str:
    height = f"{y:.2f}"
    shown = [show(cell) for show, cell in zip(cells, row, strict=True) if cell is not None]
    return "".join([f"1 0 0 1 {x} {height} Tm{text}" for x, text in shown])


def _bold_line(table: Table, layout: _Layout, font: Font, row: Row, y: float) -> str:
    cells = [_cell(table, layout, place, font, label=isinstance(cell, str)) for place, cell in enumerate(row)]
    return f"/F2 {layout.size} Tf {_line(cells, row, y)}/F1 {layout.size} Tf "


def _cell(
    table: Table, layout: _Layout, place: int, font: Font, *, label: bool = False
) -> Callable[[Any], tuple[str, str]]:
    """What makes of a cell where it begins, and the operator that shows it. Texts are remembered: many come again."""
    column = table.columns[place]
    shown = table.as_shown(column)
    left, width = layout.columns[place]
    size = layout.size
    room = width * 1000 / size
    known: dict[str, tuple[str, str]] = {}

    def text(cell: str) -> tuple[str, str]:
        if cell not in known:
            if len(known) >= _MAX_CACHED:
                known.clear()
            known[cell] = f"{left:.2f}", f"{font.encode(_fitted(cell, font, room))}Tj\n"
        return known[cell]

    def other(cell: Any) -> tuple[str, str]:
        return f"{left:.2f}", f"{font.encode(visible(shown(cell)))}Tj\n"

    def number(cell: Any) -> tuple[str, str]:
        digits = shown(cell)
        wide = font.width(digits)
        if wide <= room:
            return f"{left + (room - wide) * size / 1000:.2f}", f"{font.encode(digits)}Tj\n"
        # A number is not cut but set narrower.
        return f"{left:.2f}", f" {100 * room / wide:.1f} Tz{font.encode(digits)}Tj 100 Tz\n"

    if label or column.kind is Kind.TEXT:
        return text
    return number if column.kind in SUMMABLE else other


def _fitted(text: str, font: Font, room: float) -> str:
    line = visible(text)
    return line if font.width(line) <= room else visible(font.fitted(text, room))


def _heading(table: Table, layout: _Layout, fonts: _Fonts) -> tuple[str, float]:
    """Title and facts of the first page, and the height at which its table begins."""
    width = layout.width - 2 * _MARGIN
    y = layout.height - _MARGIN + _TITLE_LINE - _TITLE_SIZE
    content = f"BT/F2 {_TITLE_SIZE} Tf "
    for line in _wrapped(table.title, fonts.bold, width * 1000 / _TITLE_SIZE):
        y -= _TITLE_LINE
        content += f"1 0 0 1 {_MARGIN} {y:.2f} Tm{fonts.bold.encode(visible(line))}Tj\n"
    content += f"/F1 {_FACT_SIZE} Tf "
    y -= 4
    for fact in table.subtitle:
        for line in _wrapped(fact, fonts.regular, width * 1000 / _FACT_SIZE):
            y -= _FACT_LINE
            content += f"1 0 0 1 {_MARGIN} {y:.2f} Tm{fonts.regular.encode(visible(line))}Tj\n"
    return f"{content}ET ", y - 8


def _wrapped(text: str, font: Font, room: float) -> Iterator[str]:
    """Lines of whole words; a word that is too long for a line is cut."""
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if line and font.width(longer) > room:
            yield line
            longer = word
        line = font.fitted(longer, room) if font.width(longer) > room else longer
    yield line


def _frame(table: Table, layout: _Layout, fonts: _Fonts, y: float, lines: int, page: int) -> str:
    """What stands around the lines of a page: the header of columns, rules, the footer with "page x of y"."""
    font, right = fonts.regular, layout.width - _MARGIN
    rules = "".join(
        f"{_MARGIN} {height:.2f} m {right:.2f} {height:.2f} l "
        for height in (y - layout.line * place - _BELOW * layout.size for place in range(2, lines + 2))
    )
    written = visible(f"{table.title} · {table.locale.moment(table.local(table.created_at))}")
    counted = f"{table.locale.page} {page} {table.locale.of} "
    counted_at = right - _COUNT_WIDTH - font.width(counted) * _FRAME_SIZE / 1000
    left_room = (counted_at - _MARGIN - _GAP) * 1000 / _FRAME_SIZE
    return (
        f"q 1 0 0 1 0 {y - layout.line:.2f} cm/Header Do Q .85 G .4 w {rules}S "
        f"BT/F1 {_FRAME_SIZE} Tf 1 0 0 1 {_MARGIN} {_FOOTER} Tm{font.encode(_fitted(written, font, left_room))}Tj "
        f"1 0 0 1 {counted_at:.2f} {_FOOTER} Tm{font.encode(counted)}Tj ET "
        f"q 1 0 0 1 {right - _COUNT_WIDTH:.2f} {_FOOTER} cm/Count Do Q "
    )


class _Document:
    """Numbers objects, and remembers where each begins."""

    def __init__(self) -> None:
        self.pages: list[int] = []
        """Their object numbers."""
        self._offsets: dict[int, int] = {}
        self._written = 0

    def begin(self) -> bytes:
        self._written = len(_BEGIN)
        return _BEGIN

    def page(self, content: str) -> bytes:
        number = _FIRST_PAGE + 2 * len(self.pages)
        self.pages.append(number)
        deflated = zlib.compress(content.encode(), DEFLATE_LEVEL)
        shown = f"<</Filter/FlateDecode/Length {len(deflated)}>>stream\n".encode() + deflated + b"\nendstream"
        page = f"<</Type/Page/Parent {_PAGES} 0 R/Contents {number + 1} 0 R>>".encode()
        return self._objects({number: page, number + 1: shown})

    def end(self, table: Table, layout: _Layout, fonts: _Fonts) -> bytes:
        """All that pages refer to, and the table of where everything is."""
        both = f"/Resources<</Font<</F1 {_REGULAR} 0 R/F2 {_BOLD} 0 R>>>>"
        form = "/Type/XObject/Subtype/Form/BBox"
        header = _columns_header(table, layout, fonts.bold)
        count = f"BT/F1 {_FRAME_SIZE} Tf {fonts.regular.encode(str(len(self.pages)))}Tj ET"
        objects = {
            _CATALOG: (
                f"<</Type/Catalog/Pages {_PAGES} 0 R/Lang({table.locale.tag})"
                "/ViewerPreferences<</DisplayDocTitle true>>>>"
            ).encode(),
            _PAGES: (
                f"<</Type/Pages/Count {len(self.pages)}/MediaBox[0 0 {layout.width} {layout.height}]"
                f"/Resources<</Font<</F1 {_REGULAR} 0 R/F2 {_BOLD} 0 R>>"
                f"/XObject<</Header {_HEADER} 0 R/Count {_PAGE_COUNT} 0 R>>>>"
                f"/Kids[{' '.join(f'{number} 0 R' for number in self.pages)}]>>"
            ).encode(),
            _INFO: (
                f"<</Title{_string(table.title)}/Subject{_string(' · '.join(table.subtitle))}/Creator(Comanda)"
                f"/CreationDate(D:{table.created_at.astimezone(UTC):%Y%m%d%H%M%S}Z)>>"
            ).encode(),
            _HEADER: stream(header.encode(), f"{form}[0 {-layout.line} {layout.width} {2 * layout.line}]{both}"),
            _PAGE_COUNT: stream(count.encode(), f"{form}[0 {-_FACT_LINE} {_COUNT_WIDTH} {_FACT_LINE}]{both}"),
            **fonts.regular.objects(_REGULAR),
            **fonts.bold.objects(_BOLD),
        }
        body = self._objects(objects)
        last = max(self._offsets)
        entries = "".join(
            f"{self._offsets[number]:010} 00000 n \n" if number in self._offsets else "0000000000 65535 f \n"
            for number in range(last + 1)
        )
        trailer = f"<</Size {last + 1}/Root {_CATALOG} 0 R/Info {_INFO} 0 R>>"
        return body + f"xref\n0 {last + 1}\n{entries}trailer{trailer}\nstartxref\n{self._written}\n%%EOF\n".encode()

    def _objects(self, objects: Mapping[int, bytes]) -> bytes:
        written = []
        for number, content in objects.items():
            self._offsets[number] = self._written
            written.append(b"%d 0 obj" % number + content + b"\nendobj\n")
            self._written += len(written[-1])
        return b"".join(written)


def _columns_header(table: Table, layout: _Layout, font: Font) -> str:
    """The titles of all columns on a band of colour, with their baseline at 0."""
    titles = ""
    for place, (column, (left, width)) in enumerate(zip(table.columns, layout.columns, strict=True)):
        room = width * 1000 / layout.size
        title = _fitted(_title(table, place), font, room)
        shift = (room - font.width(title)) * layout.size / 1000 if column.kind in SUMMABLE else 0.0
        titles += f"1 0 0 1 {left + shift:.2f} 0 Tm{font.encode(title)}Tj "
    band = f"{_MARGIN - 3} {-_BELOW * layout.size:.2f} {layout.width - 2 * _MARGIN + 6:.2f} {layout.line:.2f} re"
    return f".12 .31 .47 rg {band} f 1 g BT/F2 {layout.size} Tf {titles}ET"


def _string(text: str) -> str:
    """A text string of the document's properties: UTF-16 with a byte order mark, in hex."""
    return f"<FEFF{clean_text(text).encode('utf-16-be').hex()}>"
