"""Redriving and discarding failed orders, chosen from their rows."""

import pytest

from comanda.application.delivery.open_run import OpenRun
from comanda.application.orders.redrive import DiscardOrder, RedriveOrder
from comanda.domain.delivery.work_item import By, Failure
from comanda.domain.orders.messages import Event
from comanda.domain.orders.order import Order, OrderStatus, Stage
from comanda.domain.shared.errors import IllegalTransition, NotFound, Unavailable
from tests.support.builders import NOW, a_processing_order
from tests.support.fakes import FakeClock, FakeOrders, FakePublisher, FakeTelemetry


@pytest.fixture
def failed() -> Order:
    return a_processing_order().failed(Failure("Timeout", "slow", Stage.ENRICHMENT, 5, NOW, "m-1"))


@pytest.fixture
def orders(failed: Order) -> FakeOrders:
    return FakeOrders({failed.order_id: failed})


@pytest.fixture
def publisher() -> FakePublisher:
    return FakePublisher()


def redrive(orders: FakeOrders, publisher: FakePublisher, order_id: str) -> Order:
    clock = FakeClock()
    return RedriveOrder(orders, OpenRun(orders, publisher, FakeTelemetry(), clock))(order_id, "ana")


def test_a_failed_order_is_sent_again_with_the_next_replay_number(
    orders: FakeOrders, publisher: FakePublisher, failed: Order
) -> None:
    redrive(orders, publisher, failed.order_id)
    ((group, message),) = publisher.sent
    assert (group, message.event, message.replay) == (failed.recipient_id, Event.CREATED, 1)
    order = orders.rows[failed.order_id]
    assert (order.status, order.replay, order.failure) == (OrderStatus.PROCESSING, 1, None)
    assert order.timeline[-1].note == "redriven by ana"


def test_redriving_twice_does_it_once_and_says_so(orders: FakeOrders, publisher: FakePublisher, failed: Order) -> None:
    redrive(orders, publisher, failed.order_id)
    with pytest.raises(IllegalTransition, match="is processing, not failed; nothing was done"):
        redrive(orders, publisher, failed.order_id)
    assert len(publisher.sent) == 1


def test_where_the_message_cannot_be_sent_it_is_owed(
    orders: FakeOrders, publisher: FakePublisher, failed: Order
) -> None:
    """The operator is told that it goes on its way: the reconciler sends it."""
    publisher.outage = True
    assert redrive(orders, publisher, failed.order_id).status is OrderStatus.PROCESSING
    assert (orders.rows[failed.order_id].owed, orders.rows[failed.order_id].replay) == (True, 1)


def test_where_the_row_cannot_be_written_nothing_is_sent(
    orders: FakeOrders, publisher: FakePublisher, failed: Order
) -> None:
    orders.before_save.append(lambda: (_ for _ in ()).throw(Unavailable("orders table: ThrottlingException")))
    with pytest.raises(Unavailable):
        redrive(orders, publisher, failed.order_id)
    assert (publisher.sent, orders.rows[failed.order_id]) == ([], failed)


def test_a_redrive_that_another_one_overtakes_says_so_and_sends_nothing(
    orders: FakeOrders, publisher: FakePublisher, failed: Order
) -> None:
    begun = failed.opened(By.CONSOLE, NOW, "redriven")
    orders.before_save.append(lambda: orders.put(begun))
    with pytest.raises(IllegalTransition, match="is processing, not failed; nothing was done"):
        redrive(orders, publisher, failed.order_id)
    assert (publisher.sent, orders.rows[failed.order_id]) == ([], begun)


def test_a_redrive_that_a_discard_overtakes_asks_to_look_again(
    orders: FakeOrders, publisher: FakePublisher, failed: Order
) -> None:
    orders.before_save.append(lambda: orders.put(failed.set_aside(NOW, "discarded by bia")))
    with pytest.raises(IllegalTransition, match="is changing right now; look at it again"):
        redrive(orders, publisher, failed.order_id)
    assert publisher.sent == []


def test_an_unknown_order_is_not_found(orders: FakeOrders, publisher: FakePublisher) -> None:
    with pytest.raises(NotFound):
        redrive(orders, publisher, "nobody")
    with pytest.raises(NotFound):
        DiscardOrder(orders, FakeTelemetry(), FakeClock())("nobody", "ana")


def test_a_discarded_order_stays_failed_and_can_still_be_redriven(
    orders: FakeOrders, publisher: FakePublisher, failed: Order
) -> None:
    discard = DiscardOrder(orders, FakeTelemetry(), FakeClock())
    assert discard(failed.order_id, "ana").discarded
    discard(failed.order_id, "ana")
    order = orders.rows[failed.order_id]
    assert (order.status, order.timeline[-1].note) == (OrderStatus.FAILED, "discarded by ana")
    redriven = redrive(orders, publisher, failed.order_id)
    assert not redriven.discarded
    with pytest.raises(IllegalTransition):
        discard(failed.order_id, "ana")
