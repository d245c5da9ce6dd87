"""WebSockets on a deployed stack, with a client that knows nothing of us (PyPI's `websockets`).

The enrichment takes a moment, so that there are changes to be seen. The emulator answers a handshake without the
subprotocol that we name, and refuses with 403 whatever the reason: tests/functions/test_websockets.py has the rest.
"""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from comanda_cli.stack.sessions import local_session
from comanda_cli.stack.stack_info import StackInfo
from local.processes.guarded import ROOT
from local.stack import api_client, temporary_stack
from tests.stack.helpers import a_recipient, an_order, finished, post

LIMIT_SECONDS = 60
ABRUPTLY = b"\x01\x00\x00\x00\x00\x00\x00\x00"
"""SO_LINGER on, for no time: closing resets the connection, as where a client's machine lost its power."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackInfo]:
    with temporary_stack(tmp_path_factory.mktemp("websocket"), {"enrichment.delay_seconds": "0.5"}) as own:
        yield own


@pytest.fixture(scope="module")
def connections(stack: StackInfo) -> Any:
    """The table of open connections."""
    assert stack.endpoint_url
    session: boto3.Session = local_session(stack.endpoint_url, stack.region)
    return session.resource("dynamodb").Table(stack.tables["connections"])


@contextmanager
def a_client(stack: StackInfo, caller: str = "web", **arguments: Any) -> Iterator[ClientConnection]:
    assert stack.websocket_url
    if "subprotocols" not in arguments:
        arguments["additional_headers"] = {"Authorization": f"Bearer {stack.tokens[caller]}"}
    with connect(stack.websocket_url, proxy=None, open_timeout=LIMIT_SECONDS, **arguments) as client:
        yield client


def ask(client: ClientConnection, **message: str) -> dict[str, Any]:
    client.send(json.dumps(message))
    return hear(client)


def hear(client: ClientConnection) -> dict[str, Any]:
    heard: dict[str, Any] = json.loads(client.recv(timeout=LIMIT_SECONDS))
    return heard


def hear_until(client: ClientConnection, last: str, count: int = 1) -> list[dict[str, Any]]:
    """All messages up to the `count`th of this type."""
    heard: list[dict[str, Any]] = []
    while [message["type"] for message in heard].count(last) < count:
        heard.append(hear(client))
    return heard


def wait_until(condition: Any, what: str) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


def test_an_order_is_told_of_from_its_snapshot_to_its_completion(stack: StackInfo) -> None:
    with a_client(stack) as client, api_client(stack, "web") as api:
        order_id = post(api, an_order(a_recipient(), "ABC", "XYZ"))
        snapshot = ask(client, action="subscribe", order_id=order_id)
        assert (snapshot["type"], snapshot["order_id"]) == ("snapshot", order_id)
        changes = hear_until(client, "order.completed")
        shown = api.get(f"orders/{order_id}").json()
    versions = [message["version"] for message in (snapshot, *changes)]
    assert versions == sorted(set(versions))
    told = [snapshot["data"]["status"], *(message["data"]["status"] for message in changes)]
    assert told == ["pending", "processing", "completed"][-len(told) :]
    assert changes[-1]["data"] == shown


def test_two_clients_subscribe_at_once_and_are_told_the_same(stack: StackInfo) -> None:
    with a_client(stack) as one, a_client(stack, "ops") as other, api_client(stack, "web") as api:
        recipient = a_recipient()
        first = post(api, an_order(recipient))
        order_id = post(api, an_order(recipient))
        for client in (one, other):
            client.send(json.dumps({"action": "subscribe", "order_id": order_id}))
        heard = [hear_until(client, "order.completed") for client in (one, other)]
        finished(api, first)
    for messages in heard:
        assert messages[0]["type"] == "snapshot"
        assert len({message["version"] for message in messages}) == len(messages)


def test_a_client_that_comes_back_gets_what_it_missed_in_its_snapshot(stack: StackInfo) -> None:
    with api_client(stack, "web") as api:
        order_id = post(api, an_order(a_recipient()))
        with a_client(stack) as client:
            ask(client, action="subscribe", order_id=order_id)
        finished(api, order_id)
        with a_client(stack) as client:
            again = ask(client, action="subscribe", order_id=order_id)
    assert (again["type"], again["data"]["status"]) == ("snapshot", "completed")


@pytest.mark.parametrize("message", ["no JSON", '{"action": "dance"}', '{"action": "subscribe"}', "[]", "x" * 5000])
def test_a_bad_message_is_answered_and_the_connection_goes_on(stack: StackInfo, message: str) -> None:
    with a_client(stack) as client:
        client.send(message)
        answer = hear(client)
        assert answer["type"] == "error"
        assert answer["problem"]["type"].startswith("urn:comanda:problem:")
        assert ask(client, action="ping") == {"type": "pong"}


def test_nobody_comes_in_without_a_good_token(stack: StackInfo) -> None:
    assert stack.websocket_url
    token, other = stack.tokens["web"], stack.tokens["mobile"].split(".")[1]
    refused: list[dict[str, Any]] = [
        {},
        {"additional_headers": {"Authorization": "Bearer x"}},
        {"additional_headers": {"Authorization": f"Bearer {token.split('.')[0]}.{other}"}},
        {"subprotocols": ["comanda"]},
        {"subprotocols": ["comanda", f"bearer.{token}x"]},
    ]
    for arguments in refused:
        with pytest.raises(InvalidStatus, match="403"), connect(stack.websocket_url, proxy=None, **arguments):
            pass


@pytest.mark.parametrize("name", ["token", "access_token", "Authorization"])
def test_a_token_in_the_address_is_refused_even_beside_a_good_one(stack: StackInfo, name: str) -> None:
    token = stack.tokens["web"]
    with (
        pytest.raises(InvalidStatus, match="403"),
        connect(
            f"{stack.websocket_url}?{name}={token}",
            additional_headers={"Authorization": f"Bearer {token}"},
            proxy=None,
        ),
    ):
        pass


def test_a_browser_names_its_token_as_a_subprotocol(stack: StackInfo) -> None:
    with a_client(stack, subprotocols=["comanda", f"bearer.{stack.tokens['web']}"]) as client:
        assert ask(client, action="ping") == {"type": "pong"}


def test_who_lacks_the_right_is_refused_at_its_subscription(stack: StackInfo) -> None:
    with a_client(stack, "mobile") as client, api_client(stack, "web") as api:
        recipient = a_recipient()
        order_id = post(api, an_order(recipient))
        refused = ask(client, action="subscribe", order_id=order_id)
        assert (refused["type"], refused["problem"]["type"]) == ("error", "urn:comanda:problem:not-found")
        forbidden = ask(client, action="subscribe", recipient_id=recipient)
        assert forbidden["problem"]["type"] == "urn:comanda:problem:forbidden"
        finished(api, order_id)
        assert ask(client, action="ping") == {"type": "pong"}, "nothing was told in between"


def test_a_report_is_told_of_until_it_is_ready(stack: StackInfo) -> None:
    columns = [{"title": "Item", "kind": "text"}]
    rows = [[f"{time.time()} {number}"] for number in range(10_000)]
    parameters = {"title": "WebSocket", "columns": columns, "rows": rows}
    with a_client(stack) as client, api_client(stack, "web") as api:
        asked = api.post("reports", json={"type": "table", "format": "xlsx", "parameters": parameters})
        assert asked.status_code == 202, asked.text
        snapshot = ask(client, action="subscribe", report_id=asked.json()["report_id"])
        assert snapshot["type"] == "snapshot"
        told = [snapshot]
        while told[-1]["data"]["status"] != "ready":
            told.append(hear(client))
    assert len(told) > 1
    assert told[-1]["data"]["rows"] == len(rows)
    assert all("download_url" not in message["data"] for message in told)
    versions = [message["version"] for message in told]
    assert versions == sorted(set(versions))


def test_a_recipient_is_told_of_with_every_order(stack: StackInfo) -> None:
    recipient = a_recipient()
    with a_client(stack, "ops") as client, api_client(stack, "web") as web, api_client(stack, "mobile") as mobile:
        snapshot = ask(client, action="subscribe", recipient_id=recipient)
        assert snapshot["data"]["balance"] == "0.00"
        orders = [post(api, an_order(recipient)) for api in (web, mobile, web)]
        told = hear_until(client, "order.completed", count=3)
    for order_id in orders:
        statuses = [message["data"]["status"] for message in told if message["data"]["order_id"] == order_id]
        assert statuses == ["pending", "processing", "completed"]
    assert [m["data"]["order_id"] for m in told if m["type"] == "order.completed"] == orders


def test_a_dead_connection_is_forgotten_and_holds_up_nobody(stack: StackInfo, connections: Any) -> None:
    """One says goodbye, one is cut off; and one row is left of a connection that never was, as if $disconnect had
    failed."""
    with a_client(stack) as alive, api_client(stack, "web") as api:
        order_id = post(api, an_order(a_recipient(), "SLOW-3"))
        topic = f"order#{order_id}"
        with a_client(stack) as polite:
            ask(polite, action="subscribe", order_id=order_id)
        with a_client(stack) as cut_off:
            ask(cut_off, action="subscribe", order_id=order_id)
            cut_off.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABRUPTLY)
            cut_off.socket.close()
        ghost = {"topic": topic, "connection_id": "ghost", "attempt": "a", "since": "2026-11-22T00:00:00.000Z"}
        connections.put_item(Item={**ghost, "told": 0, "held": []})
        assert ask(alive, action="subscribe", order_id=order_id)["type"] == "snapshot"
        assert hear_until(alive, "order.completed")

        def left() -> set[str]:
            rows = connections.scan(ConsistentRead=True)["Items"]
            return {row["connection_id"] for row in rows if row["topic"] == topic}

        wait_until(lambda: len(left()) == 1, "dead connections are still in the table")
        assert "ghost" not in left()


def test_whoever_is_not_known_any_more_is_disconnected(stack: StackInfo, connections: Any) -> None:
    with a_client(stack) as client:
        ask(client, action="ping")
        for row in connections.scan(ConsistentRead=True)["Items"]:
            connections.delete_item(Key={"topic": row["topic"], "connection_id": row["connection_id"]})
        client.send('{"action": "ping"}')
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=LIMIT_SECONDS)


def test_the_client_of_the_docs_works_as_it_stands(stack: StackInfo) -> None:
    (script,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "websocket.md").read_text(), re.DOTALL)
    with api_client(stack, "web") as api:
        order_id = post(api, an_order(a_recipient()))
    assert stack.websocket_url
    variables = {"WEBSOCKET_URL": stack.websocket_url, "WEB_TOKEN": stack.tokens["web"], "ORDER": order_id}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("snapshot ")
    assert done.stdout.splitlines()[-1].endswith(" completed")
