"""A batch in which a message was received before: attempts, pauses, and one message at a time."""

from dataclasses import replace

import pytest

from comanda.domain.orders.messages import Event
from comanda.domain.orders.order import OrderStatus
from comanda.domain.shared.errors import PermanentError, TransientError, Unavailable
from tests.application.conftest import Scene, again, ids
from tests.support.builders import a_pending_order

S = OrderStatus


def test_from_the_second_receive_on_an_attempt_is_written_before_it_starts(scene: Scene) -> None:
    delivery = scene.to_enrich()
    seen: list[int] = []
    scene.provider.on_enrich = lambda _: seen.append(scene.row(delivery).attempts_of(delivery.message_id))
    for receive in (1, 2, 3):
        scene.fails(delivery, TransientError("Timeout", "slow"))
        scene.enrich(*again(receive, delivery))
    assert seen == [0, 2, 3]


def test_what_is_done_is_deleted_by_hand_in_a_batch_that_was_received_before(scene: Scene) -> None:
    first, second = scene.to_enrich(), scene.to_enrich()
    assert scene.enrich(first, second) == []
    assert scene.queue.deleted == []
    third, fourth = scene.to_enrich(), scene.to_enrich()
    assert scene.enrich(*again(2, third), fourth) == []
    assert scene.queue.deleted == ids(third, fourth)


def test_the_least_tried_groups_go_first_in_a_batch_that_was_received_before(scene: Scene) -> None:
    often, seldom = scene.to_enrich("r-1"), scene.to_enrich("r-2")
    order = scene.row(often)
    scene.orders.put(order.tried(often.message_id, 2, scene.clock()))
    scene.enrich(*again(3, often, seldom))
    assert [request.order_id for request in scene.provider.asked] == [scene.row(seldom).order_id, order.order_id]


def test_an_attempt_that_an_outage_cut_short_is_given_back(scene: Scene) -> None:
    busy = scene.to_enrich()
    scene.provider.errors[scene.row(busy).order_id] = Unavailable("another worker is at it")
    for receive in range(1, 10):
        assert scene.enrich(*again(receive, busy)) == ids(busy)
    assert scene.row(busy).attempts_of(busy.message_id) == 0


def test_an_attempt_whose_outcome_cannot_be_written_is_given_back(scene: Scene) -> None:
    """It may be rejected again, but not fail for a reason that is not its own."""

    def unavailable() -> None:
        raise Unavailable("orders table: ThrottlingException")

    rejected = scene.to_enrich()
    for receive in range(2, 10):
        scene.fails(rejected, PermanentError("ItemRejected", "no"))
        scene.orders.before_save += [lambda: None, unavailable]
        assert scene.enrich(*again(receive, rejected)) == ids(rejected)
        assert scene.row(rejected).attempts_of(rejected.message_id) == 0
    scene.fails(rejected, PermanentError("ItemRejected", "no"))
    scene.enrich(*again(10, rejected))
    failure = scene.row(rejected).failure
    assert failure
    assert (failure.name, failure.attempts) == ("ItemRejected", 1)


def test_an_attempt_whose_writing_was_not_answered_is_given_back(scene: Scene) -> None:
    delivery = scene.to_enrich()
    scene.orders.lost_answers = 1
    assert scene.enrich(*again(2, delivery)) == ids(delivery)
    assert scene.provider.asked == []
    assert scene.row(delivery).attempts_of(delivery.message_id) == 0


def test_nothing_is_given_back_where_somebody_else_wrote(scene: Scene) -> None:
    """The attempt was never written; a cancellation made the version that it would have had."""
    delivery = scene.add(a_pending_order, Event.CREATED)

    def be_cancelled() -> None:
        scene.orders.put(scene.row(delivery).cancelled(scene.clock()))
        raise Unavailable("orders table: ThrottlingException")

    scene.orders.before_save.append(be_cancelled)
    assert scene.process(*again(2, delivery)) == ids(delivery)
    assert scene.row(delivery).attempts is None
    assert scene.row(delivery).version == 3


def test_nothing_is_given_back_on_an_order_that_was_cancelled_meanwhile(scene: Scene) -> None:
    delivery = scene.add(a_pending_order, Event.CREATED)

    def be_cancelled() -> None:
        scene.orders.put(scene.row(delivery).cancelled(scene.clock()))
        raise Unavailable("orders table: ThrottlingException")

    scene.orders.before_save += [lambda: None, be_cancelled]
    assert scene.process(*again(2, delivery)) == ids(delivery)
    assert scene.row(delivery).attempts_of(delivery.message_id) == 1
    assert scene.row(delivery).version == 4


