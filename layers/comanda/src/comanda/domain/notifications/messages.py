"""What travels through the queue of notifications."""

from dataclasses import asdict, dataclass
from typing import Self

from comanda.domain.delivery.messages import Delivery, fields_of, parsing, replay_of, text_of
from comanda.domain.notifications import notification
from comanda.domain.notifications.notification import Notification
from comanda.domain.shared.canonical import canonical_json

NOTIFICATION_DUE = "notification.due"


@dataclass(frozen=True)
class NotificationMessage:
    """A message body: `{"event", "notification_id", "replay"}`. What the receiver is sent stands in the row."""

    notification_id: str
    replay: int

    @classmethod
    def about(cls, notification: Notification) -> Self:
        return cls(notification.notification_id, notification.replay)

    @classmethod
    def parse(cls, body: str) -> Self:
        """Raises ValueError for anything that `body` would not make; NewerSchema, which is one, for a newer form."""
        with parsing("a notification's message"):
            fields = fields_of(body, NOTIFICATION_DUE)
            return cls(text_of(fields, "notification_id"), replay_of(fields))

    @property
    def row_id(self) -> str:
        """The key of the row that it is about."""
        return self.notification_id

    @property
    def stage(self) -> str:
        return notification.STAGE

    @property
    def payload_hash(self) -> None:
        return None

    @property
    def body(self) -> str:
        return canonical_json({"event": NOTIFICATION_DUE, **asdict(self)})


NotificationDelivery = Delivery[NotificationMessage]
