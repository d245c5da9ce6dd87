"""SQS FIFO: sending into a recipient's message group, receiving, and hiding for a while."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from aws_lambda_powertools.utilities.data_classes import SQSEvent
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from botocore.exceptions import ClientError

from comanda.adapters.aws.errors import answering, code_of
from comanda.adapters.observability.tracing import message_attributes, system_attributes
from comanda.application.delivery.events import MessageNotDeleted, VisibilityNotChanged
from comanda.application.shared.telemetry import Telemetry
from comanda.domain.delivery.messages import (
    Delivery,
    Message,
    NewerSchema,
    Received,
    deduplication_id,
    is_as_we_sent_it,
)
from comanda.domain.shared.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef


M = TypeVar("M", bound=Message)


class _Sendable(Protocol):
    @property
    def message_group(self) -> str: ...

    @property
    def correlation_id(self) -> str: ...


Sent = TypeVar("Sent", bound=_Sendable)
HIDDEN_WHILE_TENDED = 120
"""Seconds; longer than the reconciler may run, so that nobody redrives a message that it is about to judge."""
_STALE_RECEIPT = {"InvalidParameterValue", "ReceiptHandleIsInvalid"}
"""What SQS answers once a message's visibility has ended ("DeleteMessage"): it comes, or has come, again."""


@dataclass(frozen=True)
class FifoPublisher(Generic[Sent]):
    """Sends into one queue. One message at a time: in a batch, one entry may fail and the next be stored, which would
    reorder a recipient's orders (P4)."""

    client: "SQSClient"
    queue_url: str

    def send(self, message: Message, about: Sent) -> None:
        with answering("queue"):
            self.client.send_message(
                QueueUrl=self.queue_url,
                MessageBody=message.body,
                MessageGroupId=about.message_group,
                MessageDeduplicationId=deduplication_id(message.body, message.replay),
                MessageAttributes=message_attributes(os.environ, about.correlation_id),
                MessageSystemAttributes=system_attributes(os.environ),
            )


@dataclass(frozen=True)
class LambdaSourceQueue:
    """Implements `SourceQueue` for messages that an event source mapping received."""

    client: "SQSClient"
    queue_url: str
    telemetry: Telemetry

    def hide(self, deliveries: Sequence[Received], seconds: int) -> None:
        entries: list[Any] = [
            {"Id": str(number), "ReceiptHandle": delivery.receipt_handle, "VisibilityTimeout": seconds}
            for number, delivery in enumerate(deliveries)
        ]
        try:
            with answering("queue"):
                answer = self.client.change_message_visibility_batch(QueueUrl=self.queue_url, Entries=entries)
        except Unavailable as error:
            self.telemetry.emit(VisibilityNotChanged(reason=str(error)))
            return
        for failed in answer.get("Failed", []):
            self.telemetry.emit(VisibilityNotChanged(reason=failed["Code"]))

    def delete(self, delivery: Received) -> None:
        try:
            with answering("queue"):
                self.client.delete_message(QueueUrl=self.queue_url, ReceiptHandle=delivery.receipt_handle)
        except Unavailable as error:
            self.telemetry.emit(MessageNotDeleted(reason=str(error)))
        except ClientError as error:
            if code_of(error) not in _STALE_RECEIPT:
                raise
            self.telemetry.emit(MessageNotDeleted(reason=code_of(error)))


@dataclass(frozen=True)
class DeadLetterQueue(Generic[M]):
    """Implements `DeadLetters`."""

    client: "SQSClient"
    queue_url: str
    telemetry: Telemetry
    parse: Callable[[str], M]
    stage: str

    def receive(self) -> list[Delivery[M]]:
        with answering("queue"):
            answer = self.client.receive_message(
                QueueUrl=self.queue_url,
                MaxNumberOfMessages=10,
                VisibilityTimeout=HIDDEN_WHILE_TENDED,
                WaitTimeSeconds=1,  # A short poll may miss messages ("Amazon SQS short and long polling").
                MessageSystemAttributeNames=["MessageGroupId", "ApproximateReceiveCount", "SentTimestamp"],
            )
        return [self._delivery(message) for message in answer.get("Messages", [])]

    def _delivery(self, message: "MessageTypeDef") -> Delivery[M]:
        attributes = message["Attributes"]
        return Delivery(
            message_id=message["MessageId"],
            receipt_handle=message["ReceiptHandle"],
            group=attributes["MessageGroupId"],
            receive_count=int(attributes["ApproximateReceiveCount"]),
            sent_at=_moment_of(attributes["SentTimestamp"]),
            **_parsed(self.parse, message["Body"]),
        )

    def delete(self, delivery: Received) -> None:
        LambdaSourceQueue(self.client, self.queue_url, self.telemetry).delete(delivery)

    def release(self, deliveries: Sequence[Received]) -> None:
        source = LambdaSourceQueue(self.client, self.queue_url, self.telemetry)
        for first in range(0, len(deliveries), 10):
            source.hide(deliveries[first : first + 10], 0)

    def depth(self) -> int:
        names: list[Any] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        with answering("queue"):
            answer = self.client.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)


def deliveries_of(parse: Callable[[str], M]) -> Callable[[dict[str, Any]], list[Delivery[M]]]:
    """What reads the messages of a Lambda event, in their order ("Using Lambda with Amazon SQS")."""

    def read(event: dict[str, Any]) -> list[Delivery[M]]:
        return [_delivery_of(parse, record) for record in SQSEvent(event).records]

    return read


def _delivery_of(parse: Callable[[str], M], record: SQSRecord) -> Delivery[M]:
    attributes, parsed = record.attributes, _parsed(parse, record.body)
    message = parsed["message"]
    sent_at, deduplicated_by = _moment_of(attributes.sent_timestamp), attributes.message_deduplication_id
    return Delivery(
        message_id=record.message_id,
        receipt_handle=record.receipt_handle,
        group=attributes.message_group_id or "",
        receive_count=int(attributes.approximate_receive_count),
        sent_at=sent_at,
        **parsed,
        correlation_id=_told(record, "correlation_id"),
        traceparent=_told(record, "traceparent"),
        came_back=message is not None
        and deduplicated_by is not None
        and not is_as_we_sent_it(record.body, message.replay, deduplicated_by, sent_at),
    )


def _told(record: SQSRecord, name: str) -> str | None:
    text: str | None = record.raw_event.get("messageAttributes", {}).get(name, {}).get("stringValue")
    return text


def _moment_of(milliseconds: str) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def _parsed(parse: Callable[[str], M], body: str) -> dict[str, Any]:
    """What the body says, as fields of a delivery."""
    try:
        return {"message": parse(body)}
    except NewerSchema:
        return {"message": None, "of_newer_release": True}
    except ValueError:
        return {"message": None}
