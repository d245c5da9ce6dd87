"""All that a function takes from outside, in one place, so that a test or the simulator can bring its own."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Self

import boto3
from botocore.config import Config

from comanda.application.delivery.ports import Executor
from comanda.application.shared.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient


GROUPS_AT_ONCE = 10
"""A batch has at most ten messages, and so at most ten groups."""
ORDERS_AT_ONCE = 10
"""All orders of a batch, whatever their groups."""
CLIENT_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 3},
    connect_timeout=2,  # seconds
    read_timeout=5,
    max_pool_connections=GROUPS_AT_ONCE + ORDERS_AT_ONCE,
)


def lambda_client() -> "LambdaClient":
    """For the functions of the enrichment's switch; the others do not pay for it."""
    return boto3.client("lambda", config=CLIENT_CONFIG)


@dataclass(frozen=True)
class World:
    """What the functions of orders take from outside."""

    dynamodb: "DynamoDBClient"
    sqs: "SQSClient"
    clock: Clock
    """Time now, in UTC."""
    random: Callable[[], float]
    """A random number, 0 <= x < 1."""
    sleep: Callable[[float], None]
    """Seconds."""
    executor: Executor
    """Works on message groups side by side."""
    provider_executor: Executor
    """Asks the provider about several orders side by side. An executor of its own: groups wait for what it does, and
    would never be done if they took up all of its threads."""

    @classmethod
    def real(cls) -> Self:
        return cls(
            dynamodb=boto3.client("dynamodb", config=CLIENT_CONFIG),
            sqs=boto3.client("sqs", config=CLIENT_CONFIG),
            clock=partial(datetime.now, UTC),
            random=random.random,
            sleep=time.sleep,
            executor=ThreadPoolExecutor(GROUPS_AT_ONCE),
            provider_executor=ThreadPoolExecutor(ORDERS_AT_ONCE),
        )
