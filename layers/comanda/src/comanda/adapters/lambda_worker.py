"""A worker as a Lambda function: a batch of messages in, the ids of those that stay in the queue out."""

from collections.abc import Callable
from typing import Any, TypeVar

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field

from comanda.adapters.journal import LOGGER, PowertoolsJournal, measured
from comanda.adapters.message_spans import XRaySpans
from comanda.adapters.order_queues import LambdaSourceQueue, deliveries_of
from comanda.adapters.order_table import OrderTable
from comanda.adapters.settings import Settings
from comanda.adapters.world import World
from comanda.application.work import Step, Worker
from comanda.domain.retry import RetryPolicy

Message = TypeVar("Message")
WorkerHandler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


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


class WorkerSettings(SourceSettings):
    """What every worker of orders needs."""

    orders_table: str


def worker_handler(
    step: Step, settings: WorkerSettings, world: World, begin: Callable[[LambdaContext], None] | None = None
) -> WorkerHandler:
    """The handler of one stage's worker. `begin` is told of each invocation's context before the work starts."""
    journal = PowertoolsJournal()
    worker = Worker(
        step=step,
        orders=OrderTable(world.dynamodb, settings.orders_table),
        queue=LambdaSourceQueue(world.sqs, settings.source_queue_url, journal),
        retry=settings.retry,
        journal=journal,
        clock=world.clock,
        draw=world.draw,
        sleep=world.sleep,
        executor=world.executor,
        reserve_seconds=settings.worker_reserve_seconds,
        spans=XRaySpans(),
    )
    return batch_handler(deliveries_of, worker, begin)


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
