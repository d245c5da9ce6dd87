"""Where the adapters of reports are tested: tables, a queue and a bucket, on moto or on the emulator."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from comanda.adapters.orders.period_index import OrderPeriodIndex
from comanda.adapters.orders.table import OrderTable
from comanda.adapters.reports.world import S3_CONFIG, ReportWorld
from tests.support.builders import NOW
from tests.support.fakes import FakeClock
from tests.support.targets import add_index, create_fifo_queue

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True)
class ReportResources:
    session: Any
    """As much of a boto3.Session as makes clients."""
    dynamodb: "DynamoDBClient"
    sqs: "SQSClient"
    s3: "S3Client"
    name: str
    queue_url: str
    reading: ThreadPoolExecutor

    def table(self, of: str) -> str:
        return f"{self.name}-{of}"

    @property
    def bucket(self) -> str:
        return f"{self.name}-bucket"

    @property
    def link_keys_secret(self) -> str:
        return f"{self.name}-link-keys"

    @property
    def orders(self) -> OrderTable:
        return OrderTable(self.dynamodb, self.table("orders"))

    @property
    def periods(self) -> OrderPeriodIndex:
        return OrderPeriodIndex(self.dynamodb, self.table("orders"), self.reading)

    def world(self) -> ReportWorld:
        return ReportWorld(
            dynamodb=self.dynamodb,
            sqs=self.sqs,
            s3=self.s3,
            clock=FakeClock(NOW),
            random=lambda: 0.0,
            sleep=lambda _: None,
            reading=self.reading,
            sending=self.reading,
        )

    def environment(self) -> dict[str, str]:
        return {
            "ORDERS_TABLE": self.table("orders"),
            "LEDGER_TABLE": self.table("ledger"),
            "REPORTS_TABLE": self.table("reports"),
            "IDEMPOTENCY_TABLE": self.table("idempotency"),
            "BUCKET": self.bucket,
            "REPORTS_QUEUE_URL": self.queue_url,
            "STAGE": "local",
            "SUBSCRIPTIONS_TABLE": self.table("subscriptions"),
            "SOURCE_QUEUE_URL": self.queue_url,
            "CURRENCY": "BRL",
            "REPORT_LIFETIME_SECONDS": "604800",
            "REPORT_UPLOADS_PER_HOUR": "60",
            "LINK_SECONDS": "900",
            "LINK_KEYS_SECRET": self.link_keys_secret,
            "WORKER_RESERVE_SECONDS": "1",
            "MAX_ATTEMPTS": "3",
            "RETRY_PAUSE_SECONDS": "1",
            "RETRY_PAUSE_LIMIT_SECONDS": "5",
            "REPORT_LEASE_SECONDS": "60",
            "REPORT_ROWS_A_SECOND": "10000",
            "SETTLE_SECONDS": "0",
            "FUNCTION_SECONDS": "900",
        }

    def keys(self) -> list[str]:
        return [found["Key"] for found in self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])]

    def messages(self) -> list[dict[str, Any]]:
        answer = self.sqs.receive_message(
            QueueUrl=self.queue_url,
            MaxNumberOfMessages=10,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return [dict(message) for message in answer.get("Messages", [])]


def make_report_resources(
    session: Any, reading: ThreadPoolExecutor, name: str | None = None, *, tables_are_there: bool = False
) -> ReportResources:
    """`name`: what all names begin with."""
    name = name or f"test-{uuid.uuid4().hex[:12]}"
    dynamodb, sqs = session.client("dynamodb"), session.client("sqs")
    s3 = session.client("s3", config=S3_CONFIG)
    made = ReportResources(session, dynamodb, sqs, s3, name, create_fifo_queue(sqs), reading)
    if not tables_are_there:
        _make_tables(dynamodb, made)
    s3.create_bucket(Bucket=made.bucket)
    return made


def _make_tables(dynamodb: "DynamoDBClient", made: ReportResources) -> None:
    keys = {
        "orders": ["order_id"],
        "ledger": ["recipient_id", "entry"],
        "reports": ["report_id"],
        "idempotency": ["id"],
        "subscriptions": ["id"],
    }
    for table, names in keys.items():
        dynamodb.create_table(
            TableName=made.table(table),
            KeySchema=_schema(names),
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
            BillingMode="PAY_PER_REQUEST",
        )
    for table, index in (("orders", "period"), ("reports", "attention")):
        add_index(dynamodb, made.table(table), index, index, "created_at")


def _schema(names: list[str]) -> list[Any]:
    return [
        {"AttributeName": name, "KeyType": key_type} for name, key_type in zip(names, ["HASH", "RANGE"], strict=False)
    ]
