"""The reports table: one row a report, written under the condition that it still is as it was read."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from comanda.adapters.aws import answering, from_dynamodb, to_dynamodb
from comanda.adapters.report_rows import from_row, to_row
from comanda.adapters.versioned_rows import VersionedRows
from comanda.domain.report import Report, ReportStatus

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


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

    def failed(self) -> Iterator[Report]:
        """All reports whose row says so, in no order. By a scan: reports are few, and their rows live for weeks."""
        with answering("reports table"):
            for page in self.client.get_paginator("scan").paginate(
                TableName=self.name,
                FilterExpression="#status = :failed",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues=to_dynamodb({":failed": ReportStatus.FAILED.value}),
                ConsistentRead=True,
            ):
                yield from (from_row(from_dynamodb(item)) for item in page["Items"])

    @property
    def _rows(self) -> VersionedRows:
        return VersionedRows(self.client, self.name, "report_id", "reports table")
