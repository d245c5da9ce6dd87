"""What a demo that failed says: how far its orders came, what waits in which queue, and what the log complains of."""

import re
from collections.abc import Sequence
from pathlib import Path

import httpx
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from comanda_cli.stack.sessions import local_session
from comanda_cli.stack.stack_info import StackInfo
from local.console import console
from local.demo.watch import SentOrder, recipient_name
from local.stack import api_client
from local.summary import relative

LINES = 8
LONGEST_LINE = 400
_COMPLAINS = re.compile(r"\b(WARNING|ERROR|CRITICAL)\b|^\w*(Error|Exception)\b")


def explain(stack: StackInfo, orders: Sequence[SentOrder], log: Path | None) -> None:
    """`log`: the emulator's, which has the functions' lines too."""
    console.print("\n[bold red]The demo did not end as it should.[/bold red] What there is to see:")
    for line in (*_of_orders(orders), *_of_queues(stack), *_of_readiness(stack), *(_of_log(log) if log else ())):
        console.print(line, markup=False, soft_wrap=True)


def _of_orders(orders: Sequence[SentOrder]) -> list[str]:
    """Those that are not as planned."""
    lines = [f"Orders sent so far: {len(orders)}. Those that are not as planned:"]
    for order in orders:
        if order.status == order.planned.outcome:
            continue
        timeline = order.view.get("timeline") or [{"at": "a moment we have not asked for"}]
        failure = order.view.get("failure")
        why = f": {failure['class']}, {failure['message']} (stage {failure['stage']})" if failure else ""
        lines.append(
            f"  {recipient_name(order)}, {order.planned.title}: {order.status} since {timeline[-1]['at']}{why}\n"
            f"    {order.order_id}"
        )
    return lines if len(lines) > 1 else [f"All {len(orders)} orders sent so far are as planned."]


def _of_queues(stack: StackInfo) -> list[str]:
    if stack.endpoint_url is None:
        return []
    session = local_session(stack.endpoint_url, stack.region)
    sqs = session.client("sqs", config=Config(retries={"total_max_attempts": 1}))

    def count(url: str) -> tuple[int, int]:
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return int(attributes["ApproximateNumberOfMessages"]), int(attributes["ApproximateNumberOfMessagesNotVisible"])

    lines = ["Queues:"]
    for name, queue in stack.queues.items():
        try:
            (waiting, in_flight), dead = count(queue.url), sum(count(queue.dlq_url))
        except (BotoCoreError, ClientError) as error:
            return [*lines, f"  cannot be asked: {error}"]
        lines.append(f"  {name}: {waiting} waiting, {in_flight} in flight, {dead} dead letters")
    return lines


def _of_readiness(stack: StackInfo) -> list[str]:
    """What GET /ready says: also whether enrichment is paused, as its provider is down."""
    with api_client(stack) as client:
        try:
            answer = client.get("/ready")
        except httpx.TransportError as error:
            return [f"GET /ready: no answer ({error})"]
    return [f"GET /ready: {answer.status_code} {answer.text[:LONGEST_LINE]}"]


def _of_log(log: Path) -> list[str]:
    """Its last complaints, or else its last lines."""
    told = log.read_text(errors="replace").splitlines() if log.is_file() else []
    complaints = [line for line in told if _COMPLAINS.search(line)]
    last = [f"  {line.strip()[:LONGEST_LINE]}" for line in (complaints or told)[-LINES:]]
    what = "The last warnings and errors" if complaints else "The last lines"
    return [f"{what} in {relative(log)}:", *(last or ["  none"])]
