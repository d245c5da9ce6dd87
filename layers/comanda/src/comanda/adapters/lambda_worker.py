"""A worker as a Lambda function: a batch of messages in, the ids of those that stay in the queue out."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field

from comanda.adapters.journal import LOGGER, METRICS, PowertoolsJournal
from comanda.adapters.order_queues import LambdaSourceQueue, deliveries_of
from comanda.adapters.order_table import OrderTable
from comanda.adapters.settings import Settings
from comanda.adapters.world import World
from comanda.application.work import Step, Worker
from comanda.domain.retry import RetryPolicy

WorkerHandler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


class WorkerSettings(Settings):
    """What every worker needs. Pauses are in seconds; ChangeMessageVisibility takes at most 12 hours."""

    orders_table: str
    source_queue_url: str
    worker_reserve_seconds: float = Field(ge=0)
    max_attempts: int = Field(ge=1)
    retry_pause_seconds: float = Field(gt=0)
    retry_pause_limit_seconds: float = Field(gt=0, le=43_200)


def worker_handler(
    step: Step, settings: WorkerSettings, world: World, begin: Callable[[LambdaContext], None] | None = None
) -> WorkerHandler:
    """The handler of an event source mapping with ReportBatchItemFailures ("Handling errors for an SQS event source").

    `begin` is told of each invocation's context before the work starts.
    """
    journal = PowertoolsJournal()
    worker = Worker(
        step=step,
        orders=OrderTable(world.dynamodb, settings.orders_table),
        queue=LambdaSourceQueue(world.sqs, settings.source_queue_url, journal),
        retry=RetryPolicy(settings.max_attempts, settings.retry_pause_seconds, settings.retry_pause_limit_seconds),
        journal=journal,
        clock=world.clock,
        draw=world.draw,
        sleep=world.sleep,
        executor=world.executor,
        reserve_seconds=settings.worker_reserve_seconds,
    )

    @METRICS.log_metrics
    def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        if begin:
            begin(context)
        batch = deliveries_of(event)
        stay = worker(batch, lambda: context.get_remaining_time_in_millis() / 1000)
        facts = {"messages": len(batch), "stay": len(stay), "function_request_id": context.aws_request_id}
        LOGGER.info("batch.worked", extra=facts)
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in stay]}

    return handle
