"""A function that looks after dead-letter queues, and after what is owed, each minute."""

from collections.abc import Mapping, Sequence
from typing import Unpack

from constructs import Construct

from infra.constructs.every_minute import RECONCILER_TIMEOUT_SECONDS, EveryMinute
from infra.constructs.fifo_queue import FifoQueue
from infra.constructs.python_function import FunctionCode, PythonFunction


class DeadLetterReconciler(PythonFunction):
    """Sends what is owed, looks through the dead letters of `queues`, and begins again at the first. What it may do
    with rows, its stack says."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        queues: Sequence[FifoQueue],
        schedule_id: str,
        resources: Mapping[str, str],
        **code: Unpack[FunctionCode],
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            timeout_seconds=RECONCILER_TIMEOUT_SECONDS,
            resources=resources,
            **code,
        )
        self.allow("sqs:SendMessage", on=queues[0].queue.queue_arn)
        for queue in queues:
            self.allow(
                "sqs:ReceiveMessage",
                "sqs:DeleteMessage",
                "sqs:ChangeMessageVisibility",
                "sqs:GetQueueAttributes",  # How many there are, as some hide behind others.
                on=queue.dead_letter_queue.queue_arn,
            )
        EveryMinute(scope, schedule_id, self.function)
