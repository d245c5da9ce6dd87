"""What the functions of WebSockets take from outside."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Self

import boto3
from botocore.config import Config

from comanda.adapters.live.management_api import POSTS_AT_ONCE, ManagementApi
from comanda.application.delivery.ports import Executor
from comanda.application.live.ports import Clients
from comanda.application.shared.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
from comanda.adapters.runtime.world import CLIENT_CONFIG

CONNECTIONS_CONFIG = CLIENT_CONFIG.merge(Config(max_pool_connections=POSTS_AT_ONCE))


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
