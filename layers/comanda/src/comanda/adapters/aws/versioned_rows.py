"""Rows with a version, written only where they still are as they were read (P3)."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from comanda.adapters.aws.errors import answering, code_of
from comanda.adapters.aws.row_fields import MOST, Row
from comanda.adapters.aws.values import UNKNOWN, decoded, failed_row, is_key, to_dynamodb
from comanda.application.delivery.ports import VersionConflict
from comanda.domain.shared.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ATTENTION_INDEX = "attention"
"""The sparse index that tables have of what asks for attention."""
ROWS_PER_READ = 100
"""BatchGetItem takes so many keys."""
FAILED = "failed"
"""The status of what failed, in every table."""
_NOT_TO_BE_WRITTEN = {"ConditionalCheckFailedException", "ValidationException"}
"""Another was quicker; or DynamoDB takes the row no more, as it would be too large, say."""


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
        if not is_key(key):
            return None
        with answering(self.what):
            answer = self.client.get_item(TableName=self.table, Key=to_dynamodb({self.key: key}), ConsistentRead=True)
        return decoded(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Iterable[str]) -> dict[str, Row]:
        """The rows there are, by key, as they stand now. At most ROWS_PER_READ keys."""
        wanted = [to_dynamodb({self.key: key}) for key in dict.fromkeys(keys) if is_key(key)]
        if not wanted:
            return {}
        with answering(self.what):
            answer = self.client.batch_get_item(RequestItems={self.table: {"Keys": wanted, "ConsistentRead": True}})
        if answer.get("UnprocessedKeys"):
            raise Unavailable(f"{self.what}: not all rows were read")
        rows = [decoded(item) for item in answer["Responses"].get(self.table, [])]
        return {row[self.key]: row for row in rows}

    def listed(self, index: str, attribute: str, value: str) -> Iterator[dict[str, Row]]:
        """Rows whose `attribute` has a value, page by page. The index is a moment behind; the rows it names are read as
        they stand now."""
        if not is_key(value):
            return
        pages = self.client.get_paginator("query").paginate(
            TableName=self.table,
            IndexName=index,
            KeyConditionExpression="#attribute = :value",
            ExpressionAttributeNames={"#attribute": attribute},
            ExpressionAttributeValues=to_dynamodb({":value": value}),
            PaginationConfig={"PageSize": ROWS_PER_READ},
        )
        with answering(self.what):
            for page in pages:
                yield self.get_many(item[self.key]["S"] for item in page["Items"])

    def mark_sent(self, owed: Row, sent: Row) -> None:
        """Take from a row that a message is owed, where it is still in the run that was sent, and owes it. That alone
        is changed, with no new version: a later run may have begun, and a worker may have the row in its hands."""
        update = update_of(self.table, self.key, owed, {**sent, "version": owed["version"]})
        update["ConditionExpression"] = "#replay = :replay AND attribute_exists(#owed)"
        update["ExpressionAttributeNames"] |= {"#replay": "replay", "#owed": "owed"}
        del update["ExpressionAttributeNames"]["#version"]
        values = update["ExpressionAttributeValues"]
        del values[":read_version"]
        update["ExpressionAttributeValues"] = values | to_dynamodb({":replay": owed["replay"]})
        try:
            with answering(self.what):
                self.client.update_item(**update)
        except ClientError as error:
            failed_row(error)

    def save(self, before: Row, after: Row) -> None:
        """Write what differs, where the row still has the version of `before`. Raises VersionConflict otherwise.

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
                raise VersionConflict(after[self.key]) from error

    def fail_unreadable(
        self,
        found: Row,
        settled: Collection[str],
        failure: Row,
        also: Row | None = None,
        gone: Collection[str] = (),
    ) -> bool:
        """Make a row that cannot be read a failed one, where it still is as it was found; `also` is set with it, and
        the attributes of `gone` go. Whether that was written: what is settled or has failed stays as it is.

        Nothing else of the row is touched, as it may be what a person mends it by.
        """
        if found.get("status") in [*settled, FAILED]:
            return False
        version = found.get("version")
        if version is UNKNOWN:
            return False
        written = {"status": FAILED, "failure": failure, "updated_at": failure["at"], **(also or {})}
        written["version"] = _next(version)
        removed = [name for name in gone if name in found]
        update = "SET " + ", ".join(f"#{name} = :{name}" for name in written)
        if removed:
            update += " REMOVE " + ", ".join(f"#{name}" for name in removed)
        values = {f":{name}": value for name, value in written.items()}
        if version is not None:
            values[":found_version"] = version
        try:
            with answering(self.what):
                self.client.update_item(
                    TableName=self.table,
                    Key=to_dynamodb({self.key: found[self.key]}),
                    UpdateExpression=update,
                    ConditionExpression=f"attribute_exists(#{self.key}) AND "
                    + ("attribute_not_exists(#version)" if version is None else "#version = :found_version"),
                    ExpressionAttributeNames={f"#{name}": name for name in [*written, *removed, self.key]},
                    ExpressionAttributeValues=to_dynamodb(values),
                )
        except ClientError as error:
            if code_of(error) not in _NOT_TO_BE_WRITTEN:
                raise
            return False
        return True


def _next(version: object) -> int:
    """Higher than what can be read of it."""
    known = isinstance(version, Decimal) and version.is_finite() and 0 <= version < MOST and version == int(version)
    return int(version) + 1 if isinstance(version, Decimal) and known else 1


def update_of(table: str, key: str, before: Row, after: Row) -> Any:
    """The update that turns one row into the other, and touches no attribute that this code does not know. It says by
    which form it was written, also to a row that did not say so before."""
    changed = {name: value for name, value in after.items() if before.get(name) != value or name == "schema"}
    gone = [name for name in before if name not in after]
    names = {f"#{name}": name for name in [*changed, *gone, "version"]}
    clauses = {"SET": [f"#{name} = :{name}" for name in changed], "REMOVE": [f"#{name}" for name in gone]}
    update = " ".join(f"{clause} {', '.join(actions)}" for clause, actions in clauses.items() if actions)
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
