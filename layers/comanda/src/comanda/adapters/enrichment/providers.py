"""The enrichment provider of a stage, wired for the function that asks it and for the one that looks after it."""

import os
from functools import partial

from aws_lambda_powertools.utilities.parameters import SecretsProvider
from pydantic import Field, HttpUrl

from comanda.adapters.enrichment.circuit import HealthyProvider
from comanda.adapters.enrichment.http_provider import MAX_ANSWER_BYTES, HttpProvider
from comanda.adapters.enrichment.simulated_provider import SimulatedProvider
from comanda.adapters.http_client.header_secret import ProviderSecret
from comanda.adapters.http_client.timed_http import Limits, TimedUrl
from comanda.adapters.observability.tracing import traceparent_of
from comanda.adapters.runtime.settings import Settings
from comanda.adapters.runtime.world import CLIENT_CONFIG, ORDERS_AT_ONCE, World


class ProviderSettings(Settings):
    """Without a url, the provider is simulated."""

    enrichment_delay_seconds: float = Field(default=0, ge=0)
    enrichment_url: HttpUrl | None = None
    enrichment_health_url: HttpUrl | None = None
    enrichment_secret: str | None = None
    enrichment_connect_seconds: float = Field(default=2, gt=0)
    enrichment_read_seconds: float = Field(default=5, gt=0)
    enrichment_total_seconds: float = Field(default=10, gt=0)


def provider_of(settings: ProviderSettings, world: World) -> HealthyProvider:
    """The provider that a stage is set up with: over HTTP, or simulated where it has no URL."""
    if settings.enrichment_url is None:
        return SimulatedProvider(settings.enrichment_delay_seconds, world.sleep)
    limits = Limits(
        connect=settings.enrichment_connect_seconds,
        read=settings.enrichment_read_seconds,
        total=settings.enrichment_total_seconds,
        bytes=MAX_ANSWER_BYTES,
    )
    secret = settings.enrichment_secret
    return HttpProvider(
        url=TimedUrl(str(settings.enrichment_url), limits, connections=ORDERS_AT_ONCE),
        health=TimedUrl(str(settings.enrichment_health_url or settings.enrichment_url), limits, connections=1),
        secret=ProviderSecret(SecretsProvider(boto_config=CLIENT_CONFIG), secret) if secret else None,
        clock=world.clock,
        traceparent=partial(traceparent_of, os.environ),
    )
