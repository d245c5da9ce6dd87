"""Every type of report in every format, written by the real types and writers from the same small world."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from comanda.adapters.reports.writers.files import chunks_of
from comanda.application.orders.ports import Balance, LedgerEntry
from comanda.application.reports.types import REPORT_TYPES
from comanda.application.reports.types.report_type import Asked, parameters_of
from comanda.domain.orders.order import OrderStatus
from comanda.domain.reports.report import ReportFormat
from comanda.domain.reports.table import Row, Table
from comanda.domain.shared.access import Origin, Scope
from tests.application.reports.conftest import Scene, a_line
from tests.support.builders import NOW, a_caller

OPS = a_caller("ops", scopes=frozenset(Scope))
STATUSES = (OrderStatus.COMPLETED, OrderStatus.FAILED, OrderStatus.COMPLETED, OrderStatus.PENDING)


def digests() -> Iterator[tuple[str, str, str, str]]:
    """Type, format, locale, SHA-256."""
    for locale in ("pt-BR", "en-US"):
        for name in REPORT_TYPES:
            for report_format in ReportFormat:
                content = written(name, report_format, locale).content
                yield name, report_format.value, locale, hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class Written:
    """A file, and what went into it."""

    table: Table
    rows: list[Row]
    content: bytes


@cache
def written(name: str, report_format: ReportFormat, locale: str) -> Written:
    scene, report_type = _scene(), REPORT_TYPES[name]
    parameters = _requests(locale)[name]
    report = scene.asked(type_name=name, parameters=parameters, report_format=report_format, caller=OPS)
    kept = parameters_of(report_type, report.request.parameters)
    asked = Asked(report, scene.sources, "BRL", iter)
    table, rows = report_type.document(kept, asked), list(report_type.rows(kept, asked))
    return Written(table, rows, b"".join(chunks_of(report_format, table, rows)))


def _requests(locale: str) -> dict[str, dict[str, Any]]:
    readers = {"locale": locale, "time_zone": "America/Sao_Paulo"}
    period = {"from": "2026-11-01", "to": "2026-11-22", **readers}
    kinds = ("text", "integer", "decimal", "money", "date", "datetime", "boolean")
    columns = [{"title": kind, "kind": kind, "total": kind in {"integer", "money"}} for kind in kinds]
    row = ["=Ωμέγα ação", -1, "0.125", "-1234.50", "2026-11-22", "2026-11-22T12:30:00Z", True]
    return {
        "orders": period,
        "summary": period,
        "recipient-statement": {**period, "recipient_id": "r-1"},
        "table": {**readers, "title": "Mine", "columns": columns, "rows": [row] * 300},
    }


def _scene() -> Scene:
    scene = Scene()
    amounts = [Decimal(f"{number}.10") for number in range(300)]
    scene.orders.lines = [
        a_line(
            order_id=f"order-{number}",
            recipient_id=f"r-{number % 7}",
            status=STATUSES[number % 4],
            origin=list(Origin)[number % 3],
            total_amount=amount,
            created_at=_at(number),
        )
        for number, amount in enumerate(amounts)
    ]
    scene.ledger.written["r-1"] = [
        LedgerEntry(number, f"order-{number}", amount, _at(number)) for number, amount in enumerate(amounts, 1)
    ]
    scene.ledger.balances["r-1"] = Balance("r-1", "BRL", sum(amounts, Decimal("0.00")), len(amounts))
    return scene


def _at(number: int) -> datetime:
    return NOW - timedelta(days=20) + timedelta(hours=number)
