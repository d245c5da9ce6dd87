"""What goes over a WebSocket: commands in, snapshots, changes and problems out. All of it JSON text."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from comanda.adapters.aws.present import to_json
from comanda.adapters.http.bodies import object_of
from comanda.adapters.http.problems import defect_body, problem_of
from comanda.adapters.orders.views import balance_view, order_view
from comanda.adapters.reports.views import report_view
from comanda.application.live.ports import Message
from comanda.domain.live.subscriptions import Notice, Topic, TopicKind
from comanda.domain.orders.order import Order
from comanda.domain.reports.report import Report
from comanda.domain.shared.errors import ComandaError, FieldError, InvalidRequest, PayloadTooLarge
from comanda.domain.shared.identity import is_id
from comanda.domain.shared.times import to_iso

MAX_COMMAND_BYTES = 4096

MAX_NOTICE_BYTES = 32 * 1024
"""One frame ("Amazon API Gateway quotas"). What is larger is sent without its data."""

PONG = to_json({"type": "pong"})


class Action(StrEnum):
    """What a WebSocket client may ask for."""

    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    PING = "ping"


@dataclass(frozen=True)
class Command:
    """What a client asks for. Only a ping has no topic."""

    action: Action
    topic: Topic | None = None


def command_of(text: str) -> Command:
    """Raises PayloadTooLarge, MalformedRequest and InvalidRequest; each says what to send instead."""
    size = len(text.encode(errors="replace"))
    if size > MAX_COMMAND_BYTES:
        raise PayloadTooLarge(f"the message has {size} bytes; at most {MAX_COMMAND_BYTES} are taken")
    fields = object_of(text, "message", '{"action": "subscribe", "order_id": "…"}')
    action = fields.pop("action", None)
    if action not in list(Action):
        raise InvalidRequest(FieldError("action", f"one of {', '.join(Action)}"))
    if action == Action.PING:
        return Command(Action.PING)
    return Command(Action(action), _topic_of(fields))


def _topic_of(fields: Mapping[str, Any]) -> Topic:
    kinds = {f"{kind}_id": kind for kind in TopicKind}
    faults = [FieldError(name[:64], "is not a field of a message") for name in fields if name not in kinds]
    given = [name for name in kinds if name in fields]
    if len(given) != 1:
        faults.append(FieldError("message", f"has exactly one of {', '.join(kinds)}"))
    faults += [
        FieldError(name, "text of at most 100 letters, digits and . _ : @ -")
        for name in given
        if not is_id(fields[name])
    ]
    if faults:
        raise InvalidRequest(*faults)
    return Topic(kinds[given[0]], fields[given[0]])


def notice_of(message: Message) -> Notice:
    """Implements `Write`. The data are those of the GET, links left out."""
    head = {
        "type": message.type,
        message.topic.id_field: message.topic.id,
        "version": message.version,
        "at": to_iso(message.at),
    }
    text = to_json({**head, "data": _data_of(message)})
    if len(text.encode(errors="replace")) > MAX_NOTICE_BYTES:
        text = to_json({**head, "data": _short(_data_of(message)), "shortened": True})
    return Notice(message.version, text)


def _data_of(message: Message) -> dict[str, Any]:
    match message.subject:
        case Order():
            return order_view(message.subject)
        case Report():
            return report_view(message.subject)
        case balance:
            return balance_view(balance)


def _short(data: Mapping[str, Any]) -> dict[str, Any]:
    """What GET is asked for then, and what there is to see."""
    return {name: data[name] for name in ("order_id", "recipient_id", "report_id", "status") if name in data}


def unsubscribed_text(topic: Topic) -> str:
    """The answer to `unsubscribe`."""
    return to_json({"type": "unsubscribed", topic.id_field: topic.id})


def problem_text(error: ComandaError, request_id: str, topic: Topic | None = None) -> str:
    """The problem details that HTTP would answer with, and what they are about where that is known."""
    return _error_text(problem_of(error, request_id)[1], topic)


def defect_text(request_id: str, topic: Topic | None = None) -> str:
    """The same, of what went wrong on our side."""
    return _error_text(defect_body(request_id), topic)


def _error_text(problem: Mapping[str, Any], topic: Topic | None) -> str:
    about = {topic.id_field: topic.id} if topic else {}
    return to_json({"type": "error", **about, "problem": problem})
