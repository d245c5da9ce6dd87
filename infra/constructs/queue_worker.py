"""A function that works a FIFO queue."""

from collections.abc import Mapping
from typing import Unpack

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs.fifo_queue import FifoQueue
from infra.constructs.python_function import FunctionCode, PythonFunction


class QueueWorker(PythonFunction):
    """Takes batches from `source`, answers which messages failed, and sets their pauses itself."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        source: FifoQueue,
        resources: Mapping[str, str],
        **code: Unpack[FunctionCode],
    ) -> None:
        work = source.work
        super().__init__(
            scope,
            construct_id,
            timeout_seconds=work.timeout_seconds,
            resources={**resources, "SOURCE_QUEUE_URL": source.queue.queue_url},
            **code,
        )
        self.allow(
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ChangeMessageVisibility",
            on=source.queue.queue_arn,
        )
        self.mapping = lambda_.EventSourceMapping(
            self,
            "Mapping",
            target=self.function,
            event_source_arn=source.queue.queue_arn,
            batch_size=work.batch_size,
            max_concurrency=work.concurrency,
            report_batch_item_failures=True,
        )
        # Lambda refuses a mapping whose function may not yet read the queue.
        self.mapping.node.add_dependency(self.role)
