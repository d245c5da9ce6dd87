"""Notifications in the simulator: they are told, and orders do not wait for those who are told."""

import json
from dataclasses import dataclass
from functools import partial
from random import Random

import pytest

from infra.settings import load_settings
from tests.simulation.faults import Faults
from tests.simulation.notification_system import NotificationSystem
from tests.simulation.receivers import DOWN, INSIDE, KILLER, SLOW, WELL
from tests.simulation.simulation import has_notifications, simulate, virtual_world
from tests.simulation.system import System
from tests.simulation.workload import Workload

SEEDS_THAT_FOUND_SOMETHING = {
    26: "a delivered notification that was sent anew twice had used up its rescue",
    10606: "a dead letter that a full receive cut off from its group was seen by no reconciler",
    4360: "somebody joined those who are told of a ready report, and the auditor took that for a second run",
    2049: "hasty operators called more hasty operators, and the run never ended",
}


@pytest.mark.parametrize("seed", SEEDS_THAT_FOUND_SOMETHING)
def test_what_a_seed_found_stays_mended(seed: int) -> None:
    assert simulate(seed).broken is None


def test_a_seed_with_notifications_tells_some() -> None:
    seen = simulate(12, verbose=True)
    assert has_notifications(12)
    assert seen.broken is None
    assert seen.notifications > 0
    assert ".example.com of order." in seen.story
    assert not any(simulate(seed).notifications for seed in range(6) if not has_notifications(seed))


@pytest.mark.parametrize("url", [SLOW, DOWN, KILLER, INSIDE])
def test_orders_are_the_same_whoever_is_told_of_them(url: str) -> None:
    """NotificationRequest of by somebody who does not answer, and not told of at all."""
    alone, told = six_orders(None), six_orders(url)
    assert alone.ledger == told.ledger
    assert told.seconds < alone.seconds + 1
    assert six_orders(WELL).ledger == alone.ledger
    assert told.waiting > 0, "receivers that hold nobody up prove nothing"


@dataclass(frozen=True)
class Seen:
    seconds: float
    """Until the last order was completed."""
    ledger: list[tuple[str, str]]
    """Recipient and amount of each entry, in their order."""
    waiting: int
    """Notifications that were not delivered by then."""


def six_orders(url: str | None) -> Seen:
    """Of two recipients, one each second, up to the moment when the last of them is completed."""
    random = Random(1)
    with virtual_world(random) as (scheduler, history):
        settings = load_settings("local", {"python_version": "3.11", "architecture": "arm64"})
        system = System(scheduler, random, Faults(random, active=False), history, settings)
        notifications = NotificationSystem(system, Random(2), settings)
        notifications.receivers.down[DOWN] = [(0.0, float("inf"))]
        workload, began = Workload(system, random), scheduler.time()
        for number in range(6):
            notify = {"webhook_url": url, "events": ["order.pending", "order.processing", "order.completed"]}
            order = {"customer_id": f"r-{number % 2}", "items": [{"sku": "ABC", "qty": number + 1}]}
            text = json.dumps(order | ({"notify": notify} if url else {}))
            workload.people.start("client", number, partial(workload.exchange, "web", "POST", "/orders", text))
        orders = system.dynamodb.tables["orders"].rows
        assert scheduler.run(lambda: [row["status"]["S"] for row in orders.values()] == ["completed"] * 6, 60)
        told = system.dynamodb.tables["notifications"].rows.values()
        entries = sorted(system.dynamodb.tables["ledger"].rows.items())
        return Seen(
            seconds=scheduler.time() - began,
            ledger=[(key[0], row["amount"]["N"]) for key, row in entries if "amount" in row],
            waiting=sum(row["status"]["S"] != "delivered" for row in told),
        )
