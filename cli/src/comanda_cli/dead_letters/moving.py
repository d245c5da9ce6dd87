"""Dead letters back into the queue that they came from, as the console's "Start DLQ redrive" moves them.

A moved message is a new one: another id, another time, no receive counted. On its way into a FIFO dead-letter queue its
deduplication id became its message id, and stays that ("Learn how to configure a dead-letter queue redrive in Amazon
SQS"): by that the worker knows that it came back, and begins the next run.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from comanda_cli.stack.stack_info import Queue

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MOST_AT_ONCE = 10
"""Messages that ReceiveMessage hands out."""
HIDDEN_SECONDS = 60
"""While a message is moved, nobody else sees it."""


def start_move_task(sqs: "SQSClient", queue: Queue) -> str:
    """Have SQS move all dead letters; give the handle of its task. It goes on by itself."""
    answer = sqs.get_queue_attributes(QueueUrl=queue.dlq_url, AttributeNames=["QueueArn"])
    return sqs.start_message_move_task(SourceArn=answer["Attributes"]["QueueArn"])["TaskHandle"]


def dead_letters_of(sqs: "SQSClient", queue: Queue) -> int:
    """About how many there are, hidden ones included."""
    names: list[Any] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue.dlq_url, AttributeNames=names)["Attributes"]
    return sum(int(attributes[name]) for name in names)


def move(sqs: "SQSClient", queue: Queue, most: int) -> Iterator[str]:
    """Move at most so many by hand, where SQS knows no such tasks; give the new id of each, when it is moved.

    Each group keeps its order. Whatever is interrupted between sending and deleting is moved once more by the next
    call: as the same message within five minutes, later as a message of a run that is over.
    """
    moved = 0
    while moved < most and (messages := _receive(sqs, queue, min(MOST_AT_ONCE, most - moved))):
        for message in messages:
            yield move_one(sqs, queue, message)
            moved += 1


def move_one(sqs: "SQSClient", queue: Queue, message: Any) -> str:
    """A message that was received with its attributes; give its new id."""
    attributes: Any = message.get("MessageAttributes", {})
    sent = sqs.send_message(
        QueueUrl=queue.url,
        MessageBody=message["Body"],
        MessageGroupId=message["Attributes"]["MessageGroupId"],
        MessageDeduplicationId=message["MessageId"],
        MessageAttributes=attributes,
    )
    sqs.delete_message(QueueUrl=queue.dlq_url, ReceiptHandle=message["ReceiptHandle"])
    return sent["MessageId"]


def _receive(sqs: "SQSClient", queue: Queue, most: int) -> list[Any]:
    answer = sqs.receive_message(
        QueueUrl=queue.dlq_url,
        MaxNumberOfMessages=most,
        VisibilityTimeout=HIDDEN_SECONDS,
        MessageAttributeNames=["All"],
        MessageSystemAttributeNames=["MessageGroupId"],
    )
    return list(answer.get("Messages", []))
