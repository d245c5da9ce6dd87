"""The circuit breaker of the enrichment provider: Powertools' store in DynamoDB, and a judgement of our own (B8).

Powertools counts failures in a row, whichever order they are about: one order at which the provider always times out
would open the circuit for everybody, and each time its attempt would be given back. Here the service is judged by
different orders, or by what it says of its own health; and only the latter gives an attempt back, so that
`max_attempts` bounds how often the provider is asked about one order (docs/decisions/0009).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from aws_lambda_powertools.utilities.circuit_breaker import CircuitBreakerConfig
from aws_lambda_powertools.utilities.circuit_breaker.persistence.record import CircuitStateRecord
from aws_lambda_powertools.utilities.circuit_breaker.states import CircuitState, CircuitTransition

from comanda.adapters.aws.errors import answering
from comanda.application.enrichment.events import (
    CircuitClosed,
    CircuitHalfOpened,
    CircuitNotWritten,
    CircuitOpened,
    CircuitTransitioned,
    SwitchNotCalled,
)
from comanda.application.enrichment.ports import EnrichmentProvider, EnrichmentRequest, Health
from comanda.application.shared.telemetry import Telemetry
from comanda.domain.orders.order import Enrichment
from comanda.domain.shared.errors import ProviderOutage, Unavailable, WorkError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef
from comanda.adapters.aws.circuit_store import CircuitStore, epoch_seconds

NAME = "enrichment"
FAILURES = 3
"""Different orders whose calls failed in a row, in one execution environment, open the circuit."""
RECOVERY_SECONDS = 150
"""Two looks of the switch function, each of which begins them again. Without it, a call then tries by itself."""
TRY_SECONDS = 30
"""Whoever tries, and has written nothing down for so long, died: the lease of a trial."""
OUTAGE_LINGERS = 600
"""Seconds after which nothing is left of an outage: what it turned away until its end was seen by the reconciler, which
looks each minute, some minutes late at most."""


_TRANSITIONED: Mapping[CircuitState, type[CircuitTransitioned]] = {
    CircuitState.OPEN: CircuitOpened,
    CircuitState.HALF_OPEN: CircuitHalfOpened,
    CircuitState.CLOSED: CircuitClosed,
}


class EnrichmentCircuit:
    """Implements `Circuit`; and lets calls through, or not."""

    def __init__(
        self, client: "DynamoDBClient", table: str, telemetry: Telemetry, when_opened: Callable[[], None] = lambda: None
    ) -> None:
        """`when_opened` is called once by whoever opened it. Raises Unavailable at most.

        The state is read for every call, at half a read unit: nobody asks a provider that is known to be down.
        """
        self._client, self._table = client, table
        self._telemetry, self._when_opened = telemetry, when_opened
        self._store = CircuitStore(table, boto3_client=client)
        self._store.configure(CircuitBreakerConfig(recovery_timeout=TRY_SECONDS, local_cache_max_age=0), NAME)
        self._failed = set[str]()
        """Orders whose calls failed since the last answer."""
        self._lock = Lock()

    def admit(self, order_id: str) -> bool:
        """Whether a call about this order is the trial: the single call that decides whether the circuit closes.

        Raises Unavailable where the circuit is open for this call. A state that cannot be read counts as closed.
        """
        record = self._store.get_state(NAME)
        if record.state == CircuitState.CLOSED:
            return False
        if not _may_be_tried(record) or not self._store.try_acquire_half_open(NAME, order_id, record.opened_at or 0):
            raise Unavailable("enrichment provider: its circuit is open")
        self._changed(CircuitTransition(NAME, CircuitState(record.state), CircuitState.HALF_OPEN))
        return True

    def answered(self, *, trial: bool) -> None:
        """An answer, whatever it says of its order, ends a row of failures, and a trial's closes the circuit."""
        with self._lock:
            self._failed.clear()
        if trial:
            try:
                self.close()
            except Unavailable as error:  # The answer is not lost of it: the switch function closes it in a minute.
                self._telemetry.emit(CircuitNotWritten(reason=str(error)))

    def failed(self, order_id: str) -> None:
        """A call about this order failed as in an outage. One order, however often it fails, does not open the circuit.

        Raises Unavailable.
        """
        with self._lock:
            self._failed.add(order_id)
            if len(self._failed) < FAILURES:
                return
            self._failed.clear()
        self.open()

    def is_closed(self) -> bool:
        record = self._record()
        return record is None or record["state"]["S"] == CircuitState.CLOSED

    def is_settled(self) -> bool:
        """Whether the circuit is closed, and has been so for OUTAGE_LINGERS."""
        record = self._record()
        if record is None:
            return True
        closed_at = int(record["closed_at"]["N"]) if "closed_at" in record else 0
        return record["state"]["S"] == CircuitState.CLOSED and closed_at <= epoch_seconds() - OUTAGE_LINGERS

    def open(self) -> None:
        with answering("circuits table"):
            self._store.save_open(NAME, failure_count=1, opened_at=epoch_seconds())
        self._changed(CircuitTransition(NAME, CircuitState.CLOSED, CircuitState.OPEN))

    def close(self) -> None:
        with answering("circuits table"):
            self._store.save_closed(NAME)
        self._changed(CircuitTransition(NAME, CircuitState.HALF_OPEN, CircuitState.CLOSED))

    def keep_open(self) -> None:
        with answering("circuits table"):
            self._store.save_reopen(NAME, opened_at=epoch_seconds())

    def let_one_try(self) -> None:
        """One that tries is left its time. One that never came back died of its order, as an outage it would have
        written down: were others to wait for it again and again, the order would hold up everybody."""
        record = self._record()
        if record is None or record["state"]["S"] != CircuitState.HALF_OPEN:
            self.let_one_try_in(0)
        elif epoch_seconds() >= int(record["probe_lease_expiry"]["N"]):
            self.close()

    def let_one_try_in(self, seconds: int) -> None:
        """Nobody calls until then. Raises Unavailable."""
        with answering("circuits table"):
            self._store.save_reopen(NAME, opened_at=epoch_seconds() - RECOVERY_SECONDS + seconds)

    def _record(self) -> "Mapping[str, AttributeValueTypeDef] | None":
        """As it stands now (strongly consistent)."""
        with answering("circuits table"):
            answer = self._client.get_item(TableName=self._table, Key={"id": {"S": NAME}}, ConsistentRead=True)
        return answer.get("Item")

    def _changed(self, transition: CircuitTransition) -> None:
        self._telemetry.emit(_TRANSITIONED[transition.to_state](was=str(transition.from_state)))
        if transition.to_state is CircuitState.OPEN:
            try:
                self._when_opened()
            except Unavailable as error:  # The switch function looks by itself each minute.
                self._telemetry.emit(SwitchNotCalled(reason=str(error)))


