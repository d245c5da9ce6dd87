"""Dead letters that no row accounts for: they cannot be read, or are about what there is not.

No worker and no reconciler touches them, no row lists them, and they keep an alarm ringing for 14 days. A dead-letter
queue can only be received from, so whatever is looked at is hidden for a moment and shown again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from comanda.domain.delivery.messages import Message, NewerSchema
from comanda.domain.notifications.messages import NotificationMessage
from comanda.domain.orders.messages import OrderMessage
from comanda.domain.reports.messages import ReportMessage
from comanda_cli.dead_letters.moving import MOST_AT_ONCE, dead_letters_of
from comanda_cli.stack.connection import Connection
from comanda_cli.stack.stack_info import Queue

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

HIDDEN_SECONDS = 30
"""For so long at most, where the command dies in between."""
MOST_LOOKED_AT = 500
"""Messages of one queue; a receive of ten takes some milliseconds."""
SHOWN_CHARACTERS = 60

_ORDER: Callable[[str], Message] = OrderMessage.parse
_PARSERS: Mapping[str, Callable[[str], Message]] = {
    "orders": _ORDER,
    "enrichment": _ORDER,
    "completion": _ORDER,
    "reports": ReportMessage.parse,
    "notifications": NotificationMessage.parse,
}


@dataclass(frozen=True)
class UnknownLetter:
    """A dead letter that no record accounts for."""

    queue: str
    message_id: str
    size: int
    """Bytes of its body."""
    begins: str
    """Its first characters, as they came."""
    why: str

    def to_json(self) -> dict[str, Any]:
        return {
            "message_id": self.message_id,
            "queue": self.queue,
            "bytes": self.size,
            "begins": self.begins,
            "unreadable": self.why,
        }


@dataclass(frozen=True)
class Look:
    """What one look into the dead-letter queues has shown."""

    unknown: list[UnknownLetter]
    known: dict[str, str]
    """By message id, the id of the row that each of the others is about."""
    not_seen: dict[str, int]
    """By queue, about how many letters could not be had: behind ten of their group, or in somebody's hands."""


def look(connection: Connection) -> Look:
    """Look into every dead-letter queue, and hide nothing for long."""
    found = Look([], {}, {})
    for name, queue in connection.stack.queues.items():
        with _received(connection.sqs, queue) as messages:
            unknown, known = _told_apart(connection, name, messages)
        found.unknown.extend(unknown.values())
        found.known.update(known)
        if hidden := dead_letters_of(connection.sqs, queue) - len(messages):
            found.not_seen[name] = max(hidden, 0)
    return found


def remove(connection: Connection, letters: Sequence[UnknownLetter]) -> list[str]:
    """Delete them, as far as they are still there and unknown; give the ids of those that are gone now."""
    wanted = {letter.message_id for letter in letters}
    removed = []
    for name in dict.fromkeys(letter.queue for letter in letters):
        queue = connection.queue(name)
        with _received(connection.sqs, queue) as messages:
            unknown, _ = _told_apart(connection, name, messages)
            for message in [each for each in messages if each["MessageId"] in wanted & unknown.keys()]:
                connection.sqs.delete_message(QueueUrl=queue.dlq_url, ReceiptHandle=message["ReceiptHandle"])
                messages.remove(message)
                removed.append(message["MessageId"])
    return removed


@contextmanager
def _received(sqs: "SQSClient", queue: Queue) -> "Iterator[list[MessageTypeDef]]":
    """All that the dead-letter queue shows; at the end, whatever is still in the list is shown to others again."""
    messages: list[MessageTypeDef] = []
    try:
        depth = dead_letters_of(sqs, queue)
        while len(messages) < min(depth, MOST_LOOKED_AT):
            answer = sqs.receive_message(
                QueueUrl=queue.dlq_url,
                MaxNumberOfMessages=MOST_AT_ONCE,
                VisibilityTimeout=HIDDEN_SECONDS,
                WaitTimeSeconds=1,  # A short poll may miss messages ("Amazon SQS short and long polling").
            )
            if not answer.get("Messages"):
                break
            messages += answer["Messages"]
        yield messages
    finally:
        for message in messages:
            sqs.change_message_visibility(
                QueueUrl=queue.dlq_url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )


def _told_apart(
    connection: Connection, name: str, messages: "Sequence[MessageTypeDef]"
) -> tuple[dict[str, UnknownLetter], dict[str, str]]:
    """Those that no row accounts for, and the row's id of each of the others, by message id."""
    unknown, about = dict[str, UnknownLetter](), dict[str, str]()
    bodies = {message["MessageId"]: message["Body"] for message in messages}
    for message_id, body in bodies.items():
        try:
            about[message_id] = _PARSERS[name](body).row_id
        except (NewerSchema, KeyError):  # Not ours to judge.
            continue
        except ValueError as error:
            unknown[message_id] = _letter(name, message_id, body, str(error))
    there = _table(connection, name).get_many(set(about.values())) if about else {}
    for message_id in [each for each, row_id in about.items() if row_id not in there]:
        why = f"about {about.pop(message_id)}, of which there is no record"
        unknown[message_id] = _letter(name, message_id, bodies[message_id], why)
    return unknown, about


def _letter(queue: str, message_id: str, body: str, why: str) -> UnknownLetter:
    size = len(body.encode(errors="surrogatepass"))
    begins = body if len(body) <= SHOWN_CHARACTERS else f"{body[:SHOWN_CHARACTERS]}…"
    return UnknownLetter(queue, message_id, size, begins, why)


def _table(connection: Connection, queue: str) -> Any:
    match queue:
        case "reports":
            return connection.reports
        case "notifications":
            return connection.notifications
        case _:
            return connection.orders
