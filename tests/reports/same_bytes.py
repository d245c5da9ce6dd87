"""What `test_same_bytes` runs in processes of its own: every type in every format, and what their bytes come to."""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from comanda.adapters.reports.files import chunks_of
from comanda.application.ports import Balance, LedgerEntry
from comanda.application.report_types import REPORT_TYPES
from comanda.application.report_types.report_type import Asked, parameters_of
from comanda.domain.access import Origin, Scope
from comanda.domain.order import OrderStatus
from comanda.domain.report import ReportFormat
from tests.application.reports.conftest import Scene, a_line
from tests.builders import NOW, a_caller

OPS = a_caller("ops", scopes=frozenset(Scope))
STATUSES = (OrderStatus.COMPLETED, OrderStatus.FAILED, OrderStatus.COMPLETED, OrderStatus.PENDING)


def digests() -> Iterator[tuple[str, str, str, str]]:
    """Type, format, locale, SHA-256."""
    for locale in ("pt-BR", "en-US"):
        scene = _scene()
        for name, parameters in _requests(locale).items():
            for report_format in ReportFormat:
                yield name, report_format.value, locale, _digest(scene, name, report_format, parameters)


def _digest(scene: Scene, name: str, report_format: ReportFormat, parameters: dict[str, Any]) -> str:
    report = scene.asked(type_name=name, parameters=parameters, report_format=report_format, caller=OPS)
    report_type = REPORT_TYPES[name]
    kept = parameters_of(report_type, report.request.parameters)
    asked = Asked(report, scene.sources, "BRL", iter)
    chunks = chunks_of(report_format, report_type.document(kept, asked), report_type.rows(kept, asked))
    return hashlib.sha256(b"".join(chunks)).hexdigest()


def _requests(locale: str) -> dict[str, dict[str, Any]]:
    readers = {"locale": locale, "time_zone": "America/Sao_Paulo"}
    period = {"from": "2026-11-01", "to": "2026-11-22", **readers}
    columns = [{"title": kind, "kind": kind} for kind in ("text", "integer", "decimal", "date", "datetime", "boolean")]
    row = ["שלום Ωμέγα ação", 1, "0.125", "2026-11-22", "2026-11-22T12:30:00Z", True]
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
