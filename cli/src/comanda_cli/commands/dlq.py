"""`comanda dlq`: orders that failed, and the two ways on: redrive them, or leave it at that."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from comanda.adapters.http.views import order_view
from comanda.application.redrive_order import DiscardOrder, RedriveOrder
from comanda.domain.order import Order
from comanda.domain.times import to_iso
from comanda_cli.bulk import Arrival, Outcome, watch_arrival, work_through
from comanda_cli.connection import Connection, QuietJournal, connect
from comanda_cli.errors import EXIT_CODES, INTERRUPTED, NOT_DONE, NotDone
from comanda_cli.options import Json, OrderId, Stage, Wait
from comanda_cli.output import console, print_facts, print_json, print_order, print_table, remark
from comanda_cli.selection import QUEUE_OF, QueueName, Selection, age, select

app = typer.Typer(no_args_is_help=True)

Queue = Annotated[QueueName | None, typer.Option(help="Failed at the worker of this queue.")]
Recipient = Annotated[str | None, typer.Option(help="Of this recipient.")]
OneOrder = Annotated[str | None, typer.Option("--order", metavar="ORDER_ID", help="This order.")]
ErrorClass = Annotated[str | None, typer.Option(help="With this class of failure, such as ItemRejected.")]
OlderThan = Annotated[Any, typer.Option(parser=age, metavar="AGE", help="Failed longer ago: 90s, 10m, 2h, 3d.")]
NewerThan = Annotated[Any, typer.Option(parser=age, metavar="AGE", help="Failed since: 90s, 10m, 2h, 3d.")]
Limit = Annotated[int | None, typer.Option(min=1, help="At most so many, the oldest orders first.")]
All = Annotated[bool, typer.Option("--all", help="Every failed order; needed where no filter is given.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only list what would be done.")]
Rate = Annotated[float, typer.Option(min=0.01, help="Orders a second, at most.")]


@app.command("list", epilog=EXIT_CODES)
def list_failed(
    ctx: typer.Context,
    queue: Queue = None,
    recipient: Recipient = None,
    order: OneOrder = None,
    error_class: ErrorClass = None,
    older_than: OlderThan = None,
    newer_than: NewerThan = None,
    limit: Limit = None,
    stage: Stage = None,
    as_json: Json = False,
) -> None:
    """List failed orders, the oldest first. Exit code 3 where there is none."""
    connection = connect(ctx, stage)
    selection = Selection(queue, recipient, order, error_class, older_than, newer_than)
    found = select(connection.orders, selection, connection.outside.clock(), limit)
    if as_json:
        print_json([_row(order) for order in found])
    elif found:
        _print_list(found)
    if not found:
        raise NotDone("no failed order matches")


@app.command("show", epilog=EXIT_CODES)
def show_failed(ctx: typer.Context, order_id: OrderId, stage: Stage = None, as_json: Json = False) -> None:
    """Show one failed order, its message's id included. Exit code 3 where there is none of that id that is failed."""
    order = connect(ctx, stage).orders.get(order_id)
    if order is None or order.is_claim:
        raise NotDone(f"there is no order {order_id}")
    if order.failure is None:
        raise NotDone(f"order {order_id} is {order.status}, not failed")
    dead = {
        "queue": QUEUE_OF[order.failure.stage].value,
        "message_id": order.failure.message_id,
        "replay": order.replay,
        "discarded": order.discarded,
        "correlation_id": order.correlation_id,
    }
    if as_json:
        print_json({**order_view(order), **dead})
        return
    print_order(order_view(order))
    print_facts(dead)


@app.command("redrive", epilog=EXIT_CODES)
def redrive_failed(
    ctx: typer.Context,
    queue: Queue = None,
    recipient: Recipient = None,
    order: OneOrder = None,
    error_class: ErrorClass = None,
    older_than: OlderThan = None,
    newer_than: NewerThan = None,
    limit: Limit = None,
    all_failed: All = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    rate: Rate = 10,
    wait: Wait = 10,
    stage: Stage = None,
    as_json: Json = False,
) -> None:
    """Publish failed orders anew, each recipient's in the order in which they were created.

    They are chosen from their rows, so that those whose message is gone from the dead-letter queue come back too. An
    order that has moved on in the meantime is left alone. Ctrl-C ends after the order in hand (exit code 130); run it
    again and it goes on. Exit code 1 where storage did not answer for some, 3 where some were not seen to move.
    """
    connection = connect(ctx, stage)
    outside = connection.outside
    selection = Selection(queue, recipient, order, error_class, older_than, newer_than)
    chosen = _choose(connection, selection, limit, all_failed=all_failed)
    if dry_run:
        _print_dry_run(chosen, as_json=as_json)
        return
    _confirm(f"Redrive {_orders(len(chosen))}?", yes=yes)

    redrive, user = RedriveOrder(connection.orders, connection.publisher, QuietJournal(), outside.clock), outside.user()
    outcome = _run(chosen, lambda order_id: redrive(order_id, user), rate, connection, "Redriving")
    arrival = None
    if outcome.done and wait and not outcome.interrupted:
        try:
            arrival = watch_arrival(connection.orders, outcome.done, wait, outside.sleep)
        except KeyboardInterrupt:
            outcome.interrupted = True
    _report("redriven", outcome, arrival, as_json=as_json)


