"""What a client says over its WebSocket, and what it is answered."""

from dataclasses import dataclass

from comanda.adapters.live.messages import PONG, Action, command_of, defect_text, problem_text, unsubscribed_text
from comanda.adapters.observability.telemetry import LOGGER
from comanda.application.live.drop_connection import DropConnection
from comanda.application.live.ports import Clients, Gone, Subscriptions, TooSlow
from comanda.application.live.subscribe import Subscribe
from comanda.domain.live.subscriptions import Connection, Topic
from comanda.domain.shared.errors import ComandaError, Unavailable, UnreadableRow


@dataclass(frozen=True)
class Conversation:
    """What a WebSocket client and we say to each other, message by message."""

    subscriptions: Subscriptions
    clients: Clients
    subscribe: Subscribe
    drop: DropConnection

    def hear(self, connection_id: str, text: str, request_id: str) -> None:
        """Raises Unavailable where not even the problem can be sent."""
        connection = self.subscriptions.connection(connection_id)
        if connection is None:  # It was dropped, and does not know yet: it is to connect again.
            self.clients.disconnect(connection_id)
            return
        try:
            self._answer(connection, text, request_id)
        except (Gone, TooSlow) as reason:
            self.drop(connection_id, reason)

    def _answer(self, connection: Connection, text: str, request_id: str) -> None:
        topic: Topic | None = None
        try:
            command = command_of(text)
            topic = command.topic
            if topic is None:
                self.clients.post(connection.connection_id, PONG)
            elif command.action is Action.SUBSCRIBE:
                self.subscribe(connection, topic)
            else:
                self.subscriptions.end(connection.connection_id, topic)
                self.clients.post(connection.connection_id, unsubscribed_text(topic))
        except ComandaError as error:
            level = LOGGER.error if isinstance(error, Unavailable | UnreadableRow) else LOGGER.info
            level("message.refused", extra={"problem": type(error).__name__, "reason": str(error)})
            self.clients.post(connection.connection_id, problem_text(error, request_id, topic))
        except (Gone, TooSlow):
            raise
        except Exception:  # noqa: BLE001 - a client is told what it can do, and nothing of our insides
            LOGGER.exception("message.defect")
            self.clients.post(connection.connection_id, defect_text(request_id, topic))
