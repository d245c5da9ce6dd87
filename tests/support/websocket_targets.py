"""A connections table as the CDK app makes it (tests/infra asserts its template)."""

import uuid
from typing import TYPE_CHECKING

from comanda.adapters.live.connection_table import ConnectionTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def make_connection_table(dynamodb: "DynamoDBClient", name: str | None = None) -> ConnectionTable:
    name = name or f"test-{uuid.uuid4().hex[:12]}-connections"
    dynamodb.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "topic", "KeyType": "HASH"},
            {"AttributeName": "connection_id", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "topic", "AttributeType": "S"},
            {"AttributeName": "connection_id", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return ConnectionTable(dynamodb, name)
