"""Failed orders from the terminal: chosen by filters, redriven once each whatever comes in between, or discarded."""

import json
import signal
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from comanda.application.delivery.ports import OWED
from comanda.domain.delivery.work_item import By
from comanda.domain.orders.order import Order, OrderStatus, Stage
from comanda.domain.shared.errors import Unavailable, UnreadableRow
from comanda.domain.shared.times import to_iso
from tests.cli.conftest import Cli, a_failed_order, a_publisher_that, storage_that_fails
from tests.support.builders import NOW, a_pending_order, an_enriched_order
from tests.support.unreadable import spoilt


def bodies(messages: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Order id and replay number of each message."""
    parsed = [json.loads(message["Body"]) for message in messages]
    return [(body["order_id"], body["replay"]) for body in parsed]


def listed(cli: Cli, *filters: str) -> list[str]:
    result = cli("dlq", "list", "--json", *filters)
    assert result.exit_code in {0, 3}, result.output
    return [order["order_id"] for order in json.loads(result.stdout)]


def ids(*orders: Order | UnreadableRow) -> list[str]:
    return [order.row_id for order in orders]


def test_list_shows_every_failed_order_the_oldest_first(cli: Cli) -> None:
    second, first = a_failed_order(created=2), a_failed_order(created=1)
    cli.put(second, a_pending_order(), first, an_enriched_order())
    assert listed(cli) == ids(first, second)
    shown = cli("dlq", "list").stdout
    for text in (first.order_id, second.order_id, "123", "enrichment", "ItemRejected", "BOMBA is not an item", "09:25"):
        assert text in shown


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (["--queue", "orders"], "C"),
        (["--queue", "enrichment"], "AB"),
        (["--queue", "completion"], "D"),
        (["--recipient", "rec-a"], "A"),
        (["--error-class", "ProviderError"], "B"),
        (["--older-than", "1h"], "BD"),
        (["--newer-than", "10m"], "A"),
        (["--older-than", "90s", "--newer-than", "2h"], "AC"),
        (["--newer-than", "3d"], "ABC"),
        (["--limit", "2"], "AB"),
        (["--queue", "enrichment", "--recipient", "rec-b"], "B"),
    ],
)
def test_every_filter_that_is_given_must_match(cli: Cli, filters: list[str], expected: str) -> None:
    orders = {
        "A": a_failed_order(created=1, recipient_id="rec-a"),
        "B": a_failed_order(
            created=2, recipient_id="rec-b", name="ProviderError", failed_ago=timedelta(hours=2, seconds=1)
        ),
        "C": a_failed_order(created=3, stage=Stage.PROCESSING, failed_ago=timedelta(minutes=10)),
        "D": a_failed_order(created=4, stage=Stage.COMPLETION, failed_ago=timedelta(days=3)),
    }
    cli.put(*orders.values())
    assert listed(cli, *filters) == [orders[name].order_id for name in expected]


def test_one_order_is_found_by_its_id(cli: Cli) -> None:
    order = a_failed_order()
    cli.put(order, a_failed_order())
    assert listed(cli, "--order", order.order_id) == ids(order)


@pytest.mark.parametrize(
    "arguments",
    [
        ["dlq", "list"],
        ["dlq", "list", "--order", "nowhere"],
        ["dlq", "show", "nowhere"],
        ["dlq", "redrive", "--all", "--yes"],
        ["dlq", "discard", "--recipient", "nobody", "--yes"],
        ["order", "retry", "nowhere"],
    ],
)
def test_where_nothing_matches_the_exit_code_is_3(cli: Cli, arguments: list[str]) -> None:
    result = cli(*arguments)
    assert result.exit_code == 3
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["redrive"], "Give a filter, or --all"),
        (["discard", "--limit", "5"], "Give a filter, or --all"),
        (["list", "--older-than", "soon"], "is not an age"),
        (["list", "--queue", "elsewhere"], "Invalid value"),
        (["redrive", "--all", "--rate", "0"], "Invalid value"),
    ],
)
def test_wrong_usage_is_exit_code_2(cli: Cli, arguments: list[str], message: str) -> None:
    cli.put(a_failed_order())
    result = cli("dlq", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert cli.all_messages() == []


def test_summary_counts_by_class_the_most_first(cli: Cli) -> None:
    cli.put(
        a_failed_order(recipient_id="rec-1", name="ItemRejected"),
        *(a_failed_order(recipient_id=f"rec-{n}", name="ProviderError", created=n) for n in range(1, 8)),
    )
    summary = json.loads(cli("dlq", "summary", "--json").stdout)
    assert [(row["class"], row["orders"]) for row in summary] == [("ProviderError", 7), ("ItemRejected", 1)]
    assert summary[0]["recipients"] == [f"rec-{n}" for n in range(1, 8)]
    assert summary[0]["first"] == to_iso(NOW - timedelta(minutes=5))
    assert "rec-5 and 2 more" in cli("dlq", "summary").stdout
    (filtered,) = json.loads(cli("dlq", "summary", "--error-class", "ItemRejected", "--json").stdout)
    assert filtered["orders"] == 1


def test_a_summary_of_nothing_is_exit_code_3(cli: Cli) -> None:
    assert cli("dlq", "summary").exit_code == 3


def test_show_tells_all_of_a_failed_order(cli: Cli) -> None:
    order = a_failed_order()
    cli.put(order)
    view = json.loads(cli("dlq", "show", order.order_id, "--json").stdout)
    assert view["failure"]["class"] == "ItemRejected"
    assert (view["queue"], view["message_id"], view["replay"]) == ("enrichment", "message-1", 0)
    shown = cli("dlq", "show", order.order_id).stdout
    for text in (order.order_id, "ItemRejected: BOMBA is not an item (enrichment, 1 attempt", "message-1", "2 x ABC"):
        assert text in shown


def test_show_of_an_order_that_is_not_failed_says_so(cli: Cli) -> None:
    order = a_pending_order()
    cli.put(order)
    result = cli("dlq", "show", order.order_id)
    assert (result.exit_code, result.stderr) == (3, f"order {order.order_id} is pending, not failed\n")


@pytest.mark.parametrize("command", ["redrive", "discard"])
def test_a_dry_run_changes_nothing(cli: Cli, command: str) -> None:
    orders = [a_failed_order(created=number) for number in range(3)]
    cli.put(*orders)
    result = cli("dlq", command, "--all", "--dry-run")
    assert result.exit_code == 0
    assert "3 orders would be taken; nothing was done." in result.stdout
    as_json = cli("dlq", command, "--all", "--dry-run", "--json", "--limit", "2")
    assert [order["order_id"] for order in json.loads(as_json.stdout)] == ids(*orders[:2])
    assert [cli.row(order) for order in orders] == orders
    assert cli.all_messages() == []


@pytest.mark.parametrize("answer", ["n\n", "", None])
@pytest.mark.parametrize("command", ["redrive", "discard"])
def test_without_a_yes_nothing_is_done(cli: Cli, command: str, answer: str | None) -> None:
    order = a_failed_order()
    cli.put(order)
    result = cli("dlq", command, "--all", answer=answer)
    assert result.exit_code == 3
    assert "nothing was done" in result.stderr
    assert cli.row(order) == order
    assert cli.all_messages() == []


def test_a_yes_at_the_prompt_is_enough(cli: Cli) -> None:
    order = a_failed_order()
    cli.put(order)
    result = cli("dlq", "redrive", "--all", "--wait", "0", answer="y\n")
    assert result.exit_code == 0
    assert result.stdout.endswith("1 order redriven.\n")
    assert cli.row(order).replay == 1


def test_redrive_keeps_each_recipients_order_and_leaves_a_record(cli: Cli) -> None:
    orders = [a_failed_order(created=number, recipient_id=f"rec-{number % 3}") for number in range(12)]
    cli.put(*reversed(orders))
    result = cli("dlq", "redrive", "--all", "--yes", "--wait", "0")
    assert result.exit_code == 0
    messages = cli.all_messages()
    assert sorted(bodies(messages)) == sorted((order.order_id, 1) for order in orders)
    for recipient in ("rec-0", "rec-1", "rec-2"):
        sent = [m for m in messages if m["Attributes"]["MessageGroupId"] == recipient]
        assert [order_id for order_id, _ in bodies(sent)] == ids(*[o for o in orders if o.recipient_id == recipient])
    for order in orders:
        row = cli.row(order)
        assert (row.status, row.replay, row.failure) == (OrderStatus.PROCESSING, 1, None)
        assert row.timeline[-1].note == "redriven by ana"
    assert listed(cli) == []


def test_the_rate_sets_the_pause_between_orders(cli: Cli) -> None:
    cli.put(*(a_failed_order(created=number) for number in range(3)))
    cli("dlq", "redrive", "--all", "--yes", "--rate", "4", "--wait", "0")
    assert cli.naps == [0.25, 0.25]


def test_ctrl_c_ends_after_the_order_in_hand_and_the_next_run_goes_on(cli: Cli) -> None:
    orders = [a_failed_order(created=number, recipient_id=f"rec-{number % 2}") for number in range(10)]
    cli.put(*orders)

    def press_ctrl_c(_: Order, number: int) -> None:
        if number == 4:
            signal.raise_signal(signal.SIGINT)

    result = cli("dlq", "redrive", "--all", "--yes", **a_publisher_that(press_ctrl_c))
    assert result.exit_code == 130
    assert result.stdout == "4 orders redriven.\n"
    assert "6 orders left" in result.stderr
    assert [cli.row(order).replay for order in orders] == [1] * 4 + [0] * 6

    assert cli("dlq", "redrive", "--all", "--yes", "--wait", "0").stdout == "6 orders redriven.\n"
    assert [cli.row(order).replay for order in orders] == [1] * 10
    assert sorted(bodies(cli.all_messages())) == sorted((order.order_id, 1) for order in orders)


def test_a_run_killed_between_row_and_message_loses_and_doubles_nothing(cli: Cli) -> None:
    """The row of the fourth says that its message is owed, whether that was stored or not: the reconciler sends it."""
    orders = [a_failed_order(created=number) for number in range(8)]
    cli.put(*orders)

    def die(_: Order, number: int) -> None:
        if number == 4:
            raise KeyboardInterrupt

    first = cli("dlq", "redrive", "--all", "--yes", "--json", **a_publisher_that(die))
    assert first.exit_code == 130
    report = json.loads(first.stdout)
    assert (report["redriven"], report["left"]) == (ids(*orders[:3]), ids(*orders[3:]))
    assert report["interrupted"] is True
    assert ids(*cli.orders.needing_attention(OWED)) == ids(orders[3])

    again = cli("dlq", "redrive", "--all", "--yes", "--wait", "0")
    assert (again.exit_code, again.stdout) == (0, "4 orders redriven.\n")
    assert [cli.row(order).replay for order in orders] == [1] * 8
    assert bodies(cli.all_messages()) == [(order.order_id, 1) for order in orders]


def test_an_order_that_moved_on_meanwhile_is_skipped_and_said_so(cli: Cli) -> None:
    first, second, third = [a_failed_order(created=number) for number in range(3)]
    cli.put(first, second, third)

    def another_operator(order: Order, number: int) -> None:
        if number == 1:
            again = second.opened(By.OPERATOR, NOW, "redriven by bruno")
            cli.orders.save(second, again)
            cli.orders.save(again, again.completed(NOW))

    result = cli("dlq", "redrive", "--all", "--yes", "--wait", "0", **a_publisher_that(another_operator))
    assert result.exit_code == 0
    assert f"Skipped: order {second.order_id} is completed, not failed" in result.stdout
    assert cli.row(second).status is OrderStatus.COMPLETED
    assert bodies(cli.all_messages()) == [(first.order_id, 1), (third.order_id, 1)]


def test_when_all_moved_on_the_exit_code_is_3(cli: Cli) -> None:
    """The worker takes it up while the operator reads the question."""
    order = a_failed_order()
    cli.put(order)

    def user() -> str:
        cli.orders.save(order, order.opened(By.CONSOLE, NOW, "redriven"))
        return "ana"

    result = cli("dlq", "redrive", "--all", answer="y\n", user=user)
    assert result.exit_code == 3
    assert "0 orders redriven." in result.stdout
    assert f"Skipped: order {order.order_id} is processing, not failed" in result.stdout
    assert cli.all_messages() == []


def fails_for(recipient_id: str) -> Callable[[Order, int], None]:
    """The answer is lost, though the message was stored."""

    def does(order: Order, _: int) -> None:
        if order.recipient_id == recipient_id:
            raise Unavailable("queue: ServiceUnavailable")

    return does


def test_where_the_queue_does_not_answer_the_reconciler_sends_and_nobody_overtakes(cli: Cli) -> None:
    """Others go on; the followers of its recipient wait for the next run."""
    hit, other, follower = [
        a_failed_order(created=number, recipient_id=name) for number, name in enumerate(["rec-x", "rec-y", "rec-x"])
    ]
    cli.put(hit, other, follower)
    outage = a_publisher_that(fails_for("rec-x"))
    result = cli("dlq", "redrive", "--all", "--yes", "--wait", "0", "--json", **outage)
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert report["redriven"] == ids(hit, other)
    assert (report["owed"], report["held_back"], report["unavailable"]) == ([hit.order_id], [follower.order_id], {})
    assert ids(*cli.orders.needing_attention(OWED)) == ids(hit)

    assert cli("dlq", "redrive", "--all", "--yes", "--wait", "0").stdout == "1 order redriven.\n"
    messages = cli.all_messages()
    assert sorted(bodies(messages)) == sorted((order.order_id, 1) for order in (hit, other, follower))
    of_x = [m for m in messages if m["Attributes"]["MessageGroupId"] == "rec-x"]
    assert [order_id for order_id, _ in bodies(of_x)] == ids(hit, follower)


@pytest.mark.parametrize("command", [["dlq", "redrive", "--all", "--yes"], ["order", "retry"]], ids=" ".join)
def test_an_order_whose_message_is_owed_is_said_to_follow_and_not_waited_for(cli: Cli, command: list[str]) -> None:
    order = a_failed_order()
    cli.put(order)
    order_id = [order.order_id] if command[0] == "order" else []
    result = cli(*command, *order_id, **a_publisher_that(fails_for(order.recipient_id)))
    assert result.exit_code == 0
    assert "Sent by the reconciler within two minutes" in result.stderr
    assert cli.naps == []
    assert cli.row(order).owed


def test_an_order_that_changes_under_its_redrive_is_left_alone_and_said_so(cli: Cli) -> None:
    """Somebody discards it between the look and the write."""
    order = a_failed_order()
    cli.put(order)

    def clock() -> datetime:
        if cli.row(order).version == order.version:
            cli.orders.save(order, order.set_aside(NOW, "discarded by bruno"))
        return NOW

    result = cli("order", "retry", order.order_id, clock=clock)
    assert result.exit_code == 3
    assert result.stderr == f"order {order.order_id} is changing right now; look at it again\n"
    assert cli.row(order).discarded
    assert cli.all_messages() == []


def test_a_short_outage_of_the_table_is_waited_for(cli: Cli) -> None:
    order = a_failed_order()
    cli.put(order)
    result = cli("dlq", "redrive", "--all", "--yes", "--wait", "0", **storage_that_fails(3))
    assert result.exit_code == 0
    assert cli.naps == [1.0, 2.0, 4.0]
    assert bodies(cli.all_messages()) == [(order.order_id, 1)]


def test_a_long_outage_of_the_table_is_reported_and_nobody_overtakes(cli: Cli) -> None:
    hit, follower, other = [
        a_failed_order(created=number, recipient_id=name) for number, name in enumerate(["rec-x", "rec-x", "rec-y"])
    ]
    cli.put(hit, follower, other)
    result = cli("dlq", "redrive", "--all", "--yes", "--wait", "0", "--json", **storage_that_fails(4))
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert report["redriven"] == [other.order_id]
    assert report["unavailable"] == {hit.order_id: "orders table: EndpointConnectionError"}
    assert report["held_back"] == [follower.order_id]
    assert cli("dlq", "redrive", "--all", "--yes", "--wait", "0").stdout == "2 orders redriven.\n"
    of_x = [m for m in cli.all_messages() if m["Attributes"]["MessageGroupId"] == "rec-x"]
    assert [order_id for order_id, _ in bodies(of_x)] == ids(hit, follower)


def test_discard_leaves_them_failed_and_lists_them_no_more(cli: Cli) -> None:
    kept, gone = a_failed_order(recipient_id="rec-a"), a_failed_order(recipient_id="rec-b")
    cli.put(kept, gone)
    result = cli("dlq", "discard", "--recipient", "rec-b", "--yes")
    assert (result.exit_code, result.stdout) == (0, "1 order discarded.\n")
    assert listed(cli) == ids(kept)
    assert listed(cli, "--order", gone.order_id) == []
    row = cli.row(gone)
    assert (row.status, row.discarded, row.failure) == (OrderStatus.FAILED, True, gone.failure)
    assert cli.all_messages() == []


def test_a_discarded_order_can_still_be_retried(cli: Cli) -> None:
    order = a_failed_order()
    cli.put(order)
    cli("dlq", "discard", "--all", "--yes")
    assert cli("order", "retry", order.order_id, "--wait", "0").exit_code == 0
    assert bodies(cli.all_messages()) == [(order.order_id, 1)]
    row = cli.row(order)
    assert (row.status, row.discarded) == (OrderStatus.PROCESSING, False)


def test_retry_of_an_order_that_has_completed_does_nothing_and_says_so(cli: Cli) -> None:
    order = an_enriched_order().completed(NOW)
    cli.put(order)
    result = cli("order", "retry", order.order_id)
    assert result.exit_code == 3
    assert result.stderr == f"order {order.order_id} is completed, not failed; nothing was done\n"
    assert cli.row(order) == order
    assert cli.all_messages() == []


def test_one_that_cannot_be_read_is_shown_with_the_reason_and_left_alone(cli: Cli) -> None:
    good, bad = a_failed_order(), a_failed_order()
    cli.put(good, bad)
    item = spoilt(cli.resources.row(bad.order_id), "origin", "fax")
    cli.resources.dynamodb.put_item(TableName=cli.resources.orders_table, Item=item)
    why = "origin is no Origin that this release knows"
    shown = cli("dlq", "list", "--json").stdout
    assert json.loads(shown)[1:] == [{"order_id": bad.order_id, "unreadable": why}]
    for command in (
        ("dlq", "list"),
        ("dlq", "summary"),
        ("dlq", "show", bad.order_id),
        ("order", "retry", bad.order_id),
    ):
        result = cli(*command)
        assert f"the record of {bad.order_id} cannot be read: {why}" in result.output.replace("\n", " ")
    assert cli("dlq", "list", "--order", bad.order_id).exit_code == 0
    result = cli("dlq", "redrive", "--all", "--yes", "--wait", "0", "--json")
    assert json.loads(result.stdout)["redriven"] == [good.order_id]
