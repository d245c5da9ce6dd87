"""What the functions of reports take from outside."""

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

from comanda.application.shared.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
from comanda.adapters.runtime.world import CLIENT_CONFIG

READS_AT_ONCE = 8
"""Pages of a report's rows."""
READING_CONFIG = CLIENT_CONFIG.merge(Config(parameter_validation=False))
"""For hundreds of thousands of keys; DynamoDB itself checks what it is sent."""
S3_CONFIG = CLIENT_CONFIG.merge(
    Config(
        read_timeout=30,
        signature_version="s3v4",  # Links signed otherwise do not expire when they should.
        # Else links name the host of all regions, which redirects a new bucket's readers: no signature survives that.
        s3={"addressing_style": "virtual"},
    )
)


@dataclass(frozen=True)
class ReportWorld:
    """What the functions of reports need; the others do not pay for a client of S3."""

    dynamodb: "DynamoDBClient"
    sqs: "SQSClient"
    s3: "S3Client"
    """With S3_CONFIG."""
    clock: Clock
    random: Callable[[], float]
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
            random=random.random,
            sleep=time.sleep,
            reading=ThreadPoolExecutor(READS_AT_ONCE),
            sending=ThreadPoolExecutor(1),
        )
