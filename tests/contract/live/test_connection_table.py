"""Connections and subscriptions: the table on moto and on the emulator, and the fake that races are run on."""

from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from comanda.adapters.live.connection_table import LIFETIME, ConnectionTable
from comanda.adapters.live.management_api import ManagementApi, management_url
from comanda.application.live.ports import Gone, Subscriptions, TooSlow
from comanda.domain.live.subscriptions import MAX_HELD, MAX_SUBSCRIPTIONS, Connection, Notice, Topic, TopicKind
from comanda.domain.shared.access import Scope
from comanda.domain.shared.errors import TooManySubscriptions, Unavailable
from comanda_cli.stack.sessions import local_session
from tests.support.builders import NOW, a_caller
from tests.support.websocket_fakes import FakeSubscriptions
from tests.support.websocket_targets import make_connection_table

CONNECTION = Connection("c-1", a_caller("ops", scopes=frozenset(Scope)), NOW)
ORDER, RECIPIENT = Topic(TopicKind.ORDER, "o-1"), Topic(TopicKind.RECIPIENT, "a#b")
NOTICES = [Notice(number, f'{{"version":{number},"text":"Olá"}}') for number in range(3, 3 + MAX_HELD)]


@pytest.fixture(params=["fake", "moto", "emulator"])
def subscriptions(request: pytest.FixtureRequest) -> Any:
    if request.param == "fake":
        yield FakeSubscriptions()
    elif request.param == "emulator":
        yield make_connection_table(local_session(request.getfixturevalue("bare_emulator")).client("dynamodb"))
    else:
        with mock_aws():
            session: boto3.Session = request.getfixturevalue("moto_session")
            yield make_connection_table(session.client("dynamodb"))


@pytest.fixture
def table(moto_session: boto3.Session) -> Any:
    with mock_aws():
        yield make_connection_table(moto_session.client("dynamodb"))


def test_a_connection_is_known_until_it_is_closed(subscriptions: Subscriptions) -> None:
    subscriptions.open(CONNECTION)
    assert subscriptions.connection("c-1") == CONNECTION
    subscriptions.begin(CONNECTION, ORDER, NOW)
    subscriptions.begin(CONNECTION, RECIPIENT, NOW)
    subscriptions.close("c-1")
    assert subscriptions.connection("c-1") is None
    assert [*subscriptions.to(ORDER), *subscriptions.to(RECIPIENT)] == []
    subscriptions.close("c-1")


def test_a_subscription_is_pending_and_then_active(subscriptions: Subscriptions) -> None:
    subscriptions.open(CONNECTION)
    begun = subscriptions.begin(CONNECTION, RECIPIENT, NOW)
    assert list(subscriptions.to(RECIPIENT)) == [begun]
    assert begun.is_pending
    assert not subscriptions.activate(begun, 2, 0)
    (active,) = subscriptions.to(RECIPIENT)
    assert (active.told, active.attempt, active.is_pending) == (2, begun.attempt, False)
    assert not subscriptions.activate(begun, 1, 0), "what is active already has nothing to give"
    assert subscriptions.to(RECIPIENT)[0].told == 2
    assert list(subscriptions.to(ORDER)) == []


def test_what_is_held_has_to_be_sent_first(subscriptions: Subscriptions) -> None:
    subscriptions.open(CONNECTION)
    begun = subscriptions.begin(CONNECTION, ORDER, NOW)
    assert subscriptions.hold(begun, NOTICES[:1]) is None
    assert list(subscriptions.activate(begun, 2, 0)) == NOTICES[:1]
    assert subscriptions.hold(begun, NOTICES[1:3]) is None
    assert list(subscriptions.activate(begun, 2, 1)) == NOTICES[:3]
    assert not subscriptions.activate(begun, 5, 3)
    now_active = subscriptions.hold(begun, NOTICES[:1])
    assert now_active is not None
    assert now_active.told == 5
    assert now_active.knows(NOTICES[0])


def test_so_much_is_held_and_no_more(subscriptions: Subscriptions) -> None:
    subscriptions.open(CONNECTION)
    begun = subscriptions.begin(CONNECTION, ORDER, NOW)
    subscriptions.hold(begun, NOTICES[1:])
    subscriptions.hold(begun, NOTICES[:1])
    with pytest.raises(Unavailable):
        subscriptions.hold(begun, NOTICES[:1])
    assert len(subscriptions.activate(begun, 2, 0)) == MAX_HELD


def test_a_version_is_only_ever_told_further(subscriptions: Subscriptions) -> None:
    subscriptions.open(CONNECTION)
    begun = subscriptions.begin(CONNECTION, ORDER, NOW)
    subscriptions.activate(begun, 2, 0)
    for version in (5, 4):
        subscriptions.told(begun, version)
    assert subscriptions.to(ORDER)[0].told == 5


