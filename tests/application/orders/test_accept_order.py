"""Accepting: durable before it is answered (P1), one order per key forever (P2)."""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import pytest

from comanda.application.orders.accept import Accepted, AcceptOrder, payload_hash
from comanda.application.orders.cancel import CancelOrder
from comanda.application.orders.ports import NewOrder
from comanda.domain.orders.order import Item, OrderStatus
from comanda.domain.shared.access import Origin, Scope
from comanda.domain.shared.errors import IllegalTransition, InvalidRequest, KeyReused, NotFound, Unavailable
from comanda.domain.shared.identity import IdempotencyKey, KeySpace
from comanda.domain.shared.notify import Notify
from tests.support.builders import NOW, a_caller, a_new_order
from tests.support.fakes import FakeClock, FakeOrders, FakePublisher, FakeTelemetry

KEY = IdempotencyKey("web", KeySpace.HEADER, "k-1")


@dataclass
class Scene:
    orders: FakeOrders = field(default_factory=FakeOrders)
    publisher: FakePublisher = field(default_factory=FakePublisher)
    telemetry: FakeTelemetry = field(default_factory=FakeTelemetry)
    defaults: dict[str, Notify] = field(default_factory=dict)
    clock: FakeClock = field(default_factory=FakeClock)

    def accept(self, new: NewOrder | None = None, key: IdempotencyKey | None = KEY) -> Accepted:
        use_case = AcceptOrder(self.orders, self.publisher, self.telemetry, self.clock, "BRL", self.defaults.get)
        return use_case(a_caller(), new or a_new_order(), key, "corr-1")

    def cancel(self, order_id: str) -> None:
        caller = a_caller()
        CancelOrder(self.orders, self.telemetry, FakeClock())(caller, order_id)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_an_accepted_order_is_a_row_and_a_message(scene: Scene) -> None:
    order = scene.accept().order
    assert scene.orders.rows[order.order_id].status is OrderStatus.PENDING
    assert [(group, message.order_id) for group, message in scene.publisher.sent] == [("123", order.order_id)]
    assert scene.telemetry.emitted == [("order.accepted", order.order_id)]


def test_the_claim_stands_before_the_message_is_sent(scene: Scene) -> None:
    """It owes nothing: it is not an order before its client is answered, and only the client goes on with it."""
    scene.publisher.outage = True
    with pytest.raises(Unavailable):
        scene.accept()
    assert [(order.status, order.owed) for order in scene.orders.rows.values()] == [(OrderStatus.ACCEPTING, False)]


def test_a_second_try_goes_on_where_the_first_one_died(scene: Scene) -> None:
    scene.publisher.outage = True
    with pytest.raises(Unavailable):
        scene.accept()
    scene.publisher.outage = False
    again = scene.accept()
    assert (again.replayed, len(scene.orders.rows), len(scene.publisher.sent)) == (True, 1, 1)
    assert scene.orders.rows[again.order.order_id].status is OrderStatus.PENDING


def test_a_late_second_try_keeps_the_claims_age_and_counts_as_written_now(scene: Scene) -> None:
    """Else the reconciler takes it for an order that nobody has written for hours, and requeues it."""
    scene.publisher.outage = True
    with pytest.raises(Unavailable):
        scene.accept()
    scene.publisher.outage = False
    (claim,) = scene.orders.rows.values()
    scene.clock.now += timedelta(hours=1)
    order = scene.orders.rows[scene.accept().order.order_id]
    assert (order.created_at, order.updated_at) == (claim.created_at, scene.clock.now)
    assert [entry.at for entry in order.timeline if entry.status is OrderStatus.PENDING] == [claim.created_at]


def test_another_payload_is_refused_even_where_the_first_try_died(scene: Scene) -> None:
    scene.publisher.outage = True
    with pytest.raises(Unavailable):
        scene.accept()
    scene.publisher.outage = False
    with pytest.raises(KeyReused):
        scene.accept(a_new_order(items=(Item(9, sku="ABC"),)))
    assert scene.publisher.sent == []


@pytest.mark.parametrize("status", [OrderStatus.PENDING, OrderStatus.FAILED, OrderStatus.COMPLETED])
def test_a_replay_sends_nothing_whatever_became_of_the_order(scene: Scene, status: OrderStatus) -> None:
    first = scene.accept()
    row = scene.orders.rows[first.order.order_id]
    object.__setattr__(row, "status", status)
    again = scene.accept()
    assert (again.replayed, again.order.order_id, len(scene.publisher.sent)) == (True, first.order.order_id, 1)


