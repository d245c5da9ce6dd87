"""`make demo`: send orders through a stack, watch them, ask for reports, and check what came of all."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from comanda_cli.stack_info import StackInfo
from local.console import console
from local.demo_files import check_reports, print_files, write_reports
from local.demo_orders import PLAN, PlannedOrder
from local.demo_outcome import check, check_provider, print_outcome, print_promises, read_ledgers
from local.demo_watch import SentOrder, watch
from local.demo_webhooks import check_webhooks, notify, signing_secrets
from local.errors import LocalError
from local.fake_provider import FakeProvider
from local.stack import api_client, running_stack, temporary_stack
from local.state import State
from local.summary import print_examples
from local.webhook_receiver import WebhookReceiver


def run_demo(state: State) -> None:
    """Use the stack of `make up` and leave it, or else one that is gone afterwards, with a provider over HTTP.

    Raises LocalError where the orders did not end as promised.
    """
    running = running_stack(state)
    if running is not None:
        console.print(f"Using the stack that runs at {running.endpoint_url}.")
        play(running, state.reports)
        print_examples(state)
        return
    with _own_folder(state) as folder, FakeProvider() as provider:
        settings = {"enrichment_url": provider.url, "enrichment_health_url": provider.health_url}
        with temporary_stack(folder, settings) as stack:
            play(stack, state.reports, provider)
    console.print("\nThe demo's stack is stopped. For one that stays, with examples to try: [bold]make up[/bold]")


def play(stack: StackInfo, folder: Path, provider: FakeProvider | None = None) -> None:
    """Reports go into `folder`. `provider`: the one this stack asks.

    Raises LocalError where the orders or reports did not end as promised.
    """
    with ExitStack() as open_until_the_end:
        clients = {name: open_until_the_end.enter_context(api_client(stack, name)) for name in stack.tokens}
        receiver, secrets = open_until_the_end.enter_context(WebhookReceiver()), signing_secrets(stack)
        console.print(f"\nSending {len(PLAN)} orders from web, mobile and api, one of them twice.")
        orders = [_send(clients[planned.token], planned, receiver) for planned in PLAN]
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
        raise LocalError("the demo did not end as it should")


def _send(client: httpx.Client, planned: PlannedOrder, receiver: WebhookReceiver) -> SentOrder:
    body, headers = {**planned.body, "notify": notify(receiver)}, {"Idempotency-Key": str(uuid.uuid4())}
    answers = [client.post("/orders", json=body, headers=headers) for _ in range(1 + planned.send_twice)]
    for answer in answers:
        if answer.status_code != httpx.codes.ACCEPTED:
            raise LocalError(f"POST /orders ({planned.title}) says {answer.status_code}: {answer.text[:500]}")
    first, last = answers[0], answers[-1]
    replayed = last.headers.get("Idempotency-Replayed") == "true" and last.json() == first.json()
    return SentOrder(planned, first.json(), replayed)


@contextmanager
def _own_folder(state: State) -> Iterator[Path]:
    """A folder for the demo's stack. It is kept, with its logs, only when the demo failed."""
    folder = Path(tempfile.mkdtemp(prefix="demo-", dir=state.folder))
    try:
        yield folder
    except LocalError:
        console.print(f"The logs are in {folder}")
        raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder)
