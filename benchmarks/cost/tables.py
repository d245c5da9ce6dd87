"""The figures as text."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

from benchmarks.cost.prices import MILLION, cost_of, total_of
from benchmarks.cost.usage import Kind, Usage

BATCHES = (1, 2, 10)
"""Orders in a batch, for which the happy path is measured: the columns."""
WRITE_UNIT_LIMIT = 18
SQS_LIMITS = {1: 9, 10: 4}
"""By batch."""
USD_LIMIT = 20
"""Targets for one order on the happy path; USD for a million of them."""

_COLUMNS = tuple(f"batch {batch}" for batch in BATCHES)

Row = tuple[str, ...]


def counts_table(usages: Sequence[Usage]) -> str:
    """Calls and units of one order: what is the same in every run."""
    rows: list[Row] = [("per order", *_COLUMNS)]
    calls = [{" ".join(use): amount for use, amount in usage.by(Kind.CALL).items()} for usage in usages]
    rows += [("AWS calls of the functions", *_numbers(usage.total(Kind.CALL) for usage in usages))]
    rows += _lines(calls)
    for kind in (Kind.SQS_REQUEST, Kind.WRITE_UNITS, Kind.READ_UNITS):
        rows += [(kind.value, *_numbers(usage.total(kind) for usage in usages))]
        if kind is Kind.SQS_REQUEST:
            named = [{f"{what} by the {of}": n for (of, what), n in usage.by(kind).items()} for usage in usages]
            rows += _lines(named)
        else:
            rows += _lines([usage.by_resource(kind) for usage in usages])
    rows += [("Lambda invocations", *_numbers(usage.total(Kind.INVOCATION) for usage in usages))]
    return text_of(rows)


def costs_table(usages: Sequence[Usage], broadcasts: Sequence[Usage]) -> str:
    """USD for a million orders. `broadcasts`: what the WebSocket stack uses for each of them."""
    costs = [cost_of(usage) for usage in usages]
    rows: list[Row] = [("USD per million orders", *_COLUMNS)]
    rows += [
        (kind.value, *(_usd(cost.get(kind, Decimal(0)) * MILLION) for cost in costs))
        for kind in Kind
        if any(kind in cost for cost in costs)
    ]
    at_once = [without_waiting(usage) for usage in usages]
    websockets = [total_of(usage) * MILLION for usage in broadcasts]
    rows.append(("all in, the provider answering at once", *map(_usd, at_once)))
    both = [usd + more for usd, more in zip(at_once, websockets, strict=True)]
    rows.append(("  with WebSockets, nobody connected", *map(_usd, both)))
    rows.append(("  with what the simulated provider takes", *(_usd(total_of(usage) * MILLION) for usage in usages)))
    return text_of(rows)


def targets_table(usages: Sequence[Usage]) -> str:
    """What was to be reached, and whether it was."""
    rows: list[Row] = [("target, per order", *_COLUMNS)]
    writes = [usage.total(Kind.WRITE_UNITS) for usage in usages]
    requests = [usage.total(Kind.SQS_REQUEST) for usage in usages]
    rows.append(
        (
            f"DynamoDB write units, at most {WRITE_UNIT_LIMIT}",
            *(_verdict(_number(units), met=units <= WRITE_UNIT_LIMIT) for units in writes),
        )
    )
    rows.append(
        (
            "SQS requests, at most " + ", ".join(f"{limit} at batch {batch}" for batch, limit in SQS_LIMITS.items()),
            *(
                _verdict(_number(number), met=number <= SQS_LIMITS[batch]) if batch in SQS_LIMITS else _number(number)
                for batch, number in zip(BATCHES, requests, strict=True)
            ),
        )
    )
    amounts = [without_waiting(usage) for usage in usages]
    rows.append(
        (
            f"USD per million, at most {USD_LIMIT}, the provider answering at once",
            *(_verdict(_usd(usd), met=usd <= USD_LIMIT) for usd in amounts),
        )
    )
    return text_of(rows)


def each_table(title: str, usages: Sequence[tuple[str, Usage]]) -> str:
    """What each of some happenings costs."""
    rows: list[Row] = [(title, "USD each", "write units", "read units", "SQS", "Lambda")]
    for name, usage in usages:
        kinds = (Kind.WRITE_UNITS, Kind.READ_UNITS, Kind.SQS_REQUEST, Kind.INVOCATION)
        rows.append((name, f"{total_of(usage):.6f}", *_numbers(usage.total(kind) for kind in kinds)))
    return text_of(rows)


def months_table(months: Sequence[tuple[str, Decimal]]) -> str:
    rows: list[Row] = [("fixed, USD a month", "")]
    rows += [(name, _usd(usd)) for name, usd in months]
    rows.append(("together", _usd(sum((usd for _, usd in months), Decimal(0)))))
    return text_of(rows)


def without_waiting(usage: Usage) -> Decimal:
    """USD for a million, without the time that functions wait."""
    return (total_of(usage) - cost_of(usage).get(Kind.WAITED_GB_SECONDS, Decimal(0))) * MILLION


def text_of(rows: Sequence[Row]) -> str:
    """The first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = (
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def _lines(amounts: Sequence[dict[str, Fraction]]) -> list[Row]:
    """One line for each name, indented."""
    names = dict.fromkeys(name for each in amounts for name in each)
    return [(f"  {name}", *_numbers(each.get(name, Fraction(0)) for each in amounts)) for name in names]


def _numbers(amounts: Iterable[Fraction]) -> Row:
    return tuple(map(_number, amounts))


def _number(amount: Fraction) -> str:
    return f"{float(amount):.2f}"


def _usd(amount: Decimal) -> str:
    return f"{amount:.2f}"


def _verdict(text: str, *, met: bool) -> str:
    return f"{text} {'met' if met else 'MISSED'}"
