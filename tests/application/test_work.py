"""A worker at its batch: order within a group, failures that stay where they are."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

import pytest

from comanda.application.complete_orders import CompleteOrders
from comanda.application.enrich_order import EnrichOrder
from comanda.application.process_order import ProcessOrder
from comanda.application.work import Step, Worker
from comanda.domain.errors import PermanentError, TransientError, Unavailable
from comanda.domain.messages import Delivery, Event
from comanda.domain.order import Item, Order, OrderStatus, Stage
from comanda.domain.retry import RetryPolicy
from tests.builders import a_claim, a_delivery, a_pending_order, a_processing_order, an_enriched_order
from tests.fakes import (
    FakeClock,
    FakeJournal,
    FakeLedger,
    FakeOrders,
    FakeProvider,
    FakePublisher,
    FakeQueue,
    OneAfterAnother,
)

GOOD = (Item(1, sku="A", unit_price=Decimal("10.00")),)
S = OrderStatus


@dataclass
class Scene:
    orders: FakeOrders = field(default_factory=FakeOrders)
    publisher: FakePublisher = field(default_factory=FakePublisher)
    provider: FakeProvider = field(default_factory=FakeProvider)
    queue: FakeQueue = field(default_factory=FakeQueue)
    journal: FakeJournal = field(default_factory=FakeJournal)
    clock: FakeClock = field(default_factory=FakeClock)
    seconds_left: float = 10

    def __post_init__(self) -> None:
        self.ledger = FakeLedger(self.orders)

    def process(self, *batch: Delivery) -> list[str]:
        return self._work(ProcessOrder(self.orders, self.publisher, self.journal, self.clock), batch)

    def enrich(self, *batch: Delivery) -> list[str]:
        return self._work(EnrichOrder(self.orders, self.publisher, self.provider, self.journal, self.clock), batch)

    def complete(self, *batch: Delivery) -> list[str]:
        return self._work(CompleteOrders(self.ledger, self.journal, self.clock), batch)

    def _work(self, step: Step, batch: tuple[Delivery, ...]) -> list[str]:
        worker = Worker(
            step=step,
            orders=self.orders,
            queue=self.queue,
            retry=RetryPolicy(max_attempts=3, first_pause=1, longest_pause=5),
            journal=self.journal,
            clock=self.clock,
            draw=lambda: 0.0,
            executor=OneAfterAnother(),
            reserve_seconds=2,
        )
        return worker(batch, lambda: self.seconds_left)

    def add(self, make: Callable[..., Order], event: Event, **fields: object) -> Delivery:
        order = make(**fields)
        self.orders.put(order)
        return a_delivery(order, event)

    def to_enrich(self, recipient_id: str = "r-1") -> Delivery:
        return self.add(a_processing_order, Event.ENRICHMENT_REQUESTED, recipient_id=recipient_id, items=GOOD)

    def to_complete(self, recipient_id: str = "r-1") -> Delivery:
        return self.add(an_enriched_order, Event.ENRICHED, recipient_id=recipient_id)

    def row(self, delivery: Delivery) -> Order:
        assert delivery.message
        return self.orders.rows[delivery.message.order_id]

    def fails(self, delivery: Delivery, error: PermanentError | TransientError | ValueError) -> None:
        self.provider.errors[self.row(delivery).order_id] = error


@pytest.fixture
def scene() -> Scene:
    return Scene()


def ids(*deliveries: Delivery) -> list[str]:
    return [delivery.message_id for delivery in deliveries]


def again(receive_count: int, *deliveries: Delivery) -> list[Delivery]:
    """The same messages as they are received for the n-th time."""
    return [replace(delivery, receive_count=receive_count) for delivery in deliveries]


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


def test_a_failed_message_that_comes_back_is_let_through_without_a_write(scene: Scene) -> None:
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
    assert [request.attempt for request in scene.provider.asked] == [1, 2, 3, 1]
    assert scene.row(follower).enrichment is not None


def test_a_defect_met_by_one_order_uses_up_its_own_attempts(scene: Scene) -> None:
    bad, stranger = scene.to_enrich("r-1"), scene.to_enrich("r-2")
    scene.fails(bad, ValueError("a defect"))
    for receive in (1, 2, 3):
        scene.enrich(*again(receive, bad, stranger))
    failure = scene.row(bad).failure
    assert failure
    assert (failure.name, failure.message, failure.attempts) == ("ValueError", "a defect", 3)
    assert scene.row(stranger).failure is None


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


def test_a_redriven_order_begins_again_with_a_new_budget(scene: Scene) -> None:
    bad = scene.to_enrich()
    scene.fails(bad, PermanentError("ItemRejected", "no"))
    scene.enrich(bad)
    scene.provider.errors.clear()
    redriven = replace(bad, message_id="redriven", sent_at=scene.clock() + timedelta(minutes=1))
    assert scene.enrich(redriven) == []
    order = scene.row(bad)
    assert (order.status, order.failure, order.enrichment is not None) == (S.PROCESSING, None, True)


def test_a_foreign_message_is_let_through_and_its_followers_go_on(scene: Scene) -> None:
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


def test_from_the_second_receive_on_an_attempt_is_written_before_it_starts(scene: Scene) -> None:
    delivery = scene.to_enrich()
    seen: list[int] = []
    scene.provider.on_enrich = lambda _: seen.append(
        scene.row(delivery).attempts_of(Stage.ENRICHMENT, delivery.message_id)
    )
    for receive in (1, 2, 3):
        scene.fails(delivery, TransientError("Timeout", "slow"))
        scene.enrich(*again(receive, delivery))
    assert seen == [0, 2, 3]


class Death(BaseException):
    """The process is gone: nothing of ours is run any more."""


def die(_: object) -> None:
    raise Death


def deaths(scene: Scene, *batch: Delivery) -> tuple[int, list[str]]:
    """Redeliver what stays until nothing kills any more: how often the worker died, and what is let through."""
    died, receive, left = 0, 1, list(batch)
    while True:
        try:
            return died, scene.enrich(*again(receive, *left))
        except Death:
            died += 1
            receive += 1
            left = [delivery for delivery in left if delivery.message_id not in scene.queue.deleted]


@pytest.mark.parametrize("good_first", [False, True])
@pytest.mark.parametrize("recipients", [("r-1", "r-1"), ("r-1", "r-2")])
def test_an_order_that_kills_the_worker_takes_nobody_along(
    scene: Scene, recipients: tuple[str, str], *, good_first: bool
) -> None:
    killer, good = (scene.to_enrich(recipient) for recipient in recipients)
    kills = {scene.row(killer).order_id}
    scene.provider.on_enrich = lambda request: die(request) if request.order_id in kills else None
    died, let_through = deaths(scene, *((good, killer) if good_first else (killer, good)))
    assert died == 4, "as many starts as attempts, and the one that was not written down"
    assert let_through == ids(killer)
    failure = scene.row(killer).failure
    assert failure
    assert (failure.name, failure.attempts) == ("WorkerDied", 3)
    assert scene.row(good).enrichment is not None
    assert scene.row(good).attempts is None or scene.row(good).attempts_of(Stage.ENRICHMENT, good.message_id) <= 1


def test_nine_killers_in_front_of_a_good_order(scene: Scene) -> None:
    killers = [scene.to_enrich() for _ in range(9)]
    good = scene.to_enrich()
    kills = {scene.row(killer).order_id for killer in killers}
    scene.provider.on_enrich = lambda request: die(request) if request.order_id in kills else None
    _, let_through = deaths(scene, *killers, good)
    assert let_through == ids(*killers)
    assert {scene.row(killer).status for killer in killers} == {S.FAILED}
    assert scene.row(good).enrichment is not None


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
    scene.orders.put(order.tried(Stage.ENRICHMENT, often.message_id, 2, scene.clock()))
    scene.enrich(*again(3, often, seldom))
    assert [request.order_id for request in scene.provider.asked] == [scene.row(seldom).order_id, order.order_id]


def test_an_attempt_that_an_outage_cut_short_is_given_back(scene: Scene) -> None:
    busy = scene.to_enrich()
    scene.provider.errors[scene.row(busy).order_id] = Unavailable("another worker is at it")
    for receive in range(1, 10):
        assert scene.enrich(*again(receive, busy)) == ids(busy)
    assert scene.row(busy).attempts_of(Stage.ENRICHMENT, busy.message_id) == 0


def test_a_worker_that_wakes_up_late_changes_nothing(scene: Scene) -> None:
    """A later receive of the same message has written: the earlier one looks again, and leaves it alone."""
    delivery = scene.to_enrich()

    def meanwhile(_: object) -> None:
        order = scene.row(delivery)
        scene.orders.put(order.tried(Stage.ENRICHMENT, delivery.message_id, 2, scene.clock()))

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
def test_failing_heads_are_dead_lettered_alone_and_their_followers_complete_at_their_first_attempt(
    scene: Scene, failing: int
) -> None:
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
    asked = [request.order_id for request in scene.provider.asked]
    assert [asked.count(scene.row(delivery).order_id) for delivery in batch] == [3] * failing + [1] * len(good)


def test_a_redriven_follower_is_not_let_through_untried_while_its_head_fails(scene: Scene) -> None:
    head, follower = scene.to_enrich(), scene.to_enrich()
    for delivery in (head, follower):
        scene.fails(delivery, PermanentError("ItemRejected", "no"))
    scene.enrich(head, follower)
    scene.provider.errors = {scene.row(head).order_id: TransientError("Timeout", "slow")}
    later = scene.clock() + timedelta(minutes=1)
    redriven = [replace(delivery, message_id=f"new-{n}", sent_at=later) for n, delivery in enumerate((head, follower))]
    assert scene.enrich(*redriven) == ids(*redriven)
    assert scene.row(follower).status is S.FAILED, "not yet taken up, as its head rests"
    scene.provider.errors.clear()
    assert scene.enrich(*again(2, *redriven)) == []
    assert scene.row(follower).enrichment is not None
