"""What no request shows: moto, put right, and the model answer as AWS documents it."""

import time
import uuid
from contextlib import suppress
from typing import Any

import pytest
import time_machine
from botocore.exceptions import ClientError
from moto.dynamodb.models import dynamodb_backends

from tests.support.targets import Resources

ID = {"id": {"S": "1"}}


@pytest.fixture(params=["moto", "model"])
def here(request: pytest.FixtureRequest) -> Resources:
    given: Resources = request.getfixturevalue(request.param)
    return given


def put(here: Resources, **attributes: Any) -> Any:
    """The table that now has the item 1."""
    here.dynamodb.put_item(TableName=here.idempotency_table, Item=ID | attributes)
    return {"TableName": here.idempotency_table}


def holds(here: Resources, condition: str, values: dict[str, Any] | None = None) -> bool:
    """Of the item 1, which has only its key, and a number and a text."""
    table = put(here, digits={"N": "1"}, letters={"S": "a"})
    given: Any = {"ExpressionAttributeValues": values} if values else {}
    with suppress(here.dynamodb.exceptions.ConditionalCheckFailedException):
        here.dynamodb.delete_item(**table, Key=ID, ConditionExpression=condition, **given)
        return True
    return False


@pytest.mark.parametrize("operator", ["=", "<", "<=", ">", ">="])
def test_two_missing_attributes_are_not_equal(here: Resources, operator: str) -> None:
    assert not holds(here, f"one {operator} another")
    assert not holds(here, f"one {operator} :a", {":a": {"S": "a"}})


def test_what_is_missing_differs_from_everything(here: Resources) -> None:
    assert holds(here, "one <> another")
    assert holds(here, "one <> :a", {":a": {"S": "a"}})
    assert not holds(here, "NOT one <> another")


@pytest.mark.parametrize("attribute", ["nothing_there", "digits"])
def test_what_has_no_size_is_a_condition_that_does_not_hold(moto: Resources, attribute: str) -> None:
    assert not holds(moto, f"size({attribute}) = :n", {":n": {"N": "1"}})
    assert holds(moto, "size(letters) = :n", {":n": {"N": "1"}})


def test_an_update_makes_no_item_larger_than_400_kb(here: Resources) -> None:
    put(here)
    room = 400 * 1024 - len("id1") - len("letters")
    update: Any = {"TableName": here.idempotency_table, "Key": ID, "UpdateExpression": "SET letters = :l"}
    here.dynamodb.update_item(**update, ExpressionAttributeValues={":l": {"S": "a" * room}})
    with pytest.raises(ClientError, match="ValidationException"):
        here.dynamodb.update_item(**update, ExpressionAttributeValues={":l": {"S": "a" * (room + 1)}})


def transact(here: Resources, token: str, text: str = "a") -> None:
    put_item: Any = {"TableName": here.idempotency_table, "Item": ID | {"text_": {"S": text}}}
    put_item["ConditionExpression"] = "attribute_not_exists(id)"
    here.dynamodb.transact_write_items(TransactItems=[{"Put": put_item}], ClientRequestToken=token)


def test_a_used_token_does_not_run_again_within_ten_minutes(here: Resources) -> None:
    token = uuid.uuid4().hex
    with time_machine.travel(1_792_000_000, tick=False) as traveller:
        transact(here, token)
        traveller.shift(599)
        transact(here, token)
        with pytest.raises(ClientError, match="IdempotentParameterMismatchException"):
            transact(here, token, "b")
        traveller.shift(2)
        with pytest.raises(ClientError, match="TransactionCanceledException"):
            transact(here, token)


def test_what_failed_leaves_its_token_unused(here: Resources) -> None:
    token = uuid.uuid4().hex
    put(here)
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        transact(here, token)
    here.dynamodb.delete_item(TableName=here.idempotency_table, Key=ID)
    transact(here, token)
    assert here.dynamodb.get_item(TableName=here.idempotency_table, Key=ID)["Item"]["text_"] == {"S": "a"}


def test_a_write_that_changes_nothing_makes_no_stream_record(moto: Resources) -> None:
    moto.dynamodb.update_table(
        TableName=moto.idempotency_table,
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    for text in ("a", "a", "b", "b"):
        put(moto, text_={"S": text})
    for _ in range(2):
        moto.dynamodb.delete_item(TableName=moto.idempotency_table, Key=ID)
    (backend,) = [each["us-east-1"] for each in dynamodb_backends.values()]
    shard = backend.get_table(moto.idempotency_table).stream_shard
    records = shard.items if shard else []
    assert [record.to_json()["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]


def send(here: Resources, group: str, queue_url: str | None = None, body: str = "{}") -> str:
    answer = here.sqs.send_message(
        QueueUrl=queue_url or here.queue_url, MessageBody=body, MessageGroupId=group, MessageDeduplicationId="id"
    )
    return answer["MessageId"]


def received(here: Resources, queue_url: str | None = None) -> list[str]:
    """The ids of what the queue gives, which are deleted."""
    url, ids = queue_url or here.queue_url, []
    answer = here.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0)
    for message in answer.get("Messages", []):
        here.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        ids.append(message["MessageId"])
    return ids


def test_a_duplicate_is_none_in_another_group_where_the_scope_is_the_group(here: Resources) -> None:
    """As all of our queues have it."""
    one, other = send(here, "one"), send(here, "another")
    assert one != other
    assert sorted(received(here)) == sorted([one, other])


def test_a_duplicate_is_one_in_another_group_where_the_scope_is_the_queue(here: Resources) -> None:
    attributes: Any = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    url = here.sqs.create_queue(QueueName=f"test-{uuid.uuid4().hex[:12]}.fifo", Attributes=attributes)["QueueUrl"]
    one = send(here, "one", url)
    assert send(here, "another", url) == one
    assert received(here, url) == [one]


def test_a_duplicate_is_not_delivered_though_the_first_was_deleted(here: Resources) -> None:
    with time_machine.travel(time.time(), tick=False) as traveller:
        first = send(here, "one")
        assert received(here) == [first]
        traveller.shift(299)
        assert send(here, "one", body="[]") == first
        assert received(here) == []
        traveller.shift(2)
        later = send(here, "one")
        assert received(here) == [later] != [first]
