"""What was done to rows and messages, one by one, for the auditor to look back on."""

import json
from dataclasses import dataclass
from datetime import datetime

from tests.simulation.expressions import Item
from tests.simulation.sqs import Message, Queue

UNTRIED = "requeued: its message was dead-lettered untried"
AFTER_OUTAGE = "requeued: an outage of the provider turned it away"


@dataclass(frozen=True)
class RowWrite:
    """One write to the orders table."""

    at: float
    order_id: str
    status: str | None
    """None: deleted."""
    replay: int
    version: int
    enrichment: str | None
    """The provider's reference, once there is one."""
    tried: tuple[str, int] | None
    """The message that was tried last, and at which receive."""
    owed: bool
    """Nobody knows yet that the first message of its run was stored."""
    rescues: int
    """Runs that were begun because its message was dead-lettered untried: since a person last began one, as its
    timeline has it, and not counting outages of the provider."""
    after_outages: int
    """Runs that were begun because an outage of the provider turned it away, as its timeline has it."""
    failed_at: float | None
    """When its order failed, as the row says; seconds since the epoch."""
    in_outage: bool
    """The circuit of the provider was not closed, or a moment ago."""

    @classmethod
    def of(cls, at: float, before: Item | None, after: Item | None, *, in_outage: bool) -> "RowWrite":
        row = after or before or {}
        attempts = row.get("attempts", {}).get("M")
        return cls(
            at=at,
            order_id=row["order_id"]["S"],
            status=after["status"]["S"] if after else None,
            replay=int(row["replay"]["N"]),
            version=int(row["version"]["N"]),
            enrichment=row["enrichment"]["M"]["reference"]["S"] if "enrichment" in row else None,
            tried=(attempts["message_id"]["S"], int(attempts["receive_count"]["N"])) if attempts else None,
            owed="owed" in row,
            rescues=_rescues_in(row),
            after_outages=sum(note == AFTER_OUTAGE for note in _notes_in(row)),
            failed_at=seconds_of(row["failure"]["M"]["at"]["S"]) if "failure" in row else None,
            in_outage=in_outage,
        )


@dataclass(frozen=True)
class MessageEvent:
    """One thing that happened to a message of an order, a report or a notification."""

    at: float
    who: str
    """The process that did it."""
    what: str
    queue: str
    message_id: str
    group: str
    sequence: int
    subject_id: str
    """Of the order, the report or the notification."""
    event: str
    replay: int

    @classmethod
    def of(cls, at: float, who: str, what: str, queue: Queue, message: Message) -> "MessageEvent":
        body = json.loads(message.body)
        return cls(
            at=at,
            who=who,
            what=what,
            queue=queue.name,
            message_id=message.message_id,
            group=message.group,
            sequence=message.sequence,
            subject_id=next(body[name] for name in ("order_id", "report_id", "notification_id") if name in body),
            event=body["event"],
            replay=body["replay"],
        )


def seconds_of(moment: str) -> float:
    """Since the epoch."""
    return datetime.fromisoformat(moment).timestamp()


def _rescues_in(row: Item) -> int:
    rescues = 0
    for note in _notes_in(row):
        rescues = 0 if note.startswith("redriven") else rescues + (note == UNTRIED)
    return rescues


def _notes_in(row: Item) -> list[str]:
    return [moment["M"].get("note", {}).get("S", "") for moment in row.get("timeline", {}).get("L", [])]
