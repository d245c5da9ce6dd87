"""The rules of SQS's operations."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.strict.refusals import Refusal, Rule

MAX_BYTES = 1024 * 1024
"""Of a message with its attributes, and of all messages of a batch."""
_MAX_ENTRIES = 10
_MAX_ATTRIBUTES = 10
_MAX_HIDDEN = 43_200
_MAX_DELAY = 900
_MAX_RECEIVED, _MAX_WAIT = 10, 20
_MAX_MOVED_A_SECOND = 500
_NOT_IN_A_BODY = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ID = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}")
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_ATTRIBUTE_NAME = re.compile(r"(?!\.)(?!.*\.\.)(?!.*\.$)(?!(?i:aws|amazon)\.)[A-Za-z0-9_.-]{1,256}")
_ATTRIBUTE_TYPE = re.compile(r"(String|Number|Binary)(\.[A-Za-z0-9_.-]+)?")
_QUEUE_NAME = re.compile(r"[A-Za-z0-9_-]{1,75}\.fifo|[A-Za-z0-9_-]{1,80}")
_RANGES = {
    "DelaySeconds": (0, 900),
    "MaximumMessageSize": (1024, 1024 * 1024),
    "MessageRetentionPeriod": (60, 1_209_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43_200),
    "KmsDataKeyReusePeriodSeconds": (60, 86_400),
}
_OF_FIFO_ONLY = {"ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"}
_CHOICES = {
    "FifoQueue": {"true", "false"},
    "ContentBasedDeduplication": {"true", "false"},
    "DeduplicationScope": {"messageGroup", "queue"},
    "FifoThroughputLimit": {"perQueue", "perMessageGroupId"},
    "SqsManagedSseEnabled": {"true", "false"},
}
_OTHERS_THAT_ARE_SET = {"Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId"}
_SET = _RANGES.keys() | _CHOICES.keys() | _OTHERS_THAT_ARE_SET
_OF_QUEUES = _SET | {
    "All",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
}
_OF_MESSAGES = {
    "All",
    "AWSTraceHeader",
    "ApproximateFirstReceiveTimestamp",
    "ApproximateReceiveCount",
    "DeadLetterQueueSourceArn",
    "MessageDeduplicationId",
    "MessageGroupId",
    "SenderId",
    "SentTimestamp",
    "SequenceNumber",
}

Request = Mapping[str, Any]

_MAKE_IDS: dict[str, bool] = {}
"""By name of a queue that was made here: whether it makes ids of what a message contains."""
_HAVE_SOURCES: set[str] = set()
"""Names of the queues that are another's dead-letter queue, of those that were made here."""


def check(operation: str, request: Request) -> None:
    """Raises Refusal."""
    if operation in _CHECKS:
        _CHECKS[operation](request)


def _name_of(request: Request) -> str:
    return str(request["QueueUrl"]).rpartition("/")[2]


def _is_fifo(request: Request) -> bool:
    return _name_of(request).endswith(".fifo")


def _refuse_parameter(rule: Rule, value: object, name: str, reason: str, code: str = "InvalidParameterValue") -> None:
    raise Refusal(rule, f"Value {value} for parameter {name} is invalid. Reason: {reason}.", code)


def _check_range(rule: Rule, request: Request, name: str, least: int, most: int) -> None:
    value = request.get(name)
    if value is not None and not least <= value <= most:
        _refuse_parameter(rule, value, name, f"Must be between {least} and {most}, if provided")


# Sending.


def _check_send(request: Request) -> None:
    _check_message(request, _name_of(request))
    _check_size([request])


def _check_send_batch(request: Request) -> None:
    entries = _check_entries(request)
    for entry in entries:
        _check_message(entry, _name_of(request))
    _check_size(entries)


def _check_size(messages: Sequence[Request]) -> None:
    size = sum(map(size_of, messages))
    if size > MAX_BYTES and len(messages) > 1:
        what = f"Batch requests cannot be longer than {MAX_BYTES} bytes. You have sent {size} bytes."
        raise Refusal(Rule.MESSAGE_SIZE, what, "AWS.SimpleQueueService.BatchRequestTooLong")
    if size > MAX_BYTES:
        what = f"One or more parameters are invalid. Reason: Message must be shorter than {MAX_BYTES} bytes."
        raise Refusal(Rule.MESSAGE_SIZE, what, "InvalidParameterValue")


def size_of(message: Request) -> int:
    """Bytes of the body, and of each attribute's name, type and value. Binary values count as they are on the wire."""
    attributes = message.get("MessageAttributes", {})
    return len(message["MessageBody"].encode("utf-8", "surrogatepass")) + sum(
        len(name.encode()) + sum(len(str(part).encode()) for part in value.values())
        for name, value in attributes.items()
    )


