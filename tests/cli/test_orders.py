"""Orders, recipients and queues from the terminal, against an API that is a function."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from comanda.adapters.enrichment.circuit import EnrichmentCircuit
from comanda.adapters.orders.queue import QueuePublisher
from comanda.domain.orders.messages import Event
from comanda_cli.stack.connection import Connection
from comanda_cli.stack.stack_info import StackInfo
from comanda_cli.terminal.errors import CliError
from local.state import State, write_private
from tests.cli.conftest import Cli, an_api
from tests.support.builders import NOW, a_pending_order
from tests.support.fakes import FakeTelemetry

ACCEPTED = {"order_id": "id-1", "recipient_id": "123", "status": "pending", "created_at": "2026-11-22T09:30:00.000Z"}


def a_view(*statuses: str, **fields: Any) -> dict[str, Any]:
    """What GET answers for an order that went through these statuses."""
    timeline = [{"status": status, "at": f"2026-11-22T09:30:0{n}.000Z"} for n, status in enumerate(statuses)]
    item = {"sku": "ABC", "qty": 2, "unit_price": "19.90"}
    return {
        "order_id": "id-1",
        "recipient_id": "123",
        "origin": "web",
        "status": statuses[-1],
        "items": [item],
        "currency": "BRL",
        "timeline": timeline,
        "created_at": "2026-11-22T09:30:00.000Z",
        "total_amount": "39.80",
        **fields,
    }


def answering(*answers: httpx.Response) -> tuple[dict[str, Any], list[httpx.Request]]:
    """One answer after the other, and the requests they got."""
    asked: list[httpx.Request] = []
    left: Iterator[httpx.Response] = iter(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return next(left)

    return an_api(answer), asked


def a_problem(status: int, title: str, detail: str, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"title": title, "detail": detail, "status": status}, headers=headers)


def test_submit_sends_the_items_with_a_key_and_prints_the_id(cli: Cli) -> None:
    api, asked = answering(httpx.Response(202, json=ACCEPTED))
    result = cli(
        "order", "submit", "--customer", "123", "--recipient", "rec-1", "--item", "ABC:2", "--item", "A:X:1:0.10", **api
    )
    assert (result.exit_code, result.stdout) == (0, "id-1\n")
    (request,) = asked
    assert (request.method, str(request.url)) == ("POST", "https://api.test/v1/orders")
    assert request.headers["authorization"] == "Bearer api-token"
    assert f"Idempotency key {request.headers['idempotency-key']}" in result.stderr
    assert json.loads(request.content) == {
        "customer_id": "123",
        "recipient_id": "rec-1",
        "items": [{"sku": "ABC", "qty": 2}, {"sku": "A:X", "qty": 1, "unit_price": "0.10"}],
    }


@pytest.mark.parametrize("source", ["file", "stdin"])
def test_submit_takes_a_whole_body(cli: Cli, tmp_path: Path, source: str) -> None:
    body = '{"item_name": "Café", "quantity": 1, "price": 5000}'
    (tmp_path / "order.json").write_text(body)
    api, asked = answering(httpx.Response(202, json=ACCEPTED, headers={"Idempotency-Replayed": "true"}))
    file = "-" if source == "stdin" else str(tmp_path / "order.json")
    result = cli("order", "submit", "--body", file, "--key", "k-1", "--as", "ops", "--json", answer=body, **api)
    assert asked[0].content.decode() == body
    assert (asked[0].headers["idempotency-key"], asked[0].headers["authorization"]) == ("k-1", "Bearer ops-token")
    assert json.loads(result.stdout) == {**ACCEPTED, "idempotency_key": "k-1", "replayed": True}


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--customer", "123"],
        ["--item", "ABC:1"],
        ["--customer", "123", "--item", "ABC"],
        ["--customer", "123", "--item", "ABC:two"],
        ["--body", "-", "--customer", "123"],
        ["--body", "/nowhere/order.json"],
    ],
)
def test_an_order_that_is_not_whole_is_wrong_usage_and_not_sent(cli: Cli, arguments: list[str]) -> None:
    api, asked = answering()
    assert cli("order", "submit", *arguments, **api).exit_code == 2
    assert asked == []


def test_what_the_api_refuses_is_said_in_one_line(cli: Cli) -> None:
    api, _ = answering(a_problem(422, "The request breaks a rule", "items.0.qty: is too large"))
    result = cli("order", "submit", "--customer", "123", "--item", "ABC:9999999", "--key", "k", **api)
    assert result.exit_code == 1
    assert "422 The request breaks a rule: items.0.qty: is too large\n" in result.stderr


def test_a_503_and_a_lost_connection_are_asked_again_with_the_same_key(cli: Cli) -> None:
    keys: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["idempotency-key"])
        if len(keys) == 1:
            raise httpx.ReadTimeout("no answer", request=request)
        return (
            httpx.Response(202, json=ACCEPTED) if len(keys) == 3 else a_problem(503, "x", "y", **{"Retry-After": "2"})
        )

    result = cli("order", "submit", "--customer", "123", "--item", "ABC:1", **an_api(answer))
    assert (result.exit_code, result.stdout) == (0, "id-1\n")
    assert len(set(keys)) == 1
    assert cli.naps == [1.0, 2.0]


def test_an_api_that_stays_away_is_an_error(cli: Cli) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    result = cli("order", "get", "id-1", **an_api(answer))
    assert result.exit_code == 1
    assert result.stderr == "https://api.test/v1/ does not answer: refused\n"


def test_get_shows_an_order_or_prints_it_as_it_is(cli: Cli) -> None:
    view = a_view("pending", "processing", "completed")
    api, asked = answering(*[httpx.Response(200, json=view)] * 2)
    shown = cli("order", "get", "id-1", **api)
    for text in ("id-1", "completed", "39.80 BRL", "2 x ABC at 19.90", "2026-11-22T09:30:02.000Z"):
        assert text in shown.stdout
    assert json.loads(cli("order", "get", "id-1", "--json", **api).stdout) == view
    assert asked[0].headers["authorization"] == "Bearer ops-token"


def test_get_of_an_unknown_order_is_exit_code_3(cli: Cli) -> None:
    api, asked = answering(a_problem(404, "Not found", "no such order"))
    result = cli("order", "get", "a/b", **api)
    assert (result.exit_code, result.stderr) == (3, "404 Not found: no such order\n")
    assert asked[0].url.raw_path == b"/v1/orders/a%2Fb"


def test_text_of_customers_is_no_markup(cli: Cli) -> None:
    failure = {"class": "X", "message": "[red]no[/red] [/]", "stage": "enrichment", "attempts": 5, "at": "now"}
    api, _ = answering(httpx.Response(200, json=a_view("failed", failure=failure)))
    assert "X: [red]no[/red] [/] (enrichment, 5 attempts, now)" in cli("order", "get", "id-1", **api).stdout


@pytest.mark.parametrize(("end", "exit_code"), [("completed", 0), ("failed", 3), ("cancelled", 3)])
def test_watch_prints_each_step_once_and_ends_with_the_order(cli: Cli, end: str, exit_code: int) -> None:
    views = [
        a_view("pending"),
        a_view("pending"),
        a_view("pending", "processing"),
        a_view("pending", "processing", end),
    ]
    api, _ = answering(*(httpx.Response(200, json=view) for view in views))
    result = cli("order", "watch", "id-1", **api)
    assert result.exit_code == exit_code
    assert [line.split()[1] for line in result.stdout.splitlines()] == ["pending", "processing", end]


def test_watch_gives_up_at_its_limit(cli: Cli) -> None:
    api, _ = answering(*[httpx.Response(200, json=a_view("pending"))] * 2)
    assert cli("order", "watch", "id-1", "--limit", "0", **api).exit_code == 3
    result = cli("order", "watch", "id-1", "--limit", "0", "--json", **api)
    assert (result.exit_code, json.loads(result.stdout)["status"]) == (3, "pending")


def test_a_recipient_is_shown_with_its_last_entries(cli: Cli) -> None:
    def entry(sequence: int) -> dict[str, Any]:
        return {"sequence": sequence, "order_id": f"id-{sequence}", "amount": "1.00", "completed_at": "then"}

    def answer(request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/entries"):
            balance = {"recipient_id": "rec", "balance": "5.00", "currency": "BRL", "orders_completed": 5}
            return httpx.Response(200, json=balance)
        if request.url.params.get("cursor") == "next":
            return httpx.Response(200, json={"entries": [entry(4), entry(5)]})
        return httpx.Response(200, json={"entries": [entry(1), entry(2), entry(3)], "next_cursor": "next"})

    shown = json.loads(cli("recipient", "show", "rec", "--last", "3", "--json", **an_api(answer)).stdout)
    assert (shown["balance"], [entry["sequence"] for entry in shown["entries"]]) == ("5.00", [3, 4, 5])
    table = cli("recipient", "show", "rec", "--last", "3", **an_api(answer)).stdout
    assert "5.00 BRL" in table
    assert "id-5" in table
    assert "id-2" not in table


def test_the_token_comes_from_the_option_the_stack_or_the_environment(
    cli: Cli, stack: StackInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, asked = answering(*[httpx.Response(200, json=a_view("pending"))] * 3)
    cli("order", "get", "id-1", "--token", "mine", **api)
    cli("order", "get", "id-1", **api)

    write_private(State(tmp_path / ".local").stack_file, stack.model_copy(update={"tokens": {}}).to_json())
    without = cli("order", "get", "id-1", **api)
    assert without.exit_code == 1
    assert "set COMANDA_TOKEN" in without.stderr
    monkeypatch.setenv("COMANDA_TOKEN", "from-outside")
    cli("order", "get", "id-1", **api)
    given = [request.headers["authorization"] for request in asked]
    assert given == ["Bearer mine", "Bearer ops-token", "Bearer from-outside"]


def test_a_misspelt_variable_is_refused(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMANDA_TOKN", "from-outside")
    result = cli("queues")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "there is no variable COMANDA_TOKN: the one that is read is COMANDA_TOKEN\n"


def test_a_local_token_that_is_not_there_is_named(stack: StackInfo) -> None:
    local = stack.model_copy(update={"endpoint_url": "http://127.0.0.1:1"})
    with pytest.raises(CliError, match="no token 'nobody'; it has api, ops"):
        Connection(local).api("nobody")


def test_queues_tells_what_waits_and_how_long_it_has(cli: Cli, stack: StackInfo) -> None:
    publisher = QueuePublisher(cli.resources.sqs, cli.resources.queue_url)
    for name in ("rec-1", "rec-2", "rec-3"):
        publisher.publish(a_pending_order(recipient_id=name), Event.CREATED)
    cli.resources.sqs.receive_message(QueueUrl=cli.resources.queue_url, MaxNumberOfMessages=1)
    dead = stack.queues["orders"].dlq_url
    QueuePublisher(cli.resources.sqs, dead).publish(a_pending_order(), Event.CREATED)
    boto3.client("cloudwatch", region_name=stack.region).put_metric_data(
        Namespace="AWS/SQS",
        MetricData=[
            {
                "MetricName": "ApproximateAgeOfOldestMessage",
                "Dimensions": [{"Name": "QueueName", "Value": url.rsplit("/", 1)[-1]}],
                "Timestamp": NOW - timedelta(minutes=minutes),
                "Value": age,
            }
            for url, minutes, age in [
                (cli.resources.queue_url, 2, 181.0),
                (cli.resources.queue_url, 4, 61.0),
                (dead, 3, 61.0),
            ]
        ],
    )
    report = json.loads(cli("queues", "--json").stdout)
    assert [queue["queue"] for queue in report] == ["orders", "enrichment", "completion", "notifications", "reports"]
    assert report[0] == {
        "queue": "orders",
        "waiting": 2,
        "in_flight": 1,
        "delayed": 0,
        "oldest_seconds": 181,
        "dead": 1,
        "oldest_dead_seconds": 61,
    }
    assert "181" in cli("queues").stdout


def test_queues_tells_that_the_enrichment_is_paused(cli: Cli) -> None:
    assert "paused" not in cli("queues").output
    EnrichmentCircuit(cli.resources.dynamodb, cli.resources.circuits_table, FakeTelemetry()).open()
    assert "Enrichment is paused" in cli("queues").output


def test_an_age_that_nobody_knows_is_not_invented(cli: Cli) -> None:
    assert {queue["oldest_seconds"] for queue in json.loads(cli("queues", "--json").stdout)} == {None}
    assert " - " in cli("queues").stdout


@pytest.mark.parametrize(
    "command",
    [
        ["queues"],
        *(["order", name] for name in ("submit", "get", "watch", "retry")),
        ["recipient", "show"],
        *(["dlq", name] for name in ("list", "show", "redrive", "discard")),
    ],
)
def test_help_tells_the_exit_codes(cli: Cli, command: list[str]) -> None:
    text = " ".join(cli(*command, "--help").stdout.split())
    assert "0 done, 1 error, 2 wrong usage, 3 nothing matched or not done as asked, 130 Ctrl-C" in text


def test_without_a_stack_the_way_to_one_is_said(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    result = cli("queues")
    assert result.exit_code == 1
    assert "start a stack with `make up`" in result.stderr
