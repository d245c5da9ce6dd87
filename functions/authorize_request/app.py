"""The Lambda authorizer: a bearer token in, the caller and what it may call out (E7)."""

import re
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.data_classes.api_gateway_authorizer_event import (
    APIGatewayAuthorizerResponse,
    APIGatewayAuthorizerTokenEvent,
)
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.typing import LambdaContext

from comanda.adapters.aws.token_secret import TokenSecret
from comanda.adapters.observability.telemetry import LOGGER
from comanda.adapters.runtime.caller_context import context_of
from comanda.adapters.runtime.settings import Settings as BaseSettings
from comanda.domain.shared.access import authenticate

_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE)
AuthorizerHandler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


class Settings(BaseSettings):
    tokens_secret: str
    usage_key_prefix: str | None = None


class Unauthorized(Exception):
    """API Gateway answers 401 to an authorizer's error whose message is exactly this word
    ("Use API Gateway Lambda authorizers")."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def build(settings: Settings, secrets: SecretsProvider) -> AuthorizerHandler:
    tokens = TokenSecret(secrets, settings.tokens_secret)

    def handle(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
        request = APIGatewayAuthorizerTokenEvent(event)
        header = _BEARER.fullmatch(request.authorization_token)
        caller = authenticate(header[1], tokens.records()) if header else None
        if caller is None:
            LOGGER.info("token.refused")
            raise Unauthorized
        LOGGER.info("token.accepted", extra={"caller": caller.name})
        arn = request.parsed_arn
        policy = APIGatewayAuthorizerResponse(
            principal_id=caller.name,
            region=arn.region,
            aws_account_id=arn.aws_account_id,
            api_id=arn.api_id,
            stage=arn.stage,
            context=context_of(caller),
            usage_identifier_key=f"{settings.usage_key_prefix}-{caller.origin}" if settings.usage_key_prefix else None,
        )
        policy.allow_all_routes()  # The answer is cached for every method and path of this token.
        return policy.asdict()

    return handle
