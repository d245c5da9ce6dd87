"""An attempt that is under way, where its row changes under the worker's hands, or cannot be written."""

from dataclasses import replace

from comanda.domain.orders.messages import Event
from comanda.domain.orders.order import Order
from comanda.domain.shared.errors import Unavailable
from tests.application.conftest import GOOD, Scene
from tests.support.builders import a_delivery, a_processing_order, an_enriched_order


def test_an_attempt_that_was_begun_goes_on_under_its_number() -> None:
    """Somebody else writes the row meanwhile, and then an outage: the attempt that is given back is the one written."""
    scene = Scene()
    order = a_processing_order(items=GOOD)
    scene.orders.put(order)
    delivery = a_delivery(order, event=Event.ENRICHMENT_REQUESTED, receive_count=2)
    scene.provider.on_enrich = lambda _: scene.orders.put(touched(scene.row(delivery)))
    scene.publisher.outage = True
    assert scene.enrich(delivery) == [delivery.message_id]
    row = scene.row(delivery)
    assert row.enrichment is not None
    assert row.attempts_of(delivery.message_id) == 0


def test_an_attempt_that_was_not_written_takes_no_earlier_one_back() -> None:
    scene = Scene()
    order = a_processing_order(items=GOOD)
    delivery = a_delivery(order, event=Event.ENRICHMENT_REQUESTED, receive_count=2)
    scene.orders.put(order.tried(delivery.message_id, 1, scene.clock()))
    scene.orders.before_save = [cannot_be_written]
    assert scene.enrich(delivery) == [delivery.message_id]
    assert scene.row(delivery).attempts_of(delivery.message_id) == 1


def test_what_is_done_needs_no_attempt() -> None:
    """Enriched with its last attempt, and its message could not be sent on then."""
    scene = Scene()
    order = an_enriched_order()
    delivery = a_delivery(order, event=Event.ENRICHMENT_REQUESTED, receive_count=4)
    for receive in (1, 2, 3):
        order = order.tried(delivery.message_id, receive, scene.clock())
    scene.orders.put(order)
    assert scene.enrich(delivery) == []
    assert scene.row(delivery) == order
    assert [message.event for _, message in scene.publisher.sent] == [Event.ENRICHED]


def cannot_be_written() -> None:
    raise Unavailable("orders table: ThrottlingException")


def touched(row: Order) -> Order:
    return replace(row, version=row.version + 1)