def _check_message(message: Request, queue: str) -> None:
    body = message["MessageBody"]
    if not body:
        raise Refusal(Rule.BODY, "The request must contain the parameter MessageBody.", "MissingParameter")
    if found := _NOT_IN_A_BODY.search(body):
        what = f"Invalid characters found, such as {found[0]!r}. Valid unicode characters are those of XML 1.0"
        raise Refusal(Rule.BODY, what, "InvalidMessageContents")
    _check_attributes(message.get("MessageAttributes", {}))
    _check_range(Rule.DELAY, message, "DelaySeconds", 0, _MAX_DELAY)
    if queue.endswith(".fifo"):
        _check_of_fifo(message, makes_ids=_MAKE_IDS.get(queue, True))
    elif "MessageDeduplicationId" in message:
        what = "The request include parameter that is not valid for this queue type"
        _refuse_parameter(Rule.DEDUPLICATION_ID, message["MessageDeduplicationId"], "MessageDeduplicationId", what)


def _check_of_fifo(message: Request, *, makes_ids: bool) -> None:
    if message.get("DelaySeconds"):
        what = "The request include parameter that is not valid for this queue type"
        _refuse_parameter(Rule.DELAY, message["DelaySeconds"], "DelaySeconds", what)
    if "MessageGroupId" not in message:
        raise Refusal(Rule.GROUP, "The request must contain the parameter MessageGroupId.", "MissingParameter")
    _check_id(Rule.GROUP, message, "MessageGroupId")
    _check_id(Rule.DEDUPLICATION_ID, message, "MessageDeduplicationId")
    if "MessageDeduplicationId" not in message and not makes_ids:
        what = "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided"
        raise Refusal(Rule.DEDUPLICATION_ID, what, "InvalidParameterValue")


def _check_id(rule: Rule, request: Request, name: str) -> None:
    value = request.get(name)
    if value is not None and not _ID.fullmatch(value):
        _refuse_parameter(
            rule, value, name, f"{name} can only include alphanumeric and punctuation characters. 1 to 128"
        )


def _check_attributes(attributes: Mapping[str, Request]) -> None:
    if len(attributes) > _MAX_ATTRIBUTES:
        what = f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum [{_MAX_ATTRIBUTES}]."
        raise Refusal(Rule.MESSAGE_ATTRIBUTES, what, "InvalidParameterValue")
    for name, value in attributes.items():
        content = value.get("StringValue") or value.get("BinaryValue")
        is_named = _ATTRIBUTE_NAME.fullmatch(name) and _ATTRIBUTE_TYPE.fullmatch(value["DataType"])
        if not is_named or not content or _NOT_IN_A_BODY.search(content):
            what = f"The message attribute {name!r} has an invalid name, type or value"
            raise Refusal(Rule.MESSAGE_ATTRIBUTES, what, "InvalidParameterValue")


