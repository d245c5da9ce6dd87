"""`comanda notification`: what callers were told, what could not be delivered, and who is told by default."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from comanda.adapters.aws.present import present
from comanda.application.notifications.resend import DiscardNotification, ResendNotification
from comanda.domain.notifications.notification import Notification, receiver_id
from comanda.domain.notifications.webhook_address import LOCAL_POLICY, AddressPolicy
from comanda.domain.shared.errors import IllegalTransition, InvalidRequest, NotFound, Unavailable, UnreadableRow
from comanda.domain.shared.notify import LAST_EVENTS, Channel, Notify
from comanda.domain.shared.times import to_iso
from comanda_cli.endings import Endings
from comanda_cli.stack.connection import Connection, QuietTelemetry, connect
from comanda_cli.terminal.errors import EXIT_CODES, NOT_DONE, CliError, NotDone
from comanda_cli.terminal.options import Json, Stage, Waiting, taking
from comanda_cli.terminal.output import (
    confirm,
    print_facts,
    print_json,
    print_table,
    readable,
    remark,
    remark_owed,
    say,
)

app = typer.Typer(no_args_is_help=True)
default_app = typer.Typer(no_args_is_help=True)
app.add_typer(default_app, name="default", help="Who is told where an order or a report does not say.")

Caller = Annotated[str, typer.Option(help="The name of the caller's tokens.")]
NotificationIds = Annotated[list[str] | None, typer.Argument(metavar="[NOTIFICATION_ID]...")]
About = Annotated[str | None, typer.Option(metavar="ORDER_ID|REPORT_ID", help="All about this one.")]
AllFailed = Annotated[bool, typer.Option("--failed", help="All that failed.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@dataclass
class Outcome:
    """What became of each notification that was chosen."""

    done: list[Notification] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    """By id, why nothing was done."""
    unavailable: bool = False
    """Storage did not answer for one of those."""

    def print_left(self) -> None:
        for each, why in self.left.items():
            remark(f"{each}: {why}")

    def exit_where_not_all_went_well(self, endings: Endings | None) -> None:
        if self.unavailable:
            raise typer.Exit(1)
        if not self.done:
            raise NotDone("nothing was done")
        if endings and not endings.are_as_wanted:
            raise typer.Exit(NOT_DONE)


@app.command("list", epilog=EXIT_CODES)
def list_notifications(
    ctx: typer.Context,
    about: Annotated[str | None, typer.Argument(metavar="[ORDER_ID|REPORT_ID]", help="All about this one.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="All that failed, the oldest first.")] = False,
    stage: Stage = None,
    as_json: Json = False,
) -> None:
    """List notifications: all about an order or a report, or all that failed. Exit code 3 where there is none."""
    found = list(_chosen(connect(ctx, stage), about, failed=failed))
    if as_json:
        print_json([_view(notification) for notification in found])
    elif found:
        columns = ["Notification", "Event", "About", "To", "Status", "Failure"]
        print_table(columns, [_line(notification) for notification in found])
    if not found:
        raise NotDone("no notification matches")


@app.command("show", epilog=EXIT_CODES)
def show_notification(
    ctx: typer.Context,
    notification_id: Annotated[str, typer.Argument(metavar="NOTIFICATION_ID", help="As `list` shows it.")],
    stage: Stage = None,
    as_json: Json = False,
) -> None:
    """Show a notification: what is told, to whom, and what became of it."""
    notification = connect(ctx, stage).notifications.get(notification_id)
    if notification is None:
        raise CliError(f"there is no notification {notification_id}")
    if as_json:
        print_json(_view(notification))
    else:
        print_facts(_view(notification))


@app.command("resend", epilog=EXIT_CODES)
@taking(Waiting, "waiting")
def resend_notifications(
    ctx: typer.Context,
    waiting: Waiting,
    notification_ids: NotificationIds = None,
    about: About = None,
    all_failed: AllFailed = False,
    yes: Yes = False,
    stage: Stage = None,
    as_json: Json = False,
) -> None:
    """Deliver notifications once more, under the ids they have: failed ones, or what a receiver has lost.

    Says what became of them. Exit code 3 where nothing was done, some failed again, or were not over within --wait.
    """
    connection = connect(ctx, stage)
    ids = notification_ids or [each.notification_id for each in _chosen(connection, about, failed=all_failed)]
    _agree("Deliver", "once more", ids, yes=yes or bool(notification_ids))
    outcome = _work_through(ids, ResendNotification(connection.notifications, connection.notification_runs))
    sent = [notification for notification in outcome.done if not notification.owed]
    owed = [notification.notification_id for notification in outcome.done if notification.owed]
    endings, outside = Endings("delivered"), connection.outside
    if sent and waiting.seconds:
        endings.watch(connection.notifications, sent, waiting.seconds, outside.sleep, outside.clock)
    if as_json:
        facts = {"sent": [each.notification_id for each in sent], "owed": owed, "left": outcome.left}
        print_json({**facts, "endings": endings.to_json()} if waiting.seconds else facts)
    else:
        say(f"{_notifications(len(outcome.done))} sent once more{endings.summary and ': '}{endings.summary}.")
        endings.print_details(waiting.seconds, "comanda notification list --failed")
        remark_owed(owed)
        outcome.print_left()
    outcome.exit_where_not_all_went_well(endings)


@app.command("discard", epilog=EXIT_CODES)
def discard_notifications(
    ctx: typer.Context,
    notification_ids: NotificationIds = None,
    about: About = None,
    all_failed: AllFailed = False,
    yes: Yes = False,
    stage: Stage = None,
    as_json: Json = False,
) -> None:
    """Leave failed notifications at that: listed as failed no more, and their dead letters go. `resend` still delivers
    one. One that is not failed is left alone. Exit code 1 where storage did not answer, 3 where nothing was done."""
    connection = connect(ctx, stage)
    found = [] if notification_ids else _chosen(connection, about, failed=all_failed)
    ids = notification_ids or [each.notification_id for each in found if each.is_failed and not each.discarded]
    _agree("Discard", "for good", ids, yes=yes or bool(notification_ids))
    discard = DiscardNotification(connection.notifications, QuietTelemetry(), connection.outside.clock)
    outcome = _work_through(ids, discard)
    if as_json:
        print_json({"discarded": [each.notification_id for each in outcome.done], "left": outcome.left})
    else:
        say(f"{_notifications(len(outcome.done))} discarded.")
        outcome.print_left()
    outcome.exit_where_not_all_went_well(None)


@app.command("resume", epilog=EXIT_CODES)
def resume_receiver(
    ctx: typer.Context,
    caller: Caller,
    webhook_url: Annotated[str, typer.Option(help="The receiver that had answered 410.")],
    stage: Stage = None,
) -> None:
    """Tell a receiver again that had answered 410 Gone."""
    connect(ctx, stage).subscriptions.resume(receiver_id(caller, Channel.WEBHOOK, webhook_url))
    remark(f"{webhook_url} is told again of what concerns {caller}.")


@default_app.command("set", epilog=EXIT_CODES)
def set_default(
    ctx: typer.Context,
    caller: Caller,
    webhook_url: Annotated[str | None, typer.Option(help="Where webhooks go.")] = None,
    email: Annotated[str | None, typer.Option(help="Where mails go.")] = None,
    event: Annotated[list[str], typer.Option(help="What is told; repeat for more.")] = list(LAST_EVENTS),  # noqa: B006 - Typer copies
    locale: Annotated[str | None, typer.Option(help="The language of mails: pt-BR, en-US.")] = None,
    stage: Stage = None,
) -> None:
    """Say who is told of all orders and reports of a caller that do not say so themselves. Known within a minute."""
    from comanda.adapters.http.notify_request import NotifyRules

    connection = connect(ctx, stage)
    policy = LOCAL_POLICY if connection.stack.endpoint_url else AddressPolicy()
    body = present({"webhook_url": webhook_url, "email": email, "events": event, "locale": locale})
    try:
        notify = NotifyRules(policy, sends_mail=True).read(body, "default") or Notify()
    except InvalidRequest as error:
        raise CliError(str(error)) from error
    if not notify.targets():
        raise typer.BadParameter("whom? Give --webhook-url, --email or both")
    connection.subscriptions.set_default(caller, notify)
    remark(f"{caller}: {', '.join(notify.events)}")


@default_app.command("show", epilog=EXIT_CODES)
def show_default(ctx: typer.Context, caller: Caller, stage: Stage = None, as_json: Json = False) -> None:
    """Show who is told by default. Exit code 3 where nobody is."""
    notify = connect(ctx, stage).subscriptions.default_of(caller)
    if notify is None:
        raise NotDone(f"{caller} has no default")
    facts = present(
        {
            "webhook_url": notify.webhook_url,
            "email": notify.email,
            "events": list(notify.events),
            "locale": notify.locale,
        }
    )
    if as_json:
        print_json(facts)
    else:
        print_facts({**facts, "events": ", ".join(notify.events)})


@default_app.command("clear", epilog=EXIT_CODES)
def clear_default(ctx: typer.Context, caller: Caller, stage: Stage = None) -> None:
    """From now on, nobody is told by default."""
    connect(ctx, stage).subscriptions.clear_default(caller)
    remark(f"{caller} has no default any more.")


def _chosen(connection: Connection, about: str | None, *, failed: bool) -> Iterator[Notification]:
    if (about is None) is not failed:
        raise typer.BadParameter("which? Give the id of an order or a report, or --failed")
    table = connection.notifications
    return readable(table.of_subject(about) if about else table.failed())


def _agree(verb: str, how: str, ids: Sequence[str], *, yes: bool) -> None:
    """Raises NotDone where there is nothing to do, or the answer is no."""
    if not ids:
        raise NotDone("no notification matches; nothing was done")
    confirm(f"{verb} {_notifications(len(ids))} {how}?", yes=yes)


def _work_through(ids: Sequence[str], act: Callable[[str], Notification]) -> Outcome:
    outcome = Outcome()
    for each in ids:
        try:
            outcome.done.append(act(each))
        except (NotFound, IllegalTransition, UnreadableRow) as error:
            outcome.left[each] = str(error)
        except Unavailable as error:
            outcome.left[each] = f"{error}. Run it again; nothing is doubled by that"
            outcome.unavailable = True
    return outcome


def _notifications(number: int) -> str:
    return "1 notification" if number == 1 else f"{number} notifications"


def _line(notification: Notification) -> list[object]:
    failure = notification.failure
    return [
        notification.notification_id,
        notification.event,
        notification.subject_id,
        notification.target,
        notification.status,
        f"{failure.name}: {failure.message}" if failure else None,
    ]


def _view(notification: Notification) -> dict[str, Any]:
    failure = notification.failure
    return present(
        {
            "notification_id": notification.notification_id,
            "caller": notification.caller,
            "channel": notification.channel.value,
            "target": notification.target,
            "event": notification.event,
            "about": notification.subject_id,
            "happened_at": to_iso(notification.happened_at),
            "status": notification.status.value,
            "attempts": notification.attempts.count if notification.attempts else None,
            "failure": f"{failure.name}: {failure.message} (attempts: {failure.attempts})" if failure else None,
            "sent_anew": notification.replay or None,
            "discarded": notification.discarded or None,
            "updated_at": to_iso(notification.updated_at),
            "data": dict(notification.data),
        }
    )
