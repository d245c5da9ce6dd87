"""How long an order takes from its 202 to `completed`, one order a second, each of a recipient of its own.

    make benchmark        or, of a running stack: python -m benchmarks.latency --stack .local/stack.json --orders 60

Two times are shown. *written* is what the order's timeline says: when the completing worker took the time, just before
it wrote its transaction. *seen* is when GET first answered `completed`, asked every 20 ms: what a client can know.
Without `--stack`, a stack of its own is deployed with the simulated provider's delay at 0.
"""

import argparse
import statistics
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from comanda_cli.stack.stack_info import load_stack_file
from local.stack import api_client, temporary_stack

LIMIT_SECONDS = 30.0


@dataclass(frozen=True)
class Sample:
    """Milliseconds from the 202."""

    accept: float
    """Of the POST itself."""
    written: float
    seen: float


def main() -> None:
    arguments = _arguments()
    with ExitStack() as stack_or_not:
        if arguments.stack:
            stack = load_stack_file(arguments.stack)
        else:
            folder = Path(stack_or_not.enter_context(tempfile.TemporaryDirectory()))
            stack = stack_or_not.enter_context(temporary_stack(folder, {"enrichment.delay_seconds": "0"}))
        client = stack_or_not.enter_context(api_client(stack, "web"))
        for number in range(arguments.warm_up):
            measure(client, f"warm-up-{number}")
        samples = []
        for number in range(arguments.orders):
            begun = time.monotonic()
            samples.append(measure(client, f"bench-{number}"))
            time.sleep(max(0.0, 1.0 - (time.monotonic() - begun)))
    report(samples)


def measure(client: httpx.Client, recipient: str) -> Sample:
    """Post one order and follow it until GET shows it completed."""
    body = {"customer_id": "123", "recipient_id": recipient, "items": [{"sku": "ABC", "qty": 2}]}
    posting = time.monotonic()
    answer = client.post("/orders", json=body).raise_for_status()
    accepted, accepted_at = time.monotonic(), datetime.now(UTC)
    while time.monotonic() - accepted < LIMIT_SECONDS:
        order = client.get(f"/orders/{answer.json()['order_id']}").json()
        if order["status"] == "completed":
            seen = time.monotonic()
            written = datetime.fromisoformat(order["timeline"][-1]["at"]) - accepted_at
            return Sample((accepted - posting) * 1000, written.total_seconds() * 1000, (seen - accepted) * 1000)
        time.sleep(0.02)
    raise SystemExit(f"an order was not completed within {LIMIT_SECONDS:.0f} s: {order}")


def report(samples: list[Sample]) -> None:
    print(f"{len(samples)} orders, one a second, milliseconds")
    print(f"{'':24}{'p50':>8}{'p95':>8}{'max':>8}")
    for title, values in {
        "POST answered": [sample.accept for sample in samples],
        "202 to completed, written": [sample.written for sample in samples],
        "202 to completed, seen": [sample.seen for sample in samples],
    }.items():
        cuts = statistics.quantiles(values, n=20, method="inclusive")
        print(f"{title:26}{statistics.median(values):8.0f}{cuts[18]:8.0f}{max(values):8.0f}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", type=Path, help="the stack.json of a running stack")
    parser.add_argument("--orders", type=int, default=60)
    parser.add_argument("--warm-up", type=int, default=3, help="orders sent before, to start every function once")
    return parser.parse_args()


if __name__ == "__main__":
    main()
