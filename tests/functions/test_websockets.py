"""WebSockets through the real handlers on moto: who comes in, what may be said, and what is told. Clients are fake."""

import io
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from moto import mock_aws

from comanda.adapters.live.messages import MAX_COMMAND_BYTES, MAX_NOTICE_BYTES
from comanda.adapters.live.world import ConnectionWorld
from comanda.adapters.orders import rows as order_rows
from comanda.adapters.orders.views import order_view
from comanda.adapters.reports import rows as report_rows
from comanda.adapters.reports.table import ReportTable
from comanda.application.live.ports import Gone, TooSlow
from comanda.domain.orders.order import Item, Order
from comanda.domain.reports.report import Report, ReportFile
from comanda.domain.shared.access import Caller, Origin, Scope, issue_token
from comanda.domain.shared.errors import Unavailable
from functions.authorize_connection import app as authorize_connection
from functions.broadcast import app as broadcast
from functions.serve_connections import app as serve_connections
from tests.functions.conftest import Context
from tests.golden import handshake_event, row_record, websocket_event
from tests.support.builders import NOW, a_caller, a_pending_order, a_report, an_enriched_order
from tests.support.fakes import FakeClock, OneAfterAnother
from tests.support.moto_tables import MotoTables
from tests.support.websocket_fakes import FakeClients
from tests.support.websocket_targets import make_connection_table

ARN = "arn:aws:execute-api:us-east-1:000000000000:api123/v1/$connect"
BEARER, TOKEN_ID, RECORD = issue_token("web-shop", Origin.WEB, [Scope.ORDERS_READ], NOW)
OPS = a_caller("ops", Origin.API, frozenset(Scope))


@pytest.fixture
def secrets() -> Iterator[SecretsProvider]:
    with mock_aws():
        client = boto3.client("secretsmanager", region_name="us-east-1")
        client.create_secret(Name="tokens", SecretString=json.dumps({"tokens": {TOKEN_ID: RECORD}}))
        yield SecretsProvider(boto3_client=client)


def ask(secrets: SecretsProvider, headers: dict[str, str], query: dict[str, str] | None = None) -> dict[str, Any]:
    """A handshake ("Create an API Gateway WebSocket Lambda REQUEST authorizer")."""
    authorize = authorize_connection.build(authorize_connection.Settings.load({"TOKENS_SECRET": "tokens"}), secrets)
    event = handshake_event(headers.items(), (query or {}).items(), ARN)
    return authorize(event, Context())  # type: ignore[arg-type]


GOOD = [
    {"Authorization": f"Bearer {BEARER}"},
    {"authorization": f"bearer {BEARER}", "Host": "x"},
    {"Sec-WebSocket-Protocol": f"comanda, bearer.{BEARER}"},
    {"sec-websocket-protocol": f"bearer.{BEARER},comanda"},
]


@pytest.mark.parametrize("headers", GOOD)
def test_a_token_opens_connections_and_tells_who_calls(secrets: SecretsProvider, headers: dict[str, str]) -> None:
    answer = ask(secrets, headers)
    (statement,) = answer["policyDocument"]["Statement"]
    assert (statement["Effect"], statement["Resource"]) == ("Allow", [ARN])
    assert answer["context"] == {"caller": "web-shop", "origin": "web", "scopes": "orders:read"}


BAD = [
    {},
    {"Authorization": BEARER},
    {"Authorization": f"Basic {BEARER}"},
    {"Authorization": f"Bearer {BEARER}x"},
    {"Sec-WebSocket-Protocol": f"bearer.{BEARER}"},
    {"Sec-WebSocket-Protocol": "comanda"},
    {"Sec-WebSocket-Protocol": f"comanda, {BEARER}"},
    {"Sec-WebSocket-Protocol": f"comanda, bearer.{BEARER}, bearer.{BEARER}"},
]


@pytest.mark.parametrize("headers", BAD)
def test_anything_else_is_refused(secrets: SecretsProvider, headers: dict[str, str]) -> None:
    answer = ask(secrets, headers)
    assert [statement["Effect"] for statement in answer["policyDocument"]["Statement"]] == ["Deny"]
    assert "context" not in answer


@pytest.mark.parametrize("headers", [{}, *GOOD])
@pytest.mark.parametrize("name", ["token", "Authorization", "v"])
def test_an_address_with_a_query_is_refused_whatever_the_headers_say(
    secrets: SecretsProvider, headers: dict[str, str], name: str
) -> None:
    answer = ask(secrets, headers, {name: BEARER})
    assert [statement["Effect"] for statement in answer["policyDocument"]["Statement"]] == ["Deny"]


