"""What was begun again is watched until it is over: the command says what became of it, and so does its exit code."""

import json
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from comanda.adapters.notifications.table import NotificationTable
from comanda.adapters.reports.table import ReportTable
from comanda.domain.delivery.work_item import Failure
from comanda.domain.orders.order import Stage
from comanda.domain.reports.report import ReportFile
from comanda_cli.stack.stack_info import StackInfo
from tests.cli.conftest import Cli, a_failed_order, a_publisher_that
from tests.cli.test_reports import a_failed_report
from tests.support.builders import NOW, a_notification
from tests.support.targets import Resources

FAILURE = Failure("StillBroken", "no, again", "some-stage", 2, NOW, "message-2")


@dataclass
class Begun:
    """A failed one, and the command that begins it again."""

    cli: Cli
    table: Any
    item: Any
    bulk: list[str]
    one: list[str]
    well: str
    finish: Callable[[Any], Any]

    def row(self) -> Any:
        return self.table.get(self.item.row_id)

    def work(self, step: Callable[[Any], Any]) -> None:
        """While the command sleeps for the first time, a worker writes what `step` makes of the row."""

        def worker() -> None:
            self.cli.at_nap = lambda: None
            row = self.row()
            self.table.save(row, step(row))

        self.cli.at_nap = worker


@pytest.fixture(params=["order", "report", "notification"])
def begun(request: pytest.FixtureRequest, cli: Cli, moto: Resources, stack: StackInfo) -> Begun:
    if request.param == "order":
        order = a_failed_order(stage=Stage.COMPLETION)
        cli.put(order)
        bulk, one = ["dlq", "redrive", "--all", "--yes"], ["order", "retry", order.order_id]
        return Begun(cli, cli.orders, order, bulk, one, "completed", lambda row: row.completed(NOW))
    if request.param == "report":
        reports, report = ReportTable(moto.dynamodb, stack.tables["reports"]), a_failed_report("a")
        assert reports.claim(report) is None

        def write(row: Any) -> Any:
            leased = row.leased("worker", "message-2", 1, NOW, seconds=60)
            return leased.finished(ReportFile("key", 1, 10, "00", 5), NOW)

        bulk, one = ["report", "retry", "--all", "--yes"], ["report", "retry", report.report_id]
        return Begun(cli, reports, report, bulk, one, "ready", write)
    notifications = NotificationTable(moto.dynamodb, moto.notifications_table)
    notification = a_notification().failed(replace(FAILURE, name="ReceiverTimeout"))
    notifications.add(notification)
    bulk, one = ["notification", "resend", "--failed", "--yes"], ["notification", "resend", "n-1"]
    return Begun(cli, notifications, notification, bulk, one, "delivered", lambda row: row.delivered(NOW))


@pytest.mark.parametrize("command", ["bulk", "one"])
def test_what_went_well_is_said_and_exit_code_0(begun: Begun, command: str) -> None:
    begun.work(begun.finish)
    result = begun.cli(*getattr(begun, command))
    assert result.exit_code == 0, result.output
    assert begun.well in result.stdout
    assert begun.cli.naps == [0.5]


@pytest.mark.parametrize("command", ["bulk", "one"])
def test_what_failed_again_is_said_with_the_reason_and_exit_code_3(begun: Begun, command: str) -> None:
    begun.work(lambda row: row.failed(FAILURE))
    result = begun.cli(*getattr(begun, command))
    assert result.exit_code == 3, result.output
    told = f"Failed again: {begun.item.row_id}, StillBroken: no, again (some-stage, 2 attempts)"
    assert told in result.stdout
    assert begun.cli.naps == [0.5]


@pytest.mark.parametrize("command", ["bulk", "one"])
def test_what_is_not_over_in_time_is_named_and_exit_code_3(begun: Begun, command: str) -> None:
    result = begun.cli(*getattr(begun, command), "--wait", "14")
    assert result.exit_code == 3
    assert f"Not over yet after 14 s, look again later: {begun.item.row_id} (" in result.stderr
    assert begun.cli.naps == [0.5] * 20 + [2.0] * 2


@pytest.mark.parametrize("option", [["--no-wait"], ["--wait", "0"]], ids=" ".join)
@pytest.mark.parametrize("command", ["bulk", "one"])
def test_whoever_does_not_want_to_wait_is_told_that_it_was_sent(begun: Begun, command: str, option: list[str]) -> None:
    result = begun.cli(*getattr(begun, command), *option)
    assert (result.exit_code, result.stderr) == (0, "")
    assert begun.row().replay == 1
    assert begun.cli.naps == []


def test_scripts_get_all_of_it(begun: Begun) -> None:
    begun.work(lambda row: row.failed(FAILURE))
    endings = json.loads(begun.cli(*begun.bulk, "--json").stdout)["endings"]
    assert endings == {
        "wanted": begun.well,
        "ended": {},
        "failed": {begun.item.row_id: "StillBroken: no, again (some-stage, 2 attempts)"},
        "open": {},
    }
    begun.work(begun.finish)
    endings = json.loads(begun.cli(*begun.one, "--json").stdout)["endings"]
    assert endings["ended"] == {begun.item.row_id: begun.well}


def test_a_worker_that_is_quicker_than_the_command_is_seen(cli: Cli) -> None:
    """It has the message, and the order has failed again, before the row says that nothing is owed."""
    order = a_failed_order()
    cli.put(order)

    def work(order: Any, _: int) -> None:
        row = cli.row(order)
        cli.orders.save(row, row.failed(FAILURE))

    result = cli("dlq", "redrive", "--all", "--yes", **a_publisher_that(work))
    assert result.exit_code == 3
    assert "1 order redriven: 1 failed again." in result.stdout


def test_of_many_the_summary_counts_all_and_names_the_first(cli: Cli) -> None:
    orders = [a_failed_order(created=number, recipient_id=f"rec-{number}") for number in range(12)]
    cli.put(*orders)

    def workers() -> None:
        for order in orders:
            row = cli.row(order)
            if row.failure is None:
                cli.orders.save(row, row.failed(FAILURE))

    cli.at_nap = workers
    result = cli("dlq", "redrive", "--all", "--yes", "--rate", "1000")
    assert "12 orders redriven: 12 failed again." in result.stdout
    assert result.stdout.count("Failed again: ") == 10
    assert "And 2 more that failed again: `comanda dlq list`." in result.stdout


def test_ctrl_c_while_it_waits_says_what_was_seen_so_far(cli: Cli) -> None:
    """Also where the tests run in the background of a shell, which has them ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    ended, other = a_failed_order(created=1, stage=Stage.COMPLETION), a_failed_order(created=2, recipient_id="rec-2")
    cli.put(ended, other)
    redriving = 1  # The pause between two orders.

    def at_nap() -> None:
        if len(cli.naps) == redriving + 1:
            row = cli.row(ended)
            cli.orders.save(row, row.completed(NOW))
        elif len(cli.naps) == redriving + 2:
            signal.raise_signal(signal.SIGINT)

    cli.at_nap = at_nap
    try:
        result = cli("dlq", "redrive", "--all", "--yes")
    finally:
        signal.signal(signal.SIGINT, before)
    assert result.exit_code == 130
    assert "2 orders redriven: 1 completed, 1 not over yet." in result.stdout
