"""The reports table: one row a report, written under the condition that it still is as it was read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from comanda.adapters.aws import answering, code_of, from_dynamodb, to_dynamodb
from comanda.adapters.changed_row import update_under_version
from comanda.adapters.report_rows import from_row, to_row
from comanda.application.ports import Overtaken
from comanda.domain.report import Report

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class ReportTable:
    """Implements `Reports`."""

    client: "DynamoDBClient"
    name: str

    def claim(self, report: Report) -> Report | None:
        try:
            with answering("reports table"):
                self.client.put_item(
                    TableName=self.name,
                    Item=to_dynamodb(to_row(report)),
                    ConditionExpression="attribute_not_exists(report_id)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ClientError as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            found: Mapping[str, Any] = error.response.get("Item", {})  # type: ignore[assignment]
            return from_row(from_dynamodb(found))
        return None

    def get(self, report_id: str) -> Report | None:
        with answering("reports table"):
            answer = self.client.get_item(
                TableName=self.name, Key=to_dynamodb({"report_id": report_id}), ConsistentRead=True
            )
        return from_row(from_dynamodb(answer["Item"])) if "Item" in answer else None

    def save(self, before: Report, after: Report) -> None:
        update = update_under_version(self.name, {"report_id": after.report_id}, to_row(before), to_row(after))
        try:
            with answering("reports table"):
                self.client.update_item(**update)
        except ClientError as error:
            if code_of(error) == "ConditionalCheckFailedException":
                raise Overtaken(after.report_id) from error
            raise