def test_tokens_that_cannot_be_read_are_an_outage_and_not_a_refusal(secrets: SecretsProvider) -> None:
    settings = authorize_connection.Settings.load({"TOKENS_SECRET": "missing"})
    with pytest.raises(Unavailable):
        authorize_connection.build(settings, secrets)(
            handshake_event(GOOD[0].items()),
            Context(),  # type: ignore[arg-type]
        )


def test_no_log_line_holds_a_token(secrets: SecretsProvider, logs: io.StringIO) -> None:
    for headers in (*GOOD, *BAD):
        ask(secrets, headers)
    assert "token.accepted" in logs.getvalue()
    assert "token.refused" in logs.getvalue()
    assert BEARER.split(".")[1] not in logs.getvalue()


@dataclass
class Door:
    """The two functions behind the WebSocket API, and what clients receive."""

    resources: Any
    clients: FakeClients = field(default_factory=FakeClients)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        table = make_connection_table(self.resources.dynamodb)
        self.table = table
        world = ConnectionWorld(self.resources.dynamodb, self.clients, self.clock, OneAfterAnother())
        environment = {
            **self.resources.environment(),
            "CONNECTIONS_TABLE": table.name,
            "CALLBACK_URL": "https://api123.execute-api.us-east-1.amazonaws.com/v1",
        }
        self._serve = serve_connections.build(serve_connections.Settings.load(environment), world)
        self._broadcast = broadcast.build(broadcast.Settings.load(environment), world)

    def happens(self, event_type: str, connection_id: str, **fields: Any) -> dict[str, Any]:
        return self._serve(websocket_event(event_type, connection_id, **fields), Context())  # type: ignore[arg-type]

    def connect(self, connection_id: str = "c-1", caller: Caller | None = None, **headers: str) -> dict[str, Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.happens("CONNECT", connection_id, caller=caller or a_caller(), headers=named.items())

    def says(self, message: object, connection_id: str = "c-1", route: str = "$default") -> None:
        text = message if isinstance(message, str) else json.dumps(message)
        assert self.happens("MESSAGE", connection_id, body=text, route=route) == {"statusCode": 200}

    def asks(self, message: object, connection_id: str = "c-1", route: str = "$default") -> dict[str, Any]:
        """What is answered."""
        self.says(message, connection_id, route)
        return self.heard(connection_id)[-1]

    def heard(self, connection_id: str = "c-1") -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.clients.received[connection_id]]

    def changes(self, *states: Order | Report | None) -> None:
        """One write after another of one row, as its stream has them."""
        records = []
        for before, after in itertools.pairwise(states):
            to_row: Any = report_rows.to_row if isinstance(after, Report) else order_rows.to_row
            key = "report_id" if isinstance(after, Report) else "order_id"
            records.append(row_record(key, to_row(before) if before else None, to_row(after)))
        self._broadcast({"Records": records}, Context())  # type: ignore[arg-type]

    def order(self, **fields: Any) -> Order:
        order = a_pending_order(**fields)
        assert self.resources.orders.claim(order) is None
        return order

    def report(self) -> Report:

        report = a_report().stored(NOW)
        ReportTable(self.resources.dynamodb, self.resources.table("reports")).claim(report)
        return report


@pytest.fixture
def door(moto_tables: MotoTables, reading: Any) -> Iterator[Door]:
    with mock_aws():
        yield Door(moto_tables.report_resources(reading))


def test_a_browser_is_answered_with_the_protocol_it_named(door: Door) -> None:
    answer = door.connect(Sec_WebSocket_Protocol=f"comanda, bearer.{BEARER}")
    assert answer == {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "comanda"}}
    assert door.connect("c-2")["headers"] == {}


def test_an_order_is_watched_from_its_snapshot_to_its_completion(door: Door) -> None:
    order = door.order()
    door.connect()
    snapshot = door.asks({"action": "subscribe", "order_id": order.order_id})
    assert snapshot == {
        "type": "snapshot",
        "order_id": order.order_id,
        "version": 2,
        "at": snapshot["at"],
        "data": order_view(order),
    }
    started = order.started(NOW + timedelta(seconds=2))
    completed = started.completed(NOW + timedelta(seconds=5))
    door.changes(order, started, completed)
    _, first, last = door.heard()
    assert (first["type"], first["version"], first["at"]) == ("order.processing", 3, "2026-11-22T09:30:02.000Z")
    assert (last["type"], last["version"], last["data"]) == ("order.completed", 4, order_view(completed))
    assert set(last) == {"type", "order_id", "version", "at", "data"}


