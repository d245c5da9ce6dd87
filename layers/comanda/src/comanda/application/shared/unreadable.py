"""A row that cannot be read is told of by its id and what is wrong with it, and by nothing that it holds."""

from typing import Any

from comanda.application.shared.ports import Journal
from comanda.domain.shared.errors import UnreadableRow

UNREADABLE = "UnreadableRow"
"""The class of failure of what stands in such a row."""


def tell_unreadable(journal: Journal, row: UnreadableRow, **facts: Any) -> None:
    """One that a newer release wrote is no defect: it is told of, and alarms nobody."""
    if row.newer:
        journal.tell("row.of_newer_release", row_id=row.row_id, reason=row.why, **facts)
    else:
        journal.tell("row.unreadable", row_id=row.row_id, reason=row.why, **facts)
