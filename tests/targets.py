"""Where adapters are tested: tables, queues and a bucket of a test's own, on moto or on the emulator."""

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3

from comanda.adapters.world import World
from tests.builders import NOW
from tests.fakes import FakeClock, OneAfterAnother

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True)
class Resources:
    """Tables, queues and a bucket as the CDK app makes them (tests/infra asserts its templates)."""

    dynamodb: "DynamoDBClient"
    sqs: "SQSClient"
    s3: "S3Client"
    orders_table: str
    ledger_table: str
    idempotency_table: str
    queue_url: str
    bucket: str

    def world(self) -> World:
        return World(
            dynamodb=self.dynamodb,
            sqs=self.sqs,
            clock=FakeClock(NOW),
            draw=lambda: 0.0,
            sleep=lambda _: None,
            executor=OneAfterAnother(),
        )

    def messages(self) -> list[dict[str, Any]]:
        """Receive what the queue has to give now, each for half a minute."""
        answer = self.sqs.receive_message(
            QueueUrl=self.queue_url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=30,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        return [dict(message) for message in answer.get("Messages", [])]

    def row(self, order_id: str) -> dict[str, Any]:
        """The row of an order as DynamoDB has it, typed values and all."""
        answer = self.dynamodb.get_item(TableName=self.orders_table, Key={"order_id": {"S": order_id}})
        return dict(answer.get("Item", {}))


def make_resources(session: boto3.Session) -> Resources:
    dynamodb, sqs, s3 = session.client("dynamodb"), session.client("sqs"), session.client("s3")
    name = f"test-{uuid.uuid4().hex[:12]}"
    for table, keys in {
        "orders": ["order_id"],
        "ledger": ["recipient_id", "entry"],
        "idempotency": ["id"],
    }.items():
        dynamodb.create_table(
            TableName=f"{name}-{table}",
            KeySchema=[
                {"AttributeName": key, "KeyType": key_type}  # type: ignore[typeddict-item]
                for key, key_type in zip(keys, ["HASH", "RANGE"], strict=False)
            ],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            BillingMode="PAY_PER_REQUEST",
        )
    dynamodb.update_table(
        TableName=f"{name}-orders",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("attention", "created_at")],
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": "attention",
                    "KeySchema": [
                        {"AttributeName": "attention", "KeyType": "HASH"},
                        {"AttributeName": "created_at", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            }
        ],
    )
    queue = sqs.create_queue(
        QueueName=f"{name}.fifo",
        Attributes={
            "FifoQueue": "true",
            "ContentBasedDeduplication": "true",
            "DeduplicationScope": "messageGroup",
            "FifoThroughputLimit": "perMessageGroupId",
        },
    )
    s3.create_bucket(Bucket=f"{name}-reports")
    return Resources(
        dynamodb=dynamodb,
        sqs=sqs,
        s3=s3,
        orders_table=f"{name}-orders",
        ledger_table=f"{name}-ledger",
        idempotency_table=f"{name}-idempotency",
        queue_url=queue["QueueUrl"],
        bucket=f"{name}-reports",
    )
