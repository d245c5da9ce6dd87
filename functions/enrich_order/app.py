"""order.enrichment.requested → the enrichment service → order.enriched."""

import os
from functools import partial

from aws_lambda_powertools.utilities.parameters import SecretsProvider
from pydantic import Field, HttpUrl

from comanda.adapters.http_provider import MAX_ANSWER_BYTES, HttpProvider
from comanda.adapters.idempotency import EnrichOnce
from comanda.adapters.journal import PowertoolsJournal
from comanda.adapters.lambda_worker import WorkerHandler, WorkerSettings, worker_handler
from comanda.adapters.order_queues import QueuePublisher
from comanda.adapters.order_table import OrderTable
from comanda.adapters.provider_secret import ProviderSecret
from comanda.adapters.simulated_provider import SimulatedProvider
from comanda.adapters.timed_http import Limits, TimedUrl
from comanda.adapters.tracing import traceparent_of
from comanda.adapters.world import CLIENT_CONFIG, ORDERS_AT_ONCE, World
from comanda.application.enrich_order import EnrichOrder
from comanda.application.ports import EnrichmentProvider


class Settings(WorkerSettings):
    """Without a url, the provider is simulated."""

    idempotency_table: str
    next_queue_url: str
    enrichment_delay_seconds: float = Field(default=0, ge=0)
    enrichment_url: HttpUrl | None = None
    enrichment_secret: str | None = None
    enrichment_connect_seconds: float = Field(default=2, gt=0)
    enrichment_read_seconds: float = Field(default=5, gt=0)
    enrichment_total_seconds: float = Field(default=10, gt=0)


def build(settings: Settings, world: World, provider: EnrichmentProvider | None = None) -> WorkerHandler:
    """Without a `provider`, the one of the settings."""
    once = EnrichOnce(provider or _provider_of(settings, world), world.dynamodb, settings.idempotency_table)
    step = EnrichOrder(
        orders=OrderTable(world.dynamodb, settings.orders_table),
        publisher=QueuePublisher(world.sqs, settings.next_queue_url),
        provider=once,
        journal=PowertoolsJournal(),
        clock=world.clock,
        asking=world.asking,
    )
    return worker_handler(step, settings, world, begin=once.register)


def _provider_of(settings: Settings, world: World) -> EnrichmentProvider:
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
        secret=ProviderSecret(SecretsProvider(boto_config=CLIENT_CONFIG), secret) if secret else None,
        clock=world.clock,
        traceparent=partial(traceparent_of, os.environ),
    )
