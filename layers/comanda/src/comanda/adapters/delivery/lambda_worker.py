"""A worker as a Lambda function: a batch of messages in, the ids of those that stay in the queue out."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field

from comanda.adapters.delivery.queues import LambdaSourceQueue
from comanda.adapters.observability.message_spans import XRaySpans
from comanda.adapters.observability.telemetry import LOGGER, PowertoolsTelemetry, measured
from comanda.adapters.runtime.settings import Settings
from comanda.application.delivery.open_run import OpenRun
from comanda.application.delivery.ports import Executor, Row, Rows, RunPublisher
from comanda.application.delivery.step import Step
from comanda.application.delivery.worker import ONE_BY_ONE, Worker
from comanda.application.shared.ports import Clock
from comanda.domain.delivery.retry import RetryPolicy

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


Message = TypeVar("Message")
WorkerHandler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


class WorkerWorld(Protocol):
    """What any worker needs of a world."""

    @property
    def sqs(self) -> "SQSClient": ...

    @property
    def clock(self) -> Clock: ...

    @property
    def random(self) -> Callable[[], float]:
        """A random number, 0 <= x < 1."""

    @property
    def sleep(self) -> Callable[[float], None]:
        """Seconds."""


class SourceSettings(Settings):
    """What every function behind a queue needs. ChangeMessageVisibility takes at most 12 hours."""

    source_queue_url: str
    worker_reserve_seconds: float = Field(ge=0)
    max_attempts: int = Field(ge=1)
    retry_pause_seconds: float = Field(gt=0)
    retry_pause_limit_seconds: float = Field(gt=0, le=43_200)

    @property
    def retry(self) -> RetryPolicy:
        return RetryPolicy(self.max_attempts, self.retry_pause_seconds, self.retry_pause_limit_seconds)


def worker_of(
    step: Step[Row],
    rows: Rows[Row],
    publisher: RunPublisher[Row],
    settings: SourceSettings,
    world: WorkerWorld,
    executor: Executor = ONE_BY_ONE,
) -> Worker[Row]:
    """The worker of one step. `publisher`: into the first queue of its kind."""
    telemetry = PowertoolsTelemetry()
    return Worker(
        step=step,
        rows=rows,
        open_run=OpenRun(rows, publisher, telemetry, world.clock),
        queue=LambdaSourceQueue(world.sqs, settings.source_queue_url, telemetry),
        retry=settings.retry,
        telemetry=telemetry,
        clock=world.clock,
        random=world.random,
        sleep=world.sleep,
        executor=executor,
        reserve_seconds=settings.worker_reserve_seconds,
        spans=XRaySpans(),
    )


def batch_handler(
    read: Callable[[dict[str, Any]], list[Message]],
    work: Callable[[list[Message], Callable[[], float]], list[str]],
    begin: Callable[[LambdaContext], None] | None = None,
) -> WorkerHandler:
    """The handler of an event source mapping with ReportBatchItemFailures ("Handling errors for an SQS event source").

    `read` gives the messages of an event. `work` is given them, and how many seconds are left; it gives the ids of
    those that stay in the queue. `begin` is told of each invocation's context before.
    """

    @measured
    def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        if begin:
            begin(context)
        batch = read(event)
        stay = work(batch, lambda: context.get_remaining_time_in_millis() / 1000)
        facts = {"messages": len(batch), "stay": len(stay), "function_request_id": context.aws_request_id}
        level = LOGGER.info if stay else LOGGER.debug
        level("batch.worked", extra=facts)
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in stay]}

    return handle
