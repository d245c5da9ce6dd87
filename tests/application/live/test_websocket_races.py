"""An order changes, its stream is broadcast and clients subscribe, all at once, in every order that chance makes of it.

What runs is the real subscribing and broadcasting; each call of storage or of a client is a place where another may
go on. A client is to see a snapshot first, and then each later change, in order, once.
"""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from random import Random
from typing import Any

from greenlet import getcurrent, greenlet
from hypothesis import given, settings
from hypothesis import strategies as st

from comanda.domain.changes.row_changes import changes_of_order
from comanda.domain.live.subscriptions import Topic
from comanda.domain.orders.order import Enrichment, Order
from comanda.domain.shared.errors import Unavailable
from tests.application.live.websocket_scene import Scene, recipient_of, topic_of
from tests.support.builders import NOW, a_claim
from tests.support.fakes import FakeOrders
from tests.support.websocket_fakes import FakeClients, FakeSubscriptions

SEEDS = st.integers(0, 2**32)
PRICES = {"ABC": Decimal("1.00"), "XYZ": Decimal("2.00")}


class Pausing:
    """Lets the others go on before each call, and before its answer comes back."""

    def __init__(self, target: object) -> None:
        self._target = target

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if not callable(found):
            return found

        def call(*arguments: object) -> object:
            pause()
            answer = found(*arguments)
            pause()
            return answer

        return call


def pause() -> None:
    if (parent := getcurrent().parent) is not None:
        parent.switch()


def take_turns(tasks: Sequence[Callable[[], None]], choices: Iterator[int]) -> None:
    """Run all to their ends; each choice says who goes on until the next pause."""
    running = [greenlet(task) for task in tasks]
    while running:
        running[next(choices) % len(running)].switch()
        running = [task for task in running if not task.dead]


def an_orders_life() -> list[Order]:
    """The states of its row, one write after another; claims and the enrichment are sent to nobody."""
    claim = a_claim()
    started = claim.stored(NOW).started(NOW)
    return [
        claim,
        claim.stored(NOW),
        started,
        enriched := started.enriched(Enrichment("test", "ref", PRICES), NOW),
        enriched.completed(NOW),
    ]


class Race:
    def __init__(self, topic_of_order: Callable[[Order], Topic], outages: int) -> None:
        self.states = an_orders_life()
        self.topic = topic_of_order(self.states[0])
        self.stored = FakeOrders()
        self.stored.put(self.states[0])
        self.clients = FakeClients()
        self.scene = Scene(
            orders=Pausing(self.stored),
            subscriptions=Pausing(FakeSubscriptions()),
            clients=Pausing(self.clients),
        )
        self.stream: list[tuple[Order, Order]] = []
        self.outages = outages
        self.is_over = False

    def work(self) -> None:
        for before, after in zip(self.states, self.states[1:], strict=False):
            pause()
            self.stored.put(after)
            self.stream.append((before, after))
        self.is_over = True

    def tell(self) -> None:
        """As the event source mapping does: in order, and again where it failed."""
        told = 0
        while not (self.is_over and told == len(self.stream)):
            pause()
            batch = self.stream[told : told + 3]
            if self.outages and batch:
                self.outages -= 1
                self.clients.errors["c-1"] = [Unavailable("connections: InternalServerError")]
            try:
                self.scene.broadcast(*batch)
            except Unavailable:
                continue
            finally:
                self.clients.errors.clear()
            told += len(batch)

    def watch(self, connection_id: str) -> Callable[[], None]:
        def task() -> None:
            while self.stored.rows[self.states[0].order_id].is_claim:
                pause()
            self.scene.subscribe(self.scene.connect(connection_id), self.topic)

        return task


def turns(seed: int) -> Iterator[int]:
    """Who goes on: now and then one for a while, so that others get far behind."""
    chance = Random(seed)
    while True:
        yield from [chance.randrange(4)] * chance.choice([1, 1, 2, 5, 20])


@settings(max_examples=600)
@given(SEEDS)
def test_a_snapshot_and_then_every_change_of_an_order_once(seed: int) -> None:
    race = Race(topic_of, outages=0)
    take_turns([race.work, race.tell, race.watch("c-1"), race.watch("c-2")], turns(seed))
    for connection_id in ("c-1", "c-2"):
        check(race, race.clients.received[connection_id])


def check(race: Race, received: list[str]) -> None:
    first, *others = received
    kind, version = first.split()
    assert kind == "snapshot"
    changes = [
        f"{change.type} {change.version}"
        for before, after in zip(race.states, race.states[1:], strict=False)
        for change in changes_of_order(before, after)
    ]
    assert others == [change for change in changes if int(change.split()[1]) > int(version)]


@settings(max_examples=300)
@given(SEEDS)
def test_a_recipients_changes_come_behind_its_snapshot_and_none_is_lost(seed: int) -> None:
    """What came shortly before the snapshot may be sent after it, too."""
    race = Race(recipient_of, outages=0)
    written_by_the_snapshot: list[int] = []
    race.clients.before_post = lambda *_: written_by_the_snapshot.append(len(race.stream))
    take_turns([race.work, race.tell, race.watch("c-1")], turns(seed))
    first, *others = race.clients.received["c-1"]
    assert first == "snapshot 0"
    told = [int(text.split()[1]) for text in others]
    later = [2, 3, None, 5][written_by_the_snapshot[0] :]
    assert told == [2, 3, 5][3 - len(told) :]
    assert {version for version in later if version} <= set(told)


@settings(max_examples=300)
@given(SEEDS, st.integers(1, 4))
def test_outages_lose_nothing_and_tell_nobody_twice(seed: int, outages: int) -> None:
    """The snapshot itself is not hit: then the client is told that it is not subscribed."""
    race = Race(topic_of, outages=outages)
    race.work()
    race.stream.clear()
    race.is_over = False
    race.stored.put(race.states[1])
    race.scene.subscribe(race.scene.connect("c-1"), race.topic)
    race.states = race.states[1:]
    take_turns([race.work, race.tell], turns(seed))
    check(race, race.clients.received["c-1"])
