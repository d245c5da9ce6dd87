"""SQS FIFO: sending into a recipient's message group, receiving, and hiding for a while."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.data_classes import SQSEvent
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from botocore.exceptions import ClientError

from comanda.adapters.aws import answering, code_of
from comanda.adapters.tracing import message_attributes, system_attributes
from comanda.application.ports import Journal
from comanda.domain.errors import Unavailable
from comanda.domain.messages import (
    Delivery,
    Event,
    NewerSchema,
    NotificationDelivery,
    NotificationMessage,
    OrderMessage,
    Received,
    ReportDelivery,
    ReportMessage,
)
from comanda.domain.notification import Notification
from comanda.domain.order import Order, Stage
from comanda.domain.report import Report

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

HIDDEN_WHILE_TENDED = 120
"""Seconds; longer than the steward may run, so that nobody redrives a message that it is about to judge."""
_STALE_RECEIPT = {"InvalidParameterValue", "ReceiptHandleIsInvalid"}
"""What SQS answers once a message's visibility has ended ("DeleteMessage"): it comes, or has come, again."""


@dataclass(frozen=True)
class QueuePublisher:
    """Implements `Publisher`. One message at a time: in a batch, one entry may fail and the next be stored, which
    would turn round the order of a recipient (P4)."""

    client: "SQSClient"
    queue_url: str

    def publish(self, order: Order, event: Event, *, uncounted: bool = False) -> None:
        with answering("queue"):
            self.client.send_message(
                QueueUrl=self.queue_url,
                MessageBody=OrderMessage.about(order, event, uncounted=uncounted).body,
                MessageGroupId=order.recipient_id,
                MessageAttributes=message_attributes(os.environ, order.correlation_id),
                MessageSystemAttributes=system_attributes(os.environ),
            )


@dataclass(frozen=True)
class ReportQueuePublisher:
    """Implements `ReportPublisher`. Each report is a group of its own, so that reports are written side by side."""

    client: "SQSClient"
    queue_url: str

    def publish(self, report: Report) -> None:
        with answering("queue"):
            self.client.send_message(
                QueueUrl=self.queue_url,
                MessageBody=ReportMessage.about(report).body,
                MessageGroupId=report.report_id,
                MessageAttributes=message_attributes(os.environ, report.correlation_id),
                MessageSystemAttributes=system_attributes(os.environ),
            )


@dataclass(frozen=True)
class NotificationQueuePublisher:
    """Implements `NotificationPublisher`."""

    client: "SQSClient"
    queue_url: str

    def publish(self, notification: Notification) -> None:
        with answering("queue"):
            self.client.send_message(
                QueueUrl=self.queue_url,
                MessageBody=NotificationMessage(notification.notification_id, notification.replay).body,
                MessageGroupId=notification.group,
                MessageAttributes=message_attributes(os.environ, notification.correlation_id),
                MessageSystemAttributes=system_attributes(os.environ),
            )


@dataclass(frozen=True)
class LambdaSourceQueue:
    """Implements `SourceQueue` for messages that an event source mapping received."""

    client: "SQSClient"
    queue_url: str
    journal: Journal

    def hide(self, deliveries: Sequence[Received], seconds: int) -> None:
        entries: list[Any] = [
            {"Id": str(number), "ReceiptHandle": delivery.receipt_handle, "VisibilityTimeout": seconds}
            for number, delivery in enumerate(deliveries)
        ]
        try:
            with answering("queue"):
                answer = self.client.change_message_visibility_batch(QueueUrl=self.queue_url, Entries=entries)
        except Unavailable as error:
            self.journal.tell("queue.pause_not_set", reason=str(error))
            return
        for failed in answer.get("Failed", []):
            self.journal.tell("queue.pause_not_set", reason=failed["Code"])

    def delete(self, delivery: Received) -> None:
        try:
            with answering("queue"):
                self.client.delete_message(QueueUrl=self.queue_url, ReceiptHandle=delivery.receipt_handle)
        except Unavailable as error:
            self.journal.tell("queue.not_deleted", reason=str(error))
        except ClientError as error:
            if code_of(error) not in _STALE_RECEIPT:
                raise
            self.journal.tell("queue.not_deleted", reason=code_of(error))


