"""SQS FIFO and its event source mapping: the model behaves as the emulator does, and as AWS says it does.

`pytest tests/simulation/test_conformance.py --endpoint-url=… ` tries any other endpoint as well (real AWS: `aws`).
"""

import json
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from comanda_cli.stack.sessions import local_session
from tests.simulation.conformance_targets import (
    VISIBILITY_SECONDS,
    RealTarget,
    Target,
    arn_of,
    make_queue,
    model_target,
)
from tests.strict.refusals import Rule, expecting

DIFFERENCES = {
    ("emulator", "test_a_receipt_is_no_good_once_the_message_is_visible_again"): "it takes a receipt that has expired",
    ("emulator", "test_a_deleted_message_can_be_deleted_again"): "it knows no receipt of a message that is gone",
    ("emulator", "test_a_message_move_task_gives_a_new_id_and_an_empty_count"): "it knows no message move tasks",
    ("emulator", "test_an_answer_that_names_no_message_of_the_batch_fails_all_of_it"): "it deletes the batch",
}
"""What an endpoint is known to do otherwise than AWS documents. Each is expected to fail there, and only there."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    given = metafunc.config.getoption("--endpoint-url")
    if "target" in metafunc.fixturenames:
        metafunc.parametrize("target", ["model", "emulator", *(["endpoint"] if given else [])], indirect=True)


@pytest.fixture
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    if reason := DIFFERENCES.get((request.param, request.node.originalname)):
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    if request.param == "model":
        with model_target() as model:
            yield model
    elif request.param == "emulator":
        yield RealTarget("emulator", local_session(request.getfixturevalue("bare_emulator")))
    else:
        url = request.config.getoption("--endpoint-url")
        yield RealTarget("endpoint", boto3.Session() if url == "aws" else local_session(url))


def send(target: Target, url: str, text: str, group: str = "g-1", **fields: Any) -> dict[str, Any]:
    sent: dict[str, Any] = target.sqs.send_message(QueueUrl=url, MessageBody=text, MessageGroupId=group, **fields)
    return sent


def receive(target: Target, url: str, most: int = 10) -> list[dict[str, Any]]:
    answer = target.sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=most, MessageSystemAttributeNames=["All"], WaitTimeSeconds=0
    )
    return list(answer.get("Messages", []))


def bodies(messages: list[dict[str, Any]]) -> list[str]:
    return [message["Body"] for message in messages]


def delete(target: Target, url: str, message: dict[str, Any]) -> None:
    target.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def hide(target: Target, url: str, message: dict[str, Any], seconds: int) -> None:
    target.sqs.change_message_visibility(
        QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=seconds
    )


def test_a_group_comes_in_the_order_in_which_it_was_sent(target: Target) -> None:
    url = make_queue(target)
    for text in "abc":
        send(target, url, text)
    messages = receive(target, url)
    assert bodies(messages) == ["a", "b", "c"]
    sequences = [message["Attributes"]["SequenceNumber"] for message in messages]
    assert sequences == sorted(sequences)
    assert {message["Attributes"]["ApproximateReceiveCount"] for message in messages} == {"1"}


def test_a_message_in_flight_locks_its_group_and_no_other(target: Target) -> None:
    url = make_queue(target)
    send(target, url, "a")
    send(target, url, "b")
    (first,) = receive(target, url, most=1)
    send(target, url, "c", group="g-2")
    assert bodies(receive(target, url)) == ["c"]
    delete(target, url, first)
    assert bodies(receive(target, url)) == ["b"]


def test_what_is_not_deleted_comes_again_in_its_place(target: Target) -> None:
    url = make_queue(target)
    send(target, url, "a")
    send(target, url, "b")
    (first,) = receive(target, url, most=1)
    target.wait(VISIBILITY_SECONDS + 0.5)
    again = receive(target, url)
    assert bodies(again) == ["a", "b"]
    assert again[0]["MessageId"] == first["MessageId"]
    assert [message["Attributes"]["ApproximateReceiveCount"] for message in again] == ["2", "1"]


def test_followers_are_counted_with_their_head(target: Target) -> None:
    url = make_queue(target)
    send(target, url, "a")
    send(target, url, "b")
    for _ in range(2):
        for message in receive(target, url):
            hide(target, url, message, 0)
    counts = [message["Attributes"]["ApproximateReceiveCount"] for message in receive(target, url)]
    assert counts == ["3", "3"]


def test_a_follower_in_flight_keeps_the_group_locked(target: Target) -> None:
    url = make_queue(target)
    send(target, url, "a")
    send(target, url, "b")
    head, _ = receive(target, url)
    hide(target, url, head, 0)
    assert receive(target, url) == []
    target.wait(VISIBILITY_SECONDS + 0.5)
    assert bodies(receive(target, url)) == ["a", "b"]


def test_a_repeated_body_is_one_message_per_group_even_after_it_was_deleted(target: Target) -> None:
    url = make_queue(target)
    first, twin = send(target, url, "a"), send(target, url, "a")
    assert twin["MessageId"] == first["MessageId"]
    send(target, url, "a", group="g-2")
    messages = receive(target, url)
    assert bodies(messages) == ["a", "a"]
    for message in messages:
        delete(target, url, message)
    send(target, url, "a")
    assert receive(target, url) == []


def test_after_five_minutes_a_repeated_body_is_a_new_message(target: Target) -> None:
    if target.name != "model":
        pytest.skip("takes five minutes where time is real")
    url = make_queue(target)
    send(target, url, "a")
    delete(target, url, receive(target, url)[0])
    target.wait(301)
    send(target, url, "a")
    assert bodies(receive(target, url)) == ["a"]


def test_message_received_too_often_is_dead_lettered_and_the_next_comes(target: Target) -> None:
    dead = make_queue(target)
    url = make_queue(target, dead, max_receive_count=2)
    sent = send(target, url, "a")
    send(target, url, "b")
    for _ in range(2):
        (message,) = receive(target, url, most=1)
        assert message["Body"] == "a"
        hide(target, url, message, 0)
    assert bodies(receive(target, url, most=1)) == ["b"]
    (letter,) = receive(target, dead)
    assert (letter["Body"], letter["MessageId"]) == ("a", sent["MessageId"])
    assert letter["Attributes"]["MessageGroupId"] == "g-1"
    assert letter["Attributes"]["DeadLetterQueueSourceArn"] == arn_of(target.sqs, url)


def test_a_deleted_message_can_be_deleted_again(target: Target) -> None:
    url = make_queue(target)
    send(target, url, "a")
    (message,) = receive(target, url)
    delete(target, url, message)
    delete(target, url, message)


def test_a_receipt_is_no_good_once_the_message_is_visible_again(target: Target) -> None:
    """("DeleteMessage": for FIFO queues, the receipt handle must be of a message that is not visible.)"""
    url = make_queue(target)
    send(target, url, "a")
    (message,) = receive(target, url)
    target.wait(VISIBILITY_SECONDS + 0.5)
    with pytest.raises(ClientError) as refused:
        delete(target, url, message)
    assert refused.value.response["Error"]["Code"] in {"InvalidParameterValue", "ReceiptHandleIsInvalid"}
    assert bodies(receive(target, url)) == ["a"]


def test_a_message_that_is_too_long_is_refused(target: Target) -> None:
    url = make_queue(target)
    with expecting(Rule.MESSAGE_SIZE), pytest.raises(ClientError) as refused:
        send(target, url, "x" * (1024 * 1024 + 1))
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"


def test_a_message_move_task_gives_a_new_id_and_an_empty_count(target: Target) -> None:
    """("Configure a dead-letter queue redrive": what the console starts.)"""
    dead = make_queue(target)
    url = make_queue(target, dead, max_receive_count=1)
    sent = send(target, url, "a")
    hide(target, url, receive(target, url)[0], 0)
    assert receive(target, url) == []
    target.sqs.start_message_move_task(SourceArn=arn_of(target.sqs, dead))
    target.wait(2)
    (back,) = receive(target, url)
    assert back["Body"] == "a"
    assert back["MessageId"] != sent["MessageId"]
    assert back["Attributes"]["ApproximateReceiveCount"] == "1"


def worked(target: Target, *groups: list[str], seconds: float) -> list[list[dict[str, Any]]]:
    """Send what each group is told to do, let a worker at it, and give its invocations, with the messages of each."""
    url, log = make_queue(target), make_queue(target)
    for number, group in enumerate(groups, start=1):
        for n, do in enumerate(group):
            send(target, url, json.dumps({"do": do, "n": n, "group": number}), group=f"g-{number}")
    target.work(url, log)
    invocations: list[list[dict[str, Any]]] = []
    end = time.monotonic() + 30
    while time.monotonic() < end:
        target.wait(seconds)
        for line in receive(target, log):
            invocations.append(json.loads(line["Body"]))
            delete(target, log, line)
        left = target.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        if left["ApproximateNumberOfMessages"] == left["ApproximateNumberOfMessagesNotVisible"] == "0":
            return invocations
    raise AssertionError(f"not done: {invocations}")


def seen(invocations: list[list[dict[str, Any]]], group: str) -> list[tuple[int, int]]:
    """Number and receive count of each message of a group, in the order in which they were handed over."""
    return [(m["n"], m["receive_count"]) for batch in invocations for m in batch if m["group"] == group]


def test_a_worker_gets_each_group_in_order(target: Target) -> None:
    invocations = worked(target, ["ok"] * 6, ["ok"] * 6, seconds=2)
    assert seen(invocations, "g-1") == seen(invocations, "g-2") == [(n, 1) for n in range(6)]
    assert max(len(batch) for batch in invocations) <= 10


def test_what_a_worker_names_as_failed_comes_again_and_nothing_else(target: Target) -> None:
    invocations = worked(target, ["ok", "fail"], seconds=VISIBILITY_SECONDS)
    assert seen(invocations, "g-1") == [(0, 1), (1, 1), (1, 2)]


@pytest.mark.parametrize("do", ["raise", "sleep"])
def test_a_worker_that_comes_to_no_good_end_gets_all_of_its_batch_again(target: Target, do: str) -> None:
    invocations = worked(target, ["ok", do], seconds=VISIBILITY_SECONDS)
    assert seen(invocations, "g-1") == [(0, 1), (1, 1), (0, 2), (1, 2)]


def test_an_answer_that_names_no_message_of_the_batch_fails_all_of_it(target: Target) -> None:
    """("Implementing partial batch responses".)"""
    invocations = worked(target, ["ok", "unknown"], seconds=VISIBILITY_SECONDS)
    assert seen(invocations, "g-1") == [(0, 1), (1, 1), (0, 2), (1, 2)]
