"""The canary, on a schedule: whether an order gets through."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field

from comanda.adapters.http_client.header_secret import ProviderSecret
from comanda.adapters.observability.telemetry import PowertoolsTelemetry, measured
from comanda.adapters.operations.public_api import FrontDoor
from comanda.adapters.runtime.settings import Settings as BaseSettings
from comanda.application.operations.check_canary import CheckCanary
from comanda.application.shared.ports import Clock

CanaryHandler = Callable[[dict[str, Any], LambdaContext], None]


class Settings(BaseSettings):
    api_url: str
    canary_secret: str
    canary_minutes: int = Field(gt=0)


def build(settings: Settings, secrets: SecretsProvider, clock: Clock) -> CanaryHandler:
    api = FrontDoor(settings.api_url, ProviderSecret(secrets, settings.canary_secret))
    check = CheckCanary(api, PowertoolsTelemetry(), clock, timedelta(minutes=settings.canary_minutes))

    @measured
    def handle(_event: dict[str, Any], _context: LambdaContext) -> None:
        check()

    return handle
