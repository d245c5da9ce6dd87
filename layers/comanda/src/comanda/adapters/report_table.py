"""The reports table: one row per report, written under the condition that it still is as it was read."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from comanda.adapters.report_rows import from_row, to_row
from comanda.adapters.versioned_rows import ATTENTION_INDEX, VersionedRows
from comanda.application.delivery.ports import FAILED
from comanda.domain.report import Report

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class ReportTable:
    """Implements `Reports` and `RowsInNeed`."""

    client: "DynamoDBClient"
    name: str

    def claim(self, report: Report) -> Report | None:
        found = self._rows.claim(to_row(report))
        return from_row(found) if found else None

    def get(self, report_id: str) -> Report | None:
        row = self._rows.get(report_id)
        return from_row(row) if row else None

    def save(self, before: Report, after: Report) -> None:
        self._rows.save(to_row(before), to_row(after))

    def get_many(self, report_ids: Iterable[str]) -> Mapping[str, Report]:
        return {report_id: from_row(row) for report_id, row in self._rows.get_many(report_ids).items()}

    def mark_sent(self, owed: Report, sent: Report) -> None:
        self._rows.mark_sent(to_row(owed), to_row(sent))

    def needing_attention(self, kind: str) -> Iterator[Report]:
        """All reports that are OWED or FAILED; the index is a moment behind, the rows are not."""
        for rows in self._rows.listed(ATTENTION_INDEX, "attention", kind):
            yield from map(from_row, rows.values())

    def open_in(self, groups: Collection[str], shown: Iterable[Report]) -> Iterator[Report]:  # noqa: ARG002
        """A report is its own message group: what is shown of it hides no other."""
        return iter(())

    def failed(self) -> Iterator[Report]:
        """All failed reports that nobody discarded, in no order."""
        return self.needing_attention(FAILED)

    @property
    def _rows(self) -> VersionedRows:
        return VersionedRows(self.client, self.name, "report_id", "reports table")
