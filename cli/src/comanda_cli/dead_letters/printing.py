"""What `comanda dlq` prints."""

from collections.abc import Sequence
from typing import Any

import typer

from comanda.domain.orders.order import Order
from comanda.domain.shared.errors import UnreadableRow
from comanda.domain.shared.times import to_iso
from comanda_cli.dead_letters.bulk import Outcome
from comanda_cli.dead_letters.selection import QUEUE_OF
from comanda_cli.dead_letters.unknown_letters import Look, UnknownLetter
from comanda_cli.endings import Endings
from comanda_cli.terminal.errors import INTERRUPTED, NOT_DONE
from comanda_cli.terminal.output import (
    print_json,
    print_table,
    readable,
    remark,
    remark_owed,
    say,
)


def count_dead_letters(number: int) -> str:
    """ "1 dead letter", "2 dead letters"."""
    return "1 dead letter" if number == 1 else f"{number} dead letters"


def report_outcome(done: str, outcome: Outcome, endings: Endings | None, waited: float, *, as_json: bool) -> None:
    """Say what became of all orders, and end with the exit code that tells it too."""
    if as_json:
        print_json(
            {
                done: [order.order_id for order in outcome.done],
                "skipped": outcome.skipped,
                "unavailable": outcome.unavailable,
                "owed": outcome.owed,
                "held_back": outcome.held_back,
                "left": outcome.left,
                "interrupted": outcome.interrupted,
                "endings": endings.to_json() if endings else None,
            }
        )
    else:
        _print_report(done, outcome, endings, waited)
    if outcome.interrupted:
        raise typer.Exit(INTERRUPTED)
    if outcome.unavailable or outcome.held_back:
        raise typer.Exit(1)
    if not outcome.done or (endings and not endings.are_as_wanted):
        raise typer.Exit(NOT_DONE)


def _print_report(done: str, outcome: Outcome, endings: Endings | None, waited: float) -> None:
    became = f": {endings.summary}" if endings else ""
    say(f"{count_orders(len(outcome.done))} {done}{became}.")
    for reason in outcome.skipped.values():
        say(f"Skipped: {reason}.")
    for order_id, reason in outcome.unavailable.items():
        remark(f"Not answered for {order_id}: {reason}. Run it again; nothing is doubled by that.")
    remark_owed(outcome.owed)
    if outcome.held_back:
        remark(f"Held back so as not to overtake it: {', '.join(outcome.held_back)}.")
    if outcome.interrupted:
        remark(f"Interrupted; {count_orders(len(outcome.left))} left. Run it again to go on.")
    elif endings:
        endings.print_details(waited, "comanda dlq list")


def print_dry_run(chosen: Sequence[Order], *, as_json: bool) -> None:
    """The orders that would be taken."""
    if as_json:
        print_json([row_of(order) for order in chosen])
    else:
        print_failed(chosen)
        say(f"{count_orders(len(chosen))} would be taken; nothing was done.")


def remark_unreadable(rows: Sequence[UnreadableRow]) -> None:
    """Name the rows that cannot be read."""
    for _ in readable(rows):
        pass


def remark_not_seen(seen: Look) -> None:
    """Say which dead letters could not be looked at."""
    for queue, number in seen.not_seen.items():
        remark(
            f"{count_dead_letters(number)} of {queue} could not be looked at: hidden, or behind ten others of a group."
        )


def print_letters(letters: Sequence[UnknownLetter]) -> None:
    """A table of dead letters that no record accounts for."""
    rows = [(each.message_id, each.queue, each.size, each.begins, each.why) for each in letters]
    print_table(["Message", "Queue", "Bytes", "Begins with", "Why"], rows)


def print_failed(orders: Sequence[Order]) -> None:
    """A table of failed orders."""
    rows = [row_of(order) for order in orders]
    print_table(
        ["Order", "Recipient", "Stage", "Class", "Message", "Attempts", "Failed at"],
        [
            [row[name] for name in ("order_id", "recipient_id", "stage", "class", "message", "attempts", "at")]
            for row in rows
        ],
    )


def row_of(order: Order) -> dict[str, Any]:
    """A failed order, as `--json` shows it. Raises ValueError for one that has not failed."""
    failure = order.failure
    if failure is None:
        raise ValueError(f"order {order.order_id} has no failure")
    return {
        "order_id": order.order_id,
        "recipient_id": order.recipient_id,
        "queue": QUEUE_OF[failure.stage].value,
        "stage": failure.stage,
        "class": failure.name,
        "message": failure.message,
        "attempts": failure.attempts,
        "at": to_iso(failure.at),
        "replay": order.replay,
    }


def count_orders(number: int) -> str:
    """ "1 order", "2 orders"."""
    return "1 order" if number == 1 else f"{number} orders"
