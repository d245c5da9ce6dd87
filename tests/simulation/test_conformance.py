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
from tests.simulation.rigs import VISIBILITY_SECONDS, RealRig, Rig, arn_of, make_queue, model_rig
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
    if "rig" in metafunc.fixturenames:
        metafunc.parametrize("rig", ["model", "emulator", *(["endpoint"] if given else [])], indirect=True)


@pytest.fixture
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    if reason := DIFFERENCES.get((request.param, request.node.originalname)):
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    if request.param == "model":
        with model_rig() as model:
            yield model
    elif request.param == "emulator":
        yield RealRig("emulator", local_session(request.getfixturevalue("bare_emulator")))
    else:
        url = request.config.getoption("--endpoint-url")
        yield RealRig("endpoint", boto3.Session() if url == "aws" else local_session(url))


def send(rig: Rig, url: str, text: str, group: str = "g-1", **fields: Any) -> dict[str, Any]:
    sent: dict[str, Any] = rig.sqs.send_message(QueueUrl=url, MessageBody=text, MessageGroupId=group, **fields)
    return sent


def receive(rig: Rig, url: str, most: int = 10) -> list[dict[str, Any]]:
    answer = rig.sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=most, MessageSystemAttributeNames=["All"], WaitTimeSeconds=0
    )
    return list(answer.get("Messages", []))


def bodies(messages: list[dict[str, Any]]) -> list[str]:
    return [message["Body"] for message in messages]


def delete(rig: Rig, url: str, message: dict[str, Any]) -> None:
    rig.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def hide(rig: Rig, url: str, message: dict[str, Any], seconds: int) -> None:
    rig.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=seconds)


def test_a_group_comes_in_the_order_in_which_it_was_sent(rig: Rig) -> None:
    url = make_queue(rig)
    for text in "abc":
        send(rig, url, text)
    messages = receive(rig, url)
    assert bodies(messages) == ["a", "b", "c"]
    sequences = [message["Attributes"]["SequenceNumber"] for message in messages]
    assert sequences == sorted(sequences)
    assert {message["Attributes"]["ApproximateReceiveCount"] for message in messages} == {"1"}


def test_a_message_in_flight_locks_its_group_and_no_other(rig: Rig) -> None:
    url = make_queue(rig)
    send(rig, url, "a")
    send(rig, url, "b")
    (first,) = receive(rig, url, most=1)
    send(rig, url, "c", group="g-2")
    assert bodies(receive(rig, url)) == ["c"]
    delete(rig, url, first)
    assert bodies(receive(rig, url)) == ["b"]


def test_what_is_not_deleted_comes_again_in_its_place(rig: Rig) -> None:
    url = make_queue(rig)
    send(rig, url, "a")
    send(rig, url, "b")
    (first,) = receive(rig, url, most=1)
    rig.wait(VISIBILITY_SECONDS + 0.5)
    again = receive(rig, url)
    assert bodies(again) == ["a", "b"]
    assert again[0]["MessageId"] == first["MessageId"]
    assert [message["Attributes"]["ApproximateReceiveCount"] for message in again] == ["2", "1"]


def test_followers_are_counted_with_their_head(rig: Rig) -> None:
    url = make_queue(rig)
    send(rig, url, "a")
    send(rig, url, "b")
    for _ in range(2):
        for message in receive(rig, url):
            hide(rig, url, message, 0)
    counts = [message["Attributes"]["ApproximateReceiveCount"] for message in receive(rig, url)]
    assert counts == ["3", "3"]


def test_a_follower_in_flight_keeps_the_group_locked(rig: Rig) -> None:
    url = make_queue(rig)
    send(rig, url, "a")
    send(rig, url, "b")
    head, _ = receive(rig, url)
    hide(rig, url, head, 0)
    assert receive(rig, url) == []
    rig.wait(VISIBILITY_SECONDS + 0.5)
    assert bodies(receive(rig, url)) == ["a", "b"]


def test_a_repeated_body_is_one_message_per_group_even_after_it_was_deleted(rig: Rig) -> None:
    url = make_queue(rig)
    first, twin = send(rig, url, "a"), send(rig, url, "a")
    assert twin["MessageId"] == first["MessageId"]
    send(rig, url, "a", group="g-2")
    messages = receive(rig, url)
    assert bodies(messages) == ["a", "a"]
    for message in messages:
        delete(rig, url, message)
    send(rig, url, "a")
    assert receive(rig, url) == []


def test_after_five_minutes_a_repeated_body_is_a_new_message(rig: Rig) -> None:
    if rig.name != "model":
        pytest.skip("takes five minutes where time is real")
    url = make_queue(rig)
    send(rig, url, "a")
    delete(rig, url, receive(rig, url)[0])
    rig.wait(301)
    send(rig, url, "a")
    assert bodies(receive(rig, url)) == ["a"]


