"""`table`: the caller's own columns and rows, sent along, or uploaded before and named (B2)."""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictStr,
    ValidationInfo,
    model_validator,
)

from comanda.application.reports.offer_upload import MAX_UPLOAD_BYTES
from comanda.application.reports.ports import Sources
from comanda.application.reports.types.report_type import Asked, Parameters, ReportType, Volume, laid_out
from comanda.domain.reports.report import ReportRequest
from comanda.domain.reports.table import Cell, Column, Kind, Row, Table, check_rows, check_text
from comanda.domain.shared.access import Caller
from comanda.domain.shared.errors import FieldError, InvalidRequest, InvalidTable
from comanda.domain.shared.strict_json import MAX_DIGITS, MAX_EXPONENT, NotStrictJson, parse_json

MAX_COLUMNS = 200
MAX_TITLE = 200

_MAX_PLACES = MAX_DIGITS + MAX_EXPONENT
"""So that every number JSON may bring can be kept as text, without an exponent."""
_NUMBER = re.compile(rf"[+-]?\d{{1,{_MAX_PLACES}}}(\.\d{{1,{_MAX_PLACES}}})?", re.ASCII)
_BYTES_A_ROW = 60
"""So many bytes of tiny cells take as long as an order: 175 kB a second for the slowest table tried, where 3,000 orders
are certain (2026-11-22, 2 cores under load)."""


def _sound(text: str) -> str:
    try:
        check_text(text, "text")
    except InvalidTable as error:
        raise ValueError(str(error)) from None
    if not text.strip():
        raise ValueError("must not be blank")
    return text


Title = Annotated[StrictStr, Field(min_length=1, max_length=MAX_TITLE), AfterValidator(_sound)]


