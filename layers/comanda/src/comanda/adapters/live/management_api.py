"""Sending to open WebSockets: the @connections commands of API Gateway."""

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from comanda.adapters.aws.errors import answering, code_of
from comanda.application.live.ports import Gone, TooSlow
from comanda.domain.shared.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient

POSTS_AT_ONCE = 20

_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 2},
    connect_timeout=1,  # seconds
    read_timeout=2,
    max_pool_connections=POSTS_AT_ONCE,
)


def management_url(callback_url: str, emulator_url: str | None) -> str:
    """Where the commands go: `https://<api>.execute-api.<region>.amazonaws.com/<stage>`, and on an emulator, which has
    one address for all, `<address>/_aws/execute-api/<api>/<stage>`."""
    if emulator_url is None:
        return callback_url
    api = urlsplit(callback_url)
    return f"{emulator_url}/_aws/execute-api/{(api.hostname or '').split('.')[0]}{api.path}"


@dataclass(frozen=True)
class ManagementApi:
    """Implements `Clients`."""

    client: "ApiGatewayManagementApiClient"

    @classmethod
    def at(cls, callback_url: str, emulator_url: str | None) -> Self:
        url = management_url(callback_url, emulator_url)
        return cls(boto3.client("apigatewaymanagementapi", endpoint_url=url, config=_CONFIG))

    def post(self, connection_id: str, text: str) -> None:
        try:
            with answering("connections", passing={"GoneException", "LimitExceededException"}):
                self.client.post_to_connection(ConnectionId=connection_id, Data=text.encode(errors="replace"))
        except ClientError as error:
            match code_of(error):
                case "GoneException":
                    raise Gone(connection_id) from error
                case "LimitExceededException":
                    raise TooSlow(connection_id) from error
            raise

    def disconnect(self, connection_id: str) -> None:
        with suppress(Unavailable), answering("connections"):
            self.client.delete_connection(ConnectionId=connection_id)
