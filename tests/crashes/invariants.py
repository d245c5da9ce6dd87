"""What must hold when the queues are drained, as an outsider sees it: rows, ledgers and messages."""

from collections import defaultdict
from collections.abc import Mapping

from comanda.adapters.aws.values import from_dynamodb
from comanda.domain.orders.order import Order, OrderStatus, Stage
from tests.crashes.crash_harness import MAX_ATTEMPTS
from tests.crashes.system import System

PERMANENT = {"ItemRejected"}
"""What a provider may reject at the first attempt."""


def promises_hold(system: System, *, completed: str = "", failed: str = "", cancelled: str = "") -> None:
    """Each order has come to its end, given by names, and P1 to P6 hold (docs/order-lifecycle.md).

    `completed` is in the order of the ledgers.
    """
    expected = dict.fromkeys(completed.split(), OrderStatus.COMPLETED)
    expected |= dict.fromkeys(failed.split(), OrderStatus.FAILED)
    expected |= dict.fromkeys(cancelled.split(), OrderStatus.CANCELLED)
    assert system.accepted.keys() == expected.keys()
    assert {name: system.post_again(name) for name in system.accepted} == system.accepted  # P2
    assert system.messages_waiting() == 0
    rows = system.rows()
    assert {name: row.status for name, row in rows.items()} == expected  # P1, P2, P5: none is missing, none too many
    _each_ledger_adds_up(system, [rows[name] for name in completed.split()])
    _each_failed_order_was_tried_and_can_be_redriven(system, rows)


def _each_ledger_adds_up(system: System, completed: list[Order]) -> None:
    """P3, P4: each completed order once, in order, without a gap, and nobody else; the balance is the sum."""
    ledgers: dict[str, list[Order]] = defaultdict(list)
    for order in completed:
        ledgers[order.recipient_id].append(order)
    expected: list[tuple[object, ...]] = []
    for recipient, orders in ledgers.items():
        amounts = [order.total_amount or 0 for order in orders]
        expected += [(recipient, "balance", None, len(orders), sum(amounts))]
        expected += [
            (recipient, f"entry#{sequence:012}", order.order_id, sequence, amount)
            for sequence, (order, amount) in enumerate(zip(orders, amounts, strict=True), start=1)
        ]
    stored = system.resources.dynamodb.scan(TableName=system.resources.ledger_table)["Items"]
    assert sorted(map(_entry_of, map(from_dynamodb, stored)), key=str) == sorted(expected, key=str)


def _entry_of(item: Mapping[str, object]) -> tuple[object, ...]:
    if item["entry"] == "balance":
        return item["recipient_id"], "balance", None, item["orders_completed"], item["balance"]
    return item["recipient_id"], item["entry"], item["order_id"], item["sequence"], item["amount"]


def _each_failed_order_was_tried_and_can_be_redriven(system: System, rows: Mapping[str, Order]) -> None:
    """P5, P6: its message, and no other, is in its stage's dead-letter queue, unless a person discarded it."""
    expected: dict[str, list[str]] = {stage: [] for stage in Stage}
    for order in rows.values():
        if order.failure is None:
            continue
        tried = 0 if order.failure.name == "WorkerUnavailable" else MAX_ATTEMPTS
        assert order.failure.attempts == (1 if order.failure.name in PERMANENT else tried)
        if not order.discarded:
            expected[order.failure.stage].append(order.failure.message_id)
    assert {stage: sorted(system.dead_letter_ids(stage)) for stage in Stage} == {
        stage: sorted(ids) for stage, ids in expected.items()
    }
