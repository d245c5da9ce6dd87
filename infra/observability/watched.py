"""What there is to watch. Most is found in the stacks themselves, so that a queue, function or table that is added is
watched too; what is watched in a way of its own is given as what it is."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self, TypeVar

from aws_cdk import Stack
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.constructs.fifo_queue import FifoQueue
from infra.constructs.python_function import PythonFunction

Part = TypeVar("Part", bound=Construct)


@dataclass(frozen=True)
class Watched:
    """What alarms and dashboard watch: functions, queues, tables and the API."""

    queues: tuple[FifoQueue, ...]
    functions: tuple[PythonFunction, ...]
    tables: tuple[dynamodb.Table, ...]
    order_queues: tuple[FifoQueue, ...]
    enrichment_queue: FifoQueue
    """One of those."""
    report_queue: FifoQueue
    authorizer: PythonFunction
    """Of the API."""

    @classmethod
    def inside(
        cls,
        stacks: Iterable[Stack],
        *,
        order_queues: tuple[FifoQueue, ...],
        enrichment_queue: FifoQueue,
        report_queue: FifoQueue,
        authorizer: PythonFunction,
    ) -> Self:
        stacks = tuple(stacks)
        return cls(
            queues=_all(stacks, FifoQueue),
            functions=_all(stacks, PythonFunction),
            tables=_all(stacks, dynamodb.Table),
            order_queues=order_queues,
            enrichment_queue=enrichment_queue,
            report_queue=report_queue,
            authorizer=authorizer,
        )


def _all(stacks: Iterable[Stack], part: type[Part]) -> tuple[Part, ...]:
    return tuple(found for stack in stacks for found in stack.node.find_all() if isinstance(found, part))
