"""The Lambda authorizer of WebSockets: a bearer token in, the caller out."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.data_classes.api_gateway_authorizer_event import (
    APIGatewayAuthorizerResponseWebSocket,
)
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.typing import LambdaContext

from comanda.adapters.aws.token_secret import TokenSecret
from comanda.adapters.live.handshake import bearer_in
from comanda.adapters.observability.telemetry import LOGGER
from comanda.adapters.runtime.caller_context import context_of
from comanda.adapters.runtime.settings import Settings as BaseSettings
from comanda.domain.shared.access import authenticate

AuthorizerHandler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


class Settings(BaseSettings):
    tokens_secret: str


def build(settings: Settings, secrets: SecretsProvider) -> AuthorizerHandler:
    tokens = TokenSecret(secrets, settings.tokens_secret)

    def handle(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
        bearer = bearer_in(event)
        caller = authenticate(bearer, tokens.records()) if bearer else None
        policy = APIGatewayAuthorizerResponseWebSocket.from_route_arn(
            arn=event["methodArn"],
            principal_id=caller.name if caller else "nobody",
            context=context_of(caller) if caller else None,
        )
        if caller:
            LOGGER.info("token.accepted", extra={"caller": caller.name})
            policy.allow_route("$connect")
        else:
            LOGGER.info("token.refused")
            policy.deny_route("$connect")
        return policy.asdict()

    return handle
