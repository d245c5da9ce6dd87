"""Whether everything the API needs answers: tables and queues (E9)."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from comanda.adapters.aws.errors import answering
from comanda.adapters.observability.telemetry import LOGGER
from comanda.domain.shared.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True)
class Readiness:
    """Whether tables and queues answer."""

    dynamodb: "DynamoDBClient"
    sqs: "SQSClient"
    tables: Sequence[str]
    """Names of tables."""
    queue_urls: Sequence[str]

    def __call__(self) -> dict[str, str]:
        """`ok` or `failing`, for `storage` and `queues`. Which of them, and why, is for the log: anybody may ask."""
        with ThreadPoolExecutor(len(self.tables) + len(self.queue_urls)) as pool:
            tables = pool.map(partial(_answers, self._table), self.tables)
            queues = pool.map(partial(_answers, self._queue), self.queue_urls)
            answering = {"storage": list(tables), "queues": list(queues)}
        return {name: "ok" if all(each) else "failing" for name, each in answering.items()}

    def _table(self, name: str) -> None:
        with answering("table"):
            status = self.dynamodb.describe_table(TableName=name)["Table"].get("TableStatus")
        if status not in {"ACTIVE", "UPDATING"}:
            raise Unavailable(f"the table is {status}")

    def _queue(self, url: str) -> None:
        with answering("queue"):
            self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])


def _answers(check: Callable[[str], None], resource: str) -> bool:
    try:
        check(resource)
    except Unavailable as error:
        LOGGER.error("readiness.failing", extra={"resource": resource.rpartition("/")[2], "reason": str(error)})
        return False
    return True
