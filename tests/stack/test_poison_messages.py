"""Orders that kill the process that works on them, and workers that are killed at random: nobody is taken along."""

import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from tests.stack.conftest import ApiClients
from tests.stack.helpers import a_recipient, an_order, finished, ledger, post
from tests.stack.operators import ATTEMPTS, Operator, wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds worker processes in /proc")

POISON = Path(__file__).with_name("poison.py")
DEATHS = {"os._exit": 100, "out of memory": 200, "timeout": 300}


@contextmanager
def poisoned_worker(operator: Operator, folder: Path) -> Iterator[Path]:
    """enrich_order becomes tests/stack/poison.py; the file that counts the starts. Its dead come back quickly."""
    starts = folder / "starts"
    starts.touch()
    operator.replace_code("enrich_order", POISON)
    with operator.changed(
        "enrich_order",
        "enrichment",
        {"VisibilityTimeout": "4"},
        Handler="poison.handler",
        Timeout=3,
        Environment=operator.variables("enrich_order", WORKER_RESERVE_SECONDS="1", STARTS_FILE=str(starts)),
    ):
        yield starts


@pytest.mark.parametrize(
    "death", ["os._exit", *(pytest.param(death, marks=pytest.mark.prove) for death in ("out of memory", "timeout"))]
)
def test_a_poison_message_takes_nobody_along(api: ApiClients, operator: Operator, tmp_path: Path, death: str) -> None:
    """One batch: a good order before the poison message, one behind it, and a neighbour's that is at work when it
    kills."""
    client, recipient, neighbour, number = api("web"), a_recipient(), a_recipient(), DEATHS[death]
    with poisoned_worker(operator, tmp_path) as starts:
        with operator.paused("enrich_order"):
            before = post(client, an_order(recipient))
            poison = post(client, an_order(recipient, f"SLOW-{number}"))
            behind = post(client, an_order(recipient))
            beside = post(client, an_order(neighbour, "SLOW-1"))
            wait_for(lambda: operator.waiting("enrichment") == 4, "a full queue")
        assert finished(client, beside)["status"] == "completed"
        assert client.get(f"orders/{poison}").json()["status"] == "processing", "the neighbour did not wait for it"
        failed = finished(client, poison, 240)
        assert_worker_died(failed, starts, number)
        assert_completed_unharmed(api, operator, recipient, [before, behind])
        assert_completed_unharmed(api, operator, neighbour, [beside])
        operator.dead_letters("enrichment", {poison})


@pytest.mark.prove
def test_ten_poison_messages_in_a_row_in_front_of_a_good_order(
    api: ApiClients, operator: Operator, tmp_path: Path
) -> None:
    client, recipient, numbers = api("web"), a_recipient(), range(100, 110)
    with poisoned_worker(operator, tmp_path) as starts:
        with operator.paused("enrich_order"):
            poisons = [post(client, an_order(recipient, f"SLOW-{number}")) for number in numbers]
            good = post(client, an_order(recipient))
            wait_for(lambda: operator.waiting("enrichment") == 11, "a full queue")
        for poison, number in zip(poisons, numbers, strict=True):
            assert_worker_died(finished(client, poison, 240), starts, number)
        assert_completed_unharmed(api, operator, recipient, [good])
        operator.dead_letters("enrichment", set(poisons))


def assert_worker_died(order: dict[str, object], starts: Path, number: int) -> None:
    assert order["status"] == "failed", order
    failure = order["failure"]
    assert isinstance(failure, dict)
    assert (failure["class"], failure["attempts"]) == ("WorkerDied", ATTEMPTS)
    assert ATTEMPTS <= Counter(starts.read_text().split())[str(number)] <= ATTEMPTS + 1


def assert_completed_unharmed(api: ApiClients, operator: Operator, recipient: str, order_ids: list[str]) -> None:
    """Completed in this order, each without having lost an attempt to the poison message."""
    for order_id in order_ids:
        order = finished(api("ops"), order_id)
        assert [moment["status"] for moment in order["timeline"]] == ["pending", "processing", "completed"]
        assert operator.attempts(order_id) <= 1
    assert [entry["order_id"] for entry in ledger(api("ops"), recipient)] == order_ids


@pytest.mark.parametrize(("number", "kills"), [(60, 3), pytest.param(300, 15, marks=pytest.mark.prove)])
def test_workers_killed_at_random_moments_lose_and_double_nothing(
    api: ApiClients, operator: Operator, number: int, kills: int
) -> None:
    """Each recipient's orders are posted one after another, so that they are in orders.fifo in the order of posting."""
    client, chance = api("web"), random.Random(11)
    recipients = [a_recipient() for _ in range(number // 15)]
    accepted: dict[str, list[str]] = {recipient: [] for recipient in recipients}
    doomed, cancelled = set[str](), set[str]()
    with ThreadPoolExecutor(1) as poison:
        killed = poison.submit(kill_workers, operator, random.Random(12), kills)
        for _ in range(number):
            recipient = chance.choice(recipients)
            (sku,) = chance.choices(["ABC", "XYZ", "FLAKY-1", "FLAKY-2", "BOMBA"], [8, 8, 2, 1, 2])
            order_id = post(client, an_order(recipient, sku))
            accepted[recipient].append(order_id)
            if chance.random() < 0.1 and client.post(f"orders/{order_id}/cancel").status_code == 200:
                cancelled.add(order_id)
            elif sku == "BOMBA":
                doomed.add(order_id)
        assert killed.result() == kills

    ops = api("ops")
    for recipient, order_ids in accepted.items():
        orders = {order_id: finished(ops, order_id, 300) for order_id in order_ids}
        failed = {order_id for order_id, order in orders.items() if order["status"] == "failed"}
        assert failed == doomed & set(order_ids), "nobody fails through a killed worker"
        assert {orders[order_id]["failure"]["class"] for order_id in failed} <= {"ItemRejected"}
        completed = [order_id for order_id in order_ids if order_id not in doomed | cancelled]
        assert {orders[order_id]["status"] for order_id in completed} <= {"completed"}
        assert {orders[order_id]["status"] for order_id in cancelled & set(order_ids)} <= {"cancelled"}
        entries = ledger(ops, recipient)
        assert [entry["order_id"] for entry in entries] == completed
        assert [entry["sequence"] for entry in entries] == list(range(1, len(completed) + 1))
        balance = ops.get(f"recipients/{recipient}").json()
        assert Decimal(balance["balance"]) == sum(Decimal(orders[each]["total_amount"]) for each in completed)
        assert balance["orders_completed"] == len(completed)
    wait_for(lambda: operator.dead_orders("enrichment", recipients) == doomed, "their dead letters", 60)
    assert operator.dead_orders("orders", recipients) == operator.dead_orders("completion", recipients) == set()


def kill_workers(operator: Operator, chance: random.Random, kills: int) -> int:
    """SIGKILL a worker's processes again and again, at most three seconds apart; the number of times there were any."""
    done, deadline = 0, time.monotonic() + 120
    while done < kills and time.monotonic() < deadline:
        time.sleep(chance.uniform(0.2, 3))
        processes = operator.workers(chance.choice(["process_order", "enrich_order", "complete_order"]))
        for process in processes:
            os.kill(process, signal.SIGKILL)
        done += bool(processes)
    return done
