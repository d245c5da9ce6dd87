"""Whether a file holds what its report was asked for: decided from the table that a client sent, and from the orders
and ledger entries as they came to be."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.simulation.events import seconds_of
from tests.simulation.functions import CLOCKS
from tests.simulation.observed_reports import Cells, SeenReport, is_whole_pdf, rows_in
from tests.simulation.report_system import SourceWrite
from tests.simulation.report_workload import ReportIntent


def what_is_wrong_with(
    row: SeenReport, content: bytes, intent: ReportIntent | None, sources: Sequence[SourceWrite]
) -> str | None:
    """The first thing that is not as it should be with the file of a ready report."""
    assert row.file
    if (hashlib.sha256(content).hexdigest(), len(content)) != (row.file["sha256"], int(row.file["bytes"])):
        return "its file is not the one of the row"
    if row.format == "pdf":
        return None if is_whole_pdf(content) else "its PDF is not whole"
    rows = rows_in(row.format, content, totals=row.type != "summary")
    if len(rows) != int(row.file["rows"]):
        return f"its file has {len(rows)} rows, the row says {row.file['rows']}"
    match row.type:
        case "table":
            return _table(row, rows, intent)
        case "orders":
            return _orders(row, rows, sources)
        case "summary":
            return _summary(row, rows, sources)
        case _:
            return _statement(row, rows, sources)


def _table(row: SeenReport, rows: Sequence[Cells], intent: ReportIntent | None) -> str | None:
    if intent is None:  # Nobody heard its id.
        return None
    if intent.flaw:
        return "a table that breaks a rule was written"
    wanted = [(name, Decimal(amount)) for name, amount in intent.rows_of(int(row.parameters["size"]))]
    found = [(name, _money(amount)) for name, amount in rows]
    return None if found == wanted else "its rows are not those that were sent"


def _orders(row: SeenReport, rows: Sequence[Cells], sources: Sequence[SourceWrite]) -> str | None:
    ids = [cells[1] for cells in rows]
    if len(set(ids)) < len(ids):
        return "an order stands in it twice"
    may, must = _orders_of(row, sources)
    if not set(ids) <= may:
        return "an order stands in it that does not belong there"
    return None if must <= set(ids) else f"{len(must - set(ids))} orders are missing"


def _summary(row: SeenReport, rows: Sequence[Cells], sources: Sequence[SourceWrite]) -> str | None:
    may, must = _orders_of(row, sources)
    total = int(rows[-1][2])
    return None if len(must) <= total <= len(may) else f"it counts {total} orders of {len(must)} to {len(may)}"


def _statement(row: SeenReport, rows: Sequence[Cells], sources: Sequence[SourceWrite]) -> str | None:
    """All of the ledger's entries from the first on, as the period begins before anybody ordered."""
    _, cut_off = _period(row)
    recipient = row.parameters["recipient_id"]
    ledger = sorted(
        (each for each in sources if each.source == "ledger" and each.key == recipient),
        key=lambda each: int(each.row["sequence"]["N"]),
    )
    entries = rows[1:-1]
    amounts = [_money(each.row["amount"]["N"]) for each in ledger]
    found = [(int(cells[0]), cells[2], _money(cells[3])) for cells in entries]
    wanted = [
        (number, each.row["order_id"]["S"], amount)
        for number, (each, amount) in enumerate(zip(ledger, amounts, strict=True), 1)
    ]
    if found != wanted[: len(found)]:
        return "its entries are not those of the ledger"
    if _money(rows[-1][4]) != sum((amount for _, _, amount in found), Decimal(0)):
        return "its closing balance is not the sum of its entries"
    sure = 0
    for each in ledger:
        if seconds_of(each.row["completed_at"]["S"]) >= cut_off or each.at > cut_off - CLOCKS:
            break
        sure += 1
    return None if len(found) >= sure else f"{sure - len(found)} entries are missing"


def _orders_of(row: SeenReport, sources: Sequence[SourceWrite]) -> tuple[set[str], set[str]]:
    """The orders that may stand in a report, and those that must: which were in the table before its cut-off."""
    begin, cut_off = _period(row)
    mine = [each for each in _orders_in(sources) if row.caller in {"ops", each.row["caller"]["S"]}]
    may = [each for each in mine if begin <= seconds_of(each.row["created_at"]["S"]) < cut_off]
    return {each.key for each in may}, {each.key for each in may if each.at <= cut_off - CLOCKS}


def _orders_in(sources: Sequence[SourceWrite]) -> Iterator[SourceWrite]:
    return (each for each in sources if each.source == "orders")


def _period(row: SeenReport) -> tuple[float, float]:
    """Seconds since the epoch: its first moment, and where it ends for this report."""
    first, last = (date.fromisoformat(row.parameters[name]) for name in ("from", "to"))
    begin, end = _midnight(first), _midnight(last + timedelta(days=1))
    return begin, max(begin, min(end, seconds_of(row.created_at)))


def _midnight(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def _money(cell: Any) -> Decimal:
    return Decimal(str(cell)).quantize(Decimal("0.01"))
