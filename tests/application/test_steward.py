"""The steward: what was dead-lettered untried is published anew once, what failed stays, the rest is tidied."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from comanda.application.steward import Steward

from comanda.domain.errors import UnreadableRow
from comanda.domain.messages import Delivery, Event, OrderMessage
from comanda.domain.order import PUBLISHED_ANEW, Failure, Order, OrderStatus, Stage
from tests.builders import NOW, a_delivery, a_pending_order, a_processing_order, an_enriched_order
from tests.fakes import FakeClock, FakeDeadLetters, FakeJournal, FakeOrders, FakePublisher

S = OrderStatus


@dataclass
class IndexedOrders(FakeOrders):
    def needing_attention(self, kind: str) -> Iterator[Order | UnreadableRow]:
        yield from self.unreadable.values()
        for order in list(self.rows.values()):
            if not order.is_settled and not order.discarded and (order.status is S.FAILED) == (kind == "failed"):
                yield order


@dataclass
class OrderDeadLetters(FakeDeadLetters[Delivery]):
    stage: Stage = Stage.ENRICHMENT


@dataclass
class FakeCircuit:
    closed: bool = True

    def is_closed(self) -> bool:
        return self.closed

    def keep_open(self) -> None:
        self.closed = False

    def let_one_try(self) -> None: ...


@dataclass
class Scene:
    orders: IndexedOrders = field(default_factory=IndexedOrders)
    publisher: FakePublisher = field(default_factory=FakePublisher)
    queue: OrderDeadLetters = field(default_factory=OrderDeadLetters)
    circuit: FakeCircuit = field(default_factory=FakeCircuit)
    clock: FakeClock = field(default_factory=FakeClock)
    journal: FakeJournal = field(default_factory=FakeJournal)

    def tend(self, seconds_left: float = 50) -> None:
        steward = Steward(
            orders=self.orders,
            publisher=self.publisher,
            dead_letters=[self.queue],
            circuit=self.circuit,
            journal=self.journal,
            clock=self.clock,
            max_rescues=1,
            reserve_seconds=5,
        )
        steward(lambda: seconds_left)
        assert self.queue.hidden == set(), "what stays is there for a person to redrive"

    def dead_letter(self, order: Order, event: Event = Event.ENRICHMENT_REQUESTED) -> Delivery:
        self.orders.put(order)
        delivery = a_delivery(order, event)
        self.queue.messages.append(delivery)
        return delivery

    def comes_back(self) -> None:
        """What was published is dead-lettered again, untried."""
        for group, message in self.publisher.sent:
            order = self.orders.rows[message.order_id]
            self.queue.messages.append(replace(a_delivery(order), message=message, group=group))
        self.publisher.sent.clear()

    def row(self, delivery: Delivery) -> Order:
        assert delivery.message
        return self.orders.rows[delivery.message.order_id]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def failed_by(order: Order, message_id: str, stage: Stage = Stage.ENRICHMENT) -> Order:
    return order.failed(Failure("Timeout", "slow", stage, 5, NOW, message_id))


@pytest.mark.parametrize("order", [a_pending_order(), a_processing_order(), an_enriched_order()])
def test_what_was_dead_lettered_untried_is_published_anew(scene: Scene, order: Order) -> None:
    scene.dead_letter(order)
    scene.tend()
    ((group, message),) = scene.publisher.sent
    assert (group, message.event, message.replay) == (order.recipient_id, Event.CREATED, 1)
    assert scene.queue.messages == []
    rescued = scene.orders.rows[order.order_id]
    assert (rescued.status, rescued.replay, rescued.rescues) == (order.status, 1, 1)
    assert rescued.timeline[-1].note == "published anew by the steward"


def test_what_comes_back_untried_is_failed_and_its_message_stays(scene: Scene) -> None:
    delivery = scene.dead_letter(a_processing_order())
    scene.tend()
    scene.comes_back()
    scene.tend()
    order = scene.row(delivery)
    assert order.failure
    assert (order.status, order.failure.name, order.failure.attempts) == (S.FAILED, "WorkerUnavailable", 0)
    (stays,) = scene.queue.messages
    assert (order.failure.message_id, order.replay) == (stays.message_id, 1)
    scene.tend()
    assert scene.row(delivery) == order
    assert scene.publisher.sent == []


def test_an_outage_of_the_provider_costs_no_order_its_rescue(scene: Scene) -> None:
    """Orders that are turned away again and again while the circuit is open use up their receives."""
    delivery = scene.dead_letter(a_processing_order())
    scene.circuit.closed = False
    for minute in range(1, 4):
        scene.tend()
        order = scene.row(delivery)
        assert (order.status, order.replay, order.rescues) == (S.PROCESSING, minute, 0)
        assert scene.publisher.sent[-1][1].uncounted
        scene.comes_back()
    scene.circuit.closed = True
    scene.tend()
    assert not scene.publisher.sent[-1][1].uncounted
    assert (scene.row(delivery).status, scene.row(delivery).rescues) == (S.PROCESSING, 1)
    scene.comes_back()
    scene.tend()
    assert scene.row(delivery).status is S.FAILED


def test_an_order_that_was_rescued_before_is_not_failed_in_an_outage(scene: Scene) -> None:
    delivery = scene.dead_letter(replace(a_processing_order(), rescues=1))
    scene.circuit.closed = False
    scene.tend()
    assert (scene.row(delivery).status, len(scene.publisher.sent)) == (S.PROCESSING, 1)


@pytest.mark.parametrize("stage", [Stage.PROCESSING, Stage.COMPLETION])
def test_an_outage_of_the_provider_excuses_no_other_stage(scene: Scene, stage: Stage) -> None:
    delivery = scene.dead_letter(replace(a_processing_order(), rescues=1))
    scene.queue.stage, scene.circuit.closed = stage, False
    scene.tend()
    assert scene.row(delivery).status is S.FAILED


def test_a_failed_order_keeps_its_dead_letter(scene: Scene) -> None:
    delivery = scene.dead_letter(a_processing_order())
    failed = failed_by(scene.row(delivery), delivery.message_id)
    scene.orders.put(failed)
    scene.tend()
    assert (scene.queue.messages, scene.row(delivery)) == ([delivery], failed)


def test_copies_whose_order_has_moved_on_are_removed(scene: Scene) -> None:
    done = scene.dead_letter(an_enriched_order())
    scene.orders.put(scene.row(done).completed(NOW))
    redriven = scene.dead_letter(a_processing_order())
    scene.orders.put(failed_by(scene.row(redriven), redriven.message_id).taken_up(NOW, 1, "redriven"))
    discarded = scene.dead_letter(a_processing_order())
    scene.orders.put(failed_by(scene.row(discarded), discarded.message_id).set_aside(NOW, "discarded"))
    elsewhere = scene.dead_letter(a_processing_order())
    scene.orders.put(failed_by(scene.row(elsewhere), "another", Stage.COMPLETION))
    scene.tend()
    assert scene.queue.messages == []
    assert scene.publisher.sent == []


def test_a_redrive_that_was_not_written_down_leaves_its_number_with_a_discarded_order(scene: Scene) -> None:
    """Or the next redrive would send the same body again, which SQS takes for a copy."""
    delivery = scene.dead_letter(a_processing_order())
    failed = failed_by(scene.row(delivery), delivery.message_id)
    redriven = OrderMessage.about(replace(failed, replay=1), Event.CREATED)
    scene.queue.messages.append(a_delivery(failed, message=redriven))
    scene.orders.put(failed.set_aside(NOW, "discarded"))
    scene.tend()
    row = scene.row(delivery)
    assert (row.status, row.discarded, row.replay) == (S.FAILED, True, 1)
    scene.tend()
    assert scene.queue.messages == []


def test_what_is_nobodys_stays_for_a_person(scene: Scene) -> None:
    foreign = a_delivery(a_pending_order(), message=None)
    orphan = a_delivery(a_pending_order())
    scene.queue.messages += [foreign, orphan]
    scene.tend()
    assert scene.queue.messages == [foreign, orphan]


def test_an_order_that_changes_under_its_hands_is_left_alone(scene: Scene) -> None:
    """Redriven at this very moment, say: nothing is failed, and the next minute looks again."""
    delivery = scene.dead_letter(replace(a_processing_order(), rescues=1))
    taken_up = scene.row(delivery).taken_up(NOW, 1, "redriven")
    scene.orders.before_save.append(lambda: scene.orders.put(taken_up))
    scene.tend()
    assert scene.row(delivery) == taken_up


def test_a_rescue_that_a_worker_takes_up_before_the_row_knows_of_it_counts(scene: Scene) -> None:
    """Workers are quicker than the steward: it sends first, and writes what it did after."""
    delivery = scene.dead_letter(a_processing_order())
    taken_up = scene.row(delivery).taken_up(NOW, 1, PUBLISHED_ANEW)
    scene.orders.before_save.append(lambda: scene.orders.put(taken_up))
    scene.tend()
    assert scene.row(delivery) == taken_up
    scene.comes_back()
    scene.tend()
    assert (scene.row(delivery).status, scene.publisher.sent) == (S.FAILED, [])


def test_a_steward_that_dies_after_sending_sends_the_same_again(scene: Scene) -> None:
    scene.dead_letter(a_processing_order())
    scene.orders.before_save.append(lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        scene.tend()
    scene.queue.hidden.clear()  # Two minutes later.
    scene.tend()
    first, second = scene.publisher.sent
    assert first == second


def test_a_rescue_that_was_dead_lettered_before_the_row_knew_of_it_is_sent_with_a_new_body(scene: Scene) -> None:
    """The steward died after sending. The same body again would be swallowed as a duplicate of the dead letter."""
    delivery = scene.dead_letter(a_processing_order())
    assert delivery.message
    scene.queue.messages = [replace(delivery, message=replace(delivery.message, event=Event.CREATED, replay=1))]
    scene.tend()
    ((_, message),) = scene.publisher.sent
    assert (message.replay, scene.row(delivery).replay) == (2, 2)
    assert scene.queue.messages == []


def test_of_two_runs_that_were_dead_lettered_only_the_last_counts(scene: Scene) -> None:
    """The steward died after sending, and what it had sent lies behind what it was sent for."""
    delivery = scene.dead_letter(a_processing_order())
    assert delivery.message
    later = replace(delivery.message, event=Event.CREATED, replay=1)
    scene.queue.messages.append(replace(delivery, message_id="of the next run", message=later))
    scene.tend()
    assert [message.replay for _, message in scene.publisher.sent] == [2]
    assert (scene.row(delivery).status, scene.row(delivery).replay) == (S.PROCESSING, 2)
    assert scene.queue.messages == []


def test_a_second_dead_letter_of_the_same_run_fails_nothing(scene: Scene) -> None:
    """Its worker sent it on and died before it deleted it: two messages of one run, and both dead-lettered untried."""
    delivery = scene.dead_letter(a_processing_order())
    scene.queue.messages.append(replace(delivery, message_id="of another stage"))
    scene.tend()
    assert scene.row(delivery).status is S.PROCESSING
    assert len(set(scene.publisher.sent)) == 1, "one body, however often it is sent"
    scene.tend()
    assert scene.row(delivery).status is S.PROCESSING
    assert scene.queue.messages == []


def test_a_redriven_order_that_is_dead_lettered_before_it_is_taken_up_takes_the_messages_replay(scene: Scene) -> None:
    delivery = scene.dead_letter(a_processing_order())
    failed = failed_by(scene.row(delivery), delivery.message_id)
    scene.orders.put(failed)
    scene.queue.messages.remove(delivery)
    again = OrderMessage(Event.CREATED, failed.order_id, failed.payload_hash, 1)
    scene.queue.messages.append(a_delivery(failed, message=again, message_id="again"))
    scene.tend()
    order = scene.row(delivery)
    assert order.failure
    assert (order.replay, order.failure.message_id) == (1, "again"), "so that the next redrive has a new body"


def test_untried_orders_behind_ten_failed_ones_are_found(scene: Scene) -> None:
    for _ in range(10):
        delivery = scene.dead_letter(a_processing_order())
        scene.orders.put(failed_by(scene.row(delivery), delivery.message_id))
    behind = [scene.dead_letter(a_processing_order()) for _ in range(3)]
    scene.clock.now += timedelta(minutes=3)
    scene.tend()
    assert [message.order_id for _, message in scene.publisher.sent] == [scene.row(each).order_id for each in behind]


def test_a_group_that_shared_a_full_receive_is_seen_in_full(scene: Scene) -> None:
    """Four of one recipient and six of another make ten; the seventh is locked with the six, but no crowd hides it."""
    for recipient in ("ana", *["bruno"] * 3, *["carla"] * 3, *["davi"] * 3, *["carla"] * 2, *["davi"] * 3):
        delivery = scene.dead_letter(a_processing_order(recipient_id=recipient))
        scene.orders.put(failed_by(scene.row(delivery), delivery.message_id))
    behind = [scene.dead_letter(a_processing_order(recipient_id=name)) for name in ("davi", "carla")]
    again = scene.dead_letter(replace(a_processing_order(recipient_id="carla"), rescues=1))
    scene.tend()
    assert {message.order_id for _, message in scene.publisher.sent} == {scene.row(each).order_id for each in behind}
    assert scene.row(again).status is S.FAILED


def test_what_nobody_can_see_is_published_anew_and_never_failed(scene: Scene) -> None:
    """Another letter may be the one that hides, and the order only wait: once more after an hour, and so on."""
    for _ in range(10):
        delivery = scene.dead_letter(a_processing_order())
        scene.orders.put(failed_by(scene.row(delivery), delivery.message_id))
    behind = scene.dead_letter(replace(a_processing_order(), rescues=1))
    scene.clock.now += timedelta(minutes=50)
    scene.tend()
    assert scene.publisher.sent == []
    scene.clock.now += timedelta(minutes=11)
    scene.tend()
    assert (scene.row(behind).status, scene.row(behind).replay) == (S.PROCESSING, 1)
    assert len(scene.publisher.sent) == 1


def test_failed_orders_whose_letter_is_long_gone_account_for_nothing(scene: Scene) -> None:
    for _ in range(10):
        delivery = scene.dead_letter(a_processing_order())
        scene.orders.put(failed_by(scene.row(delivery), delivery.message_id))
    old = a_processing_order().failed(Failure("Timeout", "slow", Stage.ENRICHMENT, 5, NOW - timedelta(days=15), "gone"))
    scene.orders.put(old)
    behind = scene.dead_letter(a_processing_order())
    scene.clock.now += timedelta(minutes=3)
    scene.tend()
    assert [message.order_id for _, message in scene.publisher.sent] == [scene.row(behind).order_id]


def test_open_orders_that_only_wait_are_not_taken_for_dead_letters(scene: Scene) -> None:
    """In an outage orders wait for hours in their queue: no dead letter is unaccounted for, so nothing is done."""
    for _ in range(12):
        delivery = scene.dead_letter(a_processing_order())
        scene.orders.put(failed_by(scene.row(delivery), delivery.message_id))
    scene.orders.put(failed_by(a_processing_order(), "gone after 14 days"))
    scene.orders.put(a_processing_order(), a_processing_order(), a_processing_order())
    scene.clock.now += timedelta(hours=3)
    before = dict(scene.orders.rows)
    scene.tend()
    assert scene.publisher.sent == []
    assert scene.orders.rows == before


def test_when_the_time_is_up_the_rest_waits_for_the_next_minute(scene: Scene) -> None:
    delivery = scene.dead_letter(a_processing_order())
    scene.tend(seconds_left=4)
    assert scene.queue.messages == [delivery]


@pytest.mark.parametrize(("newer", "told"), [(False, "row.unreadable"), (True, "row.of_newer_release")])
def test_an_order_that_cannot_be_read_stays_and_hides_no_other(scene: Scene, *, newer: bool, told: str) -> None:
    bad, good = (scene.dead_letter(a_processing_order(recipient_id=name)) for name in ("r-1", "r-2"))
    assert bad.message
    order_id = bad.message.order_id
    scene.orders.unreadable[order_id] = UnreadableRow(order_id, "origin is missing", newer=newer)
    scene.tend()
    assert scene.queue.messages == [bad]
    assert scene.queue.deleted == [good.message_id]
    assert (told, {"row_id": order_id, "reason": "origin is missing"}) in [
        (happening, facts) for (happening, _), facts in zip(scene.journal.told, scene.journal.facts, strict=True)
    ]


def test_the_oldest_behind_ten_is_found_past_one_that_cannot_be_read(scene: Scene) -> None:
    for _ in range(10):
        delivery = scene.dead_letter(a_processing_order())
        scene.orders.put(failed_by(scene.row(delivery), delivery.message_id))
    hidden = scene.dead_letter(a_processing_order())
    scene.orders.unreadable["x"] = UnreadableRow("x", "origin is missing")
    scene.clock.now += timedelta(minutes=5)
    scene.tend()
    assert hidden.message
    assert [message.order_id for _, message in scene.publisher.sent] == [hidden.message.order_id]
