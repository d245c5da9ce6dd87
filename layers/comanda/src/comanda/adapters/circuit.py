"""The circuit breaker of the enrichment provider: Powertools' own, with its store in DynamoDB (B8).

Failures are counted in each execution environment, and an order can meet an outage in many of them before one has
counted enough. So nobody's attempt is used up by a failure that finds the circuit open by then, nor by one that would
be the last of its order while the provider says itself that it is not healthy. Where it says that it is, by now, the
order is asked about once more, and that counts (docs/decisions/0009).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from aws_lambda_powertools.utilities.circuit_breaker import (
    CircuitBreakerConfig,
    CircuitBreakerOpenError,
    circuit_breaker,
)
from aws_lambda_powertools.utilities.circuit_breaker.persistence import CircuitBreakerDynamoDBPersistence
from aws_lambda_powertools.utilities.circuit_breaker.states import CircuitState, CircuitTransition

from comanda.adapters.aws import answering
from comanda.application.ports import EnrichmentProvider, EnrichmentRequest, Health, Journal
from comanda.domain.errors import ProviderOutage, Unavailable, WorkError
from comanda.domain.order import Enrichment

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

NAME = "enrichment"
FAILURES = 3
"""In a row, in one execution environment."""
RECOVERY_SECONDS = 150
"""Two looks of the switch function, each of which begins them anew. Without it, a call then tries by itself."""

TRY_SECONDS = 30
"""Whoever tries, and has written nothing down for so long, died."""


class CircuitStore(CircuitBreakerDynamoDBPersistence):
    """Whoever would try, and cannot be written down as the one who does, met an outage of the table and no defect."""

    def try_acquire_half_open(self, name: str, owner: str, opened_at: int) -> bool:
        with answering("circuits table"):
            return super().try_acquire_half_open(name, owner, opened_at)


class EnrichmentCircuit:
    """Implements `Circuit`; and lets calls through, or not."""

    def __init__(
        self, client: "DynamoDBClient", table: str, journal: Journal, when_opened: Callable[[], None] = lambda: None
    ) -> None:
        """`when_opened` is called once by whoever opened it. Raises Unavailable at the most.

        The state is read for every call, at half a read unit: nobody asks a provider that is known to be down.
        """
        self._client, self._table = client, table
        self._journal, self._when_opened = journal, when_opened
        self._store = CircuitStore(table, boto3_client=client)
        config = CircuitBreakerConfig(
            failure_threshold=FAILURES,
            recovery_timeout=RECOVERY_SECONDS,
            success_threshold=1,
            handled_exceptions=ProviderOutage,
            local_cache_max_age=0,
        )
        self._store.configure(config, NAME)
        self._guard = circuit_breaker(NAME, self._store, on_transition=self._tell, config=config)

    def guarded(self, call: Callable[[EnrichmentRequest], Enrichment]) -> Callable[[EnrichmentRequest], Enrichment]:
        """`call`, which raises CircuitBreakerOpenError where the circuit is open.

        Whatever is answered about an order is an answer: Powertools would leave a circuit half open whose one call was
        rejected, and turn all others away.
        """

        def answered(request: EnrichmentRequest) -> Enrichment | WorkError:
            try:
                return call(request)
            except ProviderOutage:
                raise
            except WorkError as error:
                return error

        guard: Callable[[EnrichmentRequest], Enrichment | WorkError] = self._guard(answered)

        def guarded(request: EnrichmentRequest) -> Enrichment:
            answer = guard(request)
            if isinstance(answer, WorkError):
                raise answer
            return answer

        return guarded

    def is_closed(self) -> bool:
        record = self._record()
        return record is None or record["state"]["S"] == CircuitState.CLOSED

    def open(self) -> None:
        with answering("circuits table"):
            self._store.save_open(NAME, failure_count=1, opened_at=_now())
        self._tell(CircuitTransition(NAME, CircuitState.CLOSED, CircuitState.OPEN))

    def keep_open(self) -> None:
        with answering("circuits table"):
            self._store.save_reopen(NAME, opened_at=_now())

    def let_one_try(self) -> None:
        """One that tries is left its time. One that never came back died of its order, as an outage it would have
        written down: were others to wait for it again and again, the order would hold up everybody."""
        record = self._record()
        with answering("circuits table"):
            if record is None or record["state"]["S"] != CircuitState.HALF_OPEN:
                self._store.save_reopen(NAME, opened_at=_now() - RECOVERY_SECONDS)
            elif _now() >= int(record["probe_lease_expiry"]["N"]) - RECOVERY_SECONDS + TRY_SECONDS:
                self._store.save_closed(NAME)
                self._tell(CircuitTransition(NAME, CircuitState.HALF_OPEN, CircuitState.CLOSED))

    def _record(self) -> "Mapping[str, AttributeValueTypeDef] | None":
        """As it stands now (strongly consistent)."""
        with answering("circuits table"):
            answer = self._client.get_item(TableName=self._table, Key={"id": {"S": NAME}}, ConsistentRead=True)
        return answer.get("Item")

    def _tell(self, transition: CircuitTransition) -> None:
        self._journal.tell(f"enrichment.circuit_{transition.to_state.lower()}", was=str(transition.from_state))
        if transition.to_state is CircuitState.OPEN:
            try:
                self._when_opened()
            except Unavailable as error:  # The switch function looks by itself each minute.
                self._journal.tell("enrichment.switch_not_called", reason=str(error))


class HealthyProvider(EnrichmentProvider, Health, Protocol):
    """Enriches, and says how it is."""


@dataclass(frozen=True)
class GuardedProvider:
    """Implements `EnrichmentProvider` behind the circuit."""

    provider: HealthyProvider
    circuit: EnrichmentCircuit
    max_attempts: int

    def enrich(self, request: EnrichmentRequest) -> Enrichment:
        """As the provider does; Unavailable, which uses up no attempt, where the order met a known outage."""
        try:
            return self._ask(request)
        except ProviderOutage as error:
            if request.attempt < self.max_attempts:
                raise
            if not self.provider.is_healthy():
                self.circuit.open()
                raise Unavailable(f"enrichment provider: {error}") from error
        return self._ask(request)

    def _ask(self, request: EnrichmentRequest) -> Enrichment:
        try:
            return self.circuit.guarded(self.provider.enrich)(request)
        except CircuitBreakerOpenError as error:
            raise Unavailable("enrichment provider: its circuit is open") from error
        except ProviderOutage as error:
            if self.circuit.is_closed():
                raise
            raise Unavailable(f"enrichment provider: {error}") from error


def _now() -> int:
    return int(time.time())
