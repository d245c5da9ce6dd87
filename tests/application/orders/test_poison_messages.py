"""Orders that kill their worker: found out, and nobody taken along."""

import pytest

from comanda.domain.orders.messages import OrderDelivery
from comanda.domain.orders.order import OrderStatus
from tests.application.conftest import Scene, again, ids

S = OrderStatus


class Death(BaseException):
    """The process is gone: nothing of ours is run any more."""


def die(_: object) -> None:
    raise Death


def deaths(scene: Scene, *batch: OrderDelivery) -> tuple[int, list[str]]:
    """Redeliver what stays until nothing kills any more: how often the worker died, and what is left for its queue."""
    left = list(batch)
    for died in range(100):
        try:
            return died, scene.enrich(*again(died + 1, *left))
        except Death:
            left = [delivery for delivery in left if delivery.message_id not in scene.queue.deleted]
    raise AssertionError("the worker never stopped dying")


@pytest.mark.parametrize("good_first", [False, True])
@pytest.mark.parametrize("recipients", [("r-1", "r-1"), ("r-1", "r-2")])
def test_an_order_that_kills_the_worker_takes_nobody_along(
    scene: Scene, recipients: tuple[str, str], *, good_first: bool
) -> None:
    poison, good = (scene.to_enrich(recipient) for recipient in recipients)
    kills = {scene.row(poison).order_id}
    scene.provider.on_enrich = lambda request: die(request) if request.order_id in kills else None
    died, dead_letters = deaths(scene, *((good, poison) if good_first else (poison, good)))
    assert died == 4, "as many starts as attempts, and the one that was not written down"
    assert dead_letters == ids(poison)
    failure = scene.row(poison).failure
    assert failure
    assert (failure.name, failure.attempts) == ("WorkerDied", 3)
    assert scene.row(good).enrichment is not None
    assert scene.row(good).attempts is None or scene.row(good).attempts_of(good.message_id) <= 1


def test_nine_poison_messages_in_front_of_a_good_order(scene: Scene) -> None:
    poisons = [scene.to_enrich() for _ in range(9)]
    good = scene.to_enrich()
    kills = {scene.row(poison).order_id for poison in poisons}
    scene.provider.on_enrich = lambda request: die(request) if request.order_id in kills else None
    _, dead_letters = deaths(scene, *poisons, good)
    assert dead_letters == ids(*poisons)
    assert {scene.row(poison).status for poison in poisons} == {S.FAILED}
    assert scene.row(good).enrichment is not None
