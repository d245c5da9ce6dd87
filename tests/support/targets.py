"""Where adapters are tested: tables, queues and a bucket of a test's own, on moto or on the emulator."""

import json
import uuid
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from comanda.adapters.runtime.world import World
from tests.support.builders import NOW
from tests.support.fakes import FakeClock, OneAfterAnother

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True)
class Resources:
    """Tables and queues as the CDK app makes them (tests/infra asserts its templates)."""

    session: "Session"
    dynamodb: "DynamoDBClient"
    sqs: "SQSClient"
    orders_table: str
    ledger_table: str
    idempotency_table: str
    circuits_table: str
    subscriptions_table: str
    notifications_table: str
    queue_url: str

    @cached_property
    def functions(self) -> "LambdaClient":
        client: LambdaClient = self.session.client("lambda")
        return client

    def world(self) -> World:
        return World(
            dynamodb=self.dynamodb,
            sqs=self.sqs,
            clock=FakeClock(NOW),
            random=lambda: 0.0,
            sleep=lambda _: None,
            executor=OneAfterAnother(),
            provider_executor=OneAfterAnother(),
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


@dataclass(frozen=True)
class Bucket:
    s3: "S3Client"
    name: str

    def keys(self) -> list[str]:
        return [found["Key"] for found in self.s3.list_objects_v2(Bucket=self.name).get("Contents", [])]

    def unfinished_uploads(self) -> int:
        return len(self.s3.list_multipart_uploads(Bucket=self.name).get("Uploads", []))


class Session(Protocol):
    """As much of a boto3.Session as is needed here."""

    def client(self, service_name: Any, /) -> Any: ...


def make_resources(session: Session, name: str | None = None, *, tables_are_there: bool = False) -> Resources:
    """`name`: what all names begin with."""
    name = name or f"test-{uuid.uuid4().hex[:12]}"
    dynamodb, sqs = session.client("dynamodb"), session.client("sqs")
    if not tables_are_there:
        _make_tables(dynamodb, name)
    return Resources(
        session,
        dynamodb,
        sqs,
        orders_table=f"{name}-orders",
        ledger_table=f"{name}-ledger",
        idempotency_table=f"{name}-idempotency",
        circuits_table=f"{name}-circuits",
        subscriptions_table=f"{name}-subscriptions",
        notifications_table=f"{name}-notifications",
        queue_url=create_fifo_queue(sqs),
    )


def _make_tables(dynamodb: Any, name: str) -> None:
    for table, keys in {
        "orders": ["order_id"],
        "ledger": ["recipient_id", "entry"],
        "idempotency": ["id"],
        "circuits": ["id"],
        "subscriptions": ["id"],
        "notifications": ["notification_id"],
    }.items():
        dynamodb.create_table(
            TableName=f"{name}-{table}",
            KeySchema=[
                {"AttributeName": key, "KeyType": key_type}
                for key, key_type in zip(keys, ["HASH", "RANGE"], strict=False)
            ],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            BillingMode="PAY_PER_REQUEST",
        )
    for table, index, key, sort_key in (
        ("orders", "attention", "attention", "created_at"),
        ("notifications", "attention", "attention", "created_at"),
        ("notifications", "subject", "subject_id", "happened_at"),
    ):
        add_index(dynamodb, f"{name}-{table}", index, key, sort_key)


def add_index(dynamodb: "DynamoDBClient", table: str, index: str, key: str, sort_key: str) -> None:
    keys: list[Any] = [{"AttributeName": key, "KeyType": "HASH"}, {"AttributeName": sort_key, "KeyType": "RANGE"}]
    dynamodb.update_table(
        TableName=table,
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in (key, sort_key)],
        GlobalSecondaryIndexUpdates=[
            {"Create": {"IndexName": index, "KeySchema": keys, "Projection": {"ProjectionType": "KEYS_ONLY"}}}
        ],
    )


def create_fifo_queue(sqs: "SQSClient", dead_letters: str | None = None, max_receives: int = 0) -> str:
    """Give its url. `dead_letters` is the url of its dead-letter queue, if it has one."""
    attributes = {
        "FifoQueue": "true",
        "ContentBasedDeduplication": "true",
        "DeduplicationScope": "messageGroup",
        "FifoThroughputLimit": "perMessageGroupId",
    }
    if dead_letters:
        answer = sqs.get_queue_attributes(QueueUrl=dead_letters, AttributeNames=["QueueArn"])
        policy = {"deadLetterTargetArn": answer["Attributes"]["QueueArn"], "maxReceiveCount": max_receives}
        attributes["RedrivePolicy"] = json.dumps(policy)
    created = sqs.create_queue(QueueName=f"test-{uuid.uuid4().hex[:12]}.fifo", Attributes=attributes)  # type: ignore[arg-type]
    return created["QueueUrl"]


def make_bucket(session: Session) -> Bucket:
    s3, name = session.client("s3"), f"test-{uuid.uuid4().hex[:12]}-reports"
    s3.create_bucket(Bucket=name)
    return Bucket(s3, name)
