"""The command on moto: a stack.json that names a test's own tables and queues, and nothing patched."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import EndpointConnectionError
from typer.testing import CliRunner, Result

from comanda.adapters.orders.queue import QueuePublisher
from comanda.adapters.orders.table import OrderTable
from comanda.application.delivery.ports import RunPublisher
from comanda.domain.delivery.work_item import Failure
from comanda.domain.orders.order import Order, Stage
from comanda_cli.main import app
from comanda_cli.stack.connection import Outside
from comanda_cli.stack.stack_info import Queue, StackInfo
from local.state import State, write_private
from tests.support.builders import NOW, a_processing_order
from tests.support.targets import Resources, add_index, create_fifo_queue


@dataclass
class Cli:
    """Runs commands; `naps` are the pauses they would have made. `at_nap` is called at each."""

    resources: Resources
    session: boto3.Session
    naps: list[float] = field(default_factory=list)
    at_nap: Callable[[], None] = lambda: None

    def __call__(self, *arguments: str, answer: str | None = None, **outside: Any) -> Result:
        def sleep(seconds: float) -> None:
            self.naps.append(seconds)
            self.at_nap()

        world = Outside(clock=lambda: NOW, sleep=sleep, user=lambda: "ana", session=lambda: self.session)
        return CliRunner().invoke(app, list(arguments), input=answer, obj=replace(world, **outside))

    @property
    def orders(self) -> OrderTable:
        return OrderTable(self.resources.dynamodb, self.resources.orders_table)

    def put(self, *orders: Order) -> None:
        for order in orders:
            assert self.orders.claim(order) is None

    def row(self, order: Order) -> Order:
        found = self.orders.get(order.order_id)
        assert found is not None
        return found

    def all_messages(self) -> list[dict[str, Any]]:
        """Every message of the orders queue; FIFO gives a group's next ones once those before are deleted."""
        messages: list[dict[str, Any]] = []
        while batch := self.resources.messages():
            messages += batch
            for message in batch:
                self.resources.sqs.delete_message(
                    QueueUrl=self.resources.queue_url, ReceiptHandle=message["ReceiptHandle"]
                )
        return messages


@pytest.fixture
def stack(moto: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StackInfo:
    """A stack without an emulator, so that boto3 talks to moto. All queues are the one there is; each has a
    dead-letter queue of its own."""
    names = ("orders", "enrichment", "completion", "notifications", "reports")
    queues = {name: Queue(url=moto.queue_url, dlq_url=create_fifo_queue(moto.sqs)) for name in names}
    info = StackInfo(
        api_url="https://api.test/v1",
        region="us-east-1",
        tokens={"api": "api-token", "ops": "ops-token"},
        tokens_secret="secret",
        webhook_secrets_secret="webhook-secrets",
        queues=queues,
        tables={
            "orders": moto.orders_table,
            "circuits": moto.circuits_table,
            "notifications": moto.notifications_table,
            "subscriptions": moto.subscriptions_table,
        },
        functions={},
        bucket="bucket",
    )
    info.tables["reports"] = f"{moto.orders_table}-reports"
    moto.dynamodb.create_table(
        TableName=info.tables["reports"],
        KeySchema=[{"AttributeName": "report_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "report_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    add_index(moto.dynamodb, info.tables["reports"], "attention", "attention", "created_at")
    write_private(State(tmp_path / ".local").stack_file, info.to_json())
    monkeypatch.chdir(tmp_path)
    return info


@pytest.fixture
def cli(moto: Resources, stack: StackInfo, moto_session: boto3.Session) -> Cli:
    return Cli(moto, moto_session)


def a_failed_order(
    *,
    created: int = 0,
    failed_ago: timedelta = timedelta(minutes=5),
    stage: Stage = Stage.ENRICHMENT,
    name: str = "ItemRejected",
    **fields: Any,
) -> Order:
    """Created so many seconds after NOW."""
    order = a_processing_order(**fields, created_at=NOW + timedelta(seconds=created))
    return order.failed(Failure(name, "BOMBA is not an item", stage, 1, NOW - failed_ago, "message-1"))


@dataclass
class PublisherThat:
    """Sends, and then does something: raises, say. `does` is given the order and the number of the message."""

    real: RunPublisher[Order]
    does: Callable[[Order, int], None]
    sent: int = 0

    def publish(self, order: Order) -> None:
        self.real.publish(order)
        self.sent += 1
        self.does(order, self.sent)


def a_publisher_that(does: Callable[[Order, int], None]) -> dict[str, Any]:
    """For `Cli`."""
    return {"publisher": lambda sqs, url: PublisherThat(QueuePublisher(sqs, url), does)}


def storage_that_fails(times: int) -> dict[str, Any]:
    """For `Cli`: so many writes of a row meet an outage."""
    left = [times]

    def refuse(**_: Any) -> None:
        if left[0]:
            left[0] -= 1
            raise EndpointConnectionError(endpoint_url="https://dynamodb.test")

    session = boto3.Session("test", "test", region_name="us-east-1")
    session.events.register("before-call.dynamodb.UpdateItem", refuse)
    return {"session": lambda: session}


def an_api(answer: Callable[[httpx.Request], httpx.Response]) -> dict[str, Any]:
    """For `Cli`: the HTTP API as a function."""
    return {"transport": httpx.MockTransport(answer)}
