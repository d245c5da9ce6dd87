"""CSV (RFC 4180) in UTF-8: for programs that read on, and for spreadsheets.

Numbers have a decimal point and no groups; times are ISO 8601 with the offset of the table's zone; a cell without a
value is empty. There is no totals row: who adds up the file would count it twice.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from io import StringIO
from itertools import islice
from typing import Any

from comanda.domain.reports.table import Column, Kind, Row, Table, check_rows, clean_text

BATCH_ROWS = 1_000
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\n")
"""What makes spreadsheets run a text as a formula (OWASP, "CSV Injection"); carriage returns are line feeds by then."""


def write(table: Table, rows: Iterable[Row], *, byte_order_mark: bool = True) -> Iterator[bytes]:
    """The bytes of the file, while the rows are read. Raises InvalidTable.

    Text that a spreadsheet would run as a formula gets an apostrophe before it; numbers do not, a negative one among
    them. Excel takes UTF-8 without a byte order mark for the country's old code page and shows `JoÃ£o`; leave the mark
    out for programs that take it for text.
    """
    text = StringIO(newline="")
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow([_as_text(column.title) for column in table.columns])
    if byte_order_mark:
        yield _BYTE_ORDER_MARK
    cells_of = [_conversion(table, column) for column in table.columns]
    rows, read = iter(rows), 0
    while batch := list(islice(rows, BATCH_ROWS)):
        lines.writerows(_converted(table, cells_of, batch, read))
        read += len(batch)
        yield _taken(text)
    yield _taken(text)


def _converted(
    table: Table, cells_of: Sequence[Callable[[Any], object]], batch: Sequence[Row], read: int
) -> Iterable[tuple[object, ...]]:
    """Column by column, which spares Python a call for each row."""
    check_rows(table.columns, batch, read + 1)
    columns = zip(*batch, strict=True)
    return zip(*(map(convert, cells) for convert, cells in zip(cells_of, columns, strict=True)), strict=True)


def _taken(text: StringIO) -> bytes:
    taken = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return taken


def _conversion(table: Table, column: Column) -> Callable[[Any], object]:
    match column.kind:
        case Kind.TEXT:
            return _as_text
        case Kind.DECIMAL:
            return _as_decimal
        case Kind.MONEY:
            return _as_money
        case Kind.DATE:
            return _as_day
        case Kind.DATETIME:
            return lambda moment: "" if moment is None else table.local(moment).isoformat(timespec="milliseconds")
        case Kind.BOOLEAN:
            return lambda value: "" if value is None else str(value).lower()
        case Kind.INTEGER:
            return lambda number: number


def _as_text(text: str | None) -> str:
    if text is None:
        return ""
    cleaned = clean_text(text)
    return f"'{cleaned}" if cleaned.startswith(_FORMULA_BEGINS) else cleaned


def _as_decimal(number: Decimal | None) -> str:
    return "" if number is None else f"{number:f}"


def _as_money(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount:.2f}"


def _as_day(day: date | None) -> str:
    return "" if day is None else day.isoformat()
