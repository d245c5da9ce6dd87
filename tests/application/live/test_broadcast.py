"""Broadcasting: to whom, in what order, and what a connection in trouble means to the others."""

import pytest

from comanda.application.live.ports import Gone, TooSlow
from comanda.domain.orders.order import Order
from comanda.domain.shared.errors import Unavailable
from tests.application.live.websocket_scene import Scene, recipient_of, topic_of
from tests.support.builders import NOW, a_pending_order

CONNECTIONS = ["c-1", "c-2", "c-3"]


@pytest.fixture
def order() -> Order:
    return a_pending_order()


@pytest.fixture
def scene(order: Order) -> Scene:
    """Three who watch one order."""
    scene = Scene()
    scene.orders.put(order)
    for connection_id in CONNECTIONS:
        scene.subscribe(scene.connect(connection_id), topic_of(order))
    return scene


def changes_of(scene: Scene, connection_id: str) -> list[str]:
    return [text for text in scene.received(connection_id) if not text.startswith("snapshot")]


def test_all_who_subscribed_are_told_in_order(scene: Scene, order: Order) -> None:
    started = order.started(NOW)
    scene.broadcast((order, started), (started, started.completed(NOW)))
    for connection_id in CONNECTIONS:
        assert changes_of(scene, connection_id) == ["order.processing 3", "order.completed 4"]


def test_two_changes_of_one_write_are_both_told(scene: Scene, order: Order) -> None:
    """As where a worker overtakes the API: pending and processing at once."""
    scene.broadcast((None, started := order.started(NOW)))
    scene.broadcast((None, started))
    assert changes_of(scene, "c-1") == ["order.pending 3", "order.processing 3"]


def test_a_batch_that_comes_twice_is_told_once(scene: Scene, order: Order) -> None:
    started = order.started(NOW)
    for _ in range(2):
        scene.broadcast((order, started), (started, started.completed(NOW)))
    assert changes_of(scene, "c-2") == ["order.processing 3", "order.completed 4"]


@pytest.mark.parametrize("error", [Gone("c-2"), TooSlow("c-2")])
def test_who_cannot_be_told_is_forgotten_and_holds_up_nobody(scene: Scene, order: Order, error: Exception) -> None:
    scene.subscribe(scene.connect("c-2"), recipient_of(order))
    for connection_id in CONNECTIONS:
        scene.subscribe(scene.subscriptions.connections[connection_id], topic_of(order))
    scene.clients.errors["c-2"] = [error]
    started = order.started(NOW)
    scene.broadcast((order, started))
    scene.broadcast((started, started.completed(NOW)))
    assert changes_of(scene, "c-2") == []
    assert changes_of(scene, "c-1") == changes_of(scene, "c-3") == ["order.processing 3", "order.completed 4"]
    assert {connection for connection, _ in scene.subscriptions.rows} == {"c-1", "c-3"}
    assert set(scene.subscriptions.connections) == {"c-1", "c-3"}


def test_a_slow_client_is_disconnected_so_that_it_learns_of_it(scene: Scene, order: Order) -> None:
    scene.clients.errors |= {"c-1": [Gone("c-1")], "c-2": [TooSlow("c-2")]}
    scene.broadcast((order, order.started(NOW)))
    assert scene.clients.disconnected == ["c-2"]
    assert scene.telemetry.keys == [
        {"connection_id": "c-1", "reason": "Gone"},
        {"connection_id": "c-2", "reason": "TooSlow"},
    ]


def test_after_an_outage_the_batch_comes_again_and_only_the_missed_is_told(scene: Scene, order: Order) -> None:
    started = order.started(NOW)
    batch = [(order, started), (started, started.completed(NOW))]
    scene.clients.errors["c-1"] = [Unavailable("connections: InternalServerError")]
    with pytest.raises(Unavailable, match="1 of 3 connections"):
        scene.broadcast(*batch)
    assert changes_of(scene, "c-1") == []
    assert changes_of(scene, "c-3") == ["order.processing 3", "order.completed 4"]
    scene.broadcast(*batch)
    for connection_id in CONNECTIONS:
        assert changes_of(scene, connection_id) == ["order.processing 3", "order.completed 4"]


def test_one_connection_may_watch_an_order_and_its_recipient(scene: Scene, order: Order) -> None:
    scene.subscribe(scene.subscriptions.connections["c-1"], recipient_of(order))
    scene.broadcast((order, order.started(NOW)))
    assert sorted(changes_of(scene, "c-1")) == ["order.processing 3", f"order.processing 3 of {order.order_id}"]


def test_a_change_that_nobody_watches_is_told_to_nobody(scene: Scene) -> None:
    other = a_pending_order(recipient_id="somebody-else")
    scene.broadcast((other, other.started(NOW)))
    assert all(changes_of(scene, connection_id) == [] for connection_id in CONNECTIONS)
