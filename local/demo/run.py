"""`make demo`: send orders through a stack, watch them, ask for reports, and check what came of all."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from comanda_cli.stack.stack_info import StackInfo
from local import emulator
from local.console import console
from local.demo.files import check_reports, print_files, write_reports
from local.demo.http import post
from local.demo.orders import PLAN, PlannedOrder
from local.demo.outcome import check, check_provider, print_outcome, print_promises, read_ledgers
from local.demo.trouble import explain
from local.demo.warm_up import warm_up
from local.demo.watch import SentOrder, watch
from local.demo.webhooks import check_webhooks, notify, signing_secrets
from local.emulator import StartedEmulator, on_a_free_port
from local.errors import LocalError
from local.servers.fake_provider import FakeProvider
from local.servers.webhook_receiver import WebhookReceiver
from local.stack import api_client, deploy, running_stack
from local.state import State, write_private
from local.summary import print_examples, relative


def run_demo(state: State) -> None:
    """Use the stack of `make up` and leave it, or else one that is gone afterwards, with a provider over HTTP.

    Raises LocalError where the orders did not end as promised. A stack of its own is left up then, as if by `make up`.
    """
    running = running_stack(state)
    if running is not None:
        console.print(f"Using the stack that runs at {running.endpoint_url}.")
        try:
            play(running, state.reports, log=state.emulator_log)
        except LocalError:
            _say_what_to_do_next()
            raise
        print_examples(state)
        return
    with _own_folder(state) as folder, FakeProvider() as provider:
        own = State(folder)
        settings = {"enrichment.url": provider.url, "enrichment.health_url": provider.health_url}
        with on_a_free_port(own) as started:
            stack = deploy(own, started.emulator, settings)
            try:
                play(stack, state.reports, provider, own.emulator_log)
            except LocalError:
                _leave_up(started, own, state, provider)
                raise
    console.print("\nThe demo's stack is stopped. For one that stays, with examples to try: [bold]make up[/bold]")


def play(stack: StackInfo, folder: Path, provider: FakeProvider | None = None, log: Path | None = None) -> None:
    """Reports go into `folder`. `provider`: the one this stack asks. `log`: the emulator's.

    Raises LocalError where the orders or reports did not end as promised, after it said how far they came.
    """
    orders: list[SentOrder] = []
    try:
        _play(stack, folder, provider, orders)
    except LocalError:
        explain(stack, orders, log)
        raise


def _play(stack: StackInfo, folder: Path, provider: FakeProvider | None, orders: list[SentOrder]) -> None:
    with ExitStack() as open_until_the_end:
        clients = {name: open_until_the_end.enter_context(api_client(stack, name)) for name in stack.tokens}
        receiver, secrets = open_until_the_end.enter_context(WebhookReceiver()), signing_secrets(stack)
        warm_up(clients["ops"], orders)
        orders.clear()
        if provider:
            provider.book.forget()
        console.print(f"\nSending {len(PLAN)} orders from web, mobile and api, one of them twice.")
        orders.extend(_send(clients[planned.token], planned, receiver) for planned in PLAN)
        watch(clients, orders)
        ledgers = read_ledgers(clients["ops"], orders)
        reports = write_reports(clients["ops"], orders, folder)
        told = check_webhooks(receiver, secrets, orders)
    promises = check(orders, ledgers) + told + check_reports(reports, orders, ledgers)
    if provider:
        promises.append(check_provider(provider, orders))
    print_outcome(orders, ledgers)
    print_files(reports)
    print_promises(promises)
    if not all(promise.holds for promise in promises):
        raise LocalError("not every promise held: see the lines NOT TRUE")


def _send(client: httpx.Client, planned: PlannedOrder, receiver: WebhookReceiver) -> SentOrder:
    body, key = {**planned.body, "notify": notify(receiver)}, str(uuid.uuid4())
    answers = [post(client, "/orders", body, key, planned.title) for _ in range(1 + planned.send_twice)]
    first, last = answers[0], answers[-1]
    replayed = last.headers.get("Idempotency-Replayed") == "true" and last.json() == first.json()
    return SentOrder(planned, first.json(), replayed)


def _leave_up(started: StartedEmulator, own: State, state: State, provider: FakeProvider) -> None:
    """The demo's stack becomes the one of this folder, so that `comanda` and `make down` find it."""
    if not started.emulator.is_healthy():
        console.print("The emulator does not answer any more, and is stopped.")
        return
    with state.lock():
        if emulator.find(state) is not None:
            console.print("Another stack was started in this folder meanwhile, so this one is stopped.")
            return
        for kept, remembered in ((own.stack_file, state.stack_file), (own.env_file, state.env_file)):
            write_private(remembered, kept.read_text())
        started.keep(state)
    console.print(f"\nThe stack is left up, at {started.emulator.endpoint_url}.")
    _say_what_to_do_next(f"make fake-provider PORT={provider.server_port}     # its provider, which ends with the demo")


def _say_what_to_do_next(*more: str) -> None:
    console.print("\n[bold]What to do next[/bold]")
    for line in (
        ".venv/bin/comanda logs ORDER_ID   # what each function told of an order",
        ".venv/bin/comanda queues          # what waits where",
        *more,
        "make down && make demo            # stop the stack, and try again on a new one",
    ):
        console.print(f"  {line}", markup=False, soft_wrap=True)


@contextmanager
def _own_folder(state: State) -> Iterator[Path]:
    """A folder for the demo's stack. It is kept, with its logs, only when the demo failed."""
    folder = Path(tempfile.mkdtemp(prefix="demo-", dir=state.folder))
    try:
        yield folder
    except LocalError:
        console.print(f"The logs are in {relative(folder)}", markup=False, soft_wrap=True)
        raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)  # A function that is just ending may still write something.
