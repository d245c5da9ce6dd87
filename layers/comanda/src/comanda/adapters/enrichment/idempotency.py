"""Powertools idempotency for the provider's answers."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from comanda.application.enrichment.ports import EnrichmentProvider, EnrichmentRequest
from comanda.domain.orders.order import Enrichment, priced

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
from comanda.adapters.aws.idempotency import KeptResults


class EnrichOnce:
    """A provider whose answer is kept: after a crash between call and save, it is not asked again.

    An answer that makes no total is not kept: the order fails of it, and is asked about again once it is redriven.
    """

    def __init__(self, provider: EnrichmentProvider, client: "DynamoDBClient", table: str) -> None:
        self._provider = provider
        self._results = KeptResults("enrich_order", client, table)
        self.register = self._results.register

    def enrich(self, request: EnrichmentRequest) -> Enrichment:
        """As the provider does; PermanentError where the prices make no total; Unavailable while another worker is at
        the same order, which uses up no attempt."""
        return _enrichment_of(self._results([request.order_id], lambda: self._record_of_answer(request)))

    def _record_of_answer(self, request: EnrichmentRequest) -> dict[str, Any]:
        enrichment = self._provider.enrich(request)
        priced(request.items, enrichment.prices)  # Raises, and so nothing is kept.
        return _record_of(enrichment)


def _record_of(enrichment: Enrichment) -> dict[str, Any]:
    return {
        "provider": enrichment.provider,
        "reference": enrichment.reference,
        "prices": {label: str(price) for label, price in enrichment.prices.items()},
        "customer": dict(enrichment.customer),
    }


def _enrichment_of(record: Mapping[str, Any]) -> Enrichment:
    prices = {label: Decimal(price) for label, price in record["prices"].items()}
    return Enrichment(record["provider"], record["reference"], prices, record["customer"])
