"""A span for each message of a batch, whatever becomes of it."""

import pytest

from comanda.domain.orders.messages import Event
from comanda.domain.shared.errors import PermanentError, TransientError
from tests.application.conftest import Scene
from tests.support.builders import a_delivery, a_pending_order


def test_what_is_done_has_a_span_each(scene: Scene) -> None:
    first, second = scene.add(a_pending_order, Event.CREATED), scene.add(a_pending_order, Event.CREATED)
    scene.process(first, second)
    assert scene.spans.ended == [(first.message_id, True, {}), (second.message_id, True, {})]


def test_orders_that_complete_together_have_a_span_each(scene: Scene) -> None:
    first, second = scene.to_complete(), scene.to_complete()
    scene.complete(first, second)
    assert scene.spans.ended == [(first.message_id, True, {}), (second.message_id, True, {})]


@pytest.mark.parametrize("error", [PermanentError("ItemRejected", "no"), TransientError("Timeout", "slow")])
def test_what_fails_is_named_and_its_neighbour_is_not(scene: Scene, error: PermanentError | TransientError) -> None:
    bad, stranger = scene.to_enrich("r-1"), scene.to_enrich("r-2")
    scene.fails(bad, error)
    scene.enrich(bad, stranger)
    assert scene.spans.ended == [
        (bad.message_id, False, {"error_class": error.name}),
        (stranger.message_id, True, {}),
    ]


def test_an_outage_is_told_of_the_head(scene: Scene) -> None:
    first, second = scene.add(a_pending_order, Event.CREATED), scene.add(a_pending_order, Event.CREATED)
    scene.orders.outage = True
    scene.process(first, second)
    assert scene.spans.ended == [(first.message_id, False, {"error_class": "Unavailable"})]


def test_what_nobody_works_on_has_a_span_too(scene: Scene) -> None:
    foreign, unknown = a_delivery(a_pending_order(), message=None), a_delivery(a_pending_order())
    scene.process(foreign, unknown)
    assert scene.spans.ended == [(foreign.message_id, False, {}), (unknown.message_id, False, {})]
