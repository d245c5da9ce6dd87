"""Rows with a version, written only where they still are as they were read (P3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from comanda.adapters.aws import answering, failed_row, from_dynamodb, to_dynamodb
from comanda.application.ports import Overtaken

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Row = Mapping[str, Any]


@dataclass(frozen=True)
class VersionedRows:
    """A table of which `key` is the partition key. Its methods raise Unavailable where DynamoDB does not answer."""

    client: "DynamoDBClient"
    table: str
    key: str
    what: str
    """What the table is called where it does not answer."""

    def claim(self, row: Row) -> Row | None:
        """Put a row where there is none; give the one that is there already."""
        try:
            with answering(self.what):
                self.client.put_item(
                    TableName=self.table,
                    Item=to_dynamodb(row),
                    ConditionExpression=f"attribute_not_exists({self.key})",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ClientError as error:
            return failed_row(error)
        return None

    def get(self, key: str) -> Row | None:
        with answering(self.what):
            answer = self.client.get_item(TableName=self.table, Key=to_dynamodb({self.key: key}), ConsistentRead=True)
        return from_dynamodb(answer["Item"]) if "Item" in answer else None

    def save(self, before: Row, after: Row) -> None:
        """Write what differs, where the row still has the version of `before`. Raises Overtaken otherwise.

        boto3 tries again by itself where an answer was lost, and then finds its own write: that is no other's.
        """
        try:
            with answering(self.what):
                self.client.update_item(
                    **update_of(self.table, self.key, before, after),
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ClientError as error:
            found = failed_row(error)
            if any(found.get(name) != value for name, value in after.items()):
                raise Overtaken(after[self.key]) from error


def update_of(table: str, key: str, before: Row, after: Row) -> Any:
    """The update that turns one row into the other, and touches no attribute that this code does not know."""
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    gone = [name for name in before if name not in after]
    names = {f"#{name}": name for name in [*changed, *gone, "version"]}
    update = "SET " + ", ".join(f"#{name} = :{name}" for name in changed)
    if gone:
        update += " REMOVE " + ", ".join(f"#{name}" for name in gone)
    return {
        "TableName": table,
        "Key": to_dynamodb({key: after[key]}),
        "UpdateExpression": update,
        "ConditionExpression": "#version = :read_version",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": to_dynamodb(
            {f":{name}": value for name, value in changed.items()} | {":read_version": before["version"]}
        ),
    }
