"""The reports table: one row a report, written under the condition that it still is as it was read."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from comanda.adapters.aws import answering, decoded, to_dynamodb
from comanda.adapters.report_rows import from_row, to_row
from comanda.adapters.row_fields import is_unreadable
from comanda.adapters.tried_rows import failure_to_row
from comanda.adapters.versioned_rows import VersionedRows
from comanda.domain.errors import UnreadableRow
from comanda.domain.report import Report, ReportStatus
from comanda.domain.tried import MessageFailure

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_OVER = frozenset({ReportStatus.READY, ReportStatus.CANCELLED, ReportStatus.EXPIRED})


@dataclass(frozen=True)
class ReportTable:
    """Implements `Reports`."""

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

    def fail_unreadable(self, report_id: str, failure: MessageFailure) -> bool:
        row = self._rows.get(report_id)
        if row is None or not is_unreadable(row, from_row):
            return False
        return self._rows.fail_unreadable(row, _OVER, failure_to_row(failure))

    def failed(self) -> Iterator[Report | UnreadableRow]:
        """All reports whose row says so, in no order. By a scan: reports are few, and their rows live for weeks."""
        with answering("reports table"):
            for page in self.client.get_paginator("scan").paginate(
                TableName=self.name,
                FilterExpression="#status = :failed",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues=to_dynamodb({":failed": ReportStatus.FAILED.value}),
                ConsistentRead=True,
            ):
                for item in page["Items"]:
                    try:
                        yield from_row(decoded(item))
                    except UnreadableRow as error:
                        yield error

    @property
    def _rows(self) -> VersionedRows:
        return VersionedRows(self.client, self.name, "report_id", "reports table")
