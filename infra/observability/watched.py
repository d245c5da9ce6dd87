"""What there is to watch, found in the stacks themselves: a queue, function or table that is added is watched too."""

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

    @classmethod
    def inside(cls, stacks: Iterable[Stack]) -> Self:
        stacks = tuple(stacks)
        return cls(_all(stacks, FifoQueue), _all(stacks, PythonFunction), _all(stacks, dynamodb.Table))

    @property
    def order_queues(self) -> tuple[FifoQueue, ...]:
        return tuple(queue for queue in self.queues if queue.name in {"orders", "enrichment", "completion"})


def _all(stacks: Iterable[Stack], part: type[Part]) -> tuple[Part, ...]:
    return tuple(found for stack in stacks for found in stack.node.find_all() if isinstance(found, part))