def test_a_worker_that_is_quicker_than_the_api_keeps_its_status(scene: Scene) -> None:
    order_id = KEY.order_id
    scene.orders.before_save.append(lambda: scene.orders.put(scene.orders.rows[order_id].stored(NOW).started(NOW)))
    scene.accept()
    assert scene.orders.rows[order_id].status is OrderStatus.PROCESSING


def test_a_worker_that_writes_an_attempt_before_the_api_is_done_shows_the_order(scene: Scene) -> None:
    """The API answers 202 without a write of its own then, and whoever asks must find the order (P1)."""

    def attempt() -> None:
        (claim,) = scene.orders.rows.values()
        scene.orders.put(claim.tried("m-1", 2, NOW))

    scene.orders.before_save.append(attempt)
    order = scene.accept().order
    found = scene.orders.rows[order.order_id]
    assert (found.status, found.attempts_of("m-1"), found.version) == (OrderStatus.PENDING, 1, 3)
    assert [moment.status for moment in found.timeline] == [OrderStatus.PENDING]


def test_without_a_key_every_request_is_an_order(scene: Scene) -> None:
    assert scene.accept(key=None).order.order_id != scene.accept(key=None).order.order_id


def test_the_recipient_is_the_customer_or_the_order_itself(scene: Scene) -> None:
    assert scene.accept(a_new_order(recipient_id="r-1"), None).order.recipient_id == "r-1"
    assert scene.accept(a_new_order(), None).order.recipient_id == "123"
    alone = scene.accept(a_new_order(customer_id=None), None).order
    assert alone.recipient_id == alone.order_id


def test_another_currency_and_a_total_past_all_bounds_are_refused(scene: Scene) -> None:
    with pytest.raises(InvalidRequest, match="currency: this service keeps its ledgers in BRL"):
        scene.accept(a_new_order(currency="USD"))
    with pytest.raises(InvalidRequest, match="items: total"):
        scene.accept(a_new_order(items=(Item(1_000_000, sku="A", unit_price=Decimal(1_000_000_000)),)))
    assert scene.orders.rows == {}


def test_the_payload_hash_sees_every_field() -> None:
    changed = [
        a_new_order(customer_id="124"),
        a_new_order(recipient_id="r"),
        a_new_order(client_order_id="c"),
        a_new_order(currency="USD"),
        a_new_order(metadata={"a": 1}),
        a_new_order(items=(Item(2, sku="ABC"), Item(2, sku="XYZ"))),
        a_new_order(items=(Item(1, sku="XYZ"), Item(2, sku="ABC"))),
        a_new_order(items=(Item(2, item_name="ABC"), Item(1, sku="XYZ"))),
        a_new_order(items=(Item(2, sku="ABC", unit_price=Decimal("1.00")), Item(1, sku="XYZ"))),
    ]
    assert len({payload_hash(new) for new in [a_new_order(), *changed]}) == len(changed) + 1


def test_a_pending_order_can_be_cancelled_once_and_no_more_when_work_has_begun(scene: Scene) -> None:
    order_id = scene.accept().order.order_id
    scene.cancel(order_id)
    scene.cancel(order_id)
    assert scene.orders.rows[order_id].status is OrderStatus.CANCELLED
    begun = scene.accept(key=None).order
    scene.orders.put(begun.started(NOW))
    with pytest.raises(IllegalTransition):
        scene.cancel(begun.order_id)


def test_a_cancellation_that_comes_too_late_changes_nothing(scene: Scene) -> None:
    order = scene.accept().order
    scene.orders.before_save.append(lambda: scene.orders.put(order.started(NOW)))
    with pytest.raises(IllegalTransition, match="work on this order has begun"):
        scene.cancel(order.order_id)
    assert scene.orders.rows[order.order_id].status is OrderStatus.PROCESSING


def test_nobody_cancels_what_is_not_theirs(scene: Scene) -> None:
    order = scene.accept().order
    stranger = a_caller("mobile", Origin.MOBILE, frozenset({Scope.ORDERS_WRITE}))
    with pytest.raises(NotFound):
        CancelOrder(scene.orders, scene.telemetry, FakeClock())(stranger, order.order_id)