class ColumnParameters(BaseModel):
    """One column of a caller's own table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Title
    kind: Kind = Kind.TEXT
    total: StrictBool = False

    @model_validator(mode="after")
    def _can_be_summed(self) -> Self:
        try:
            self.column()
        except InvalidTable as error:
            raise ValueError(str(error)) from None
        return self

    def column(self) -> Column:
        return Column(self.title, self.kind, self.total)


class TableParameters(Parameters):
    """`rows`, or the `upload_id` of a file of JSON lines, each an array with one cell for each column."""

    title: Title
    columns: Annotated[tuple[ColumnParameters, ...], Field(min_length=1, max_length=MAX_COLUMNS)]
    rows: Annotated[list[list[Any]] | None, Field(fail_fast=True)] = None
    """At the first row that is none it is enough: a mebibyte holds half a million."""
    upload_id: Annotated[StrictStr, Field(pattern=r"^[0-9a-f-]{36,64}$")] | None = None
    content: str | None = None
    """What tells the uploaded content from any other; ours, as is the size in bytes."""
    size: int = 0

    @model_validator(mode="after")
    def _check(self, info: ValidationInfo) -> Self:
        if (info.context or {}).get("kept"):
            return self
        if self.content is not None or self.size:
            raise ValueError("content and size are not fields of a table")
        if (self.rows is None) == (self.upload_id is None):
            raise ValueError("a table has either rows or an upload_id")
        return self


class TableReport(ReportType[TableParameters]):
    """`table`: what the caller sends is what stands in the file."""

    parameters = TableParameters

    def prepared(self, parameters: TableParameters, caller: Caller, sources: Sources) -> TableParameters:
        """Rows that came along are checked and stored, so that the report's own row stays small."""
        if parameters.rows is not None:
            lines = _checked_lines(parameters.columns, parameters.rows)
            upload_id = sources.tables.keep(caller.name, lines)
        else:
            upload_id = parameters.upload_id or ""
        found = sources.tables.uploaded(caller.name, upload_id)
        if found is None:
            raise InvalidRequest(
                FieldError("parameters.upload_id", "nothing was uploaded under this id, or it is gone")
            )
        content, size = found
        if size > MAX_UPLOAD_BYTES:
            raise InvalidRequest(FieldError("parameters.upload_id", f"{size} bytes; at most {MAX_UPLOAD_BYTES}"))
        kept = {"rows": None, "upload_id": upload_id, "content": content, "size": size}
        return parameters.model_copy(update=kept)

    def settled_at(self, parameters: TableParameters, as_of: datetime) -> datetime:  # noqa: ARG002
        return datetime.min.replace(tzinfo=as_of.tzinfo)

    def volume(self, parameters: TableParameters, as_of: datetime, request: ReportRequest, sources: Sources) -> Volume:  # noqa: ARG002
        """As many orders as would take the same time; how many rows there are is only known once they are read."""
        return Volume(read=parameters.size // _BYTES_A_ROW)

    def document(self, parameters: TableParameters, asked: Asked) -> Table:
        columns = tuple(column.column() for column in parameters.columns)
        return laid_out(parameters.title, columns, parameters, asked)

    def rows(self, parameters: TableParameters, asked: Asked) -> Iterator[Row]:
        """Raises InvalidTable that names row and column of the first cell that breaks a rule."""
        caller, upload_id = asked.report.request.caller, parameters.upload_id or ""
        lines = asked.sources.tables.lines(caller, upload_id, parameters.content or "")
        for number, line in enumerate(lines, 1):
            yield _row_of(parameters.columns, _parsed(line, number), f"row {number}")


TABLE = TableReport()


def _checked_lines(columns: Sequence[ColumnParameters], rows: Sequence[Sequence[Any]]) -> bytes:
    """The rows as JSON lines. Raises InvalidRequest that names the first cell at fault."""
    checked = [column.column() for column in columns]
    try:
        cells = [_row_of(columns, row, f"row {number}") for number, row in enumerate(rows, 1)]
        check_rows(checked, cells)
    except InvalidTable as error:
        raise InvalidRequest(FieldError("parameters.rows", str(error))) from None
    return b"".join(json.dumps(row, default="{:f}".format, ensure_ascii=False).encode() + b"\n" for row in rows)


def _parsed(line: bytes, number: int) -> Sequence[Any]:
    try:
        row = parse_json(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise InvalidTable(f"row {number}: not a line of JSON: it is not UTF-8") from None
    except NotStrictJson as error:
        raise InvalidTable(f"row {number}: not a line of JSON: it {error}") from None
    if not isinstance(row, list):
        raise InvalidTable(f"row {number}: a row is a JSON array")
    return row


def _row_of(columns: Sequence[ColumnParameters], row: Sequence[Any], where: str) -> Row:
    if len(row) != len(columns):
        raise InvalidTable(f"{where}: {len(row)} cells for {len(columns)} columns")
    return tuple(
        None if cell is None else _cell_of(column.kind, cell, f"{where}, column {column.title!r}")
        for column, cell in zip(columns, row, strict=True)
    )


def _cell_of(kind: Kind, cell: Any, where: str) -> Cell:
    """From JSON to what a column of this kind holds; whether it is a good one of its kind, the writers check."""
    if isinstance(cell, str) and kind is not Kind.TEXT:
        try:
            return _from_text(kind, cell)
        except (ValueError, InvalidOperation):
            raise InvalidTable(f"{where}: its text is no {kind}") from None  # Which text, the log must not know.
    if kind in {Kind.DECIMAL, Kind.MONEY} and isinstance(cell, int) and not isinstance(cell, bool):
        return Decimal(cell)
    if not isinstance(cell, str | int | Decimal):
        raise InvalidTable(f"{where}: {type(cell).__name__} is no {kind}")
    return cell


def _from_text(kind: Kind, text: str) -> Cell:
    match kind:
        case Kind.DECIMAL | Kind.MONEY if _NUMBER.fullmatch(text):
            return Decimal(text)
        case Kind.DATE:
            return date.fromisoformat(text)
        case Kind.DATETIME:
            return datetime.fromisoformat(text)
    raise ValueError(text)
