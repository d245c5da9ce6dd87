"""Each rule refuses what breaks it, with its document's title, and lets pass what stands just within it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws

from comanda.adapters.runtime.world import CLIENT_CONFIG
from tests.simulation.wire import InProcess
from tests.strict.refusals import Rule, expecting
from tests.support.targets import Resources, make_resources

LEDGER_KEY = {"recipient_id": {"S": "r"}, "entry": {"S": "e"}}
ORDER_KEY = {"order_id": {"S": "1"}}
MB = 1024 * 1024
ARN = "arn:aws:sqs:us-east-1:123456789012:"


@dataclass(frozen=True)
class Case:
    """A call. In its texts LEDGER and ORDERS are the names of tables, QUEUE a FIFO queue's url, PLAIN another's."""

    rule: Rule
    operation: str
    request: dict[str, Any]
    called: str = ""

    def __str__(self) -> str:
        return f"{self.rule.name} {self.operation} {self.called}".rstrip()


def text(content: str) -> dict[str, str]:
    return {"S": content}


def put(rule: Rule, called: str = "", *, table: str = "LEDGER", key: Any = LEDGER_KEY, **attributes: Any) -> Case:
    return Case(rule, "PutItem", {"TableName": table, "Item": {**key, **attributes}}, called)


def condition(rule: Rule, written: str, values: Any = None, names: Any = None, called: str = "") -> Case:
    key = {**LEDGER_KEY, "entry": text("nothing")}
    request: dict[str, Any] = {"TableName": "LEDGER", "Key": key, "ConditionExpression": written}
    if values is not None:
        request["ExpressionAttributeValues"] = values
    if names is not None:
        request["ExpressionAttributeNames"] = names
    return Case(rule, "DeleteItem", request, called or written[:40])


def update(rule: Rule, written: str, values: Any = None, *, table: str = "LEDGER", key: Any = LEDGER_KEY) -> Case:
    given = {} if values is None else {"ExpressionAttributeValues": values}
    return Case(rule, "UpdateItem", {"TableName": table, "Key": key, "UpdateExpression": written, **given}, written)


def query(rule: Rule, called: str = "", written: str = "recipient_id = :r", **more: Any) -> Case:
    values = {":r": text("r")} | more.pop("values", {})
    request = {"TableName": "LEDGER", "KeyConditionExpression": written, "ExpressionAttributeValues": values}
    return Case(rule, "Query", {**request, **more}, called or written)


def of_index(rule: Rule, called: str, **more: Any) -> Case:
    values = {":a": text("owed")}
    request = {"TableName": "ORDERS", "IndexName": "attention", "KeyConditionExpression": "attention = :a"}
    return Case(rule, "Query", {**request, "ExpressionAttributeValues": values, **more}, called)


def reads(rule: Rule, keys: list[Any], called: str = "") -> Case:
    return Case(rule, "BatchGetItem", {"RequestItems": {"ORDERS": {"Keys": keys}}}, called)


def writes(rule: Rule, items: list[Any], called: str = "") -> Case:
    requests = [{"PutRequest": {"Item": item}} for item in items]
    return Case(rule, "BatchWriteItem", {"RequestItems": {"ORDERS": requests}}, called)


def transaction(rule: Rule, items: list[Any], called: str = "", **more: Any) -> Case:
    actions = [{"Put": {"TableName": "ORDERS", "Item": item}} for item in items]
    return Case(rule, "TransactWriteItems", {"TransactItems": actions, **more}, called)


def message(rule: Rule, called: str = "", *, queue: str = "QUEUE", **more: Any) -> Case:
    request = {"QueueUrl": queue, "MessageBody": "{}", **({"MessageGroupId": "g"} if queue == "QUEUE" else {}), **more}
    return Case(rule, "SendMessage", {name: value for name, value in request.items() if value is not None}, called)


def batch(rule: Rule, entries: list[Any], called: str = "") -> Case:
    given = [{"Id": "1", "MessageBody": "{}", "MessageGroupId": "g", **entry} for entry in entries]
    return Case(rule, "SendMessageBatch", {"QueueUrl": "QUEUE", "Entries": given}, called)


def of_queue(rule: Rule, operation: str, called: str = "", **more: Any) -> Case:
    return Case(rule, operation, {"QueueUrl": "QUEUE", **more}, called)


def new_queue(rule: Rule, called: str = "", name: str = "made-here.fifo", **attributes: str) -> Case:
    return Case(rule, "CreateQueue", {"QueueName": name, "Attributes": {"FifoQueue": "true", **attributes}}, called)


def nested(levels: int) -> dict[str, Any]:
    return {"L": [nested(levels - 1)]} if levels else text("a")


def orders(number: int) -> list[dict[str, Any]]:
    return [{"order_id": text(str(each))} for each in range(number)]


LONGEST_TEXT = 400 * 1024 - len("order_id") - 1 - len("text_")
"""Of an attribute `text_` of an order with a key of one byte."""
VALUES = {":a": text("a")}

BROKEN = [
    put(Rule.VALUE, "two types", a={"S": "a", "N": "1"}),
    put(Rule.VALUE, "a number that is not written as text", a={"N": 1}),
    put(Rule.VALUE, "a number that is none", a={"N": "one"}),
    put(Rule.VALUE, "not a number", a={"N": "NaN"}),
    put(Rule.VALUE, "NULL is false", a={"NULL": False}),
    put(Rule.VALUE, "an empty set", a={"SS": []}),
    put(Rule.VALUE, "twins in a set", a={"SS": ["a", "a"]}),
    put(Rule.VALUE, "twins of numbers", a={"NS": ["1", "1.0"]}),
    put(Rule.VALUE, "within a list", a={"L": [{"SS": []}]}),
    put(Rule.NUMBER, "39 digits", a={"N": "1" * 39}),
    put(Rule.NUMBER, "39 digits behind the point", a={"N": "0." + "1" * 39}),
    put(Rule.NUMBER, "too large", a={"N": "1E126"}),
    put(Rule.NUMBER, "too small", a={"N": "1E-131"}),
    put(Rule.NUMBER, "beyond any decimal", a={"N": "1E9999999999999999999"}),
    put(Rule.NESTING, a=nested(33)),
    put(Rule.ITEM_SIZE, table="ORDERS", key=ORDER_KEY, text_=text("a" * (LONGEST_TEXT + 1))),
    put(Rule.KEY_SIZE, "an empty partition key", key={**LEDGER_KEY, "recipient_id": text("")}),
    put(Rule.KEY_SIZE, "a long partition key", key={**LEDGER_KEY, "recipient_id": text("a" * 2049)}),
    put(Rule.KEY_SIZE, "letters of two bytes", key={**LEDGER_KEY, "recipient_id": text("é" * 1025)}),
    put(Rule.KEY_SIZE, "a long sort key", key={**LEDGER_KEY, "entry": text("a" * 1025)}),
    put(Rule.KEY_SIZE, "a long key of an index", table="ORDERS", key=ORDER_KEY, created_at=text("a" * 1025)),
    Case(Rule.KEY_SIZE, "GetItem", {"TableName": "ORDERS", "Key": {"order_id": text("a" * 2049)}}),
    put(Rule.KEY_SCHEMA, "no sort key", key={"recipient_id": text("r")}),
    put(Rule.KEY_SCHEMA, "of another type", key={**LEDGER_KEY, "entry": {"N": "1"}}),
    Case(Rule.KEY_SCHEMA, "GetItem", {"TableName": "LEDGER", "Key": {"recipient_id": text("r")}}, "half a key"),
    Case(Rule.KEY_SCHEMA, "GetItem", {"TableName": "ORDERS", "Key": {**ORDER_KEY, "a": text("a")}}, "and more"),
    Case(Rule.KEY_SCHEMA, "DeleteItem", {"TableName": "ORDERS", "Key": {"order_id": {"N": "1"}}}, "a number"),
    query(Rule.KEY_SCHEMA, "of another type", values={":r": {"N": "1"}}),
    put(Rule.INDEX_KEY, "of another type", table="ORDERS", key=ORDER_KEY, created_at={"N": "1"}),
    put(Rule.INDEX_KEY, "empty", table="ORDERS", key=ORDER_KEY, attention=text("")),
    update(Rule.INDEX_KEY, "SET created_at = :a", {":a": {"N": "1"}}, table="ORDERS", key=ORDER_KEY),
    condition(Rule.SYNTAX, "", called="empty"),
    condition(Rule.SYNTAX, "a == :a", VALUES),
    condition(Rule.SYNTAX, "a = :a AND", VALUES),
    condition(Rule.SYNTAX, "((a = :a))", VALUES),
    condition(Rule.SYNTAX, "_a = :a", VALUES),
    update(Rule.SYNTAX, "a = :a", VALUES),
    condition(Rule.EXPRESSION_SIZE, "a = :a" + " " * 4091, VALUES),
    condition(Rule.EXPRESSION_SIZE, f"#{'a' * 255} = :a", VALUES, {f"#{'a' * 255}": "a"}),
    condition(Rule.EXPRESSION_SIZE, " OR ".join(["a<:a"] * 160), VALUES),
    condition(Rule.RESERVED_WORD, "status = :a", VALUES),
    condition(Rule.RESERVED_WORD, "a.Name = :a", VALUES),
    update(Rule.RESERVED_WORD, "SET total = :a", VALUES),
    condition(Rule.PLACEHOLDER, "attribute_exists(a)", VALUES, called="an unused value"),
    condition(Rule.PLACEHOLDER, "a = :a", VALUES, {"#b": "b"}, called="an unused name"),
    condition(Rule.PLACEHOLDER, "a = :b OR a = :a", VALUES, called="a missing value"),
    condition(Rule.PLACEHOLDER, "#a = :a", VALUES, called="a missing name"),
    condition(Rule.PLACEHOLDER, "attribute_exists(a)", {}, called="no values"),
    condition(Rule.PLACEHOLDER, "a = :a", VALUES, {"a": "b"}, called="a name without its sign"),
    Case(
        Rule.PLACEHOLDER, "DeleteItem", {"TableName": "LEDGER", "Key": LEDGER_KEY, "ExpressionAttributeValues": VALUES}
    ),
    condition(Rule.FUNCTION, "is_there(a)"),
    condition(Rule.FUNCTION, "size(a)"),
    condition(Rule.FUNCTION, "NOT size(a)"),
    condition(Rule.FUNCTION, "attribute_exists(a) = :a", VALUES),
    condition(Rule.FUNCTION, "attribute_exists(a, b)"),
    condition(Rule.FUNCTION, "if_not_exists(a, :a) = :a", VALUES),
    update(Rule.FUNCTION, "SET a = size(b)"),
    condition(Rule.OPERAND, "begins_with(a, :a)", {":a": {"N": "1"}}),
    condition(Rule.OPERAND, "size(:a) = :a", {":a": {"N": "1"}}),
    condition(Rule.OPERAND, "a < :a", {":a": {"BOOL": True}}),
    condition(Rule.OPERAND, "a BETWEEN :a AND :b", {":a": {"L": []}, ":b": {"L": []}}),
    condition(Rule.OPERAND, "attribute_exists(:a)", VALUES),
    condition(Rule.OPERAND, "attribute_type(a, b)"),
    condition(Rule.OPERAND, "attribute_type(a, :a)", {":a": {"N": "1"}}),
    update(Rule.OPERAND, "SET a = a + :a", VALUES),
    update(Rule.OPERAND, "SET a = list_append(a, :a)", VALUES),
    update(Rule.OPERAND, "ADD a :a", VALUES),
    update(Rule.OPERAND, "DELETE a :a", {":a": {"N": "1"}}),
    condition(Rule.ATTRIBUTE_TYPE, "attribute_type(a, :a)", {":a": text("STRING")}),
    condition(Rule.BETWEEN, "a BETWEEN :a AND :b", {":a": text("b"), ":b": text("a")}, called="text"),
    condition(Rule.BETWEEN, "a BETWEEN :a AND :b", {":a": {"N": "10"}, ":b": {"N": "9"}}, called="numbers"),
    condition(Rule.BETWEEN, "a BETWEEN :a AND :b", {":a": {"N": "1"}, ":b": text("2")}, called="two types"),
    query(
        Rule.BETWEEN,
        written="recipient_id = :r AND entry BETWEEN :a AND :b",
        values={":a": text("b"), ":b": text("a")},
    ),
    condition(Rule.IN_OPERANDS, f"a IN ({', '.join([':a'] * 101)})", VALUES),
    condition(Rule.DISTINCT, "a = a"),
    condition(Rule.DISTINCT, "a.b[1] <> a.b[1]"),
    condition(Rule.DISTINCT, "contains(a, a)"),
    update(Rule.PATHS_OVERLAP, "SET a = :a, a = :b", {":a": text("a"), ":b": text("b")}),
    update(Rule.PATHS_OVERLAP, "SET a.b = :a REMOVE a", VALUES),
    update(Rule.PATHS_OVERLAP, "SET a.b = :a, a[1] = :a", VALUES),
    query(Rule.PATHS_OVERLAP, "of a projection", ProjectionExpression="a, a.b"),
    update(Rule.CLAUSES, "SET a = :a SET b = :a", VALUES),
    update(Rule.UPDATED_KEY, "SET entry = :a", VALUES),
    update(Rule.UPDATED_KEY, "SET a = :a REMOVE recipient_id", VALUES),
    Case(Rule.KEY_CONDITION, "Query", {"TableName": "LEDGER"}, "none"),
    query(Rule.KEY_CONDITION, written="entry = :r"),
    query(Rule.KEY_CONDITION, written="recipient_id > :r"),
    query(Rule.KEY_CONDITION, written="recipient_id = :r OR entry = :r"),
    query(Rule.KEY_CONDITION, written="recipient_id = :r AND entry <> :r"),
    query(Rule.KEY_CONDITION, written="recipient_id = :r AND amount = :r"),
    query(Rule.KEY_CONDITION, written="recipient_id = :r AND entry > :r AND entry < :r"),
    query(Rule.KEY_CONDITION, written="recipient_id = :r AND entry = currency"),
    query(Rule.FILTERED_KEY, FilterExpression="entry > :r"),
    query(Rule.START_KEY, "of another partition", ExclusiveStartKey={**LEDGER_KEY, "recipient_id": text("s")}),
    query(Rule.START_KEY, "of another form", ExclusiveStartKey={"recipient_id": text("r")}),
    query(Rule.START_KEY, "of another type", ExclusiveStartKey={**LEDGER_KEY, "entry": {"N": "1"}}),
    query(
        Rule.START_KEY,
        "outside the condition",
        "recipient_id = :r AND entry BETWEEN :f AND :z",
        values={":f": text("f"), ":z": text("z")},
        ExclusiveStartKey=LEDGER_KEY,
    ),
    of_index(
        Rule.START_KEY,
        "without the table's key",
        ExclusiveStartKey={"attention": text("owed"), "created_at": text("2")},
    ),
    Case(Rule.START_KEY, "Scan", {"TableName": "ORDERS", "ExclusiveStartKey": LEDGER_KEY}, "of a scan"),
    query(Rule.LIMIT, Limit=0),
    query(Rule.SELECT, "specific without a projection", Select="SPECIFIC_ATTRIBUTES"),
    query(Rule.SELECT, "a count with a projection", Select="COUNT", ProjectionExpression="amount"),
    query(Rule.SELECT, "what is projected, of a table", Select="ALL_PROJECTED_ATTRIBUTES"),
    query(Rule.SELECT, "what is none", Select="EVERYTHING"),
    of_index(Rule.SELECT, "all, of keys only", Select="ALL_ATTRIBUTES"),
    of_index(Rule.SELECT, "what is not projected", ProjectionExpression="customer_id"),
    of_index(Rule.INDEX, "read consistently", ConsistentRead=True),
    of_index(Rule.INDEX, "that is none", IndexName="period"),
    Case(Rule.RETURN_VALUES, "PutItem", {"TableName": "LEDGER", "Item": LEDGER_KEY, "ReturnValues": "ALL_NEW"}),
    reads(Rule.BATCH_SIZE, orders(101), "101 reads"),
    reads(Rule.BATCH_SIZE, [], "no reads"),
    writes(Rule.BATCH_SIZE, orders(26), "26 writes"),
    reads(Rule.BATCH_TWINS, [ORDER_KEY, ORDER_KEY]),
    writes(Rule.BATCH_TWINS, [ORDER_KEY, {**ORDER_KEY, "a": text("a")}]),
    transaction(Rule.TRANSACTION_SIZE, orders(101), "101 actions"),
    transaction(Rule.TRANSACTION_SIZE, [], "none"),
    transaction(
        Rule.TRANSACTION_SIZE, [{**each, "text_": text("a" * 390_000)} for each in orders(11)], "more than 4 MB"
    ),
    transaction(Rule.ONE_ACTION, [ORDER_KEY, {**ORDER_KEY, "a": text("a")}]),
    transaction(Rule.CLIENT_TOKEN, [ORDER_KEY], ClientRequestToken="a" * 37),
    message(Rule.BODY, "empty", MessageBody=""),
    message(Rule.BODY, "a control character", MessageBody="a\x0b"),
    message(Rule.BODY, "no character", MessageBody="\uffff"),
    batch(Rule.BODY, [{"MessageBody": "\x00"}]),
    message(Rule.MESSAGE_SIZE, MessageBody="a" * (MB + 1)),
    message(
        Rule.MESSAGE_SIZE,
        "with its attributes",
        MessageBody="a" * MB,
        MessageAttributes={"a": {"DataType": "String", "StringValue": "a"}},
    ),
    batch(Rule.MESSAGE_SIZE, [{"Id": each, "MessageBody": "a" * (MB // 2 + 1)} for each in "ab"]),
    message(
        Rule.MESSAGE_ATTRIBUTES,
        "eleven",
        MessageAttributes={f"a{each}": {"DataType": "String", "StringValue": "a"} for each in range(11)},
    ),
    message(Rule.MESSAGE_ATTRIBUTES, "AWS.", MessageAttributes={"AWS.a": {"DataType": "String", "StringValue": "a"}}),
    message(Rule.MESSAGE_ATTRIBUTES, "a type", MessageAttributes={"a": {"DataType": "Text", "StringValue": "a"}}),
    message(Rule.MESSAGE_ATTRIBUTES, "NUL", MessageAttributes={"a": {"DataType": "String", "StringValue": "\x00"}}),
    message(Rule.MESSAGE_ATTRIBUTES, "empty", MessageAttributes={"a": {"DataType": "String", "StringValue": ""}}),
    message(Rule.GROUP, "none", MessageGroupId=None),
    message(Rule.GROUP, "with a space", MessageGroupId="a b"),
    message(Rule.GROUP, "not ASCII", MessageGroupId="café"),
    message(Rule.GROUP, "too long", MessageGroupId="a" * 129),
    message(Rule.DEDUPLICATION_ID, "too long", MessageDeduplicationId="a" * 129),
    message(Rule.DEDUPLICATION_ID, "empty", MessageDeduplicationId=""),
    message(Rule.DEDUPLICATION_ID, "in a plain queue", queue="PLAIN", MessageDeduplicationId="a"),
    message(Rule.DEDUPLICATION_ID, "none, and the queue makes none", queue="BARE", MessageGroupId="g"),
    message(Rule.DELAY, "of one message of a FIFO queue", DelaySeconds=1),
    message(Rule.DELAY, "too long", queue="PLAIN", DelaySeconds=901),
    batch(Rule.ENTRIES, [], "none"),
    batch(Rule.ENTRIES, [{"Id": str(each)} for each in range(11)], "eleven"),
    of_queue(Rule.ENTRIES, "DeleteMessageBatch", Entries=[]),
    batch(Rule.ENTRY_IDS, [{}, {}], "twins"),
    batch(Rule.ENTRY_IDS, [{"Id": "a.b"}], "a dot"),
    of_queue(Rule.VISIBILITY, "ChangeMessageVisibility", ReceiptHandle="a#1", VisibilityTimeout=43_201),
    of_queue(Rule.VISIBILITY, "ReceiveMessage", VisibilityTimeout=-1),
    of_queue(
        Rule.VISIBILITY,
        "ChangeMessageVisibilityBatch",
        Entries=[{"Id": "1", "ReceiptHandle": "a#1", "VisibilityTimeout": 43_201}],
    ),
    of_queue(Rule.RECEIVE, "ReceiveMessage", "too many", MaxNumberOfMessages=11),
    of_queue(Rule.RECEIVE, "ReceiveMessage", "none", MaxNumberOfMessages=0),
    of_queue(Rule.RECEIVE, "ReceiveMessage", "too long", WaitTimeSeconds=21),
    of_queue(Rule.ATTEMPT_ID, "ReceiveMessage", ReceiveRequestAttemptId="a b"),
    of_queue(Rule.ATTRIBUTE_NAMES, "ReceiveMessage", MessageSystemAttributeNames=["Sent"]),
    of_queue(Rule.ATTRIBUTE_NAMES, "GetQueueAttributes", AttributeNames=["Depth"]),
    new_queue(Rule.QUEUE, "a name without .fifo", name="made-here"),
    new_queue(Rule.QUEUE, "a visibility of 13 hours", VisibilityTimeout="46800"),
    new_queue(
        Rule.QUEUE,
        "limits that do not go together",
        FifoThroughputLimit="perMessageGroupId",
        DeduplicationScope="queue",
    ),
    new_queue(Rule.QUEUE, "a scope that is none", DeduplicationScope="group"),
    new_queue(
        Rule.QUEUE,
        "dead letters in a plain queue",
        RedrivePolicy=f'{{"deadLetterTargetArn": "{ARN}plain", "maxReceiveCount": 5}}',
    ),
    Case(Rule.MOVE_TASK, "StartMessageMoveTask", {"SourceArn": "QUEUE_ARN"}, "from no dead-letter queue"),
    Case(Rule.MOVE_TASK, "StartMessageMoveTask", {"SourceArn": "QUEUE"}, "from an address"),
    Case(
        Rule.MOVE_TASK,
        "StartMessageMoveTask",
        {"SourceArn": f"{ARN}other-dlq.fifo", "MaxNumberOfMessagesPerSecond": 501},
        "too fast",
    ),
]

KEPT = [
    put(Rule.NUMBER, a={"N": "9." + "9" * 37 + "E125"}, b={"N": "1E-130"}, c={"N": "100" + "0" * 40}, d={"N": "-0.0"}),
    put(Rule.NESTING, a=nested(32)),
    put(Rule.ITEM_SIZE, table="ORDERS", key=ORDER_KEY, text_=text("a" * LONGEST_TEXT)),
    put(Rule.KEY_SIZE, key={"recipient_id": text("a" * 2048), "entry": text("é" * 512)}),
    put(Rule.VALUE, a={"NULL": True}, b={"BOOL": False}, c={"SS": ["a"]}, d={"L": []}, e={"M": {}}, f={"S": ""}),
    put(Rule.INDEX_KEY, "only one of both", table="ORDERS", key=ORDER_KEY, created_at=text("2026")),
    condition(Rule.DISTINCT, "attribute_not_exists(a) AND (NOT a = :a OR a <> b)", VALUES),
    condition(Rule.BETWEEN, "attribute_not_exists(c) OR a BETWEEN :a AND :b", {":a": text("B"), ":b": text("a")}),
    condition(Rule.RESERVED_WORD, "attribute_not_exists(#status)", names={"#status": "status"}),
    update(Rule.PATHS_OVERLAP, "SET a = :a, ab = :a REMOVE b", VALUES),
    query(
        Rule.START_KEY,
        written="recipient_id = :r AND entry BETWEEN :a AND :z",
        values={":a": text("a"), ":z": text("z")},
        ExclusiveStartKey=LEDGER_KEY,
    ),
    of_index(Rule.SELECT, "what is projected", ProjectionExpression="order_id", Select="SPECIFIC_ATTRIBUTES"),
    of_index(Rule.SELECT, "a count", Select="COUNT"),
    reads(Rule.BATCH_SIZE, orders(100)),
    transaction(Rule.TRANSACTION_SIZE, orders(100)),
    message(Rule.BODY, MessageBody="\t\n\r é\U0001f600"),
    message(Rule.MESSAGE_SIZE, MessageBody="a" * MB),
    message(Rule.GROUP, MessageGroupId="!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~aZ0", MessageDeduplicationId="a" * 128),
    of_queue(Rule.RECEIVE, "ReceiveMessage", MaxNumberOfMessages=10, WaitTimeSeconds=0, VisibilityTimeout=43_200),
]
"""Just within the rules."""


@dataclass(frozen=True)
class Unchecked:
    """A session whose clients hand on whatever they are given, as those that read reports do."""

    session: Any

    def client(self, service: str) -> Any:
        return self.session.client(service, config=CLIENT_CONFIG.merge(Config(parameter_validation=False)))


@pytest.fixture(scope="module")
def on_moto(moto_session: Any) -> Any:
    with mock_aws():
        made = make_resources(Unchecked(moto_session))
        bare = made.sqs.create_queue(QueueName="bare.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
        yield made, made.sqs.create_queue(QueueName="plain")["QueueUrl"], bare


@pytest.fixture(scope="module")
def on_the_model() -> Any:
    return make_resources(Unchecked(InProcess())), "https://sqs/1/plain", "https://sqs/1/bare.fifo"


@pytest.fixture(params=["on_moto", "on_the_model"])
def here(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def call(here: tuple[Resources, str, str], case: Case) -> None:
    resources, plain, bare = here
    names = {
        "LEDGER": resources.ledger_table,
        "ORDERS": resources.orders_table,
        "QUEUE": resources.queue_url,
        "QUEUE_ARN": ARN + resources.queue_url.rpartition("/")[2],
        "PLAIN": plain,
        "BARE": bare,
    }

    def named(value: Any) -> Any:
        if isinstance(value, dict):
            return {names.get(key, key): named(each) for key, each in value.items()}
        if isinstance(value, list):
            return [named(each) for each in value]
        return names.get(value, value) if isinstance(value, str) else value

    client: Any = resources.sqs if "Message" in case.operation or "Queue" in case.operation else resources.dynamodb
    client._make_api_call(case.operation, named(case.request))


@pytest.mark.parametrize("case", BROKEN, ids=str)
def test_what_breaks_a_rule_is_refused_and_the_answer_names_the_document(here: Any, case: Case) -> None:
    with expecting(case.rule), pytest.raises(ClientError) as refused:
        call(here, case)
    answer = refused.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert f'"{case.rule.document}": {case.rule.text}' in answer["Error"]["Message"]


@pytest.mark.parametrize("case", KEPT, ids=str)
def test_what_keeps_it_is_let_pass(here: Any, case: Case) -> None:
    call(here, case)


def test_each_rule_is_broken_by_a_test() -> None:
    assert {case.rule for case in BROKEN} == set(Rule)


def test_the_proof_lists_each_rule_with_its_document() -> None:
    text_of_proof = (Path(__file__).parents[2] / "docs" / "proof.md").read_text()
    written = text_of_proof.partition("| rule | document |\n|---|---|\n")[2].partition("\n\n")[0]
    assert written.splitlines() == [f"| {rule.text} | {rule.document} |" for rule in Rule]