def test_a_report_is_watched_until_it_is_ready_and_its_link_is_not_sent(door: Door) -> None:
    report = door.report()
    door.connect()
    assert door.asks({"action": "subscribe", "report_id": report.report_id})["data"]["status"] == "requested"
    leased = report.leased("me", "m-1", 1, NOW, 60)
    ready = leased.finished(ReportFile("k", 3, 4_000, "ab" * 32, 125), NOW)
    door.changes(report, leased, leased.renewed(10, NOW, 60))
    door.changes(leased, ready)
    assert [heard["type"] for heard in door.heard()] == ["snapshot", "report.generating", "report.ready"]
    data = door.heard()[-1]["data"]
    assert (data["rows"], "download_url" in data) == (3, False)


def test_a_recipient_is_watched_with_all_its_orders(door: Door) -> None:
    order = an_enriched_order(recipient_id="ana")
    door.connect(caller=OPS)
    assert door.asks({"action": "subscribe", "recipient_id": "ana"})["data"] == {
        "recipient_id": "ana",
        "balance": "0.00",
        "currency": "BRL",
        "orders_completed": 0,
    }
    door.changes(order, order.completed(NOW))
    told = door.heard()[-1]
    assert (told["type"], told["recipient_id"], told["data"]["order_id"]) == ("order.completed", "ana", order.order_id)


def test_what_may_not_be_seen_is_not_found_and_never_told(door: Door) -> None:
    order = door.order()
    door.connect(caller=a_caller("somebody-else"))
    refused = door.asks({"action": "subscribe", "order_id": order.order_id})
    assert (refused["type"], refused["order_id"]) == ("error", order.order_id)
    assert refused["problem"]["type"] == "urn:comanda:problem:not-found"
    assert refused["problem"]["status"] == 404
    missing = door.asks({"action": "subscribe", "order_id": "none"})["problem"]
    assert missing["detail"].replace("none", order.order_id) == refused["problem"]["detail"]
    forbidden = door.asks({"action": "subscribe", "recipient_id": "123"})
    assert forbidden["problem"]["type"] == "urn:comanda:problem:forbidden"
    door.changes(order, order.started(NOW))
    assert {heard["type"] for heard in door.heard()} == {"error"}


def test_unsubscribed_is_told_no_more(door: Door) -> None:
    order = door.order()
    door.connect()
    door.says({"action": "subscribe", "order_id": order.order_id})
    answer = door.asks({"action": "unsubscribe", "order_id": order.order_id})
    assert answer == {"type": "unsubscribed", "order_id": order.order_id}
    door.changes(order, order.started(NOW))
    assert door.heard()[-1] == answer


def test_a_ping_is_answered(door: Door) -> None:
    door.connect()
    assert door.asks({"action": "ping"}) == {"type": "pong"}


@pytest.mark.parametrize(
    ("message", "problem", "advice"),
    [
        ("", "malformed-request", "not JSON"),
        ("{", "malformed-request", "not JSON"),
        ("[]", "malformed-request", '{"action": "subscribe", "order_id": "…"}'),
        ("[" * 4000, "malformed-request", "nested too deeply"),
        ('{"action": ' + "9" * 4000 + "}", "invalid-request", "one of subscribe, unsubscribe, ping"),
        ('{"action": "ping", "action": "ping"}', "malformed-request", "twice"),
        ("x" * (MAX_COMMAND_BYTES + 1), "payload-too-large", "at most 4096"),
        ({}, "invalid-request", "one of subscribe, unsubscribe, ping"),
        ({"action": "$connect"}, "invalid-request", "one of subscribe, unsubscribe, ping"),
        ({"action": ["subscribe"]}, "invalid-request", "one of subscribe, unsubscribe, ping"),
        ({"action": "subscribe"}, "invalid-request", "exactly one of order_id, recipient_id, report_id"),
        ({"action": "subscribe", "order_id": "1", "report_id": "2"}, "invalid-request", "exactly one"),
        ({"action": "subscribe", "order_id": 1}, "invalid-request", "order_id: text of at most 100"),
        ({"action": "subscribe", "order_id": "x" * 101}, "invalid-request", "order_id: text of at most 100"),
        ({"action": "subscribe", "order_id": "a\n"}, "invalid-request", "order_id: text of at most 100"),
        ({"action": "subscribe", "orders": "1"}, "invalid-request", "orders: is not a field"),
        ({"action": "subscribe", "orders": "\ud800"}, "malformed-request", "half a surrogate pair"),
        ({"action": "subscribe", "\ud800": "1"}, "malformed-request", "half a surrogate pair"),
        ('{"action": 1e9999999999999999999}', "malformed-request", "exponent"),
    ],
)
def test_a_bad_message_is_told_what_to_do_and_costs_nothing_else(
    door: Door, message: object, problem: str, advice: str
) -> None:
    door.connect()
    answer = door.asks(message)
    assert answer["type"] == "error"
    assert answer["problem"]["type"] == f"urn:comanda:problem:{problem}"
    assert advice in json.dumps(answer["problem"], ensure_ascii=False).replace("\\", "") + str(
        [f"{error['field']}: {error['message']}" for error in answer["problem"].get("errors", [])]
    )
    assert door.asks({"action": "ping"}) == {"type": "pong"}


