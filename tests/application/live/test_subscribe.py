"""Subscribing: who may, the snapshot, and what came while it was on the way."""

from dataclasses import replace
from decimal import Decimal

import pytest

from comanda.application.live.ports import Gone, TooSlow
from comanda.application.orders.ports import Balance
from comanda.domain.live.subscriptions import MAX_HELD, MAX_SUBSCRIPTIONS, PENDING_AT_MOST, Topic, TopicKind
from comanda.domain.orders.order import Order
from comanda.domain.shared.access import Caller, Scope
from comanda.domain.shared.errors import Forbidden, NotFound, TooManySubscriptions, Unavailable
from tests.application.live.websocket_scene import OPS, Scene, recipient_of, topic_of
from tests.support.builders import NOW, a_caller, a_claim, a_pending_order, a_report

OTHER = a_caller("other")


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def order(scene: Scene) -> Order:
    order = a_pending_order()
    scene.orders.put(order)
    return order


def test_a_snapshot_comes_at_once_and_changes_from_then_on(scene: Scene, order: Order) -> None:
    scene.subscribe(scene.connect(), topic_of(order))
    assert scene.received() == ["snapshot 2"]
    scene.broadcast((order, started := order.started(NOW)))
    scene.broadcast((started, started.completed(NOW)))
    assert scene.received() == ["snapshot 2", "order.processing 3", "order.completed 4"]


@pytest.mark.parametrize("caller", [a_caller(), OPS])
def test_ones_own_orders_and_reports_may_be_watched_and_with_the_right_scope_all(
    scene: Scene, order: Order, caller: Caller
) -> None:
    report = a_report().stored(NOW)
    scene.reports.rows[report.report_id] = report
    connection = scene.connect(caller=caller)
    scene.subscribe(connection, topic_of(order))
    scene.subscribe(connection, Topic(TopicKind.REPORT, report.report_id))
    assert scene.received() == ["snapshot 2", "snapshot 2"]


@pytest.mark.parametrize("kind", [TopicKind.ORDER, TopicKind.REPORT])
def test_anothers_a_claim_and_none_at_all_are_not_found(scene: Scene, kind: TopicKind) -> None:
    order, claim = a_pending_order(), a_claim()
    scene.orders.put(order, claim)
    report, claimed = a_report().stored(NOW), a_report(report_id="claimed")
    scene.reports.rows |= {each.report_id: each for each in (report, claimed)}
    others, claims = (order.order_id, claim.order_id) if kind is TopicKind.ORDER else (report.report_id, "claimed")
    for topic_id, caller in ((others, OTHER), (claims, OPS), ("none", OPS)):
        with pytest.raises(NotFound):
            scene.subscribe(scene.connect(caller=caller), Topic(kind, topic_id))
    assert scene.received() == []
    assert scene.subscriptions.rows == {}


def test_refused_subscriber_hears_nothing_and_may_retry_at_will(scene: Scene, order: Order) -> None:
    connection = scene.connect(caller=OTHER)
    for _ in range(MAX_SUBSCRIPTIONS + 1):
        with pytest.raises(NotFound):
            scene.subscribe(connection, topic_of(order))
    scene.broadcast((order, order.started(NOW)))
    assert scene.received() == []


@pytest.mark.parametrize("kind", TopicKind)
@pytest.mark.parametrize("scopes", [{Scope.ORDERS_WRITE}, {Scope.LEDGER_READ}, {Scope.ORDERS_READ_ALL}])
def test_a_topic_takes_the_scopes_of_its_get(scene: Scene, order: Order, kind: TopicKind, scopes: set[Scope]) -> None:
    connection = scene.connect(caller=a_caller(scopes=frozenset(scopes)))
    with pytest.raises(Forbidden):
        scene.subscribe(connection, Topic(kind, order.order_id))
    assert scene.subscriptions.rows == {}


def test_a_recipient_is_watched_from_its_balance_on(scene: Scene, order: Order) -> None:
    topic, connection = recipient_of(order), scene.connect()
    scene.ledger.balances[order.recipient_id] = Balance(order.recipient_id, "BRL", Decimal("5.00"), 7)
    scene.subscribe(connection, topic)
    other = a_pending_order(recipient_id="somebody-else")
    scene.broadcast((order, order.started(NOW)), (other, other.started(NOW)))
    assert scene.received() == ["snapshot 7", f"order.processing 3 of {order.order_id}"]