def _check_entries(request: Request) -> Sequence[Request]:
    entries: Sequence[Request] = request["Entries"]
    if not entries:
        what = "There should be at least one entry in the request."
        raise Refusal(Rule.ENTRIES, what, "AWS.SimpleQueueService.EmptyBatchRequest")
    if len(entries) > _MAX_ENTRIES:
        what = f"Maximum number of entries per request are {_MAX_ENTRIES}. You have sent {len(entries)}."
        raise Refusal(Rule.ENTRIES, what, "AWS.SimpleQueueService.TooManyEntriesInBatchRequest")
    ids = [entry["Id"] for entry in entries]
    if not all(map(_ENTRY_ID.fullmatch, ids)):
        what = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. 1 to 80"
        raise Refusal(Rule.ENTRY_IDS, what, "AWS.SimpleQueueService.InvalidBatchEntryId")
    if len(set(ids)) < len(ids):
        what = "An id is repeated."
        raise Refusal(Rule.ENTRY_IDS, what, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct")
    return entries


# Receiving, and what becomes of what was received.


def _check_receive(request: Request) -> None:
    _check_range(Rule.RECEIVE, request, "MaxNumberOfMessages", 1, _MAX_RECEIVED)
    _check_range(Rule.RECEIVE, request, "WaitTimeSeconds", 0, _MAX_WAIT)
    _check_range(Rule.VISIBILITY, request, "VisibilityTimeout", 0, _MAX_HIDDEN)
    if "ReceiveRequestAttemptId" in request:
        if not _is_fifo(request):
            what = "The request include parameter that is not valid for this queue type"
            _refuse_parameter(Rule.ATTEMPT_ID, request["ReceiveRequestAttemptId"], "ReceiveRequestAttemptId", what)
        _check_id(Rule.ATTEMPT_ID, request, "ReceiveRequestAttemptId")
    for names in ("AttributeNames", "MessageSystemAttributeNames"):
        _check_names(request.get(names, []), _OF_MESSAGES)


def _check_hide(request: Request) -> None:
    _check_range(Rule.VISIBILITY, request, "VisibilityTimeout", 0, _MAX_HIDDEN)


def _check_hide_batch(request: Request) -> None:
    for entry in _check_entries(request):
        _check_hide(entry)


def _check_get_attributes(request: Request) -> None:
    _check_names(request.get("AttributeNames", []), _OF_QUEUES)


def _check_names(names: Sequence[str], known: set[str]) -> None:
    if unknown := set(names) - known:
        raise Refusal(Rule.ATTRIBUTE_NAMES, f"Unknown Attribute {min(unknown)}.", "InvalidAttributeName")


# Queues.


def _check_create(request: Request) -> None:
    name, attributes = request["QueueName"], request.get("Attributes", {})
    is_fifo = attributes.get("FifoQueue") == "true"
    if not _QUEUE_NAME.fullmatch(name) or name.endswith(".fifo") is not is_fifo:
        what = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        raise Refusal(Rule.QUEUE, f"{what}; and .fifo where FifoQueue is true: {name}", "InvalidParameterValue")
    if not is_fifo and (_OF_FIFO_ONLY & attributes.keys()):
        raise Refusal(Rule.QUEUE, "Unknown Attribute of a queue that is not FIFO.", "InvalidAttributeName")
    _check_attributes_of_queue(attributes)
    _MAKE_IDS[name] = attributes.get("ContentBasedDeduplication") == "true"
    _learn_source(name, attributes)


def _check_set_attributes(request: Request) -> None:
    attributes = request.get("Attributes", {})
    _check_attributes_of_queue(attributes)
    if "ContentBasedDeduplication" in attributes:
        _MAKE_IDS[_name_of(request)] = attributes["ContentBasedDeduplication"] == "true"
    _learn_source(_name_of(request), attributes)


def _check_attributes_of_queue(attributes: Mapping[str, str]) -> None:
    _check_names([*attributes], _SET)
    for name, value in attributes.items():
        least, most = _RANGES.get(name, (0, 0))
        is_in_range = name not in _RANGES or (value.isdecimal() and least <= int(value) <= most)
        if not is_in_range or value not in _CHOICES.get(name, {value}):
            raise Refusal(Rule.QUEUE, f"Invalid value for the parameter {name}.", "InvalidAttributeValue")
    scope, limit = attributes.get("DeduplicationScope"), attributes.get("FifoThroughputLimit")
    if limit == "perMessageGroupId" and scope == "queue":
        raise Refusal(Rule.QUEUE, "perMessageGroupId is only for deduplication by group", "InvalidAttributeValue")


def _learn_source(name: str, attributes: Mapping[str, str]) -> None:
    policy = json.loads(attributes.get("RedrivePolicy") or "{}")
    if not policy:
        return
    dead_letters = str(policy["deadLetterTargetArn"]).rpartition(":")[2]
    if not 1 <= int(policy["maxReceiveCount"]) <= 1000 or dead_letters.endswith(".fifo") is not name.endswith(".fifo"):
        what = "Invalid value for the parameter RedrivePolicy."
        raise Refusal(Rule.QUEUE, what, "InvalidParameterValue")
    _HAVE_SOURCES.add(dead_letters)


def _check_move_task(request: Request) -> None:
    name = str(request["SourceArn"]).rpartition(":")[2]
    if not re.fullmatch(r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:.+", request["SourceArn"]):
        _refuse_parameter(Rule.MOVE_TASK, request["SourceArn"], "SourceArn", "It is no queue's")
    if name in _MAKE_IDS and name not in _HAVE_SOURCES:
        what = "Source queue must be configured as a Dead Letter Queue."
        raise Refusal(Rule.MOVE_TASK, what, "InvalidParameterValue")
    _check_range(Rule.MOVE_TASK, request, "MaxNumberOfMessagesPerSecond", 1, _MAX_MOVED_A_SECOND)


_CHECKS: Mapping[str, Callable[[Request], object]] = {
    "SendMessage": _check_send,
    "SendMessageBatch": _check_send_batch,
    "ReceiveMessage": _check_receive,
    "ChangeMessageVisibility": _check_hide,
    "ChangeMessageVisibilityBatch": _check_hide_batch,
    "DeleteMessageBatch": _check_entries,
    "GetQueueAttributes": _check_get_attributes,
    "CreateQueue": _check_create,
    "SetQueueAttributes": _check_set_attributes,
    "StartMessageMoveTask": _check_move_task,
}
