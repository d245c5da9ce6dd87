"""What travels through the queues.

A body holds what stays the same however often it is sent, and nothing else: deduplication must recognise a repeated
send, and must never swallow a new run (`replay`). Everything that differs between sends, such as correlation ids,
travels in message attributes.

Each send names a deduplication id made of body and run. On its way into a FIFO dead-letter queue a message's
deduplication id becomes its message id, and one that is redriven keeps that ("Learn how to configure a dead-letter
queue redrive in Amazon SQS"): so a message whose id is not the one that we gave came back from there.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypeVar

CONTENT_IDS_UNTIL = datetime(2027, 1, 1, tzinfo=UTC)
"""Releases before 2026-12 sent without a deduplication id, so that SQS took the content's hash. What they sent is ours
for as long as a queue keeps it."""
SCHEMA = 1
"""The newest form of a body that this release reads. A body of the first form does not say so."""
MAX_BODY_BYTES = 16_384
"""A body is a few hundred bytes; one of ours with the longest ids there may be stays far below."""
MAX_TEXT_BYTES = 2048
"""The longest key of a row ("Constraints in Amazon DynamoDB"), and longer than any other text of a body."""
MAX_REPLAY = 10**9


class NewerSchema(ValueError):
    """The body is of a form that only a newer release reads: nothing is wrong with it, and it must not be destroyed."""


class Message(Protocol):
    """What all bodies say."""

    @property
    def row_id(self) -> str:
        """The key of the row that it is about."""

    @property
    def replay(self) -> int:
        """The run that it is of."""

    @property
    def stage(self) -> str:
        """Whose worker it is for."""

    @property
    def payload_hash(self) -> str | None:
        """Of what was asked for."""

    @property
    def body(self) -> str: ...


@contextmanager
def parsing(what: str) -> Iterator[None]:
    """Whatever is wrong with a body becomes one error, which quotes nothing of it."""
    try:
        yield
    except NewerSchema:
        raise
    except json.JSONDecodeError:
        raise ValueError(f"not {what}: not JSON") from None
    except UnicodeEncodeError:
        raise ValueError(f"not {what}: half a surrogate pair") from None
    except RecursionError:
        raise ValueError(f"not {what}: nested too deep") from None
    except ValueError as error:
        raise ValueError(f"not {what}: {error}") from None


def fields_of(body: str, *events: str) -> dict[str, Any]:
    """The fields of a body about one of these events."""
    if len(body.encode()) > MAX_BODY_BYTES:
        raise ValueError(f"more than {MAX_BODY_BYTES} bytes")
    fields = json.loads(body)
    if not isinstance(fields, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - one error, whatever is wrong with a body
    schema = fields.get("schema", 1)
    if not _is_whole(schema, 1, MAX_REPLAY):
        raise ValueError("schema is a whole number from 1")
    if schema > SCHEMA:
        raise NewerSchema(f"schema {schema} of a body; this release reads up to {SCHEMA}")
    if fields.get("event") not in events:
        raise ValueError("another event than this queue's")
    return fields


def text_of(fields: dict[str, Any], name: str) -> str:
    """Text that can be the key of a row."""
    text = fields.get(name)
    if not isinstance(text, str) or not 1 <= len(text.encode()) <= MAX_TEXT_BYTES:
        raise ValueError(f"{name} is text of 1 to {MAX_TEXT_BYTES} bytes")
    return text


def replay_of(fields: dict[str, Any]) -> int:
    """The run that a body is of. Raises ValueError."""
    replay: Any = fields.get("replay")
    if not _is_whole(replay, 0, MAX_REPLAY):
        raise ValueError(f"replay is a whole number from 0 to {MAX_REPLAY}")
    return int(replay)


def _is_whole(value: object, least: int, most: int) -> bool:
    """Whether it is one of JSON's numbers without point and exponent; true and false are none."""
    return type(value) is int and least <= value <= most


def deduplication_id(body: str, run: int) -> str:
    """What a send of `body` in its run is deduplicated by, and never the hash of the content alone: 64 characters."""
    return hashlib.sha256(f"run {run} of {body}".encode()).hexdigest()


def is_as_we_sent_it(body: str, run: int, deduplicated_by: str, sent_at: datetime) -> bool:
    """Whether a message still has the deduplication id that it was sent with."""
    if deduplicated_by == deduplication_id(body, run):
        return True
    return sent_at < CONTENT_IDS_UNTIL and deduplicated_by == hashlib.sha256(body.encode()).hexdigest()


M = TypeVar("M", bound=Message, covariant=True)


@dataclass(frozen=True)
class Received:
    """One message as a worker received it, whatever it says."""

    message_id: str
    receipt_handle: str
    group: str
    receive_count: int
    sent_at: datetime
    correlation_id: str | None = field(default=None, kw_only=True)
    traceparent: str | None = field(default=None, kw_only=True)
    """The trace it was sent in ("Trace Context", 3.2); None where nobody traced."""
    came_back: bool = field(default=False, kw_only=True)
    """From a dead-letter queue: it has another deduplication id than it was sent with."""
    of_newer_release: bool = field(default=False, kw_only=True)
    """The body is of a form that only a newer release reads. It is left for that one, unworked."""

    def seconds_since_sent(self, now: datetime) -> float:
        """Never less than none: SQS and the worker have a clock each."""
        return max(0.0, (now - self.sent_at).total_seconds())


@dataclass(frozen=True)
class Delivery(Received, Generic[M]):
    """A message about an order, a report or a notification. `message` is None where the body is not one of ours."""

    message: M | None