def test_a_recipient_without_orders_can_be_watched_too(scene: Scene, order: Order) -> None:
    scene.subscribe(scene.connect(), recipient_of(order))
    scene.broadcast((None, order))
    assert scene.received() == ["snapshot 0", f"order.pending 2 of {order.order_id}"]


def test_changes_while_the_snapshot_is_on_the_way_come_behind_it(scene: Scene, order: Order) -> None:
    started = order.started(NOW)
    completed = started.completed(NOW)

    def meanwhile(_: str, text: str) -> None:
        if text.startswith("snapshot"):
            scene.broadcast((order, started))
        if text.startswith("order.processing"):
            scene.broadcast((started, completed))

    scene.clients.before_post = meanwhile
    scene.subscribe(scene.connect(), topic_of(order))
    assert scene.received() == ["snapshot 2", "order.processing 3", "order.completed 4"]


def test_what_the_snapshot_shows_is_not_told_again(scene: Scene, order: Order) -> None:
    started = order.started(NOW)
    scene.orders.put(started)
    scene.clients.before_post = lambda _, __: scene.broadcast((order, started))
    scene.subscribe(scene.connect(), topic_of(order))
    scene.broadcast((order, started))
    assert scene.received() == ["snapshot 3"]


def test_to_subscribe_again_gives_a_new_snapshot(scene: Scene, order: Order) -> None:
    connection = scene.connect()
    scene.subscribe(connection, topic_of(order))
    scene.broadcast((order, started := order.started(NOW)))
    scene.orders.put(started)
    scene.subscribe(connection, topic_of(order))
    scene.broadcast((order, started))
    assert scene.received() == ["snapshot 2", "order.processing 3", "snapshot 3"]


def test_nothing_is_told_of_what_was_ended(scene: Scene, order: Order) -> None:
    scene.subscribe(scene.connect(), topic_of(order))
    scene.subscriptions.end("c-1", topic_of(order))
    scene.broadcast((order, order.started(NOW)))
    assert scene.received() == ["snapshot 2"]


def test_a_connection_has_so_many_subscriptions_and_no_more(scene: Scene) -> None:
    connection = scene.connect()
    for number in range(MAX_SUBSCRIPTIONS):
        scene.subscribe(connection, Topic(TopicKind.RECIPIENT, str(number)))
    scene.subscribe(connection, Topic(TopicKind.RECIPIENT, "0"))
    with pytest.raises(TooManySubscriptions):
        scene.subscribe(connection, Topic(TopicKind.RECIPIENT, "one-more"))
    scene.subscriptions.end("c-1", Topic(TopicKind.RECIPIENT, "0"))
    scene.subscribe(connection, Topic(TopicKind.RECIPIENT, "one-more"))


@pytest.mark.parametrize("error", [Unavailable("connections: 500"), Gone("c-1"), TooSlow("c-1")])
def test_a_snapshot_that_cannot_be_sent_leaves_nothing_that_is_told(
    scene: Scene, order: Order, error: Exception
) -> None:
    scene.clients.errors["c-1"] = [error]
    with pytest.raises(type(error)):
        scene.subscribe(scene.connect(), topic_of(order))
    scene.broadcast((order, order.started(NOW)))
    assert scene.received() == []


def test_a_closed_connection_is_not_subscribed(scene: Scene, order: Order) -> None:
    connection = scene.connect()
    scene.subscriptions.close("c-1")
    with pytest.raises(Gone):
        scene.subscribe(connection, topic_of(order))
    assert scene.subscriptions.rows == {}


def test_nobody_waits_for_a_subscription_whose_function_died(scene: Scene, order: Order) -> None:
    """Until then its changes are held; too many of them, and the stream hands them over again."""
    pending = scene.subscriptions.begin(scene.connect("dead"), topic_of(order), scene.clock())
    scene.subscribe(scene.connect("alive"), topic_of(order))
    states = [replace(order, version=order.version + number) for number in range(MAX_HELD + 2)]
    changes = [(one, after.started(NOW)) for one, after in zip(states, states, strict=True)]
    with pytest.raises(Unavailable):
        scene.broadcast(*changes)
    assert len(scene.received("alive")) == 1 + len(changes), "who can be served is, all the same"
    scene.clock.now = pending.since + PENDING_AT_MOST
    scene.broadcast(*changes)
    assert len(scene.received("alive")) == 1 + len(changes)
    assert scene.received("dead") == []
