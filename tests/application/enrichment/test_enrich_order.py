"""Orders of one recipient that wait together: asked about side by side, saved and handed on one after the other."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from comanda.domain.orders.messages import OrderDelivery
from comanda.domain.orders.order import OrderStatus
from comanda.domain.shared.errors import PermanentError, ProviderOutage, Unavailable
from tests.application.conftest import Scene, again, ids

TRANSIENT = ProviderOutage("ProviderUnavailable", "503")


def wait_for(barrier: Barrier) -> None:
    barrier.wait()


def handed_on(scene: Scene) -> list[str]:
    return [message.order_id for _, message in scene.publisher.sent]


def order_ids(scene: Scene, *deliveries: OrderDelivery) -> list[str]:
    return [scene.row(delivery).order_id for delivery in deliveries]


def asked(scene: Scene) -> list[str]:
    return [request.order_id for request in scene.provider.asked]


def test_all_are_asked_about_at_once_and_handed_on_in_order(scene: Scene) -> None:
    batch = [scene.to_enrich() for _ in range(10)]
    all_at_once = Barrier(10, timeout=10)
    scene.provider.on_enrich = lambda _: wait_for(all_at_once)
    with ThreadPoolExecutor(10) as scene.provider_executor:
        assert scene.enrich(*batch) == []
    assert handed_on(scene) == order_ids(scene, *batch)
    assert sorted(asked(scene)) == sorted(order_ids(scene, *batch)), "each of them once"


@pytest.mark.parametrize("failing", [0, 1, 3])
def test_the_first_that_fails_ends_the_batch_and_nobody_behind_it_loses_an_attempt(scene: Scene, failing: int) -> None:
    batch = [scene.to_enrich() for _ in range(5)]
    before, bad, behind = batch[:failing], batch[failing], batch[failing + 1 :]
    for delivery in batch[failing:4]:
        scene.fails(delivery, TRANSIENT)
    assert scene.enrich(*batch) == ids(bad, *behind)
    assert handed_on(scene) == order_ids(scene, *before)
    assert scene.row(bad).attempts_of(bad.message_id) == 1
    assert [scene.row(delivery).attempts for delivery in behind] == [None] * len(behind)
    assert [scene.row(delivery).enrichment for delivery in behind] == [None] * len(behind)
    assert scene.queue.hidden == dict.fromkeys(ids(bad, *behind), 1)
    assert len(asked(scene)) == len(batch), "none of them twice"


def test_what_is_refused_for_good_fails_in_its_turn_and_is_asked_about_once(scene: Scene) -> None:
    batch = [scene.to_enrich() for _ in range(5)]
    refused = [batch[1], batch[3]]
    for delivery in refused:
        scene.fails(delivery, PermanentError("OrderRejected", "no"))
    assert scene.enrich(*batch) == ids(*refused)
    assert handed_on(scene) == order_ids(scene, batch[0], batch[2], batch[4])
    assert [scene.row(delivery).status for delivery in refused] == [OrderStatus.FAILED] * 2
    assert len(asked(scene)) == len(batch)


def test_an_outage_of_the_table_behind_the_first_uses_up_no_attempt(scene: Scene) -> None:
    first, second, third = batch = [scene.to_enrich() for _ in range(3)]
    scene.provider.errors[scene.row(second).order_id] = Unavailable("idempotency table")
    assert scene.enrich(*batch) == ids(second, third)
    assert handed_on(scene) == order_ids(scene, first)
    assert scene.row(second).attempts is None


def test_the_same_order_twice_in_a_batch_is_asked_about_once(scene: Scene) -> None:
    delivery, other = scene.to_enrich(), scene.to_enrich()
    twin = replace(delivery, message_id="twin")
    assert scene.enrich(delivery, twin, other) == []
    assert asked(scene) == order_ids(scene, delivery, other)


def test_what_is_enriched_already_is_only_handed_on(scene: Scene) -> None:
    done, new = scene.to_enrich(), scene.to_enrich()
    scene.enrich(done)
    scene.provider.asked.clear()
    assert scene.enrich(done, new) == []
    assert asked(scene) == order_ids(scene, new)


def test_nobody_is_asked_about_ahead_in_a_batch_that_was_received_before(scene: Scene) -> None:
    """One of its orders may have killed the worker."""
    first, second = scene.to_enrich(), scene.to_enrich()
    scene.fails(first, TRANSIENT)
    scene.enrich(*again(2, first, second))
    assert asked(scene) == order_ids(scene, first)


def test_what_the_rows_say_is_read_again_without_asking_again(scene: Scene) -> None:
    first, second = scene.to_enrich(), scene.to_enrich()

    def meddle() -> None:
        order = scene.row(second)
        scene.orders.put(order.tried("another", 1, scene.clock()))

    scene.orders.before_save = [meddle]
    assert scene.enrich(first, second) == []
    assert handed_on(scene) == order_ids(scene, first, second)
    assert len(asked(scene)) == 2
