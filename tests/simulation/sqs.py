"""Amazon SQS FIFO queues, as AWS documents them; tests/simulation/test_conformance.py holds this to the emulator.

Order and exclusiveness per message group, visibility timeouts, receive counts, content-based deduplication,
redrive policy, and message move tasks (what the console's redrive starts).
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

from tests.simulation.errors import AwsError, NotModelled
from tests.strict.layer import check
from tests.strict.refusals import Refusal

DEDUPLICATION_WINDOW = 300.0
"""Seconds ("Exactly-once processing in Amazon SQS")."""
_ARN = "arn:aws:sqs:us-east-1:000000000000:"
_URL = "https://sqs.us-east-1.amazonaws.com/000000000000/"

OnEvent = Callable[[str, "Queue", "Message"], None]
"""NotificationRequest of what happens to messages: sent, swallowed, received, deleted, hidden, dead-lettered, moved
back, expired."""


@dataclass
class Message:
    message_id: str
    body: str
    group: str
    deduplication_id: str
    sequence: int
    sent_at: float
    attributes: Mapping[str, Any] = field(default_factory=dict)
    receive_count: int = 0
    first_received_at: float | None = None
    visible_at: float = 0.0
    receipt: str | None = None
    """The handle of the last receive."""
    dead_letter_source: str | None = None
    trace_header: str | None = None


@dataclass
class Queue:
    name: str
    visibility_timeout: float = 30.0
    retention: float = 345_600.0
    deduplicates_by_group: bool = False
    max_receive_count: int | None = None
    dead_letter_queue: "Queue | None" = None
    messages: list[Message] = field(default_factory=list)
    """In the order of their sequence numbers."""
    remembered: dict[tuple[str, str], tuple[float, Message]] = field(default_factory=dict)
    """By message group, where it deduplicates by group, and deduplication id: when it was sent, and what was stored."""
    on_arrival: Callable[[], None] = lambda: None
    """Called whenever a message may have become receivable."""

    @property
    def url(self) -> str:
        return _URL + self.name

    @property
    def arn(self) -> str:
        return _ARN + self.name


class Sqs:
    def __init__(
        self,
        clock: Callable[[], float],
        random: Random,
        disorder: float = 0.0,
        on_event: OnEvent = lambda *_: None,
        forgets: Callable[[], bool] = lambda: False,
    ) -> None:
        """`disorder`: how often groups are handed out in another order than that of their oldest messages.

        `forgets`: asked at each duplicate whether its deduplication window is taken to be over.
        """
        self.queues: dict[str, Queue] = {}
        """By url."""
        self._clock = clock
        self._random = random
        self._disorder = disorder
        self._on_event = on_event
        self._forgets = forgets
        self._sequence = count(1)

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a request asks for. Raises AwsError, NotModelled."""
        operations: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "CreateQueue": self._create_queue,
            "GetQueueUrl": self._get_queue_url,
            "GetQueueAttributes": self._get_queue_attributes,
            "SendMessage": self._send_message,
            "ReceiveMessage": self._receive_message,
            "DeleteMessage": self._delete_message,
            "ChangeMessageVisibility": self._change_message_visibility,
            "ChangeMessageVisibilityBatch": self._change_message_visibility_batch,
            "StartMessageMoveTask": self._start_message_move_task,
        }
        try:
            check("sqs", operation, request)
        except Refusal as refusal:
            raise AwsError(refusal.code, str(refusal)) from refusal
        if operation not in operations:
            raise NotModelled(f"SQS {operation}")
        return operations[operation](request)

    # What the event source mapping, the console and the test use.

    def receive(self, queue: Queue, most: int, visibility_timeout: float | None = None) -> list[Message]:
        """At most `most` messages of groups that nobody holds, in order within each group."""
        self._expire(queue)
        now = self._clock()
        received: list[Message] = []
        for group in self._free_groups(queue):
            for message in [message for message in queue.messages if message.group == group]:
                if len(received) == most:
                    return received
                if message.visible_at > now:
                    break
                if self._is_used_up(queue, message):
                    self._dead_letter(queue, message)
                    continue
                received.append(self._hand_out(queue, message, visibility_timeout))
        return received

    def next_visible_at(self, queue: Queue) -> float | None:
        """When the next hidden message shows up again; None where there is none."""
        return min(
            (message.visible_at for message in queue.messages if message.visible_at > self._clock()), default=None
        )

    def delete(self, queue: Queue, receipt: str) -> None:
        """Raises AwsError where the message has become visible again meanwhile."""
        message = self._in_hand(queue, receipt)
        if message is None:
            return
        queue.messages.remove(message)
        self._on_event("deleted", queue, message)
        queue.on_arrival()

    def move_back(self, dead_letter_queue: Queue, most: int | None = None) -> list[Message]:
        """What StartMessageMoveTask does to the messages that are visible: a new id, a new time, a receive count of 0.

        ("Configure a dead-letter queue redrive"; on its way to a FIFO dead-letter queue a message's deduplication id
        became its message id, so that nothing is swallowed on the way back.)
        """
        sources = {queue.arn: queue for queue in self.queues.values()}
        visible = [message for message in dead_letter_queue.messages if message.visible_at <= self._clock()]
        moved = []
        for message in visible[:most]:
            source = sources.get(message.dead_letter_source or "")
            if source is None:
                break  # "The task fails": the message was sent here by hand, and has no source.
            dead_letter_queue.messages.remove(message)
            again = Message(
                message_id=self._new_id(),
                body=message.body,
                group=message.group,
                deduplication_id=message.message_id,
                sequence=next(self._sequence),
                sent_at=self._clock(),
                attributes=message.attributes,
                trace_header=message.trace_header,
            )
            source.messages.append(again)
            moved.append(again)
            self._on_event("moved back", source, again)
            source.on_arrival()
        return moved

    def depth(self, queue: Queue) -> int:
        self._expire(queue)
        return len(queue.messages)

    # Requests.

    def _create_queue(self, request: Mapping[str, Any]) -> dict[str, Any]:
        attributes = request.get("Attributes", {})
        if attributes.get("FifoQueue") != "true" or attributes.get("ContentBasedDeduplication") != "true":
            raise NotModelled("a queue that is not FIFO with content-based deduplication")
        queue = Queue(
            request["QueueName"],
            visibility_timeout=float(attributes.get("VisibilityTimeout", 30)),
            retention=float(attributes.get("MessageRetentionPeriod", 345_600)),
            deduplicates_by_group=attributes.get("DeduplicationScope") == "messageGroup",
        )
        if policy := json.loads(attributes.get("RedrivePolicy", "null")):
            queue.max_receive_count = int(policy["maxReceiveCount"])
            queue.dead_letter_queue = self._by_arn(policy["deadLetterTargetArn"])
        self.queues[queue.url] = queue
        return {"QueueUrl": queue.url}

    def _get_queue_url(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return {"QueueUrl": self._queue({"QueueUrl": _URL + request["QueueName"]}).url}

    def _get_queue_attributes(self, request: Mapping[str, Any]) -> dict[str, Any]:
        queue, now = self._queue(request), self._clock()
        self._expire(queue)
        visible = sum(message.visible_at <= now for message in queue.messages)
        attributes = {
            "QueueArn": queue.arn,
            "ApproximateNumberOfMessages": str(visible),
            "ApproximateNumberOfMessagesNotVisible": str(len(queue.messages) - visible),
            "ApproximateNumberOfMessagesDelayed": "0",
        }
        wanted = request.get("AttributeNames", [])
        return {"Attributes": {name: value for name, value in attributes.items() if name in wanted or "All" in wanted}}

    def _send_message(self, request: Mapping[str, Any]) -> dict[str, Any]:
        queue, body, now = self._queue(request), request["MessageBody"], self._clock()
        group = request["MessageGroupId"]
        deduplication_id = request.get("MessageDeduplicationId") or hashlib.sha256(body.encode()).hexdigest()
        scope = group if queue.deduplicates_by_group else ""
        sent_at, known = queue.remembered.get((scope, deduplication_id), (now - DEDUPLICATION_WINDOW, None))
        if known is not None and now - sent_at < DEDUPLICATION_WINDOW and not self._forgets():
            self._on_event("swallowed", queue, known)
            return _sent(known)
        message = Message(
            message_id=self._new_id(),
            body=body,
            group=group,
            deduplication_id=deduplication_id,
            sequence=next(self._sequence),
            sent_at=now,
            attributes=request.get("MessageAttributes", {}),
            trace_header=request.get("MessageSystemAttributes", {}).get("AWSTraceHeader", {}).get("StringValue"),
        )
        queue.messages.append(message)
        queue.remembered[scope, deduplication_id] = (now, message)
        self._on_event("sent", queue, message)
        queue.on_arrival()
        return _sent(message)

    def _receive_message(self, request: Mapping[str, Any]) -> dict[str, Any]:
        names = {*request.get("MessageSystemAttributeNames", []), *request.get("AttributeNames", [])}
        received = self.receive(
            self._queue(request), request.get("MaxNumberOfMessages", 1), request.get("VisibilityTimeout")
        )
        if not received:
            return {}
        return {
            "Messages": [
                {
                    "MessageId": message.message_id,
                    "ReceiptHandle": message.receipt,
                    "Body": message.body,
                    "MD5OfBody": _md5(message.body),
                    "Attributes": {
                        name: value
                        for name, value in system_attributes(message).items()
                        if name in names or "All" in names
                    },
                    **({"MessageAttributes": message.attributes} if message.attributes else {}),
                }
                for message in received
            ]
        }

    def _delete_message(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.delete(self._queue(request), request["ReceiptHandle"])
        return {}

    def _change_message_visibility(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self._hide(self._queue(request), request["ReceiptHandle"], request["VisibilityTimeout"])
        return {}

    def _change_message_visibility_batch(self, request: Mapping[str, Any]) -> dict[str, Any]:
        queue, entries = self._queue(request), request["Entries"]
        successful, failed = [], []
        for entry in entries:
            try:
                self._hide(queue, entry["ReceiptHandle"], entry["VisibilityTimeout"])
                successful.append({"Id": entry["Id"]})
            except AwsError as error:
                failed.append({"Id": entry["Id"], "Code": error.code, "Message": error.message, "SenderFault": True})
        return {"Successful": successful, "Failed": failed}

    def _start_message_move_task(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.move_back(self._by_arn(request["SourceArn"]))
        return {"TaskHandle": self._new_id()}

    # How it works inside.

    def _queue(self, request: Mapping[str, Any]) -> Queue:
        if request["QueueUrl"] not in self.queues:
            raise AwsError("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
        return self.queues[request["QueueUrl"]]

    def _by_arn(self, arn: str) -> Queue:
        return next(queue for queue in self.queues.values() if queue.arn == arn)

    def _new_id(self) -> str:
        digits = f"{self._random.getrandbits(128):032x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def _free_groups(self, queue: Queue) -> list[str]:
        """Groups with messages and none of them in flight. Which comes first is not promised."""
        now = self._clock()
        locked = {message.group for message in queue.messages if message.visible_at > now}
        free = [group for group in dict.fromkeys(message.group for message in queue.messages) if group not in locked]
        if len(free) > 1 and self._random.random() < self._disorder:
            self._random.shuffle(free)
        return free

    def _is_used_up(self, queue: Queue, message: Message) -> bool:
        return queue.max_receive_count is not None and message.receive_count >= queue.max_receive_count

    def _dead_letter(self, queue: Queue, message: Message) -> None:
        queue.messages.remove(message)
        dead = queue.dead_letter_queue
        assert dead
        message.dead_letter_source = message.dead_letter_source or queue.arn
        message.deduplication_id = message.message_id
        message.sequence = next(self._sequence)
        message.receipt = None
        message.visible_at = 0.0
        message.sent_at = self._clock()
        dead.messages.append(message)
        self._on_event("dead-lettered", queue, message)

    def _hand_out(self, queue: Queue, message: Message, visibility_timeout: float | None) -> Message:
        now = self._clock()
        hidden_for = queue.visibility_timeout if visibility_timeout is None else visibility_timeout
        message.receive_count += 1
        message.first_received_at = message.first_received_at or now
        message.visible_at = now + hidden_for
        message.receipt = f"{message.message_id}#{message.receive_count}"
        self._on_event("received", queue, message)
        return message

    def _in_hand(self, queue: Queue, receipt: str | None) -> Message | None:
        """The message of a receipt; None where it was deleted. Raises AwsError for one whose visibility has ended."""
        message_id, is_ours, _ = (receipt or "").partition("#")
        if not is_ours:
            raise AwsError("ReceiptHandleIsInvalid", f'The input receipt handle "{receipt}" is not valid.')
        message = next((message for message in queue.messages if message.message_id == message_id), None)
        if message is None:
            return None
        if message.receipt != receipt or message.visible_at <= self._clock():
            raise AwsError(
                "InvalidParameterValue",
                f"Value {receipt} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.",
            )
        return message

    def _hide(self, queue: Queue, receipt: str, seconds: float) -> None:
        message = self._in_hand(queue, receipt)
        if message is None:
            raise AwsError("InvalidParameterValue", "Reason: Message does not exist or is not available.")
        message.visible_at = self._clock() + seconds
        self._on_event("hidden", queue, message)
        queue.on_arrival()

    def _expire(self, queue: Queue) -> None:
        oldest = self._clock() - queue.retention
        for message in [message for message in queue.messages if message.sent_at < oldest]:
            queue.messages.remove(message)
            self._on_event("expired", queue, message)


def system_attributes(message: Message) -> dict[str, str]:
    """As SQS gives them, all as text."""
    attributes = {
        "ApproximateReceiveCount": str(message.receive_count),
        "ApproximateFirstReceiveTimestamp": str(int((message.first_received_at or 0) * 1000)),
        "SentTimestamp": str(int(message.sent_at * 1000)),
        "SequenceNumber": f"{message.sequence:020d}",
        "MessageGroupId": message.group,
        "MessageDeduplicationId": message.deduplication_id,
        "SenderId": "AIDAIO23YVJENQZJOL4VO",
    }
    if message.dead_letter_source:
        attributes["DeadLetterQueueSourceArn"] = message.dead_letter_source
    if message.trace_header:
        attributes["AWSTraceHeader"] = message.trace_header
    return attributes


def _sent(message: Message) -> dict[str, Any]:
    return {
        "MessageId": message.message_id,
        "MD5OfMessageBody": _md5(message.body),
        "SequenceNumber": f"{message.sequence:020d}",
    }


def _md5(body: str) -> str:
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
