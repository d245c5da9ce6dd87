"""What the demo sends, and what becomes of one that fails."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from comanda_cli.stack.stack_info import Queue, StackInfo, load_stack_file
from infra.settings import SAVE_SECONDS, load_settings
from local import emulator
from local.demo import run as demo
from local.demo.orders import PLAN, SLOW_SECONDS
from local.demo.run import run_demo
from local.demo.trouble import LINES, explain
from local.demo.watch import SentOrder
from local.emulator import Emulator
from local.errors import LocalError
from local.servers.fake_provider import FakeProvider
from local.state import State, write_private

NOBODY = "http://127.0.0.1:1"
STACK = StackInfo(
    api_url=f"{NOBODY}/v1",
    endpoint_url=NOBODY,
    region="us-east-1",
    tokens_secret="tokens",
    webhook_secrets_secret="webhooks",
    queues={"enrichment": Queue(url=f"{NOBODY}/0/enrichment.fifo", dlq_url=f"{NOBODY}/0/enrichment-dlq.fifo")},
    tables={},
    functions={},
    bucket="files",
)


def test_the_slow_order_is_slow_and_not_broken_off() -> None:
    """Over HTTP a call has a limit; the simulated provider sleeps within the time that a worker reserves."""
    local = load_settings("local", {"enrichment.url": "http://127.0.0.1:4580/"})
    assert f"SLOW-{SLOW_SECONDS}" in str(PLAN)
    for limit in (local.enrichment.read_seconds, local.enrichment.total_seconds):
        assert limit > SLOW_SECONDS * 2, "a busy machine adds seconds of its own"
    assert SLOW_SECONDS + local.enrichment.delay_seconds + SAVE_SECONDS < local.orders.reserve_seconds


def test_most_orders_of_each_origin_wait_for_nobody() -> None:
    """So that the median of each is what an order takes: whoever is sent after a slow order may wait for it."""
    first_slow = next(place for place, order in enumerate(PLAN) if re.search("SLOW|FLAKY", order.title))
    for origin in ("web", "mobile", "api"):
        quick = [order for order in PLAN[:first_slow] if order.token == origin]
        assert len(quick) * 2 > len([order for order in PLAN if order.token == origin])


def an_order(number: int, **view: Any) -> SentOrder:
    planned = PLAN[number]
    recipient = planned.body.get("recipient_id", "123")
    return SentOrder(planned, {"order_id": f"order-{number}", "recipient_id": recipient, **view}, replayed=False)


def test_a_demo_that_failed_says_how_far_each_order_came(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "emulator.log"
    log.write_text("2026-11-22 INFO fine\n" + "".join(f"2026-11-22 WARNING number {each}\n" for each in range(20)))
    failure = {"class": "Timeout", "message": "the provider did not answer in time", "stage": "enrichment"}
    timeline = [
        {"status": "pending", "at": "2026-11-22T09:30:00Z"},
        {"status": "processing", "at": "2026-11-22T09:31:00Z"},
    ]
    orders = [
        an_order(0, status="completed", timeline=timeline),
        an_order(3, status="processing", timeline=timeline),
        an_order(10, status="failed", timeline=timeline, failure=failure),
        an_order(11, status="pending"),
    ]
    explain(STACK, orders, log)
    printed = capsys.readouterr().out
    assert "order-0" not in printed
    assert "carla, 1 COFFEE-1KG: processing since 2026-11-22T09:31:00Z\n    order-3\n" in printed
    assert (
        "failed since 2026-11-22T09:31:00Z: Timeout, the provider did not answer in time (stage enrichment)" in printed
    )
    assert "order-11" in printed
    assert "Queues:\n  cannot be asked: Could not connect" in printed, "nobody listens there"
    assert "GET /ready: no answer" in printed
    assert re.findall(r"number (\d+)", printed) == [str(number) for number in range(20 - LINES, 20)]
    assert "fine" not in printed


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = State(tmp_path / "state")
    yield state
    emulator.stop(state)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A demo on a real emulator, to which nothing is deployed, and which fails."""

    def deploy(own: State, started: Emulator, settings: dict[str, str]) -> StackInfo:
        stack = STACK.model_copy(update={"endpoint_url": started.endpoint_url})
        write_private(own.stack_file, stack.to_json())
        write_private(own.env_file, "API_URL=x\n")
        return stack

    def play(stack: StackInfo, folder: Path, provider: FakeProvider, log: Path) -> None:
        assert log.is_file()
        raise LocalError("2 of 12 orders are not done")

    monkeypatch.setattr(demo, "deploy", deploy)
    monkeypatch.setattr(demo, "play", play)


@pytest.mark.usefixtures("failing")
def test_a_demo_that_failed_leaves_its_stack_up(state: State, capsys: pytest.CaptureFixture[str]) -> None:
    """As the stack of its folder, for `comanda` and `make down` to find."""
    with pytest.raises(LocalError, match="2 of 12 orders are not done"):
        run_demo(state)
    left = emulator.find(state)
    assert left
    assert left.is_healthy()
    assert load_stack_file(state.stack_file).endpoint_url == left.endpoint_url
    assert state.env_file.is_file()
    printed = capsys.readouterr().out
    assert left.endpoint_url in printed
    assert "make down" in printed
    (folder,) = state.folder.glob("demo-*")
    assert (folder / "emulator.log").is_file()
    assert f"The logs are in {folder}\n" in printed


@pytest.mark.usefixtures("failing")
def test_but_not_in_place_of_another(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that `make up` started meanwhile stays."""
    monkeypatch.setattr(demo, "running_stack", lambda state: None)
    with emulator.on_a_free_port(state) as others:
        others.keep()
    with pytest.raises(LocalError):
        run_demo(state)
    assert emulator.find(state) == others.emulator
    assert not state.stack_file.exists()
