"""Notifications from the terminal: found, shown and sent once more; and who is told by default."""

import json
from datetime import timedelta

import pytest

from comanda.adapters.notifications.table import NotificationTable, SubscriptionTable
from comanda.application.delivery.ports import OWED
from comanda.domain.delivery.work_item import Failure
from comanda.domain.notifications.messages import NotificationMessage
from comanda.domain.notifications.notification import STAGE, NotificationStatus
from comanda.domain.shared.notify import Notify
from comanda_cli.stack.stack_info import StackInfo
from tests.cli.conftest import Cli
from tests.support.builders import NOW, a_notification
from tests.support.targets import Resources

FAILED = a_notification(notification_id="n-2", subject_id="o-2").failed(
    Failure("ReceiverTimeout", "slow", STAGE, 14, NOW, "m-1")
)
URL = "https://example.com/hook"


@pytest.fixture
def table(moto: Resources, stack: StackInfo) -> NotificationTable:
    table = NotificationTable(moto.dynamodb, moto.notifications_table)
    for each in (a_notification().delivered(NOW + timedelta(seconds=1)), FAILED):
        table.add(each)
    return table


def test_all_about_an_order_and_all_that_failed(cli: Cli, table: NotificationTable) -> None:
    about = cli("notification", "list", "o-1", "--json")
    assert [(each["notification_id"], each["status"]) for each in json.loads(about.stdout)] == [("n-1", "delivered")]
    failed = cli("notification", "list", "--failed")
    assert "n-2" in failed.stdout
    assert "ReceiverTimeout: slow" in failed.stdout
    assert cli("notification", "list", "o-3").exit_code == 3
    assert cli("notification", "list").exit_code == 2


def test_one_is_shown_whole(cli: Cli, table: NotificationTable) -> None:
    shown = json.loads(cli("notification", "show", "n-1", "--json").stdout)
    assert (shown["target"], shown["data"]["total_amount"]) == (URL, "10.00")
    assert cli("notification", "show", "nobody").exit_code == 1


def test_what_failed_and_what_was_lost_is_sent_once_more(cli: Cli, table: NotificationTable) -> None:
    assert cli("notification", "resend", "--failed", answer="n").exit_code != 0
    assert cli("notification", "resend", "--failed", "--yes", "--no-wait").exit_code == 0
    assert cli("notification", "resend", "n-1", "--no-wait").exit_code == 0
    messages = [NotificationMessage.parse(message["Body"]) for message in cli.all_messages()]
    assert {(message.notification_id, message.replay) for message in messages} == {("n-1", 1), ("n-2", 1)}
    for each in ("n-1", "n-2"):
        row = table.get(each)
        assert row
        assert row.status is NotificationStatus.WAITING
    assert cli("notification", "resend", "n-1", "nobody").exit_code == 3, "on its way already, and not there"


@pytest.mark.parametrize("chosen", [["n-2"], ["--failed", "--yes"], ["--about", "o-2", "--yes"]], ids=" ".join)
def test_a_discarded_one_is_listed_as_failed_no_more_and_can_be_resent(
    cli: Cli, table: NotificationTable, chosen: list[str]
) -> None:
    result = cli("notification", "discard", *chosen)
    assert (result.exit_code, result.stdout) == (0, "1 notification discarded.\n")
    row = table.get("n-2")
    assert row
    assert (row.status, row.discarded, row.failure) == (NotificationStatus.FAILED, True, FAILED.failure)
    assert cli("notification", "list", "--failed").exit_code == 3
    assert cli("notification", "discard", *chosen).exit_code == (0 if chosen == ["n-2"] else 3), "once more"
    assert cli("notification", "resend", "n-2", "--no-wait").exit_code == 0
    row = table.get("n-2")
    assert row
    assert (row.status, row.discarded) == (NotificationStatus.WAITING, False)


def test_only_what_failed_is_discarded_and_only_after_a_yes(cli: Cli, table: NotificationTable) -> None:
    before = table.get("n-1")
    result = cli("notification", "discard", "n-1", "nobody", "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout) == {
        "discarded": [],
        "left": {
            "n-1": "notification n-1 is delivered, and cannot be discarded",
            "nobody": "there is no notification nobody",
        },
    }
    assert table.get("n-1") == before
    assert cli("notification", "discard", "--failed", answer="n\n").exit_code == 3
    assert table.get("n-2") == FAILED


def test_one_whose_message_is_owed_is_said_to_follow(cli: Cli, table: NotificationTable, moto: Resources) -> None:
    moto.sqs.delete_queue(QueueUrl=moto.queue_url)
    result = cli("notification", "resend", "n-1")
    assert result.exit_code == 0
    assert "Sent by the reconciler within two minutes" in result.stderr
    assert [each.row_id for each in table.needing_attention(OWED)] == ["n-1"]


def test_who_is_told_by_default(cli: Cli, moto: Resources, stack: StackInfo) -> None:
    subscriptions = SubscriptionTable(moto.dynamodb, moto.subscriptions_table)
    assert cli("notification", "default", "show", "--caller", "web").exit_code == 3
    assert cli("notification", "default", "set", "--caller", "web").exit_code == 2
    inside = cli("notification", "default", "set", "--caller", "web", "--webhook-url", "https://10.0.0.1/")
    assert (inside.exit_code, "not a public IP address" in inside.stderr) == (1, True)
    chosen = cli("notification", "default", "set", "--caller", "web", "--webhook-url", URL, "--event", "order.failed")
    assert chosen.exit_code == 0
    assert subscriptions.default_of("web") == Notify(URL, events=("order.failed",))
    assert json.loads(cli("notification", "default", "show", "--caller", "web", "--json").stdout)["webhook_url"] == URL
    assert cli("notification", "default", "clear", "--caller", "web").exit_code == 0
    assert subscriptions.default_of("web") is None


def test_a_receiver_is_told_again(cli: Cli, moto: Resources, stack: StackInfo) -> None:
    subscriptions, notification = SubscriptionTable(moto.dynamodb, moto.subscriptions_table), a_notification()
    subscriptions.end(notification)
    assert cli("notification", "resume", "--caller", "web", "--webhook-url", URL).exit_code == 0
    assert not subscriptions.has_ended(notification.receiver_id)
