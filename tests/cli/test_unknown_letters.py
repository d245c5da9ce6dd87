"""Dead letters that no row accounts for are listed, and removed by the command that removes nothing else."""

import json
from typing import Any

import pytest

from comanda.adapters.notifications.queue import NotificationQueuePublisher
from comanda.adapters.notifications.table import NotificationTable
from comanda.adapters.orders.queue import QueuePublisher
from comanda.adapters.reports.queue import ReportQueuePublisher
from comanda.adapters.reports.table import ReportTable
from comanda_cli.stack.stack_info import StackInfo
from tests.cli.conftest import Cli, a_failed_order
from tests.support.builders import a_notification, a_pending_order, a_report

GARBAGE = '{"event": "order.created", \u202e'


@pytest.fixture
def letters(cli: Cli, stack: StackInfo) -> "Letters":
    return Letters(cli, stack)


class Letters:
    def __init__(self, cli: Cli, stack: StackInfo) -> None:
        self._sqs, self._queues = cli.resources.sqs, stack.queues

    def put(self, queue: str, body: str, group: str = "stranger") -> str:
        sent = self._sqs.send_message(QueueUrl=self.url(queue), MessageBody=body, MessageGroupId=group)
        return sent["MessageId"]

    def url(self, queue: str) -> str:
        return self._queues[queue].dlq_url

    def ids(self, queue: str) -> list[str]:
        """Those that can be received now: nobody holds them back."""
        answer = self._sqs.receive_message(QueueUrl=self.url(queue), MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [message["MessageId"] for message in answer.get("Messages", [])]


def test_garbage_is_listed_with_its_id_its_size_and_its_first_characters_escaped(cli: Cli, letters: Letters) -> None:
    short, long = letters.put("enrichment", GARBAGE), letters.put("notifications", "x" * 1000)
    result = cli("dlq", "list")
    assert result.exit_code == 0
    rows = {line.split("│")[1].strip(): line for line in result.stdout.splitlines() if line.startswith("│")}
    for text in (
        "enrichment",
        str(len(GARBAGE.encode())),
        r'{"event": "order.created", \u202e',
        "not an order message",
    ):
        assert text in rows[short]
    assert "\u202e" not in result.output
    for text in ("notifications", "1000", f"{'x' * 60}…", "not a notification's message"):
        assert text in rows[long]
    assert "comanda dlq remove" in result.stderr
    assert (letters.ids("enrichment"), letters.ids("notifications")) == ([short], [long]), "still there, for all to see"
    as_json = json.loads(cli("dlq", "list", "--json").stdout)
    assert {row["message_id"]: row["bytes"] for row in as_json} == {short: len(GARBAGE.encode()), long: 1000}
    assert cli("dlq", "list", "--error-class", "ItemRejected").exit_code == 3, "with a filter, only what matches"


def of_ours(cli: Cli, letters: Letters, stack: StackInfo) -> list[str]:
    """A dead letter of each kind, of what there is; and one of an order that a newer release sent."""
    order = a_failed_order()
    cli.put(order)
    QueuePublisher(cli.resources.sqs, letters.url("enrichment")).publish(order)
    report, notification = a_report(), a_notification()
    ReportTable(cli.resources.dynamodb, stack.tables["reports"]).claim(report)
    ReportQueuePublisher(cli.resources.sqs, letters.url("reports")).publish(report)
    NotificationTable(cli.resources.dynamodb, stack.tables["notifications"]).add(notification)
    NotificationQueuePublisher(cli.resources.sqs, letters.url("notifications")).publish(notification)
    newer = letters.put("orders", '{"schema": 99, "event": "order.doubled"}')
    ids = [*letters.ids("enrichment"), *letters.ids("reports"), *letters.ids("notifications"), newer]
    assert len(ids) == 4
    return ids


def test_what_is_ours_is_no_garbage_and_never_removed_with_it(cli: Cli, letters: Letters, stack: StackInfo) -> None:
    ours = of_ours(cli, letters, stack)
    garbage = letters.put("enrichment", "?")
    shown = cli("dlq", "list").stdout
    assert [message_id for message_id in (*ours, garbage) if message_id in shown] == [garbage]
    result = cli("dlq", "remove", "--all", "--yes")
    assert (result.exit_code, result.stdout) == (0, "1 dead letter removed.\n")
    left = [each for queue in ("orders", "enrichment", "reports", "notifications") for each in letters.ids(queue)]
    assert sorted(left) == sorted(ours)


def test_one_that_is_ours_is_refused_with_what_it_is_about(cli: Cli, letters: Letters, stack: StackInfo) -> None:
    ours = of_ours(cli, letters, stack)
    garbage = letters.put("enrichment", "?")
    result = cli("dlq", "remove", *ours, garbage, "nowhere", "--yes", "--json")
    assert result.exit_code == 3
    report: dict[str, Any] = json.loads(result.stdout)
    assert report["removed"] == [garbage]
    assert set(report["refused"]) == {*ours, "nowhere"}
    assert "discard or redrive that" in report["refused"][ours[0]]
    left = [each for queue in ("orders", "enrichment", "reports", "notifications") for each in letters.ids(queue)]
    assert sorted(left) == sorted(ours)


def test_one_about_what_there_is_not_is_garbage_too(cli: Cli, letters: Letters) -> None:
    order = a_pending_order()
    QueuePublisher(cli.resources.sqs, letters.url("completion")).publish(order)
    (message_id,) = letters.ids("completion")
    assert f"about {order.order_id}, of which there is no record" in cli("dlq", "list").stdout
    assert cli("dlq", "remove", message_id, "--yes").exit_code == 0
    assert letters.ids("completion") == []


@pytest.mark.parametrize("answer", ["n\n", "", None])
def test_without_a_yes_nothing_is_removed(cli: Cli, letters: Letters, answer: str | None) -> None:
    message_id = letters.put("orders", "?")
    result = cli("dlq", "remove", message_id, answer=answer)
    assert (result.exit_code, message_id in result.stdout) == (3, True)
    assert letters.ids("orders") == [message_id]


@pytest.mark.parametrize("arguments", [[], ["some-id", "--all"]], ids=str)
def test_which_are_meant_has_to_be_said_once(cli: Cli, arguments: list[str]) -> None:
    assert cli("dlq", "remove", *arguments, "--yes").exit_code == 2


def test_what_cannot_be_looked_at_is_said(cli: Cli, letters: Letters) -> None:
    """Ten of a group are handed out, and lock the eleventh."""
    for number in range(11):
        letters.put("orders", f"garbage {number}")
    shown = cli("dlq", "list")
    result = cli("dlq", "remove", "--all", "--yes")
    assert "10 dead letters removed." in result.stdout
    for each in (shown, result):
        assert "1 dead letter of orders could not be looked at" in each.stderr
    assert cli("dlq", "remove", "--all", "--yes").exit_code == 0
    assert letters.ids("orders") == []


def test_who_may_not_receive_still_sees_the_rows(cli: Cli, stack: StackInfo) -> None:
    order = a_failed_order()
    cli.put(order)
    cli.resources.sqs.delete_queue(QueueUrl=stack.queues["orders"].dlq_url)
    result = cli("dlq", "list")
    assert (result.exit_code, order.order_id in result.stdout) == (0, True)
    assert "could not be looked at" in result.stderr
