"""All that a function takes from outside, in one place, so that a test or the simulator can bring its own."""

import random
import time
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Self

import boto3
from botocore.config import Config

from comanda.adapters.websocket.management_api import POSTS_AT_ONCE, ManagementApi
from comanda.application.delivery.ports import Executor
from comanda.application.ports import Clock
from comanda.application.websocket_ports import Clients

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

GROUPS_AT_ONCE = 10
"""A batch has at most ten messages, and so at most ten groups."""

ORDERS_AT_ONCE = 10
"""All orders of a batch, whatever their groups."""

READS_AT_ONCE = 8
"""Pages of a report's rows."""

CLIENT_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 3},
    connect_timeout=2,  # seconds
    read_timeout=5,
    max_pool_connections=GROUPS_AT_ONCE + ORDERS_AT_ONCE,
)

READING_CONFIG = CLIENT_CONFIG.merge(Config(parameter_validation=False))
"""For hundreds of thousands of keys; DynamoDB itself checks what it is sent."""

CONNECTIONS_CONFIG = CLIENT_CONFIG.merge(Config(max_pool_connections=POSTS_AT_ONCE))

S3_CONFIG = CLIENT_CONFIG.merge(
    Config(
        read_timeout=30,
        signature_version="s3v4",  # Links signed otherwise do not expire when they should.
        # Else links name the host of all regions, which redirects a new bucket's readers: no signature survives that.
        s3={"addressing_style": "virtual"},
    )
)


def lambda_client() -> "LambdaClient":
    """For the functions of the enrichment's switch; the others do not pay for it."""
    return boto3.client("lambda", config=CLIENT_CONFIG)


@dataclass(frozen=True)
class World:
    dynamodb: "DynamoDBClient"
    sqs: "SQSClient"
    clock: Clock
    """Time now, in UTC."""
    draw: Callable[[], float]
    """A random number, 0 <= x < 1."""
    sleep: Callable[[float], None]
    """Seconds."""
    executor: Executor
    """Works on message groups side by side."""
    asking: Executor
    """Asks the provider about several orders side by side. An executor of its own: groups wait for what it does, and
    would never be done if they took up all of its threads."""

    @classmethod
    def real(cls) -> Self:
        return cls(
            dynamodb=boto3.client("dynamodb", config=CLIENT_CONFIG),
            sqs=boto3.client("sqs", config=CLIENT_CONFIG),
            clock=partial(datetime.now, UTC),
            draw=random.random,
            sleep=time.sleep,
            executor=ThreadPoolExecutor(GROUPS_AT_ONCE),
            asking=ThreadPoolExecutor(ORDERS_AT_ONCE),
        )


@dataclass(frozen=True)
class ReportWorld:
    """What the functions of reports need; the others do not pay for a client of S3."""

    dynamodb: "DynamoDBClient"
    sqs: "SQSClient"
    s3: "S3Client"
    """With S3_CONFIG."""
    clock: Clock
    draw: Callable[[], float]
    """A random number, 0 <= x < 1."""
    sleep: Callable[[float], None]
    """Seconds."""
    reading: futures.Executor
    """Reads ahead, so that the writer need not wait."""
    sending: futures.Executor
    """Sends parts of a file while the next is written."""

    @classmethod
    def real(cls) -> Self:
        return cls(
            dynamodb=boto3.client("dynamodb", config=READING_CONFIG),
            sqs=boto3.client("sqs", config=CLIENT_CONFIG),
            s3=boto3.client("s3", config=S3_CONFIG),
            clock=partial(datetime.now, UTC),
            draw=random.random,
            sleep=time.sleep,
            reading=ThreadPoolExecutor(READS_AT_ONCE),
            sending=ThreadPoolExecutor(1),
        )


@dataclass(frozen=True)
class ConnectionWorld:
    """What the functions of WebSockets need; the others do not pay for their client."""

    dynamodb: "DynamoDBClient"
    clients: Clients
    clock: Clock
    executor: Executor
    """Serves connections side by side."""

    @classmethod
    def real(cls, callback_url: str, emulator_url: str | None) -> Self:
        return cls(
            dynamodb=boto3.client("dynamodb", config=CONNECTIONS_CONFIG),
            clients=ManagementApi.at(callback_url, emulator_url),
            clock=partial(datetime.now, UTC),
            executor=ThreadPoolExecutor(POSTS_AT_ONCE),
        )
