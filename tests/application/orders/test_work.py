"""A worker at its batch: order within a group, failures that stay where they are."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from comanda.domain.orders.messages import Event, OrderDelivery
from comanda.domain.orders.order import Order, OrderStatus, Stage
from comanda.domain.shared.errors import (
    ComandaError,
    PermanentError,
    ProviderOutage,
    StillInProgress,
    TransientError,
    Unavailable,
    UnreadableRow,
)
from tests.application.conftest import Scene, again, ids
from tests.support.builders import a_claim, a_delivery, a_pending_order, a_processing_order

S = OrderStatus


@pytest.mark.parametrize("make", [a_claim, a_pending_order])
def test_processing_moves_the_row_and_hands_over(scene: Scene, make: Callable[..., Order]) -> None:
    delivery = scene.add(make, Event.CREATED)
    assert scene.process(delivery) == []
    assert [moment.status for moment in scene.row(delivery).timeline] == [S.PENDING, S.PROCESSING]
    assert [message.event for _, message in scene.publisher.sent] == [Event.ENRICHMENT_REQUESTED]


def test_a_redelivered_creation_hands_over_again_and_writes_nothing(scene: Scene) -> None:
    delivery = scene.add(a_processing_order, Event.CREATED)
    before = scene.row(delivery)
    assert scene.process(delivery) == []
    assert scene.row(delivery) == before
    assert len(scene.publisher.sent) == 1


def test_the_same_order_twice_in_a_batch_is_processed_once(scene: Scene) -> None:
    delivery = scene.add(a_pending_order, Event.CREATED)
    assert scene.process(delivery, replace(delivery, message_id="twin")) == []
    assert [moment.status for moment in scene.row(delivery).timeline] == [S.PENDING, S.PROCESSING]


def test_an_outage_of_the_next_queue_keeps_the_message_and_no_attempt_is_used_up(scene: Scene) -> None:
    first, second = scene.add(a_pending_order, Event.CREATED), scene.add(a_pending_order, Event.CREATED)
    scene.publisher.outage = True
    assert scene.process(first, second) == ids(first, second)
    assert scene.queue.hidden == dict.fromkeys(ids(first, second), 1)
    assert scene.row(first).attempts is None
    scene.publisher.outage = False
    assert scene.process(first, second) == []
    assert [message.order_id for _, message in scene.publisher.sent] == [
        scene.row(first).order_id,
        scene.row(second).order_id,
    ]


def test_pauses_grow_while_an_outage_lasts(scene: Scene) -> None:
    """Or it would use up all receives, and the order would be dead-lettered untried (P6)."""
    delivery = scene.to_enrich()
    scene.orders.outage = True
    pauses = []
    for receive_count in range(1, 6):
        scene.enrich(*again(receive_count, delivery))
        pauses.append(scene.queue.hidden[delivery.message_id])
    assert pauses == [1, 2, 4, 5, 5]


def test_an_outage_of_the_table_keeps_everything(scene: Scene) -> None:
    delivery = scene.add(a_pending_order, Event.CREATED)
    scene.orders.outage = True
    assert scene.process(delivery) == ids(delivery)


def test_an_enrichment_is_saved_once_and_not_asked_for_again(scene: Scene) -> None:
    delivery = scene.to_enrich()
    scene.enrich(delivery)
    saved = scene.row(delivery)
    assert scene.enrich(delivery) == []
    assert scene.row(delivery) == saved
    assert (len(scene.provider.asked), len(scene.publisher.sent)) == (1, 2)


def test_a_permanent_error_fails_its_order_and_nobody_else(scene: Scene) -> None:
    before, bad, behind = scene.to_enrich(), scene.to_enrich(), scene.to_enrich()
    scene.fails(bad, PermanentError("ItemRejected", "no such item"))
    assert scene.enrich(before, bad, behind) == ids(bad)
    assert scene.queue.hidden == {bad.message_id: 0}
    failure = scene.row(bad).failure
    assert failure
    assert (failure.name, failure.message, failure.stage) == ("ItemRejected", "no such item", Stage.ENRICHMENT)
    assert (failure.attempts, failure.message_id) == (1, bad.message_id)
    assert [scene.row(other).enrichment is not None for other in (before, behind)] == [True, True]


def test_failed_message_received_again_is_dead_lettered_unwritten(
    scene: Scene,
) -> None:
    bad = scene.to_enrich()
    scene.fails(bad, PermanentError("ItemRejected", "no"))
    scene.enrich(bad)
    failed = scene.row(bad)
    for receive in range(2, 6):
        assert scene.enrich(replace(bad, receive_count=receive)) == ids(bad)
    assert scene.row(bad) == failed
    assert len(scene.provider.asked) == 1


def test_a_head_that_fails_for_now_holds_back_its_own_followers_only(scene: Scene) -> None:
    head, follower, stranger = scene.to_enrich("r-1"), scene.to_enrich("r-1"), scene.to_enrich("r-2")
    scene.fails(head, TransientError("Timeout", "slow"))
    assert scene.enrich(head, stranger, follower) == ids(head, follower)
    assert scene.queue.hidden == {head.message_id: 1, follower.message_id: 1}
    assert scene.row(follower).attempts is None
    assert scene.row(stranger).enrichment is not None


def test_a_pause_is_as_long_as_the_service_asked_for(scene: Scene) -> None:
    head, follower = scene.to_enrich(), scene.to_enrich()
    scene.fails(head, ProviderOutage("ProviderUnavailable", "busy", retry_after=30))
    assert scene.enrich(head, follower) == ids(head, follower)
    assert scene.queue.hidden == {head.message_id: 30, follower.message_id: 30}


def test_attempts_are_counted_per_order_and_the_last_one_fails_it(scene: Scene) -> None:
    head, follower = scene.to_enrich(), scene.to_enrich()
    scene.fails(head, TransientError("Timeout", "slow"))
    pauses = []
    for receive in (1, 2):
        assert scene.enrich(*again(receive, head, follower)) == ids(head, follower)
        pauses.append(scene.queue.hidden[head.message_id])
    assert pauses == [1, 2]
    assert scene.enrich(*again(3, head, follower)) == ids(head)
    failure = scene.row(head).failure
    assert failure
    assert (failure.name, failure.attempts) == ("Timeout", 3)
    assert scene.attempts_seen(head) == {1, 2, 3}
    assert scene.attempts_seen(follower) == {1}
    assert scene.row(follower).enrichment is not None


@pytest.mark.parametrize(
    ("error", "name"),
    [(ValueError("s3cret"), "UnexpectedError"), (StillInProgress("s3cret"), "StillInProgress")],
)
def test_defect_uses_up_its_orders_attempts_and_its_text_is_only_logged(
    scene: Scene, error: ComandaError | ValueError, name: str
) -> None:
    bad, stranger = scene.to_enrich("r-1"), scene.to_enrich("r-2")
    scene.fails(bad, error)
    for receive in (1, 2, 3):
        scene.enrich(*again(receive, bad, stranger))
    failure = scene.row(bad).failure
    assert failure
    assert (failure.name, failure.attempts) == (name, 3)
    assert failure.message == "an unexpected error in enrichment; our log has it under the id of this order"
    assert scene.row(stranger).failure is None
    logged = [
        facts
        for (name, _), facts in zip(scene.telemetry.emitted, scene.telemetry.keys, strict=True)
        if name == "order.unexpected_error"
    ]
    assert [(facts["error_class"], facts["reason"]) for facts in logged] == [(type(error).__name__, str(error))] * 3
    assert "Traceback" in str(logged[0]["trace"])


def test_orders_of_a_recipient_that_arrive_together_are_posted_together(scene: Scene) -> None:
    first, other, second = scene.to_complete("r-1"), scene.to_complete("r-2"), scene.to_complete("r-1")
    assert scene.complete(first, other, second) == []
    entries = scene.ledger.written["r-1"]
    assert [(entry.sequence, entry.order_id) for entry in entries] == [
        (1, scene.row(first).order_id),
        (2, scene.row(second).order_id),
    ]
    assert scene.ledger.balances["r-1"].amount == Decimal("20.00")
    assert scene.ledger.postings == 2


def test_a_completed_order_is_not_posted_again(scene: Scene) -> None:
    first, second = scene.to_complete(), scene.to_complete()
    scene.complete(first)
    assert scene.complete(first, first, second) == []
    assert [entry.order_id for entry in scene.ledger.written["r-1"]] == [
        scene.row(first).order_id,
        scene.row(second).order_id,
    ]


def test_the_same_order_twice_in_a_batch_stands_once_in_the_ledger(scene: Scene) -> None:
    delivery = scene.to_complete()
    assert scene.complete(delivery, replace(delivery, message_id="twin")) == []
    assert len(scene.ledger.written["r-1"]) == 1


def test_a_posting_that_is_overtaken_looks_again(scene: Scene) -> None:
    first, second = scene.to_complete(), scene.to_complete()
    rows = scene.orders.rows
    order_id = scene.row(first).order_id
    stale = rows[order_id]
    newer = replace(stale, version=stale.version + 1)
    looks = iter([{order_id: stale, scene.row(second).order_id: scene.row(second)}])
    scene.orders.put(newer)
    scene.orders.get_many = lambda order_ids: next(looks, None) or {i: rows[i] for i in order_ids}  # type: ignore[method-assign]
    assert scene.complete(first, second) == []
    assert len(scene.ledger.written["r-1"]) == 2


def test_an_order_that_never_was_enriched_cannot_complete(scene: Scene) -> None:
    bad = scene.add(a_processing_order, Event.ENRICHED, recipient_id="r-1")
    good = scene.to_complete()
    assert scene.complete(bad, good) == ids(bad)
    failure = scene.row(bad).failure
    assert failure
    assert failure.name == "NotEnriched"
    assert len(scene.ledger.written["r-1"]) == 1


def test_rows_that_never_stop_changing_are_left_for_later(scene: Scene) -> None:
    delivery = scene.add(a_pending_order, Event.CREATED)

    def meddle() -> None:
        order = scene.row(delivery)
        scene.orders.put(replace(order, version=order.version + 1))

    scene.orders.before_save = [meddle] * 10
    assert scene.process(delivery) == ids(delivery)


def test_an_order_that_the_console_redrives_goes_all_the_way_again_with_a_new_budget(scene: Scene) -> None:
    bad = scene.to_enrich()
    scene.fails(bad, PermanentError("ItemRejected", "no"))
    scene.enrich(bad)
    scene.provider.errors.clear()
    assert scene.enrich(replace(bad, message_id="redriven", came_back=True)) == []
    order = scene.row(bad)
    assert (order.status, order.failure, order.replay, order.owed) == (S.PROCESSING, None, 1, False)
    ((group, message),) = scene.first_queue.sent
    assert (group, message.event, message.replay) == (order.recipient_id, Event.CREATED, 1)
    assert scene.process(replace(bad, message=message)) == []
    assert scene.enrich(replace(bad, message_id="m-2", message=scene.publisher.sent[-1][1])) == []
    assert scene.row(bad).enrichment is not None


def test_a_foreign_message_is_left_for_the_dead_letter_queue_and_its_followers_go_on(scene: Scene) -> None:
    foreign = a_delivery(a_claim(recipient_id="r-1"), message=None)
    good = scene.to_enrich()
    assert scene.enrich(foreign, good) == ids(foreign)
    assert scene.row(good).enrichment is not None


def test_an_outage_while_reading_the_balance_uses_up_no_attempt(scene: Scene) -> None:
    delivery = scene.to_complete()

    def down(recipient_id: str) -> None:
        raise Unavailable("ledger table: ThrottlingException")

    scene.ledger.balance = down  # type: ignore[method-assign]
    assert scene.complete(delivery) == ids(delivery)
    assert scene.row(delivery).attempts is None


def test_a_message_of_a_newer_release_waits_and_so_do_those_behind_it(scene: Scene) -> None:
    head, behind, other = scene.to_enrich(), scene.to_enrich(), scene.to_enrich("r-2")
    head = replace(head, message=None, of_newer_release=True)
    assert scene.enrich(head, behind, other) == ids(head, behind)
    assert all(scene.queue.hidden[message_id] > 0 for message_id in ids(head, behind))
    assert scene.row(other).enrichment is not None


def unreadable(scene: Scene, delivery: OrderDelivery, *, newer: bool = False) -> OrderDelivery:
    order_id = scene.row(delivery).order_id
    scene.orders.unreadable[order_id] = UnreadableRow(order_id, "origin is missing", newer=newer)
    return delivery


def test_an_order_that_cannot_be_read_fails_alone(scene: Scene) -> None:
    bad, behind, other = unreadable(scene, scene.to_enrich()), scene.to_enrich(), scene.to_enrich("r-2")
    assert scene.enrich(bad, behind, other) == ids(bad)
    assert scene.queue.hidden == {bad.message_id: 0}
    failure = scene.orders.failed_unreadable[scene.row(bad).order_id]
    assert (failure.name, failure.stage, failure.message_id) == ("UnreadableRow", Stage.ENRICHMENT, bad.message_id)
    assert scene.row(behind).enrichment is not None
    assert scene.row(other).enrichment is not None
    assert [name for name, _ in scene.telemetry.emitted[:2]] == ["order.failed", "row.unreadable"]


def test_on_its_way_to_the_dead_letter_queue_it_is_neither_written_nor_told_of_again(scene: Scene) -> None:
    bad = unreadable(scene, scene.to_enrich())
    scene.enrich(bad)
    before = len(scene.telemetry.emitted)
    assert scene.enrich(*again(2, bad)) == ids(bad)
    assert len(scene.telemetry.emitted) == before


def test_where_it_cannot_be_failed_its_message_stays_all_the_same_and_is_told_of(scene: Scene) -> None:
    bad = unreadable(scene, scene.to_enrich())
    scene.orders.fail_unreadable = lambda order_id, failure: False  # type: ignore[method-assign]
    assert scene.enrich(bad) == ids(bad)
    assert scene.queue.hidden == {bad.message_id: 0}
    assert [name for name, _ in scene.telemetry.emitted] == ["row.unreadable"]


def test_an_order_of_a_newer_release_waits_unwritten_with_those_behind_it(scene: Scene) -> None:
    newer, behind = unreadable(scene, scene.to_enrich(), newer=True), scene.to_enrich()
    other = scene.to_enrich("r-2")
    assert scene.enrich(newer, behind, other) == ids(newer, behind)
    assert all(scene.queue.hidden[message_id] > 0 for message_id in ids(newer, behind))
    assert scene.orders.failed_unreadable == {}
    assert scene.row(other).enrichment is not None
