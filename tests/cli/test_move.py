"""`comanda dlq move`: dead letters back into their queue, by SQS itself on AWS, by the command on the local stack."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from comanda.adapters.delivery.queues import deliveries_of
from comanda.adapters.orders.queue import QueuePublisher
from comanda.domain.delivery.messages import deduplication_id
from comanda.domain.orders.messages import Event, OrderMessage
from comanda.domain.orders.order import Order
from comanda_cli.main import app
from comanda_cli.stack.connection import Outside
from comanda_cli.stack.stack_info import Queue, StackInfo
from local.state import State, write_private
from tests.golden import sqs_record
from tests.simulation.wire import InProcess
from tests.support.builders import a_pending_order
from tests.support.targets import create_fifo_queue


class ModelOfAws:
    """As much of a boto3.Session as the command uses, on the simulator's models, which know message move tasks."""

    def __init__(self) -> None:
        self._services = InProcess()

    def client(self, service: str, region_name: str | None = None, config: object = None) -> Any:  # noqa: ARG002
        return self._services.client(service)


class Stage:
    """A queue with dead letters, and the command beside it."""

    def __init__(self, folder: Path, sqs: Any, session: Callable[[], Any], endpoint_url: str | None) -> None:
        self.sqs, self._session = sqs, session
        self.dlq_url = create_fifo_queue(sqs)
        self.url = create_fifo_queue(sqs, self.dlq_url, max_receives=1)
        info = StackInfo(
            api_url="https://api.test/v1",
            endpoint_url=endpoint_url,
            region="us-east-1",
            tokens_secret="secret",
            webhook_secrets_secret="webhook-secrets",
            queues={"enrichment": Queue(url=self.url, dlq_url=self.dlq_url)},
            tables={},
            functions={},
            bucket="bucket",
        )
        write_private(State(folder / ".local").stack_file, info.to_json())

    def __call__(self, *arguments: str, answer: str | None = None) -> Result:
        world = Outside(session=self._session)
        return CliRunner().invoke(app, ["dlq", "move", *arguments], input=answer, obj=world)

    def dead_letter(self, *orders: Order) -> None:
        for order in orders:
            QueuePublisher(self.sqs, self.url).publish(order, Event.ENRICHMENT_REQUESTED)
        for message in self.received(self.url):
            self.sqs.change_message_visibility(
                QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )
        assert self.received(self.url) == []

    def received(self, url: str) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []
        while batch := self._receive(url):
            messages += batch
        return messages

    def _receive(self, url: str) -> list[dict[str, Any]]:
        answer = self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"]
        )
        return [dict(message) for message in answer.get("Messages", [])]

    def release_dead_letters(self) -> list[dict[str, Any]]:
        """Look at them, and make them visible again."""
        messages = self.received(self.dlq_url)
        for message in messages:
            self.sqs.change_message_visibility(
                QueueUrl=self.dlq_url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )
        return messages


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.chdir(tmp_path)
    session = ModelOfAws()
    return Stage(tmp_path, session.client("sqs"), lambda: session, None)


@pytest.fixture
def local(bare_emulator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    from comanda_cli.stack.sessions import local_session

    def no_aws() -> Any:
        raise AssertionError("the local stack is not on AWS")

    monkeypatch.chdir(tmp_path)
    return Stage(tmp_path, local_session(bare_emulator).client("sqs"), no_aws, bare_emulator)


@pytest.fixture(params=["aws", "local"])
def stage(request: pytest.FixtureRequest) -> Stage:
    given: Stage = request.getfixturevalue(request.param)
    return given


def event_of(message: dict[str, Any]) -> dict[str, Any]:
    """As Lambda hands it over."""
    return {"Records": [sqs_record(message)]}


def test_a_moved_message_is_a_new_one_and_known_to_have_come_back(stage: Stage) -> None:
    orders = [a_pending_order(recipient_id=f"r-{number % 2}") for number in range(4)]
    stage.dead_letter(*orders)
    before = {message["MessageId"] for message in stage.release_dead_letters()}
    result = stage("enrichment", "--yes")
    assert (result.exit_code, "4 dead letters" in result.stdout) == (0, True), result.output
    moved = stage.received(stage.url)
    assert before.isdisjoint(message["MessageId"] for message in moved)
    for message in moved:
        (delivery,) = deliveries_of(OrderMessage.parse)(event_of(message))
        assert (delivery.came_back, delivery.receive_count) == (True, 1)
        assert delivery.correlation_id == "corr-1", "what it carries comes along"
        assert message["Attributes"]["MessageDeduplicationId"] != deduplication_id(message["Body"], 0)
    for recipient in ("r-0", "r-1"):
        in_order = [order.order_id for order in orders if order.recipient_id == recipient]
        of_group = [m for m in moved if m["Attributes"]["MessageGroupId"] == recipient]
        assert [json.loads(message["Body"])["order_id"] for message in of_group] == in_order
    assert stage.received(stage.dlq_url) == []


def test_where_there_is_nothing_the_exit_code_is_3(stage: Stage) -> None:
    result = stage("enrichment", "--yes")
    assert (result.exit_code, result.stderr) == (3, "enrichment has no dead letters\n")


def test_without_a_yes_nothing_is_moved(stage: Stage) -> None:
    stage.dead_letter(a_pending_order())
    assert stage("enrichment", answer="n\n").exit_code == 3
    assert stage.received(stage.url) == []
    assert len(stage.received(stage.dlq_url)) == 1


def test_a_queue_that_is_none_of_the_stage_is_said_so(stage: Stage) -> None:
    result = stage("elsewhere", "--yes")
    assert (result.exit_code, "no elsewhere queue" in result.stderr) == (1, True)


def test_so_many_are_moved_and_the_others_stay(local: Stage) -> None:
    local.dead_letter(*(a_pending_order(recipient_id="r-1") for _ in range(3)))
    result = local("enrichment", "--limit", "2", "--yes", "--json")
    assert json.loads(result.stdout) == {"queue": "enrichment", "moved": 2, "left": 1}
    assert len(local.received(local.url)) == 2
    assert len(local.received(local.dlq_url)) == 1


def test_what_somebody_else_has_in_hand_is_left_and_said_so(local: Stage) -> None:
    local.dead_letter(a_pending_order())
    assert len(local.received(local.dlq_url)) == 1
    result = local("enrichment", "--yes")
    assert result.exit_code == 3
    assert "1 dead letter could not be had" in result.stderr


def test_what_comes_back_meanwhile_is_not_moved_in_a_circle(local: Stage) -> None:
    """An order whose message is dead-lettered once more is moved once more, by the next call."""
    local.dead_letter(a_pending_order(), a_pending_order(recipient_id="r-2"))
    assert local("enrichment", "--yes").exit_code == 0
    for message in local.received(local.url):
        local.sqs.change_message_visibility(
            QueueUrl=local.url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
        )
    assert local.received(local.url) == []
    assert json.loads(local("enrichment", "--yes", "--json").stdout)["moved"] == 2
    assert len(local.received(local.url)) == 2, "deduplication swallows neither"


def test_on_aws_sqs_moves_all_of_a_queue(aws: Stage) -> None:
    aws.dead_letter(a_pending_order())
    refused = aws("enrichment", "--limit", "1", "--yes")
    assert (refused.exit_code, "comanda dlq redrive" in refused.stderr) == (2, True)
    assert len(aws.release_dead_letters()) == 1
    result = aws("enrichment", "--yes", "--json")
    assert json.loads(result.stdout)["task"]
