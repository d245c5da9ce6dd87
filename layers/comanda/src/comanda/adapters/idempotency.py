"""Powertools idempotency: saves double work and replays answers.

It guards the work, not the truth: a record expires, and can be overtaken by a slow predecessor. What must hold for
ever is held by conditions on the tables (P2, P3).
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyInconsistentStateError,
    IdempotencyPersistenceLayerError,
    IdempotencyValidationError,
)
from aws_lambda_powertools.utilities.typing import LambdaContext

from comanda.adapters.http.views import accepted_view
from comanda.application.accept_order import AcceptOrder, payload_hash
from comanda.application.ports import EnrichmentProvider, EnrichmentRequest, NewOrder
from comanda.domain.access import Caller
from comanda.domain.errors import KeyReused, StillInProgress, Unavailable
from comanda.domain.identity import IdempotencyKey
from comanda.domain.order import Enrichment

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_A_DAY = 24 * 60 * 60  # seconds


@contextmanager
def powertools_errors() -> Iterator[None]:
    """Turn Powertools' errors into StillInProgress, KeyReused, Unavailable."""
    try:
        yield
    except (IdempotencyAlreadyInProgressError, IdempotencyInconsistentStateError) as error:
        raise StillInProgress("a request with this key is being worked on; ask again in a moment") from error
    except IdempotencyValidationError as error:
        raise KeyReused("this key was used before with another body; send the same body, or a new key") from error
    except IdempotencyPersistenceLayerError as error:
        raise Unavailable("idempotency table") from error


def config(**options: Any) -> IdempotencyConfig:
    """Records live for a day, and keys are hashed with SHA-256."""
    return IdempotencyConfig(expires_after_seconds=_A_DAY, hash_function="sha256", **options)


def once(
    name: str,
    work: Callable[..., dict[str, Any]],
    identified_by: str,
    records: DynamoDBPersistenceLayer,
    config: IdempotencyConfig,
) -> Callable[..., Any]:
    """`work`, done once for each value of its argument `identified_by`."""
    once: Callable[..., Any] = idempotent_function(
        work, data_keyword_argument=identified_by, persistence_store=records, config=config, key_prefix=name
    )
    return once


class AcceptOnce:
    """AcceptOrder behind the `Idempotency-Key`: a replay gets the first answer, without a look at the order."""

    def __init__(self, accept: AcceptOrder, client: "DynamoDBClient", table: str) -> None:
        self._accept = accept
        self._config = config(
            event_key_jmespath="key",
            payload_validation_jmespath="payload_hash",
            response_hook=lambda answer, _: {**answer, "replayed": True},
        )
        records = DynamoDBPersistenceLayer(table, boto3_client=client)
        self._accept_once = once("accept_order", self._answer, "request", records, self._config)

    def __call__(
        self,
        caller: Caller,
        new: NewOrder,
        key: IdempotencyKey | None,
        correlation_id: str,
        context: LambdaContext,
    ) -> tuple[dict[str, Any], bool]:
        """The answer's body, and whether it was given before.

        Raises what AcceptOrder raises, and StillInProgress.
        """
        if key is None:
            accepted = self._accept(caller, new, None, correlation_id)
            return accepted_view(accepted.order), accepted.replayed
        self._config.register_lambda_context(context)
        request = {"key": [key.caller, key.space.value, key.value], "payload_hash": payload_hash(new)}
        with powertools_errors():
            answer = self._accept_once(request=request, caller=caller, new=new, key=key, correlation_id=correlation_id)
        return json.loads(answer["body"]), answer["replayed"]

    def _answer(
        self,
        *,
        request: Mapping[str, object],  # noqa: ARG002 - Powertools reads it
        caller: Caller,
        new: NewOrder,
        key: IdempotencyKey,
        correlation_id: str,
    ) -> dict[str, Any]:
        """The body is kept as text, as Powertools would sort its keys."""
        accepted = self._accept(caller, new, key, correlation_id)
        return {"body": json.dumps(accepted_view(accepted.order)), "replayed": accepted.replayed}


class EnrichOnce:
    """A provider whose answer is kept: after a crash between call and save, it is not asked again."""

    def __init__(self, provider: EnrichmentProvider, client: "DynamoDBClient", table: str) -> None:
        self._provider = provider
        self._config = config(event_key_jmespath="order_id")
        records = DynamoDBPersistenceLayer(table, boto3_client=client)
        self._enrich_once = once("enrich_order", self._call, "key", records, self._config)

    def register(self, context: LambdaContext) -> None:
        """Tell how much time the invocation has: so long an unfinished call blocks another."""
        self._config.register_lambda_context(context)

    def enrich(self, request: EnrichmentRequest) -> Enrichment:
        """As the provider does; Unavailable while another worker is at the same order, which uses up no attempt."""
        try:
            with powertools_errors():
                answer = self._enrich_once(key={"order_id": request.order_id}, request=request)
        except StillInProgress as error:
            raise Unavailable("the order is being enriched by another worker") from error
        return _enrichment_of(answer)

    def _call(self, *, key: Mapping[str, str], request: EnrichmentRequest) -> dict[str, Any]:  # noqa: ARG002
        return _record_of(self._provider.enrich(request))


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
