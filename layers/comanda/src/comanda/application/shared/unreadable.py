"""A row that cannot be read is told of by its id and what is wrong with it, and by nothing that it holds."""

from typing import Any

from comanda.application.shared.ports import Telemetry
from comanda.domain.shared.errors import UnreadableRow

UNREADABLE = "UnreadableRow"
"""The class of failure of what stands in such a row."""


def tell_unreadable(telemetry: Telemetry, row: UnreadableRow, **facts: Any) -> None:
    """One that a newer release wrote is no defect: it is told of, and alarms nobody."""
    if row.newer:
        telemetry.tell("row.of_newer_release", row_id=row.row_id, reason=row.why, **facts)
    else:
        telemetry.tell("row.unreadable", row_id=row.row_id, reason=row.why, **facts)