class HealthyProvider(EnrichmentProvider, Health, Protocol):
    """Enriches, and says how it is."""


@dataclass(frozen=True)
class GuardedProvider:
    """Implements `EnrichmentProvider` behind the circuit."""

    provider: HealthyProvider
    circuit: EnrichmentCircuit
    max_attempts: int
    trial_pause: int
    """Seconds until the next trial, where one failed and the provider says that it is well."""

    def enrich(self, request: EnrichmentRequest) -> Enrichment:
        """As the provider does. Unavailable, which uses up no attempt, where the circuit is open, and where a call
        failed and the provider says that it is not healthy.

        Where it says that it is, the failure of a last attempt puts its word to the test: the order is asked about
        once more, since the outage may have ended just then.
        """
        trial = self.circuit.admit(request.order_id)
        is_last = request.attempt >= self.max_attempts
        try:
            return self._ask(request, trial=trial)
        except ProviderOutage as error:
            if not trial:
                self.circuit.failed(request.order_id)
            if trial or is_last or not self.circuit.is_closed():
                self._check_health(error, trial=trial)
            if not is_last:
                if trial:
                    self.circuit.let_one_try_in(self.trial_pause)
                raise
        try:
            return self._ask(request, trial=trial)
        except ProviderOutage as error:
            self._check_health(error, trial=trial)
            if trial:
                self.circuit.close()
            raise

    def _ask(self, request: EnrichmentRequest, *, trial: bool) -> Enrichment:
        try:
            enrichment = self.provider.enrich(request)
        except ProviderOutage:
            raise
        except WorkError:
            self.circuit.answered(trial=trial)
            raise
        self.circuit.answered(trial=trial)
        return enrichment

    def _check_health(self, error: ProviderOutage, *, trial: bool) -> None:
        if self.provider.is_healthy():
            return
        if trial or self.circuit.is_closed():
            self.circuit.open()
        raise Unavailable(f"enrichment provider: {error}") from error


def _may_be_tried(record: CircuitStateRecord) -> bool:
    """Open for long enough, or the trial never came back."""
    if record.state == CircuitState.OPEN:
        return epoch_seconds() >= (record.opened_at or 0) + RECOVERY_SECONDS
    return epoch_seconds() >= (record.probe_lease_expiry or 0)
