"""Whether everything the API needs answers: tables and queues (E9)."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from comanda.adapters.aws import answering
from comanda.domain.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True)
class Readiness:
    dynamodb: "DynamoDBClient"
    sqs: "SQSClient"
    tables: Sequence[str]
    """Names of tables."""
    queue_urls: Sequence[str]

    def __call__(self) -> dict[str, str]:
        """`ok` or a reason, for each table and queue."""
        checks = {name: partial(self._table, name) for name in self.tables}
        checks |= {url.rpartition("/")[2]: partial(self._queue, url) for url in self.queue_urls}
        with ThreadPoolExecutor(len(checks)) as pool:
            return dict(zip(checks, pool.map(_state_of, checks.values()), strict=True))

    def _table(self, name: str) -> None:
        with answering("table"):
            status = self.dynamodb.describe_table(TableName=name)["Table"].get("TableStatus")
        if status not in {"ACTIVE", "UPDATING"}:
            raise Unavailable(f"the table is {status}")

    def _queue(self, url: str) -> None:
        with answering("queue"):
            self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])


def _state_of(check: Callable[[], object]) -> str:
    try:
        check()
    except Unavailable as error:
        return str(error)
    return "ok"
