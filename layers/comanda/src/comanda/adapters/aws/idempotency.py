"""Powertools idempotency: saves double work and replays answers.

It guards the work, not the truth: a record expires, and can be overtaken by a slow predecessor. What must hold for
ever is held by conditions on the tables (P2, P3).
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyInconsistentStateError,
    IdempotencyPersistenceLayerError,
    IdempotencyValidationError,
)
from aws_lambda_powertools.utilities.typing import LambdaContext

from comanda.domain.shared.errors import KeyReused, StillInProgress, Unavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


_A_DAY = 24 * 60 * 60  # seconds
Answer = tuple[dict[str, Any], bool]
"""A body, and whether it was given before."""


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


class AnswersByKey:
    """Answers to requests under a caller's key: each is given once, and then replayed."""

    def __init__(self, name: str, client: "DynamoDBClient", table: str) -> None:
        self._config = config(
            event_key_jmespath="key",
            payload_validation_jmespath="payload_hash",
            response_hook=lambda answer, _: {**answer, "replayed": True},
        )
        records = DynamoDBPersistenceLayer(table, boto3_client=client)
        self._once = once(name, self._given, "request", records, self._config)

    def __call__(
        self, key: Sequence[str], payload_hash: str, context: LambdaContext, answer: Callable[[], Answer]
    ) -> Answer:
        """The answer's body, and whether it was given before. Raises what `answer` raises, KeyReused, StillInProgress,
        Unavailable."""
        self._config.register_lambda_context(context)
        with powertools_errors():
            kept = self._once(request={"key": list(key), "payload_hash": payload_hash}, answer=answer)
        return json.loads(kept["body"]), kept["replayed"]

    @staticmethod
    def _given(*, request: Mapping[str, object], answer: Callable[[], Answer]) -> dict[str, Any]:  # noqa: ARG004
        """The body is kept as text, as Powertools would sort its keys."""
        body, replayed = answer()
        return {"body": json.dumps(body), "replayed": replayed}


class KeptResults:
    """Results of work: kept, so that after a crash it is not done a second time."""

    def __init__(self, name: str, client: "DynamoDBClient", table: str) -> None:
        self._config = config()
        records = DynamoDBPersistenceLayer(table, boto3_client=client)
        self._once = once(name, self._done, "of", records, self._config)

    def register(self, context: LambdaContext) -> None:
        """Tell how much time the invocation has: so long unfinished work blocks another."""
        self._config.register_lambda_context(context)

    def __call__(self, of: Sequence[object], work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Raises what `work` raises, and Unavailable, also while another worker is at the same."""
        try:
            with powertools_errors():
                return dict(self._once(of=list(of), work=work))
        except StillInProgress as error:
            raise Unavailable("another worker is at the same work") from error

    @staticmethod
    def _done(*, of: Sequence[object], work: Callable[[], dict[str, Any]]) -> dict[str, Any]:  # noqa: ARG004
        return work()
