"""A connection that nothing more can be sent to is forgotten, with all that was subscribed on it."""

from collections.abc import Iterable
from dataclasses import dataclass

from comanda.application.live.events import ConnectionDropped
from comanda.application.live.ports import Clients, Gone, Subscriptions, TooSlow
from comanda.application.shared.telemetry import Telemetry
from comanda.domain.live.subscriptions import Topic


@dataclass(frozen=True)
class DropConnection:
    """Forgets a connection and its subscriptions."""

    subscriptions: Subscriptions
    clients: Clients
    telemetry: Telemetry

    def __call__(self, connection_id: str, reason: Gone | TooSlow, known: Iterable[Topic] = ()) -> None:
        """Raises Unavailable. A slow client is disconnected too: it would miss changes without knowing; when it comes
        back, it gets a new snapshot."""
        self.subscriptions.close(connection_id, known)
        if isinstance(reason, TooSlow):
            self.clients.disconnect(connection_id)
        self.telemetry.emit(ConnectionDropped(connection_id=connection_id, reason=type(reason).__name__))