def test_an_order_whose_work_is_done_cannot_fail_of_a_queue_that_is_down(scene: Scene) -> None:
    """At its last attempt it was enriched and saved, and only its message could not be sent on."""
    delivery = scene.to_enrich()
    scene.fails(delivery, TransientError("ProviderError", "try again"))
    for receive_count in (1, 2):
        scene.enrich(*again(receive_count, delivery))
    scene.provider.errors.clear()
    scene.publisher.outage = True
    for receive_count in (3, 4, 5):
        assert scene.enrich(*again(receive_count, delivery)) == ids(delivery)
    scene.publisher.outage = False
    assert scene.enrich(*again(6, delivery)) == []
    assert scene.row(delivery).status is OrderStatus.PROCESSING
    assert len(scene.publisher.sent) == 1


@pytest.mark.parametrize(("refusals", "lost"), [(0, 0), (1, 0), (3, 0), (4, 1)])
def test_the_outage_may_hit_the_giving_back_too(scene: Scene, refusals: int, lost: int) -> None:
    busy = scene.to_enrich()
    scene.provider.errors[scene.row(busy).order_id] = Unavailable("throttled")

    def refuse() -> None:
        raise Unavailable("orders table: ThrottlingException")

    def throttle(_: object) -> None:
        scene.orders.before_save += [refuse] * refusals

    scene.provider.on_enrich = throttle
    assert scene.enrich(*again(2, busy)) == ids(busy)
    assert scene.row(busy).attempts_of(busy.message_id) == lost
    assert len(scene.slept) == refusals
    assert [name for name, _ in scene.telemetry.emitted].count("order.attempt_lost") == lost


def test_a_worker_that_wakes_up_late_changes_nothing(scene: Scene) -> None:
    """A later receive of the same message has written: the earlier one looks again, and leaves it alone."""
    delivery = scene.to_enrich()

    def meanwhile(_: object) -> None:
        order = scene.row(delivery)
        scene.orders.put(order.tried(delivery.message_id, 2, scene.clock()))

    scene.provider.on_enrich = meanwhile
    assert scene.enrich(delivery) == ids(delivery)
    assert scene.row(delivery).enrichment is None
    assert (scene.publisher.sent, scene.queue.hidden, scene.queue.deleted) == ([], {}, [])


def test_what_there_is_no_time_for_is_handed_back(scene: Scene) -> None:
    first, second, third = scene.to_enrich(), scene.to_enrich(), scene.to_enrich("r-2")

    def take_long(_: object) -> None:
        scene.seconds_left = 1

    scene.provider.on_enrich = take_long
    assert scene.enrich(first, second, third) == ids(second, third)
    assert scene.queue.hidden == {second.message_id: 0, third.message_id: 0}
    assert scene.row(second).attempts is None


@pytest.mark.parametrize("failing", [1, 2, 5, 9])
def test_failing_heads_are_dead_lettered_alone_and_followers_complete_at_once(scene: Scene, failing: int) -> None:
    batch = [scene.to_enrich() for _ in range(10)]
    bad, good = batch[:failing], batch[failing:]
    for delivery in bad:
        scene.fails(delivery, TransientError("Timeout", "slow"))
    waiting, receive = batch, 0
    while any(scene.row(delivery).status is not S.FAILED for delivery in bad) or len(waiting) > failing:
        receive += 1
        assert receive <= 10 * 3 + 3, "within the receives that the queue allows"
        stay = scene.enrich(*again(receive, *waiting))
        waiting = [delivery for delivery in waiting if delivery.message_id in stay]
    assert waiting == bad
    for delivery in bad:
        failure = scene.row(delivery).failure
        assert failure
        assert failure.attempts == 3
    assert [scene.attempts_seen(delivery) for delivery in bad] == [{1, 2, 3}] * failing
    assert [scene.attempts_seen(delivery) for delivery in good] == [{1}] * len(good)


def test_a_redriven_follower_waits_untouched_while_its_head_fails_for_now(scene: Scene) -> None:
    head, follower = scene.to_enrich(), scene.to_enrich()
    scene.fails(follower, PermanentError("ItemRejected", "no"))
    scene.enrich(follower)
    scene.fails(head, TransientError("Timeout", "slow"))
    redriven = replace(follower, message_id="redriven", came_back=True)
    assert scene.enrich(head, redriven) == ids(head, redriven)
    assert scene.row(follower).status is S.FAILED, "its run has not begun yet, as its head rests"
    scene.provider.errors.clear()
    assert scene.enrich(*again(2, head, redriven)) == []
    assert (scene.row(follower).status, scene.row(follower).replay) == (S.PROCESSING, 1)
