"""How often a message of a report or a notification was tried, and why it failed."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class MessageAttempts:
    """How often a message was tried, and at which receive of it that was written last."""

    message_id: str
    count: int
    receive_count: int


@dataclass(frozen=True)
class MessageFailure:
    """Why a report or a notification failed. `message_id` is the message that failed, so that it is known when met
    again."""

    name: str
    message: str
    attempts: int
    at: datetime
    message_id: str
