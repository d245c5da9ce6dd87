"""The reports table: one row per report."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from comanda.adapters.aws.versioned_rows import ATTENTION_INDEX
from comanda.adapters.delivery.work_item_table import WorkItemTable
from comanda.adapters.reports.rows import from_row, to_row
from comanda.application.delivery.ports import FAILED
from comanda.domain.reports.report import OVER, Report
from comanda.domain.shared.errors import UnreadableRow


class ReportTable(WorkItemTable[Report]):
    """Implements `Reports` and `RowsInNeed`."""

    key = "report_id"
    what = "reports table"
    over = OVER

    def to_row(self, item: Report) -> dict[str, Any]:
        return to_row(item)

    def from_row(self, row: Mapping[str, Any]) -> Report:
        return from_row(row)

    def attention_of_failed(self, row_id: str) -> str:  # noqa: ARG002
        return FAILED

    def needing_attention(self, kind: str) -> Iterator[Report | UnreadableRow]:
        """All reports that are OWED or FAILED; the index is a moment behind, the rows are not."""
        for page in self._listed(ATTENTION_INDEX, "attention", kind):
            yield from page

    def open_in(self, groups: Collection[str], shown: Iterable[Report]) -> Iterator[Report | UnreadableRow]:  # noqa: ARG002
        """A report is its own message group: what is shown of it hides no other."""
        return iter(())

    def failed(self) -> Iterator[Report | UnreadableRow]:
        """All failed reports that nobody discarded, in no order."""
        return self.needing_attention(FAILED)
