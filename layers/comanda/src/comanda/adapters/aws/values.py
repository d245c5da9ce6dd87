"""DynamoDB's keys and typed values."""

from collections.abc import Mapping
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from comanda.adapters.aws.errors import code_of

_MAX_KEY_BYTES = 2048
"""Of a partition key ("Constraints in Amazon DynamoDB")."""


def is_key(text: str) -> bool:
    """Whether a row can have this key: where it cannot, there is none, and DynamoDB refuses to look for it."""
    try:
        return 1 <= len(text.encode()) <= _MAX_KEY_BYTES
    except UnicodeEncodeError:  # Half of a pair of surrogates.
        return False


UNKNOWN = object()
"""A value of DynamoDB's that Python cannot hold."""
_serializer, _deserializer = TypeSerializer(), TypeDeserializer()


def to_dynamodb(fields: Mapping[str, object]) -> dict[str, Any]:
    """Python values to DynamoDB's typed ones."""
    return {name: _serializer.serialize(value) for name, value in fields.items()}


def from_dynamodb(item: Mapping[str, Any]) -> dict[str, Any]:
    """DynamoDB's typed values to Python's. Raises for one that Python cannot hold; `decoded` does not."""
    return {name: _deserializer.deserialize(value) for name, value in item.items()}


def decoded(item: Mapping[str, Any]) -> dict[str, Any]:
    """A row as DynamoDB gives it, in Python's values. One that Python cannot hold, such as a number of more than 38
    digits, becomes UNKNOWN, which no attribute may be."""
    row: dict[str, Any] = {}
    for name, value in item.items():
        try:
            row |= from_dynamodb({name: value})
        except (ArithmeticError, AttributeError, TypeError, ValueError):
            row[name] = UNKNOWN
    return row


def failed_row(error: ClientError) -> dict[str, Any]:
    """The row that failed a condition (ReturnValuesOnConditionCheckFailure), empty where there is none; any other error
    is raised on."""
    if code_of(error) != "ConditionalCheckFailedException":
        raise error
    item: Mapping[str, Any] = error.response.get("Item", {})  # type: ignore[assignment]
    return decoded(item)
