"""A worker of orders as a Lambda function."""

from collections.abc import Callable

from aws_lambda_powertools.utilities.typing import LambdaContext

from comanda.adapters.delivery.lambda_worker import SourceSettings, WorkerHandler, batch_handler, worker_of
from comanda.adapters.delivery.queues import deliveries_of
from comanda.adapters.orders.queue import QueuePublisher
from comanda.adapters.orders.table import OrderTable
from comanda.adapters.runtime.world import World
from comanda.application.delivery.step import Step
from comanda.domain.orders.messages import OrderMessage
from comanda.domain.orders.order import Order


class WorkerSettings(SourceSettings):
    """What every worker of orders needs."""

    orders_table: str
    orders_queue_url: str
    """The first queue: where an order begins again that was redriven from a dead-letter queue."""


def worker_handler(
    step: Step[Order], settings: WorkerSettings, world: World, begin: Callable[[LambdaContext], None] | None = None
) -> WorkerHandler:
    """The handler of one stage's worker of orders. `begin` is told of each invocation's context before the work
    starts."""
    rows = OrderTable(world.dynamodb, settings.orders_table)
    publisher = QueuePublisher(world.sqs, settings.orders_queue_url)
    worker = worker_of(step, rows, publisher, settings, world, world.executor)
    return batch_handler(deliveries_of(OrderMessage.parse), worker, begin)
