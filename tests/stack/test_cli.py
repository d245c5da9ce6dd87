"""The `comanda` command as an operator runs it: a process of its own, against a deployed stack."""

import signal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import httpx
import pytest

from comanda.adapters.orders.table import OrderTable
from comanda.domain.orders.order import Order
from comanda_cli.stack.stack_info import StackInfo
from tests.stack.conftest import ApiClients
from tests.stack.helpers import a_recipient, an_order, finished, ledger, post
from tests.stack.operators import Operator, wait_for
from tests.stack.terminal import Cli


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

    assert "Failed again" in cli("order", "retry", order_id, exit_code=3)
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


HERE = ("--error-class", "CustomerUnknown", "--yes")
"""The redrives of these tests: no other test's orders fail so."""


def test_a_redrive_completes_all_in_each_recipients_order(
    cli: Cli, api: ApiClients, operator: Operator, orders: OrderTable
) -> None:
    failed = failed_orders(api, 5)
    ids = {order_id for of_recipient in failed.values() for order_id in of_recipient}
    wait_for(lambda: operator.dead_orders("enrichment", failed) == ids, "their dead letters")
    mend(operator, failed)
    cli("dlq", "redrive", *HERE, "--rate", "50", "--wait", "60")
    assert_all_completed_once_in_order(api, orders, failed)
    operator.call_the_reconciler()
    assert operator.dead_orders("enrichment", failed) == set(), "the reconciler removes what has moved on"


@pytest.mark.prove
def test_fifty_redriven_orders_leave_the_dead_letter_queue_within_two_minutes(
    cli: Cli, api: ApiClients, operator: Operator, orders: OrderTable
) -> None:
    operator.call_the_reconciler()  # What is left now stays.
    before = operator.dead("enrichment")
    failed = failed_orders(api, 25)
    wait_for(lambda: operator.dead("enrichment") >= before + 50, "50 dead letters", 180)
    mend(operator, failed)
    cli("dlq", "redrive", *HERE, "--rate", "50", "--wait", "60")
    assert_all_completed_once_in_order(api, orders, failed)
    wait_for(lambda: operator.dead("enrichment") <= before, "the reconciler removing what has moved on", 120)


@pytest.mark.parametrize(
    ("number", "rate", "redriven_first"), [(5, 1, 1), pytest.param(25, 10, 10, marks=pytest.mark.prove)]
)
def test_a_redrive_ended_by_ctrl_c_and_run_again_completes_all_once(
    cli: Cli, api: ApiClients, operator: Operator, orders: OrderTable, number: int, rate: int, redriven_first: int
) -> None:
    failed = failed_orders(api, number)
    mend(operator, failed)
    ids = [order_id for of_recipient in failed.values() for order_id in of_recipient]

    with cli.start("dlq", "redrive", *HERE, "--rate", str(rate)) as process:
        wait_for(lambda: redriven(orders, ids) >= redriven_first, "the first of them", 30)
        process.send_signal(signal.SIGINT)
        output = "".join(process.communicate(timeout=30))
    assert process.returncode == 130, output
    assert "left. Run it again to go on" in output
    assert redriven_first <= redriven(orders, ids) < 2 * number

    cli("dlq", "redrive", *HERE, "--rate", "50", "--wait", "60")
    assert_all_completed_once_in_order(api, orders, failed)


def failed_orders(api: ApiClients, number: int) -> dict[str, list[str]]:
    """So many of one recipient and so many of five; order ids by recipient, in the order of their acceptance."""
    recipients = [a_recipient()] * number + [a_recipient() for _ in range(5)] * (number // 5)
    ids: dict[str, list[str]] = {recipient: [] for recipient in recipients}
    for recipient in recipients:
        ids[recipient].append(post(api("web"), an_order(recipient, customer_id="unknown")))
    for order in wait_for_all(api("ops"), [order_id for of_recipient in ids.values() for order_id in of_recipient]):
        assert order["failure"]["class"] == "CustomerUnknown"
    return ids


def mend(operator: Operator, failed: dict[str, list[str]]) -> None:
    """The provider knows the customer of the corrected row."""
    for order_id in (order_id for ids in failed.values() for order_id in ids):
        operator.correct(order_id, "customer_id", {"S": "123"})


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
    return sum(order.replay for order in orders.get_many(ids).values() if isinstance(order, Order))


def row_of(orders: OrderTable, order_id: str) -> Order:
    order = orders.get(order_id)
    assert order is not None
    return order


def test_the_life_of_an_order_and_of_a_report_across_functions(cli: Cli, api: ApiClients) -> None:
    order_id = post(api("web"), an_order(a_recipient(), "FLAKY-1"))
    finished(api("web"), order_id)
    story = logged(cli, order_id, until="order.completed")
    assert ("write_orders", "order.accepted") in story[:3], "said once its message was sent: others may be quicker"
    assert [line for line in story if line[0] != "write_orders"] == [
        ("process_order", "order.processing"),
        ("enrich_order", "enrichment.asked"),
        ("enrich_order", "order.attempt_failed"),
        ("enrich_order", "order.attempt_begun"),
        ("enrich_order", "enrichment.asked"),
        ("enrich_order", "order.enriched"),
        ("complete_order", "order.completed"),
    ]
    report_id = cli.json("report", "submit", "--type", "orders", "--set", "from=2026-11-01", "--set", "to=2026-11-02")[
        "report_id"
    ]
    cli("report", "watch", report_id)
    of_report = logged(cli, report_id, until="report.ready")
    assert ("write_reports", "report.accepted") in of_report
    assert ("generate_report", "report.begun") in of_report


def logged(cli: Cli, identifier: str, until: str) -> list[tuple[str, str]]:
    """Function and happening, by time, once `until` was logged: it is, a moment after it happened."""
    told: list[tuple[str, str]] = []

    def is_there() -> bool:
        told[:] = [(line["function"], line["message"]) for line in cli.json("logs", identifier)]
        return until in [happening for _, happening in told]

    wait_for(is_there, f"the log line {until}")
    return told
