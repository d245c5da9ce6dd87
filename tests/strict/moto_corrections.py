"""Where moto answers otherwise than AWS documents, and no look at a request can tell: moto, put right."""

from collections.abc import Callable
from functools import cache
from typing import Any

from moto.core.utils import unix_time
from moto.dynamodb import comparisons
from moto.dynamodb.exceptions import DynamodbException, ItemSizeTooLarge
from moto.dynamodb.models.dynamo_type import DynamoType, LimitedSizeDict
from moto.dynamodb.models.table import StreamShard
from moto.dynamodb.responses import DynamoHandler
from moto.sqs import models as sqs_models

from benchmarks.cost.units import item_size
from tests.strict.dynamodb_items import MAX_ITEM_BYTES

TOKEN_SECONDS = 600
"""("TransactWriteItems", ClientRequestToken)."""
DEDUPLICATION_SECONDS = 300
"""("Exactly-once processing in Amazon SQS")."""
_SIZED = {"S", "SS", "NS", "B", "BS", "L", "M"}


@cache
def correct_moto() -> None:
    """For this process."""
    _missing_attributes_equal_nothing()
    _a_used_token_does_nothing()
    _what_changes_nothing_makes_no_record()
    _duplicates_are_known_by_scope_and_time()
    _items_have_the_documented_size()


def _replace(owner: type, method: str, function: Callable[..., Any]) -> None:
    setattr(owner, method, function)


def _missing_attributes_equal_nothing() -> None:
    """Not even each other; nor has what is missing, or a number, a size."""

    def equal(self: Any, item: Any) -> bool:
        left, right = self.lhs.expr(item), self.rhs.expr(item)
        return not (left is None or right is None) and bool(left == right)

    def size(self: Any, item: Any) -> int | None:
        return len(self.attr.expr(item)) if self.attr.get_type(item) in _SIZED else None

    _replace(comparisons.OpEqual, "expr", equal)
    _replace(comparisons.OpNotEqual, "expr", lambda self, item: not equal(self, item))
    _replace(comparisons.FuncSize, "expr", size)


def _a_used_token_does_nothing() -> None:
    """For ten minutes; with another transaction it is refused."""
    transact: Callable[[Any], Any] = DynamoHandler.transact_write_items

    def once(self: Any) -> Any:
        token, items = self.body.get("ClientRequestToken"), self.body["TransactItems"]
        used = self.dynamodb_backend.__dict__.setdefault("used_tokens", {})
        at, transaction, answer = used.get(token, (-float("inf"), None, None))
        if token is None or unix_time() - at >= TOKEN_SECONDS:
            answer = transact(self)
            used[token] = unix_time(), items, answer
        elif transaction != items:
            code = "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException"
            raise DynamodbException(code, "The token was used for a request with other parameters")
        return answer

    _replace(DynamoHandler, "transact_write_items", once)


def _what_changes_nothing_makes_no_record() -> None:
    """("Change data capture for DynamoDB Streams")."""
    add: Callable[[Any, Any, Any], None] = StreamShard.add

    def add_change(self: Any, old: Any, new: Any) -> None:
        if old is None or new is None or old.to_regular_json() != new.to_regular_json():
            add(self, old, new)

    _replace(StreamShard, "add", add_change)


def _duplicates_are_known_by_scope_and_time() -> None:
    """In the queue or in the message group, as its DeduplicationScope says; also once the first one was deleted. The
    answer to a duplicate is the first one's. What was received before is no send: it is on its way to a dead-letter
    queue, where its id becomes its message id."""
    sqs_models.DEDUPLICATION_TIME_IN_SECONDS = 0  # moto itself finds no duplicates any more.
    add: Callable[[Any, Any], None] = sqs_models.Queue.add_message

    def add_once(self: Any, message: Any) -> None:
        if message.approximate_receive_count:
            message.deduplication_id = message.id
        elif self.fifo_queue and message.deduplication_id:
            by_group = self.attributes.get("DeduplicationScope") == "messageGroup"
            scope = message.group_id if by_group else None
            sent = sent_by_id(self)
            first = sent.get((scope, message.deduplication_id))
            if first and message.sent_timestamp - first.sent_timestamp < DEDUPLICATION_SECONDS * 1000:
                message.id, message.sequence_number = first.id, first.sequence_number
                return
            sent[scope, message.deduplication_id] = message
        add(self, message)

    _replace(sqs_models.Queue, "add_message", add_once)


def sent_by_id(queue: Any) -> dict[tuple[str | None, str], Any]:
    """What one of moto's queues takes for a duplicate: by group, where that is its scope, and id, what was sent."""
    sent: dict[tuple[str | None, str], Any] = queue.__dict__.setdefault("_sent_by_id", {})
    return sent


def _items_have_the_documented_size() -> None:
    """What an update makes of an item is not in its request ("DynamoDB item sizes and formats")."""

    def set_within(self: Any, key: str, value: Any) -> None:
        after = {**self, key: value}
        typed = {name: each.to_regular_json() for name, each in after.items() if isinstance(each, DynamoType)}
        if item_size(typed) > MAX_ITEM_BYTES:
            raise ItemSizeTooLarge
        dict.__setitem__(self, key, value)

    _replace(LimitedSizeDict, "__setitem__", set_within)