def test_a_message_received_too_often_goes_to_the_dead_letter_queue_and_the_next_one_comes(rig: Rig) -> None:
    dead = make_queue(rig)
    url = make_queue(rig, dead, max_receive_count=2)
    sent = send(rig, url, "a")
    send(rig, url, "b")
    for _ in range(2):
        (message,) = receive(rig, url, most=1)
        assert message["Body"] == "a"
        hide(rig, url, message, 0)
    assert bodies(receive(rig, url, most=1)) == ["b"]
    (letter,) = receive(rig, dead)
    assert (letter["Body"], letter["MessageId"]) == ("a", sent["MessageId"])
    assert letter["Attributes"]["MessageGroupId"] == "g-1"
    assert letter["Attributes"]["DeadLetterQueueSourceArn"] == arn_of(rig.sqs, url)


def test_a_deleted_message_can_be_deleted_again(rig: Rig) -> None:
    url = make_queue(rig)
    send(rig, url, "a")
    (message,) = receive(rig, url)
    delete(rig, url, message)
    delete(rig, url, message)


def test_a_receipt_is_no_good_once_the_message_is_visible_again(rig: Rig) -> None:
    """("DeleteMessage": for FIFO queues, the receipt handle must be of a message that is not visible.)"""
    url = make_queue(rig)
    send(rig, url, "a")
    (message,) = receive(rig, url)
    rig.wait(VISIBILITY_SECONDS + 0.5)
    with pytest.raises(ClientError) as refused:
        delete(rig, url, message)
    assert refused.value.response["Error"]["Code"] in {"InvalidParameterValue", "ReceiptHandleIsInvalid"}
    assert bodies(receive(rig, url)) == ["a"]


def test_a_message_that_is_too_long_is_refused(rig: Rig) -> None:
    url = make_queue(rig)
    with expecting(Rule.MESSAGE_SIZE), pytest.raises(ClientError) as refused:
        send(rig, url, "x" * (1024 * 1024 + 1))
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"


def test_a_message_move_task_gives_a_new_id_and_an_empty_count(rig: Rig) -> None:
    """("Configure a dead-letter queue redrive": what the console starts.)"""
    dead = make_queue(rig)
    url = make_queue(rig, dead, max_receive_count=1)
    sent = send(rig, url, "a")
    hide(rig, url, receive(rig, url)[0], 0)
    assert receive(rig, url) == []
    rig.sqs.start_message_move_task(SourceArn=arn_of(rig.sqs, dead))
    rig.wait(2)
    (back,) = receive(rig, url)
    assert back["Body"] == "a"
    assert back["MessageId"] != sent["MessageId"]
    assert back["Attributes"]["ApproximateReceiveCount"] == "1"


def worked(rig: Rig, *groups: list[str], seconds: float) -> list[list[dict[str, Any]]]:
    """Send what each group is told to do, let a worker at it, and give its invocations, with the messages of each."""
    url, log = make_queue(rig), make_queue(rig)
    for number, group in enumerate(groups, start=1):
        for n, do in enumerate(group):
            send(rig, url, json.dumps({"do": do, "n": n, "group": number}), group=f"g-{number}")
    rig.work(url, log)
    invocations: list[list[dict[str, Any]]] = []
    end = time.monotonic() + 30
    while time.monotonic() < end:
        rig.wait(seconds)
        for line in receive(rig, log):
            invocations.append(json.loads(line["Body"]))
            delete(rig, log, line)
        left = rig.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        if left["ApproximateNumberOfMessages"] == left["ApproximateNumberOfMessagesNotVisible"] == "0":
            return invocations
    raise AssertionError(f"not done: {invocations}")


def seen(invocations: list[list[dict[str, Any]]], group: str) -> list[tuple[int, int]]:
    """Number and receive count of each message of a group, in the order in which they were handed over."""
    return [(m["n"], m["receive_count"]) for batch in invocations for m in batch if m["group"] == group]


def test_a_worker_gets_each_group_in_order(rig: Rig) -> None:
    invocations = worked(rig, ["ok"] * 6, ["ok"] * 6, seconds=2)
    assert seen(invocations, "g-1") == seen(invocations, "g-2") == [(n, 1) for n in range(6)]
    assert max(len(batch) for batch in invocations) <= 10


def test_what_a_worker_names_as_failed_comes_again_and_nothing_else(rig: Rig) -> None:
    invocations = worked(rig, ["ok", "fail"], seconds=VISIBILITY_SECONDS)
    assert seen(invocations, "g-1") == [(0, 1), (1, 1), (1, 2)]


@pytest.mark.parametrize("do", ["raise", "sleep"])
def test_a_worker_that_comes_to_no_good_end_gets_all_of_its_batch_again(rig: Rig, do: str) -> None:
    invocations = worked(rig, ["ok", do], seconds=VISIBILITY_SECONDS)
    assert seen(invocations, "g-1") == [(0, 1), (1, 1), (0, 2), (1, 2)]


def test_an_answer_that_names_no_message_of_the_batch_fails_all_of_it(rig: Rig) -> None:
    """("Implementing partial batch responses".)"""
    invocations = worked(rig, ["ok", "unknown"], seconds=VISIBILITY_SECONDS)
    assert seen(invocations, "g-1") == [(0, 1), (1, 1), (0, 2), (1, 2)]