@dataclass(frozen=True)
class _DeadLetters:
    client: "SQSClient"
    queue_url: str
    journal: Journal

    def delete(self, delivery: Received) -> None:
        LambdaSourceQueue(self.client, self.queue_url, self.journal).delete(delivery)

    def release(self, deliveries: Sequence[Received]) -> None:
        source = LambdaSourceQueue(self.client, self.queue_url, self.journal)
        for first in range(0, len(deliveries), 10):
            source.hide(deliveries[first : first + 10], 0)

    def depth(self) -> int:
        names: list[Any] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        with answering("queue"):
            answer = self.client.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)

    def _received(self) -> list[tuple[dict[str, Any], str]]:
        """Facts and body of each message."""
        with answering("queue"):
            answer = self.client.receive_message(
                QueueUrl=self.queue_url,
                MaxNumberOfMessages=10,
                VisibilityTimeout=HIDDEN_WHILE_TENDED,
                WaitTimeSeconds=1,  # A short poll may miss messages ("Amazon SQS short and long polling").
                MessageSystemAttributeNames=["MessageGroupId", "ApproximateReceiveCount", "SentTimestamp"],
            )
        return [(_facts_of_received(message), message["Body"]) for message in answer.get("Messages", [])]


@dataclass(frozen=True)
class DeadLetterQueue(_DeadLetters):
    """Implements `DeadLetters`."""

    stage: Stage

    def receive(self) -> list[Delivery]:
        return [Delivery(**facts, **_parsed(OrderMessage.parse, body)) for facts, body in self._received()]


@dataclass(frozen=True)
class ReportDeadLetterQueue(_DeadLetters):
    """Implements `TendedQueue`."""

    def receive(self) -> list[ReportDelivery]:
        return [ReportDelivery(**facts, **_parsed(ReportMessage.parse, body)) for facts, body in self._received()]


@dataclass(frozen=True)
class NotificationDeadLetterQueue(_DeadLetters):
    """Implements `TendedQueue`."""

    def receive(self) -> list[NotificationDelivery]:
        return [
            NotificationDelivery(**facts, **_parsed(NotificationMessage.parse, body))
            for facts, body in self._received()
        ]


def _facts_of_received(message: "MessageTypeDef") -> dict[str, Any]:
    attributes = message["Attributes"]
    return {
        "message_id": message["MessageId"],
        "receipt_handle": message["ReceiptHandle"],
        "group": attributes["MessageGroupId"],
        "receive_count": int(attributes["ApproximateReceiveCount"]),
        "sent_at": _moment_of(attributes["SentTimestamp"]),
    }


def deliveries_of(event: dict[str, Any]) -> list[Delivery]:
    """The messages of a Lambda event, in their order ("Using Lambda with Amazon SQS")."""
    return [
        Delivery(**_facts_of(record), **_parsed(OrderMessage.parse, record.body)) for record in SQSEvent(event).records
    ]


def report_deliveries_of(event: dict[str, Any]) -> list[ReportDelivery]:
    """The same for messages about reports."""
    return [
        ReportDelivery(**_facts_of(record), **_parsed(ReportMessage.parse, record.body))
        for record in SQSEvent(event).records
    ]


def notification_deliveries_of(event: dict[str, Any]) -> list[NotificationDelivery]:
    """The same for messages about notifications."""
    return [
        NotificationDelivery(**_facts_of(record), **_parsed(NotificationMessage.parse, record.body))
        for record in SQSEvent(event).records
    ]


def _facts_of(record: SQSRecord) -> dict[str, Any]:
    attributes = record.attributes
    return {
        "message_id": record.message_id,
        "receipt_handle": record.receipt_handle,
        "group": attributes.message_group_id or "",
        "receive_count": int(attributes.approximate_receive_count),
        "sent_at": _moment_of(attributes.sent_timestamp),
        **{name: _told(record, name) for name in ("correlation_id", "traceparent")},
    }


def _told(record: SQSRecord, name: str) -> str | None:
    text: str | None = record.raw_event.get("messageAttributes", {}).get(name, {}).get("stringValue")
    return text


def _moment_of(milliseconds: str) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def _parsed(parse: Callable[[str], OrderMessage | ReportMessage | NotificationMessage], body: str) -> dict[str, Any]:
    """What the body says, as fields of a delivery."""
    try:
        return {"message": parse(body)}
    except NewerSchema:
        return {"message": None, "of_newer_release": True}
    except ValueError:
        return {"message": None}