def test_a_message_does_not_choose_what_it_is(door: Door) -> None:
    """Its `action` chooses the route, which may be that of another event."""
    door.connect()
    for route in ("$connect", "$disconnect"):
        assert door.asks({"action": route}, route=route)["type"] == "error"
    assert door.asks({"action": "ping"}) == {"type": "pong"}


def test_whoever_disconnects_is_forgotten_and_whoever_is_not_known_is_sent_away(door: Door) -> None:
    order = door.order()
    door.connect()
    door.says({"action": "subscribe", "order_id": order.order_id})
    door.happens("DISCONNECT", "c-1")
    door.changes(order, order.started(NOW))
    assert len(door.heard()) == 1
    assert door.table.client.scan(TableName=door.table.name)["Items"] == []
    door.says({"action": "ping"})
    assert door.clients.disconnected == ["c-1"]


@pytest.mark.parametrize("error", [Gone("c-1"), TooSlow("c-1")])
def test_a_dead_connection_is_forgotten_wherever_it_is_met(door: Door, error: Exception) -> None:
    order = door.order()
    for connection_id in ("c-1", "c-2"):
        door.connect(connection_id)
        door.says({"action": "subscribe", "order_id": order.order_id}, connection_id)
    door.clients.errors["c-1"] = [error]
    door.changes(order, order.started(NOW))
    assert [heard["type"] for heard in door.heard("c-2")] == ["snapshot", "order.processing"]
    left = door.table.client.scan(TableName=door.table.name)["Items"]
    assert {row["connection_id"]["S"] for row in left} == {"c-2"}
    door.clients.errors["c-2"] = [error]
    door.says({"action": "ping"}, "c-2")
    assert door.table.client.scan(TableName=door.table.name)["Items"] == []


def test_an_outage_hands_the_batch_over_again(door: Door) -> None:
    order = door.order()
    door.connect()
    door.says({"action": "subscribe", "order_id": order.order_id})
    door.clients.errors["c-1"] = [Unavailable("connections: InternalServerError")]
    started = order.started(NOW)
    with pytest.raises(Unavailable):
        door.changes(order, started, started.completed(NOW))
    door.changes(order, started, started.completed(NOW))
    assert [heard["type"] for heard in door.heard()] == ["snapshot", "order.processing", "order.completed"]


def test_what_does_not_fit_a_frame_is_told_without_its_data(door: Door) -> None:
    items = tuple(Item(1, item_name="é" * 200, unit_price=Decimal("1.00")) for _ in range(100))
    order = door.order(items=items)
    door.connect()
    assert door.asks({"action": "subscribe", "order_id": order.order_id}) == {
        "type": "snapshot",
        "order_id": order.order_id,
        "version": 2,
        "at": door.heard()[0]["at"],
        "data": {"order_id": order.order_id, "recipient_id": "123", "status": "pending"},
        "shortened": True,
    }
    assert len(door.clients.received["c-1"][0].encode()) < MAX_NOTICE_BYTES


def test_claims_and_writes_without_a_change_are_told_to_nobody(door: Door) -> None:
    order = door.order()
    door.connect()
    door.says({"action": "subscribe", "order_id": order.order_id})
    door.changes(order, replace(order, version=3))
    door.changes(order)
    assert [heard["type"] for heard in door.heard()] == ["snapshot"]
