"""The `comanda` command as an operator runs it: a process of its own, against a deployed stack."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import httpx
import pytest

from comanda.adapters.order_table import OrderTable
from comanda.domain.order import Order
from comanda_cli.stack_info import StackInfo
from local.state import State, write_private
from tests.stack.conftest import ApiClients
from tests.stack.helpers import a_recipient, an_order, finished, ledger, post

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

COMANDA = Path(sys.executable).with_name("comanda")


@dataclass(frozen=True)
class Cli:
    """Runs in a folder that has a `.local/stack.json`, as after `make up`."""

    folder: Path

    def __call__(self, *arguments: str, exit_code: int = 0) -> str:
        done = subprocess.run(
            [COMANDA, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == exit_code, done.stdout + done.stderr
        return done.stdout

    def json(self, *arguments: str, exit_code: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", exit_code=exit_code))

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [COMANDA, *arguments], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )


@pytest.fixture
def cli(stack: StackInfo, tmp_path: Path) -> Cli:
    write_private(State(tmp_path / ".local").stack_file, stack.to_json())
    return Cli(tmp_path)


@pytest.fixture
def orders(stack: StackInfo, aws: boto3.Session) -> OrderTable:
    return OrderTable(aws.client("dynamodb"), stack.tables["orders"])


def test_submit_watch_get_and_the_recipients_ledger(cli: Cli) -> None:
    recipient = a_recipient()
    items = ["--item", "ABC:2", "--item", "NOWHERE:1:0.20"]
    order = ["order", "submit", "--customer", "123", "--recipient", recipient, *items, "--key", recipient]
    order_id = cli(*order).strip()
    assert cli.json(*order)["replayed"] is True
    assert "completed" in cli("order", "watch", order_id)
    assert cli.json("order", "get", order_id)["total_amount"] == "40.00"
    shown = cli.json("recipient", "show", recipient)
    assert (shown["balance"], [entry["order_id"] for entry in shown["entries"]]) == ("40.00", [order_id])
    assert {queue["queue"] for queue in cli.json("queues")} >= {"orders", "enrichment", "completion"}


def test_bomba_is_listed_and_a_retry_fails_again(cli: Cli, orders: OrderTable) -> None:
    recipient = a_recipient()
    order_id = cli("order", "submit", "--customer", "123", "--recipient", recipient, "--item", "BOMBA:1").strip()
    assert cli.json("order", "watch", order_id, exit_code=3)["failure"]["class"] == "ItemRejected"
    (row,) = cli.json("dlq", "list", "--recipient", recipient, "--queue", "enrichment")
    assert (row["order_id"], row["class"], row["attempts"], row["replay"]) == (order_id, "ItemRejected", 1, 0)

    cli("order", "retry", order_id)
    cli("order", "watch", order_id, exit_code=3)
    assert cli.json("dlq", "show", order_id)["replay"] == 1
    notes = [moment.note for moment in row_of(orders, order_id).timeline if moment.note]
    assert any(note.startswith("redriven") for note in notes)

    cli("dlq", "discard", "--order", order_id, "--yes")
    cli("dlq", "list", "--recipient", recipient, exit_code=3)


def test_retry_of_a_completed_order_does_nothing(cli: Cli, api: ApiClients, orders: OrderTable) -> None:
    order_id = post(api("web"), an_order(a_recipient()))
    finished(api("web"), order_id)
    before = row_of(orders, order_id)
    cli("order", "retry", order_id, exit_code=3)
    assert row_of(orders, order_id) == before


def test_a_redrive_completes_all_in_each_recipients_order(
    cli: Cli, api: ApiClients, stack: StackInfo, aws: boto3.Session, orders: OrderTable
) -> None:
    """25 failed orders of one recipient and 25 of five; the cause is removed as a data fix would do it."""
    before = dead_letters(stack, aws)
    failed = failed_orders(api)
    wait_until(lambda: dead_letters(stack, aws) >= 50, "50 dead letters", 120)
    mend(aws.client("dynamodb"), stack.tables["orders"], failed)
    cli("dlq", "redrive", "--all", "--yes", "--rate", "50", "--wait", "60")
    assert_all_completed_once_in_order(api, orders, failed)
    wait_until(lambda: dead_letters(stack, aws) <= before, "the steward removing what has moved on", 120)


def test_a_redrive_ended_by_ctrl_c_and_run_again_completes_all_once(
    cli: Cli, api: ApiClients, stack: StackInfo, aws: boto3.Session, orders: OrderTable
) -> None:
    failed = failed_orders(api)
    mend(aws.client("dynamodb"), stack.tables["orders"], failed)
    ids = [order_id for of_recipient in failed.values() for order_id in of_recipient]

    with cli.start("dlq", "redrive", "--all", "--yes", "--newer-than", "10m", "--rate", "10") as process:
        deadline = time.monotonic() + 30
        while redriven(orders, ids) < 10:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        output = "".join(process.communicate(timeout=30))
    assert process.returncode == 130, output
    assert "left. Run it again to go on" in output
    assert 10 <= redriven(orders, ids) < 50

    cli("dlq", "redrive", "--all", "--yes", "--rate", "50", "--wait", "60")
    assert_all_completed_once_in_order(api, orders, failed)


def dead_letters(stack: StackInfo, aws: boto3.Session) -> int:
    """How many there are in the enrichment queue's dead-letter queue, hidden ones included."""
    answer = aws.client("sqs").get_queue_attributes(
        QueueUrl=stack.queues["enrichment"].dlq_url,
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )
    return sum(map(int, answer["Attributes"].values()))


