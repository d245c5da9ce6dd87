"""`comanda dlq`: orders that failed, and the two ways on: redrive them, or leave it at that; and what else is there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from comanda.adapters.orders.views import order_view
from comanda.application.orders.redrive import DiscardOrder, RedriveOrder
from comanda.domain.orders.order import Order
from comanda.domain.shared.times import to_iso
from comanda_cli.dead_letters.bulk import Outcome, work_through
from comanda_cli.dead_letters.moving import dead_letters_of, move, start_move_task
from comanda_cli.dead_letters.printing import (
    count_dead_letters,
    count_orders,
    print_dry_run,
    print_failed,
    print_letters,
    remark_not_seen,
    remark_unreadable,
    report_outcome,
    row_of,
)
from comanda_cli.dead_letters.selection import QUEUE_OF, Selection, select
from comanda_cli.dead_letters.unknown_letters import Look, look, remove
from comanda_cli.endings import Endings
from comanda_cli.stack.connection import Connection, QuietTelemetry, connect
from comanda_cli.terminal.errors import EXIT_CODES, NOT_DONE, NotDone
from comanda_cli.terminal.options import Json, OrderId, Stage, Waiting, taking
from comanda_cli.terminal.output import (
    confirm,
    console,
    print_facts,
    print_json,
    print_order,
    print_table,
    remark,
    say,
)

app = typer.Typer(no_args_is_help=True)


MOST_NAMED = 5
"""Recipients of a class, in a table."""


@dataclass(frozen=True)
class BulkOptions:
    """How orders are worked through."""

    all_failed: Annotated[bool, typer.Option("--all", help="Every failed order; needed where no filter is given.")] = (
        False
    )
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be done.")] = False
    rate: Annotated[float, typer.Option(min=0.01, help="Orders a second, at most.")] = 10
    as_json: Json = False


@app.command("list", epilog=EXIT_CODES)
@taking(Selection, "selection")
def list_failed(ctx: typer.Context, selection: Selection, stage: Stage = None, as_json: Json = False) -> None:
    """List failed orders, the oldest first, and those that cannot be read. Exit code 3 where there is none.

    Without a filter, also dead letters of any queue that are not ours or cannot be read: `dlq remove` removes them.
    """
    connection = connect(ctx, stage)
    found, unreadable = select(connection.orders, selection, connection.outside.clock())
    seen = _seen(connection) if selection.is_everything else Look([], {}, {})
    letters = seen.unknown
    if as_json:
        unread = [{"order_id": row.row_id, "unreadable": row.why} for row in unreadable]
        print_json([*map(row_of, found), *unread, *(letter.to_json() for letter in letters)])
    else:
        if found:
            print_failed(found)
        remark_unreadable(unreadable)
        remark_not_seen(seen)
        if letters:
            print_letters(letters)
            remark(
                "Dead letters that no record accounts for: no redrive begins them. `comanda dlq remove` removes them."
            )
    if not found and not unreadable and not letters:
        raise NotDone("no failed order matches")


def _seen(connection: Connection) -> Look:
    """Whoever may read rows may list them, also without the right to receive from a queue."""
    from botocore.exceptions import ClientError

    try:
        return look(connection)
    except ClientError as error:
        remark(f"The dead-letter queues could not be looked at: {error}")
        return Look([], {}, {})


@app.command("summary", epilog=EXIT_CODES)
@taking(Selection, "selection")
def sum_up_failed(ctx: typer.Context, selection: Selection, stage: Stage = None, as_json: Json = False) -> None:
    """Failed orders by class: how many, of whom, since when; the most first. Exit code 3 where there is none."""
    connection = connect(ctx, stage)
    found, unreadable = select(connection.orders, selection, connection.outside.clock())
    remark_unreadable(unreadable)
    by_class: dict[str, list[Order]] = {}
    for order in found:
        if order.failure:
            by_class.setdefault(order.failure.name, []).append(order)
    summary = [
        {
            "class": name,
            "orders": len(orders),
            "recipients": list(dict.fromkeys(order.recipient_id for order in orders)),
            "first": to_iso(min(order.failure.at for order in orders if order.failure)),
            "last": to_iso(max(order.failure.at for order in orders if order.failure)),
        }
        for name, orders in sorted(by_class.items(), key=lambda each: -len(each[1]))
    ]
    if as_json:
        print_json(summary)
    elif summary:
        rows = [[row["class"], row["orders"], _some(row["recipients"]), row["first"], row["last"]] for row in summary]
        print_table(["Class", "Orders", "Recipients", "First failed at", "Last failed at"], rows)
        remark("What to do about a class: docs/dead-letter-runbook.md, 2. Which orders: dlq list --error-class CLASS")
    if not summary:
        raise NotDone("no failed order matches")


def _some(recipients: Any) -> str:
    shown = ", ".join(recipients[:MOST_NAMED])
    return shown if len(recipients) <= MOST_NAMED else f"{shown} and {len(recipients) - MOST_NAMED} more"


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
@taking(Selection, "selection")
@taking(BulkOptions, "options")
@taking(Waiting, "waiting")
def redrive_failed(
    ctx: typer.Context, selection: Selection, options: BulkOptions, waiting: Waiting, stage: Stage = None
) -> None:
    """Begin failed orders again, each recipient's in the order in which they were created, and say what became of them.

    They are chosen from their rows, so that those whose message is gone from the dead-letter queue come back too. An
    order that has moved on in the meantime is left alone. Ctrl-C ends after the order in hand (exit code 130); run it
    again and it goes on. Exit code 1 where storage did not answer for some, or some were held back behind one whose
    message the reconciler has yet to send; 3 where some failed again, or were not over within --wait.
    """
    connection = connect(ctx, stage)
    outside = connection.outside
    chosen = _choose(connection, selection, options, "Redrive")
    redrive, user = RedriveOrder(connection.orders, connection.order_runs), outside.user()
    outcome = _run(chosen, lambda order_id: redrive(order_id, user), options, connection, "Redriving")
    endings = None
    sent = [order for order in outcome.done if not order.owed]
    if sent and waiting.seconds and not outcome.interrupted:
        endings = Endings("completed")
        try:
            endings.watch(connection.orders, sent, waiting.seconds, outside.sleep, outside.clock)
        except KeyboardInterrupt:
            outcome.interrupted = True
    report_outcome("redriven", outcome, endings, waiting.seconds, as_json=options.as_json)


@app.command("discard", epilog=EXIT_CODES)
@taking(Selection, "selection")
@taking(BulkOptions, "options")
def discard_failed(ctx: typer.Context, selection: Selection, options: BulkOptions, stage: Stage = None) -> None:
    """Leave failed orders at that: they stay failed, and are listed no more.

    Their rows stay. `comanda order retry` still brings one back.
    """
    connection = connect(ctx, stage)
    chosen = _choose(connection, selection, options, "Discard")
    discard, user = (
        DiscardOrder(connection.orders, QuietTelemetry(), connection.outside.clock),
        connection.outside.user(),
    )
    outcome = _run(chosen, lambda order_id: discard(order_id, user), options, connection, "Discarding")
    report_outcome("discarded", outcome, None, 0, as_json=options.as_json)


@app.command("move", epilog=EXIT_CODES)
def move_dead_letters(
    ctx: typer.Context,
    queue: Annotated[str, typer.Argument(metavar="QUEUE", help="As `comanda queues` names it.")],
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Move N at most. Default, and on AWS: all.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    stage: Stage = None,
    as_json: Json = False,
) -> None:
    """Move dead letters back into the queue they came from, as the console's "Start DLQ redrive" does.

    On AWS, SQS itself moves them (StartMessageMoveTask), all of that queue. On the local stack, which knows no such
    tasks, this command does. Their orders, reports or notifications begin again; what has moved on is dropped.
    `dlq redrive` chooses from rows, and can choose. Exit code 3 where there is nothing to move.
    """
    connection = connect(ctx, stage)
    chosen = connection.queue(queue)
    on_aws = connection.stack.endpoint_url is None
    if on_aws and limit is not None:
        raise typer.BadParameter("SQS moves all of a queue; `comanda dlq redrive --limit` redrives so many orders")
    depth = dead_letters_of(connection.sqs, chosen)
    if not depth:
        raise NotDone(f"{queue} has no dead letters")
    most = min(depth, limit or depth)  # Not what is dead-lettered once more meanwhile.
    confirm(f"Move {count_dead_letters(most)} back into {queue}?", yes=yes)
    if on_aws:
        task = start_move_task(connection.sqs, chosen)
        moved = most
        facts: dict[str, Any] = {"queue": queue, "moving": moved, "task": task}
    else:
        moved = sum(1 for _ in move(connection.sqs, chosen, most))
        facts = {"queue": queue, "moved": moved, "left": depth - moved}
    if as_json:
        print_json(facts)
    elif on_aws:
        say(f"SQS is moving {count_dead_letters(moved)} back into {queue}; `comanda queues` shows how far it is.")
    else:
        say(f"{count_dead_letters(moved)} moved back into {queue}.")
    if moved < most:
        remark(
            f"{count_dead_letters(most - moved)} could not be had: in the hands of the reconciler, say. Run it again."
        )
        raise typer.Exit(NOT_DONE)


@app.command("remove", epilog=EXIT_CODES)
def remove_unknown_letters(
    ctx: typer.Context,
    message_ids: Annotated[list[str] | None, typer.Argument(metavar="[MESSAGE_ID]...", help="As in `list`.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that are not ours or cannot be read.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    stage: Stage = None,
    as_json: Json = False,
) -> None:
    """Remove dead letters that are not ours or cannot be read, for good, and nothing else.

    One that can be read is refused: its order, report or notification is discarded or redriven instead. Exit code 3
    where one of them was refused or could not be had.
    """
    if bool(message_ids) is everything:
        raise typer.BadParameter("which? Give the ids of messages as `comanda dlq list` shows them, or --all")
    connection = connect(ctx, stage)
    seen = look(connection)
    chosen = [letter for letter in seen.unknown if everything or letter.message_id in (message_ids or [])]
    refused = {
        each: f"a dead letter about {seen.known[each]}: discard or redrive that" if each in seen.known else "not found"
        for each in dict.fromkeys(message_ids or [])
        if each not in {letter.message_id for letter in chosen}
    }
    removed: list[str] = []
    if chosen:
        if not yes and not as_json:
            print_letters(chosen)
        confirm(f"Remove {count_dead_letters(len(chosen))} for good?", yes=yes)
        removed = remove(connection, chosen)
        refused |= {each.message_id: "no longer there, or hidden" for each in chosen if each.message_id not in removed}
    if as_json:
        print_json({"removed": removed, "refused": refused})
    else:
        say(f"{count_dead_letters(len(removed))} removed.")
        for message_id, why in refused.items():
            remark(f"{message_id}: {why}.")
        remark_not_seen(seen)
    if refused or not removed:
        raise typer.Exit(NOT_DONE)


def _choose(connection: Connection, selection: Selection, options: BulkOptions, verb: str) -> list[Order]:
    """The orders that are to be worked on. Ends the command after a dry run, and where the answer is no."""
    if selection.is_everything and not options.all_failed:
        raise typer.BadParameter("which orders? Give a filter, or --all")
    chosen, unreadable = select(connection.orders, selection, connection.outside.clock())
    remark_unreadable(unreadable)
    if not chosen:
        raise NotDone("no failed order matches; nothing was done")
    if options.dry_run:
        print_dry_run(chosen, as_json=options.as_json)
        raise typer.Exit
    confirm(f"{verb} {count_orders(len(chosen))}?", yes=options.yes)
    return chosen


def _run(
    chosen: Sequence[Order], act: Callable[[str], Order], options: BulkOptions, connection: Connection, title: str
) -> Outcome:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    screen = console(stderr=True)
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, disable=not screen.is_terminal) as progress:
        task = progress.add_task(title, total=len(chosen))
        return work_through(chosen, act, 1 / options.rate, connection.outside.sleep, lambda: progress.advance(task))
