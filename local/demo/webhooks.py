"""Who is told of the demo's orders: a receiver on this machine, which checks each signature."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from comanda.domain.notifications.webhook_signature import is_valid
from comanda_cli.access.webhook_secrets import WebhookSecretStore
from comanda_cli.stack.sessions import local_session
from comanda_cli.stack.stack_info import StackInfo
from local.demo.outcome import Promise
from local.demo.watch import SentOrder
from local.errors import LocalError
from local.patience import Patience
from local.servers.webhook_receiver import NotificationRequest, WebhookReceiver

EVENTS = ("order.pending", "order.processing", "order.completed", "order.failed")
STILL_SECONDS, LIMIT_SECONDS = 120.0, 900.0
"""So long none may come; so long may all of them take, which come within a second of the last order."""


def notify(receiver: WebhookReceiver) -> dict[str, Any]:
    return {"webhook_url": receiver.url, "events": EVENTS}


def signing_secrets(stack: StackInfo) -> dict[str, str]:
    """By caller: one of those it has, or its first."""
    if stack.endpoint_url is None:
        raise LocalError("the demo runs on a local stack only")
    client = local_session(stack.endpoint_url, stack.region).client("secretsmanager")
    store, now = WebhookSecretStore(client, stack.webhook_secrets_secret), datetime.now(UTC)
    known = store.records()

    def secret_of(caller: str) -> str:
        valid = [record["secret"] for record in known.get(caller, []) if is_valid(record, now)]
        return valid[-1] if valid else store.issue(caller, now)["secret"]

    return {caller: secret_of(caller) for caller in stack.tokens}


def check_webhooks(receiver: WebhookReceiver, secrets: Mapping[str, str], orders: Sequence[SentOrder]) -> list[Promise]:
    """Once all have come, or no more come: what came of them."""
    wait_until_told(receiver, orders)
    expected = _expected(orders)
    callers = {order.order_id: order.planned.token for order in orders}
    told = [each for each in receiver.told if each.event["data"]["order_id"] in callers]
    events = len({each.event_id for each in told})
    return [
        Promise(
            f"each order was told of by webhook, change by change in their order: {events} events, each under one id",
            _told_by_order(told) == expected and events == sum(map(len, expected.values())),
        ),
        Promise(
            "every webhook is signed with its caller's secret",
            all(each.is_signed_with(secrets[callers[each.event["data"]["order_id"]]]) for each in told),
        ),
    ]


def wait_until_told(receiver: WebhookReceiver, orders: Sequence[SentOrder]) -> None:
    """Of every change of these orders, which are final; or until no more is told."""
    patience = Patience(STILL_SECONDS, LIMIT_SECONDS)
    while _told_by_order(receiver.told) != _expected(orders) and not patience.is_over(len(receiver.told)):
        time.sleep(0.1)


def _expected(orders: Sequence[SentOrder]) -> dict[str, list[str]]:
    return {order.order_id: [*EVENTS[:2], f"order.{order.status}"] for order in orders}


def _told_by_order(told: Sequence[NotificationRequest]) -> dict[str, list[str]]:
    """What was told of each order, in its order; an event that came again is one."""
    by_order: dict[str, dict[str, None]] = {}
    for event in [each.event for each in told]:
        by_order.setdefault(event["data"]["order_id"], {})[event["type"]] = None
    return {order_id: [*types] for order_id, types in by_order.items()}