@app.command("discard", epilog=EXIT_CODES)
def discard_failed(
    ctx: typer.Context,
    queue: Queue = None,
    recipient: Recipient = None,
    order: OneOrder = None,
    error_class: ErrorClass = None,
    older_than: OlderThan = None,
    newer_than: NewerThan = None,
    limit: Limit = None,
    all_failed: All = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    rate: Rate = 10,
    stage: Stage = None,
    as_json: Json = False,
) -> None:
    """Leave failed orders at that: they stay failed, and are listed no more.

    Their rows stay. `comanda order retry` still brings one back.
    """
    connection = connect(ctx, stage)
    selection = Selection(queue, recipient, order, error_class, older_than, newer_than)
    chosen = _choose(connection, selection, limit, all_failed=all_failed)
    if dry_run:
        _print_dry_run(chosen, as_json=as_json)
        return
    _confirm(f"Discard {_orders(len(chosen))}?", yes=yes)
    discard, user = DiscardOrder(connection.orders, QuietJournal(), connection.outside.clock), connection.outside.user()
    outcome = _run(chosen, lambda order_id: discard(order_id, user), rate, connection, "Discarding")
    _report("discarded", outcome, None, as_json=as_json)


def _choose(connection: Connection, selection: Selection, limit: int | None, *, all_failed: bool) -> list[Order]:
    if selection.is_everything and not all_failed:
        raise typer.BadParameter("which orders? Give a filter, or --all")
    chosen = select(connection.orders, selection, connection.outside.clock(), limit)
    if not chosen:
        raise NotDone("no failed order matches; nothing was done")
    return chosen


def _confirm(question: str, *, yes: bool) -> None:
    try:
        agreed = yes or typer.confirm(question, err=True)
    except typer.Abort:  # Nobody there to answer.
        agreed = False
    if not agreed:
        raise NotDone("nothing was done")


def _run(
    chosen: Sequence[Order], act: Callable[[str], Order], rate: float, connection: Connection, title: str
) -> Outcome:
    screen = console(stderr=True)
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, disable=not screen.is_terminal) as progress:
        task = progress.add_task(title, total=len(chosen))
        return work_through(chosen, act, 1 / rate, connection.outside.sleep, lambda: progress.advance(task))


def _report(done: str, outcome: Outcome, arrival: Arrival | None, *, as_json: bool) -> None:
    """Say what became of all orders, and end with the exit code that tells it too."""
    if as_json:
        print_json(
            {
                done: [order.order_id for order in outcome.done],
                "skipped": outcome.skipped,
                "unavailable": outcome.unavailable,
                "held_back": outcome.held_back,
                "left": outcome.left,
                "interrupted": outcome.interrupted,
                "arrival": asdict(arrival) if arrival else None,
            }
        )
    else:
        _print_report(done, outcome, arrival)
    if outcome.interrupted:
        raise typer.Exit(INTERRUPTED)
    if outcome.unavailable:
        raise typer.Exit(1)
    if not outcome.done or (arrival and arrival.not_seen):
        raise typer.Exit(NOT_DONE)


def _print_report(done: str, outcome: Outcome, arrival: Arrival | None) -> None:
    typer.echo(f"{_orders(len(outcome.done))} {done}.")
    for reason in outcome.skipped.values():
        typer.echo(f"Skipped: {reason}.")
    for order_id, reason in outcome.unavailable.items():
        remark(f"Not answered for {order_id}: {reason}. Run it again; nothing is doubled by that.")
    if outcome.held_back:
        remark(f"Held back so as not to overtake it: {', '.join(outcome.held_back)}.")
    if outcome.interrupted:
        remark(f"Interrupted; {_orders(len(outcome.left))} left. Run it again to go on.")
    if arrival and arrival.statuses:
        seen = ", ".join(f"{number} {status}" for status, number in sorted(arrival.statuses.items()))
        typer.echo(f"{sum(arrival.statuses.values())} of {len(outcome.done)} were seen to move on: {seen}.")
    if arrival and arrival.not_seen:
        remark(f"Not seen to move yet, look again later: {', '.join(arrival.not_seen)}.")


def _print_dry_run(chosen: Sequence[Order], *, as_json: bool) -> None:
    if as_json:
        print_json([_row(order) for order in chosen])
    else:
        _print_list(chosen)
        typer.echo(f"{_orders(len(chosen))} would be taken; nothing was done.")


def _print_list(orders: Sequence[Order]) -> None:
    rows = [_row(order) for order in orders]
    print_table(
        ["Order", "Recipient", "Stage", "Class", "Message", "Attempts", "Failed at"],
        [
            [row[name] for name in ("order_id", "recipient_id", "stage", "class", "message", "attempts", "at")]
            for row in rows
        ],
    )


def _row(order: Order) -> dict[str, Any]:
    failure = order.failure
    if failure is None:
        raise ValueError(f"order {order.order_id} has no failure")
    return {
        "order_id": order.order_id,
        "recipient_id": order.recipient_id,
        "queue": QUEUE_OF[failure.stage].value,
        "stage": failure.stage.value,
        "class": failure.name,
        "message": failure.message,
        "attempts": failure.attempts,
        "at": to_iso(failure.at),
        "replay": order.replay,
    }


def _orders(number: int) -> str:
    return "1 order" if number == 1 else f"{number} orders"