def wait_until(condition: Callable[[], bool], what: str, limit_seconds: float) -> None:
    deadline = time.monotonic() + limit_seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {limit_seconds:.0f} s"
        time.sleep(1)


def failed_orders(api: ApiClients) -> dict[str, list[str]]:
    """Order ids by recipient, in the order in which they were accepted."""
    recipients = [a_recipient()] * 25 + [a_recipient() for _ in range(5)] * 5
    ids: dict[str, list[str]] = {recipient: [] for recipient in recipients}
    for recipient in recipients:
        ids[recipient].append(post(api("web"), an_order(recipient, "BOMBA")))
    for order in wait_for_all(api("ops"), [order_id for of_recipient in ids.values() for order_id in of_recipient]):
        assert order["status"] == "failed"
    return ids


def mend(dynamodb: "DynamoDBClient", table: str, failed: dict[str, list[str]]) -> None:
    for order_id in (order_id for ids in failed.values() for order_id in ids):
        dynamodb.update_item(
            TableName=table,
            Key={"order_id": {"S": order_id}},
            UpdateExpression="SET #items[0].sku = :sku",
            ExpressionAttributeNames={"#items": "items"},
            ExpressionAttributeValues={":sku": {"S": "ABC"}},
        )


def assert_all_completed_once_in_order(api: ApiClients, orders: OrderTable, failed: dict[str, list[str]]) -> None:
    for recipient, ids in failed.items():
        assert {order["status"] for order in wait_for_all(api("ops"), ids)} == {"completed"}
        assert [entry["order_id"] for entry in ledger(api("ops"), recipient)] == ids
        for order_id in ids:
            row = row_of(orders, order_id)
            assert row.replay == 1
            assert next(moment.note for moment in row.timeline if moment.note).startswith("redriven")


def wait_for_all(client: httpx.Client, ids: Sequence[str]) -> list[dict[str, Any]]:
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda order_id: finished(client, order_id, 120), ids))


def redriven(orders: OrderTable, ids: Sequence[str]) -> int:
    return sum(order.replay for order in orders.get_many(ids).values())


def row_of(orders: OrderTable, order_id: str) -> Order:
    order = orders.get(order_id)
    assert order is not None
    return order
