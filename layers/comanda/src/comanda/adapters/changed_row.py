"""One way to write a changed row: only what differs, and only where the row still is as it was read (P3)."""

from collections.abc import Mapping
from typing import Any

from comanda.adapters.aws import to_dynamodb


def update_under_version(table: str, key: Mapping[str, str], old: Mapping[str, Any], new: Mapping[str, Any]) -> Any:
    """The update that turns one row into the other, and touches no attribute that this code does not know."""
    changed = {name: value for name, value in new.items() if old.get(name) != value}
    gone = [name for name in old if name not in new]
    names = {f"#{name}": name for name in [*changed, *gone, "version"]}
    update = "SET " + ", ".join(f"#{name} = :{name}" for name in changed)
    if gone:
        update += " REMOVE " + ", ".join(f"#{name}" for name in gone)
    return {
        "TableName": table,
        "Key": to_dynamodb(key),
        "UpdateExpression": update,
        "ConditionExpression": "#version = :read_version",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": to_dynamodb(
            {f":{name}": value for name, value in changed.items()} | {":read_version": old["version"]}
        ),
    }