def test_one_begun_anew_takes_the_place_of_the_first(subscriptions: Subscriptions) -> None:
    subscriptions.open(CONNECTION)
    first = subscriptions.begin(CONNECTION, ORDER, NOW)
    subscriptions.hold(first, NOTICES[:2])
    second = subscriptions.begin(CONNECTION, ORDER, NOW)
    assert not subscriptions.activate(first, 9, 0)
    subscriptions.told(first, 9)
    assert subscriptions.to(ORDER) == [second]
    subscriptions.hold(first, NOTICES[2:3])
    assert list(subscriptions.activate(second, 4, 0)) == NOTICES[2:3], "whoever sends the snapshot now has it"


def test_what_was_ended_is_gone_for_everybody(subscriptions: Subscriptions) -> None:
    subscriptions.open(CONNECTION)
    begun = subscriptions.begin(CONNECTION, ORDER, NOW)
    subscriptions.end("c-1", ORDER)
    assert list(subscriptions.to(ORDER)) == []
    assert subscriptions.hold(begun, NOTICES[:1]) is None
    assert not subscriptions.activate(begun, 2, 0)
    subscriptions.told(begun, 3)
    subscriptions.end("c-1", ORDER)
    subscriptions.end("nobody", ORDER)
    assert list(subscriptions.to(ORDER)) == []
    assert subscriptions.connection("nobody") is None


def test_a_connection_has_so_many_topics(subscriptions: Subscriptions) -> None:
    subscriptions.open(CONNECTION)
    topics = [Topic(TopicKind.ORDER, f"o-{number}") for number in range(MAX_SUBSCRIPTIONS)]
    for topic in [*topics, topics[0]]:
        subscriptions.begin(CONNECTION, topic, NOW)
    with pytest.raises(TooManySubscriptions):
        subscriptions.begin(CONNECTION, RECIPIENT, NOW)
    subscriptions.end("c-1", topics[0])
    subscriptions.begin(CONNECTION, RECIPIENT, NOW)
    subscriptions.close("c-1")
    assert not [found for topic in [*topics, RECIPIENT] for found in subscriptions.to(topic)]


def test_nobody_subscribes_on_a_closed_connection(subscriptions: Subscriptions) -> None:
    with pytest.raises(Gone):
        subscriptions.begin(CONNECTION, ORDER, NOW)
    assert list(subscriptions.to(ORDER)) == []


def test_a_subscription_left_behind_is_forgotten_by_whoever_knows_of_it(subscriptions: Subscriptions) -> None:
    """As where its connection closed in the moment it began."""
    subscriptions.open(CONNECTION)
    subscriptions.begin(CONNECTION, ORDER, NOW)
    subscriptions.open(CONNECTION)
    subscriptions.close("c-1", [ORDER])
    assert list(subscriptions.to(ORDER)) == []


def test_subscribers_are_read_as_they_stand_now(table: ConnectionTable) -> None:
    asked: list[Any] = []
    table.client.meta.events.register("before-parameter-build.dynamodb.Query", lambda params, **_: asked.append(params))
    table.to(ORDER)
    assert [each["ConsistentRead"] for each in asked] == [True]
    assert "IndexName" not in asked[0]


def test_rows_expire_when_no_websocket_can_be_open_any_more(table: ConnectionTable) -> None:
    table.open(CONNECTION)
    table.begin(CONNECTION, ORDER, NOW + timedelta(hours=1))
    rows = table.client.scan(TableName=table.name)["Items"]
    assert {row["expires_at"]["N"] for row in rows} == {str(int((NOW + LIFETIME).timestamp()))}
    assert timedelta(hours=2) < LIFETIME < timedelta(hours=3)


def test_an_outage_is_told_apart(table: ConnectionTable) -> None:
    lost = ConnectionTable(table.client, "no-such-table")
    with pytest.raises(Unavailable):
        lost.to(ORDER)
    with pytest.raises(Unavailable):
        lost.open(CONNECTION)


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("GoneException", 410, Gone),
        ("LimitExceededException", 429, TooSlow),
        ("InternalServerError", 500, Unavailable),
        ("ForbiddenException", 403, Unavailable),
    ],
)
def test_what_sending_can_meet(code: str, status: int, error: type[Exception]) -> None:
    client = boto3.client("apigatewaymanagementapi", region_name="us-east-1", endpoint_url="https://api.test/v1")
    with Stubber(client) as aws:
        aws.add_client_error("post_to_connection", code, http_status_code=status)
        aws.add_client_error("delete_connection", "GoneException", http_status_code=410)
        with pytest.raises(error):
            ManagementApi(client).post("c-1", "{}")
        ManagementApi(client).disconnect("c-1")


def test_what_is_sent_is_utf_8_whatever_it_holds() -> None:
    client = boto3.client("apigatewaymanagementapi", region_name="us-east-1", endpoint_url="https://api.test/v1")
    with Stubber(client) as aws:
        aws.add_response("post_to_connection", {}, {"ConnectionId": "c-1", "Data": "Olá ?".encode()})
        ManagementApi(client).post("c-1", "Olá \ud800")


def test_an_emulator_has_one_address_for_all_apis() -> None:
    callback = "https://abc.execute-api.us-east-1.amazonaws.com/v1"
    assert management_url(callback, None) == callback
    assert management_url(callback, "http://127.0.0.1:4566") == "http://127.0.0.1:4566/_aws/execute-api/abc/v1"
