"""Tables: which cells are allowed, and what they add up to."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from comanda.domain.reports.table import Column, Kind, Table, Totals, check_rows, clean_text
from comanda.domain.shared.errors import InvalidTable
from comanda.domain.shared.locale import EN_US, PT_BR, Locale, currency_symbol

NOON = datetime(2026, 11, 22, 12, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        (Kind.TEXT, "any text"),
        (Kind.INTEGER, -3),
        (Kind.DECIMAL, Decimal("1.2345")),
        (Kind.MONEY, Decimal(5)),
        (Kind.MONEY, Decimal("-5.10")),
        (Kind.DATE, date(2026, 11, 22)),
        (Kind.DATETIME, NOON),
        (Kind.BOOLEAN, True),
    ],
)
def test_a_cell_of_its_columns_kind_or_none_is_valid(kind: Kind, cell: Any) -> None:
    check_rows([Column("c", kind)], [(cell,), (None,)])


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        (Kind.TEXT, 1),
        (Kind.TEXT, "half \ud800"),
        (Kind.INTEGER, True),
        (Kind.INTEGER, 1.0),
        (Kind.DECIMAL, 1.5),
        (Kind.DECIMAL, Decimal("NaN")),
        (Kind.DECIMAL, Decimal("Infinity")),
        (Kind.MONEY, Decimal("NaN")),
        (Kind.MONEY, Decimal("1.234")),
        (Kind.MONEY, "1.00"),
        (Kind.DATE, NOON),
        (Kind.DATE, "2026-11-22"),
        (Kind.DATETIME, NOON.replace(tzinfo=None)),
        (Kind.DATETIME, date(2026, 11, 22)),
        (Kind.BOOLEAN, 1),
    ],
)
def test_another_cell_is_refused_with_its_row_and_column(kind: Kind, cell: Any) -> None:
    with pytest.raises(InvalidTable, match="row 12, column 'c'"):
        check_rows([Column("a"), Column("c", kind)], [("x", None), ("x", None), ("x", cell)], first=10)


@pytest.mark.parametrize("row", [(), ("a",), ("a", "b", "c")])
def test_a_ragged_row_is_refused(row: tuple[str, ...]) -> None:
    with pytest.raises(InvalidTable, match=f"row 2: {len(row)} cells for 2 columns"):
        check_rows([Column("a"), Column("b")], [("a", "b"), row])


def test_a_table_that_cannot_be_is_refused() -> None:
    with pytest.raises(InvalidTable):
        Table("t", (), NOON)
    with pytest.raises(InvalidTable):
        Table("t", (Column("a"),), NOON.replace(tzinfo=None))
    with pytest.raises(InvalidTable):
        Table("\udc00", (Column("a"),), NOON)
    with pytest.raises(InvalidTable):
        Column("a", Kind.TEXT, total=True)


def test_sums_are_exact_and_leave_out_what_is_empty() -> None:
    columns = [Column("a"), Column("n", Kind.INTEGER, total=True), Column("m", Kind.MONEY, total=True)]
    totals = Totals(columns)
    totals.add([("x", 1, Decimal("0.10")), (None, None, None)])
    totals.add([("y", 2, Decimal("0.20"))])
    assert totals.row("Total") == ("Total", 3, Decimal("0.30"))
    assert str(Totals(columns).row("Total")[2]) == "0.00"


def test_text_keeps_its_lines_and_loses_control_characters() -> None:
    assert clean_text("a\r\nb\rc\td\x00\x1f\x7f\x85\ufffe") == "a\nb\nc\td"


@pytest.mark.parametrize(
    ("locale", "shown"),
    [
        (PT_BR, ["1.234.567", "-1.234,5", "1.234,50", "22/11/2026", "22/11/2026 09:30:05", "Sim"]),
        (EN_US, ["1,234,567", "-1,234.5", "1,234.50", "11/22/2026", "11/22/2026 09:30:05 AM", "Yes"]),
    ],
)
def test_cells_are_shown_as_in_the_readers_country(locale: Locale, shown: list[str]) -> None:
    kinds = [Kind.INTEGER, Kind.DECIMAL, Kind.MONEY, Kind.DATE, Kind.DATETIME, Kind.BOOLEAN]
    cells = [1_234_567, Decimal("-1234.5"), Decimal("1234.5"), date(2026, 11, 22), NOON, True]
    columns = tuple(Column("c", kind) for kind in kinds)
    table = Table("t", columns, NOON, locale=locale, zone=ZoneInfo("America/Sao_Paulo"))
    assert [table.as_shown(column)(cell) for column, cell in zip(columns, cells, strict=True)] == shown


def test_a_currency_without_a_symbol_is_its_code() -> None:
    assert [currency_symbol(code) for code in ("BRL", "CHF")] == ["R$", "CHF"]
