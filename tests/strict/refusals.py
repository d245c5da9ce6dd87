"""The rules, each with the document that states it, and what was refused under them."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

_CONSTRAINTS = "Constraints in Amazon DynamoDB"
_OPERATORS = "Condition and filter expressions, operators, and functions in DynamoDB"
_UPDATES = "Using update expressions in DynamoDB"
_ALIASES = "Expression attribute names (aliases) in DynamoDB"
_MESSAGE_QUOTAS = "Amazon SQS message quotas"


class Rule(Enum):
    """What AWS refuses: the rule, and the title of the document that states it."""

    # DynamoDB: values and items
    VALUE = (
        "a value has one of ten types, is written as that type is, and a set is neither empty nor has twins",
        "AttributeValue",
    )
    NUMBER = ("a number has at most 38 digits, and stands between 1E-130 and 9.99…E+125", _CONSTRAINTS)
    NESTING = ("lists and maps are at most 32 levels deep", _CONSTRAINTS)
    ITEM_SIZE = ("an item has at most 400 KB", _CONSTRAINTS)
    KEY_SIZE = ("a partition key has 1 to 2,048 bytes, a sort key 1 to 1,024", _CONSTRAINTS)
    KEY_SCHEMA = ("a key is the table's: its attributes, each of its type, and no other", "GetItem")
    INDEX_KEY = (
        "an attribute that is the key of an index has its type, and is not empty",
        "Using Global Secondary Indexes in DynamoDB",
    )

    # DynamoDB: expressions
    SYNTAX = ("an expression is not empty, follows the grammar, and closes what it opens once", _OPERATORS)
    EXPRESSION_SIZE = ("an expression has at most 4 KB and 300 operators, a placeholder 255 bytes", _CONSTRAINTS)
    RESERVED_WORD = ("a reserved word stands for no attribute but behind a placeholder", "Reserved words in DynamoDB")
    PLACEHOLDER = ("each name and value that is given is used, and each that is used is given", _ALIASES)
    FUNCTION = ("a function is known, stands where it may, and has its number of operands", _OPERATORS)
    OPERAND = ("an operand is of a kind that its operator or function takes", _OPERATORS)
    ATTRIBUTE_TYPE = ("attribute_type names one of the ten types", _OPERATORS)
    BETWEEN = ("the upper bound of BETWEEN is not below the lower one, and of its type", _OPERATORS)
    IN_OPERANDS = ("IN has at most 100 operands", _CONSTRAINTS)
    DISTINCT = ("nothing is compared with itself", _OPERATORS)
    PATHS_OVERLAP = ("two paths of one expression neither overlap nor conflict", _UPDATES)
    CLAUSES = ("SET, REMOVE, ADD and DELETE stand once each", _UPDATES)
    UPDATED_KEY = ("an update does not touch the key", "UpdateItem")

    # DynamoDB: requests
    KEY_CONDITION = (
        "a key condition has the partition key with =, and at most one condition on the sort key",
        "Key condition expressions for the Query operation in DynamoDB",
    )
    FILTERED_KEY = ("a filter of a query names no key", "Filter expressions for the Query operation in DynamoDB")
    START_KEY = (
        "a start key is of the queried partition, within the condition, and of the form of LastEvaluatedKey",
        "Paginating table query results in DynamoDB",
    )
    LIMIT = ("a limit is at least 1", "Query")
    SELECT = ("what is selected goes with the projection, and an index gives what is projected into it", "Query")
    INDEX = ("an index is one of the table's, and a global one is not read consistently", "Query")
    RETURN_VALUES = ("ReturnValues is one that the operation knows", "PutItem")
    BATCH_SIZE = ("a batch has 1 to 100 reads or 1 to 25 writes", "BatchGetItem")
    BATCH_TWINS = ("no item is twice in a batch", "BatchWriteItem")
    TRANSACTION_SIZE = (
        "a transaction has 1 to 100 actions and at most 4 MB",
        "Amazon DynamoDB Transactions: How it works",
    )
    ONE_ACTION = ("a transaction has one action for each item", "TransactWriteItems")
    CLIENT_TOKEN = ("a ClientRequestToken has 1 to 36 characters", "TransactWriteItems")

    # SQS
    BODY = ("a body has at least one character, and only those that XML 1.0 allows", _MESSAGE_QUOTAS)
    MESSAGE_SIZE = ("a message, and a batch of them, has at most 1 MiB with its attributes", "SendMessageBatch")
    MESSAGE_ATTRIBUTES = (
        "a message has at most 10 attributes, with names, types and values of the documented forms",
        "Amazon SQS message metadata",
    )
    GROUP = ("a message to a FIFO queue has a group: 1 to 128 letters, digits and signs", _MESSAGE_QUOTAS)
    DEDUPLICATION_ID = ("it has an id of 1 to 128 letters, digits and signs too, or the queue makes one", "SendMessage")
    DELAY = ("a delay is 0 to 900 s, and no message's own in a FIFO queue", "SendMessage")
    ENTRIES = ("a batch has 1 to 10 entries", _MESSAGE_QUOTAS)
    ENTRY_IDS = (
        "their ids differ, and have 1 to 80 letters, digits, hyphens and underscores",
        "SendMessageBatchRequestEntry",
    )
    VISIBILITY = ("a visibility timeout is 0 to 43,200 s", "ChangeMessageVisibility")
    RECEIVE = ("a receive asks for 1 to 10 messages, and waits 0 to 20 s", "ReceiveMessage")
    ATTEMPT_ID = ("a ReceiveRequestAttemptId is for FIFO queues, with the characters of other ids", "ReceiveMessage")
    ATTRIBUTE_NAMES = ("attributes that are asked for exist", "GetQueueAttributes")
    QUEUE = (
        "a queue's attributes are of their ranges and go together, and only a FIFO queue's name ends in .fifo",
        "CreateQueue",
    )
    MOVE_TASK = (
        "a move task starts at a dead-letter queue of a queue, at 1 to 500 messages a second",
        "StartMessageMoveTask",
    )

    def __init__(self, text: str, document: str) -> None:
        self.text = text
        self.document = document


class Refusal(Exception):
    """AWS would answer with this error."""

    def __init__(self, rule: Rule, message: str, code: str = "ValidationException") -> None:
        super().__init__(f'{message} ["{rule.document}": {rule.text}]')
        self.rule = rule
        self.message = message
        self.code = code


_REFUSED: list[Refusal] = []
"""Of this process, since they were last taken."""


def note(refusal: Refusal) -> None:
    _REFUSED.append(refusal)


def taken() -> list[Refusal]:
    """What was refused since this was last asked."""
    refused = _REFUSED[:]
    del _REFUSED[: len(refused)]
    return refused


def complaint() -> str | None:
    """Of what was refused since this was last asked; None where nothing was."""
    refused = taken()
    return f"AWS would refuse: {'; '.join(map(str, refused))}" if refused else None


@contextmanager
def expecting(*rules: Rule) -> Iterator[None]:
    """What is refused in here under these rules is what the test wants to see, and each of them must be. For code that
    lives on AWS's refusal, such as a row that has become too large."""
    before = taken()
    yield
    refused = taken()
    for refusal in [*before, *(each for each in refused if each.rule not in rules)]:
        note(refusal)
    missed = set(rules) - {refusal.rule for refusal in refused}
    if missed:
        raise AssertionError(f"not refused: {', '.join(sorted(rule.name for rule in missed))}")
