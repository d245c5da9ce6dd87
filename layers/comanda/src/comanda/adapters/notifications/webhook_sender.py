"""A notification as a signed webhook (Standard Webhooks, P10), behind one circuit breaker a receiver.

A receiver that does not answer is left alone for a while: its calls would each hold a thread for their whole time, and
with enough of them, other receivers would wait.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.circuit_breaker import (
    CircuitBreakerConfig,
    CircuitBreakerOpenError,
    circuit_breaker,
)
from aws_lambda_powertools.utilities.circuit_breaker.states import CircuitState, CircuitTransition

from comanda.adapters.aws.circuit_store import CircuitStore
from comanda.application.notifications.events import ReceiverCircuitOpened
from comanda.application.notifications.ports import NotificationLinks
from comanda.application.notifications.webhook_ports import Receivers, WebhookSecrets
from comanda.application.shared.ports import Clock
from comanda.application.shared.telemetry import Telemetry
from comanda.domain.notifications.notification import Notification
from comanda.domain.notifications.webhook_signature import signed_headers
from comanda.domain.shared.canonical import canonical_json
from comanda.domain.shared.errors import ReceiverOutage
from comanda.domain.shared.times import to_iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FAILURES = 3
"""In a row, in one execution environment."""
RECOVERY_SECONDS = 30
"""Then the next call tries, and the others wait for it."""


class ReceiverCircuits:
    """One circuit breaker per receiver, so that one that is down is left alone for a while."""

    def __init__(self, client: "DynamoDBClient", table: str, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._store = CircuitStore(table, boto3_client=client)
        self._config = CircuitBreakerConfig(
            failure_threshold=FAILURES,
            recovery_timeout=RECOVERY_SECONDS,
            success_threshold=1,
            handled_exceptions=ReceiverOutage,
        )

    def guarded(self, receiver_id: str, call: Callable[[], None]) -> Callable[[], None]:
        """`call`, which raises ReceiverOutage at once where the receiver is known not to answer."""
        name = f"receiver/{receiver_id}"
        self._store.configure(self._config, name)
        guarded = circuit_breaker(name, self._store, on_transition=self._changed, config=self._config)(call)

        def call_or_leave_alone() -> None:
            try:
                guarded()
            except CircuitBreakerOpenError as error:
                raise ReceiverOutage("ReceiverResting", "it did not answer just now, and is left alone") from error

        return call_or_leave_alone

    def _changed(self, transition: CircuitTransition) -> None:
        if transition.to_state is CircuitState.OPEN:
            receiver_id = transition.circuit_name.rpartition("/")[2]
            self._telemetry.emit(ReceiverCircuitOpened(receiver_id=receiver_id))


@dataclass(frozen=True)
class WebhookSender:
    """Implements `Sender`."""

    receivers: Receivers
    secrets: WebhookSecrets
    circuits: ReceiverCircuits
    links: NotificationLinks
    clock: Clock
    max_attempts: int

    def prepare(self, notification: Notification) -> Callable[[], None]:
        now = self.clock()
        secrets = self.secrets.valid_for(notification.caller, now)
        body = body_of(notification, self.links).encode()
        headers = signed_headers(notification.notification_id, now, body, secrets)
        headers["X-Correlation-Id"] = notification.correlation_id
        call = partial(self.receivers.tell, notification.target, body, headers)
        is_last = notification.attempts is not None and notification.attempts.count + 1 >= self.max_attempts
        return call if is_last else self.circuits.guarded(notification.receiver_id, call)


def body_of(notification: Notification, links: NotificationLinks) -> str:
    """`{"type", "timestamp", "data"}` as the specification recommends; a link in it lives from this attempt on."""
    timestamp = to_iso(notification.happened_at)
    data = links.added_to(notification)
    return canonical_json({"type": notification.event, "timestamp": timestamp, "data": data})
