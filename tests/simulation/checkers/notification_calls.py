"""What receivers were told: B4, P4, P10."""

import json
from collections.abc import Iterator

from tests.simulation.checkers.notification_evidence import NotificationEvidence
from tests.simulation.checkers.violation import Violation
from tests.simulation.notification_faults import ANNOUNCER, DELIVERER, NOTIFICATION_STEWARD, OF_ITS_RIGHTS
from tests.simulation.observed_notifications import LAST, SeenNotification
from tests.simulation.receivers import Call
from tests.simulation.workload import Exchange

STILL_UNDER_WAY = 60
"""Seconds for which a worker that found a receiver willing may still be about to call it."""
_MAY_CALL = {ANNOUNCER, DELIVERER, NOTIFICATION_STEWARD, "operator", "client"}


def asked_is_what_callers_said(seen: NotificationEvidence) -> Iterator[Violation]:
    """B4: with the order or report, or else once for all."""
    workload = seen.telling.workload
    for exchange in [*workload.exchanges, *workload.report_exchanges]:
        if exchange.status != 202 or exchange.path not in {"/orders", "/reports"}:
            continue
        kind = exchange.path[1:-1]
        subject_id = str(exchange.answer[f"{kind}_id"])
        row = seen.system.dynamodb.tables[f"{kind}s"].rows.get((subject_id,))
        asked = _asked_by(seen, exchange)
        told = json.loads(row["notify"]["S"]) if row and "notify" in row else []
        stands = {(each["webhook_url"], frozenset(each["events"])) for each in told}
        if kind == "order" and row and stands != ({asked} if asked else set()):
            yield Violation("B4", f"asked for {asked}, and its row has {stands}", subject_id)


def _asked_by(seen: NotificationEvidence, exchange: Exchange) -> tuple[str, frozenset[str]] | None:
    notify = json.loads(exchange.body).get("notify", seen.telling.defaults.get(exchange.caller))
    return (notify["webhook_url"], frozenset(notify.get("events", LAST))) if notify else None


def whatever_was_asked_for_is_told(seen: NotificationEvidence) -> Iterator[Violation]:
    wanted = set(seen.notifications.changes.all())
    for change in sorted(wanted - seen.ids.keys()):
        yield Violation("B4", f"{change.event} of {change.at} is told to nobody", change.subject_id)
    for row in seen.rows.values():
        subject_id = row.wanted.subject_id
        if row.wanted not in wanted:
            yield Violation("B4", f"{row.wanted.event} of {row.wanted.at}: nobody asked, or it never was", subject_id)
        taken = any(call.was_taken for call in seen.calls(row))
        if row.status == "waiting":
            yield Violation("B4", f"{row.wanted.event} waits forever", subject_id)
        if row.status == "delivered" and not taken:
            yield Violation("B4", f"{row.wanted.event} is delivered, and was never taken", subject_id)
        if row.status == "ended" and not _was_gone(seen, row):
            yield Violation("B4", f"{row.wanted.event} is ended, and its receiver never said so", subject_id)


def _was_gone(seen: NotificationEvidence, row: SeenNotification) -> bool:
    receiver = (row.wanted.caller, row.wanted.url)
    return any(call.answer == 410 and seen.receiver_of(call) == receiver for call in seen.receivers.calls)


def one_id_for_each_event(seen: NotificationEvidence) -> Iterator[Violation]:
    """P10. What is told is what the row with that id is about, and no claim is ever told of."""
    for wanted, ids in seen.ids.items():
        if len(ids) > 1:
            yield Violation("P10", f"{wanted.event} of {wanted.at} has {len(ids)} ids", wanted.subject_id)
    for call in seen.receivers.calls:
        row = seen.rows.get(call.webhook_id)
        if row is None:
            yield Violation("P10", f"told under the id {call.webhook_id}, which no row has", call.subject_id)
        elif (call.url, call.type, call.subject_id) != (row.wanted.url, row.wanted.event, row.wanted.subject_id):
            yield Violation("P10", f"{call.webhook_id} was told as {call.type} at {call.url}", call.subject_id)
        if call.status != call.type.partition(".")[2]:
            yield Violation("B4", f"{call.type} was told with the status {call.status}", call.subject_id)


def in_order(seen: NotificationEvidence) -> Iterator[Violation]:
    """What one receiver is told of one order: but what went through a dead-letter queue, or was sent anew."""
    out_of_line = {event.subject_id for event in seen.events("dead-lettered")}
    out_of_line |= {notification_id for _, _, notification_id in seen.telling.operated}
    for changes in seen.notifications.changes.wanted.values():
        last: dict[tuple[str, str], tuple[float, str]] = {}
        for wanted in changes:
            receiver = (wanted.caller, wanted.url)
            for notification_id in seen.ids[wanted]:
                taken = [call.at for call in seen.receivers.by_id[notification_id] if call.was_taken]
                if not taken or notification_id in out_of_line:
                    continue
                before, event = last.get(receiver, (0.0, ""))
                if taken[0] < before:
                    yield Violation("P4", f"{wanted.event} was told before {event}", wanted.subject_id)
                last[receiver] = max((before, event), (taken[0], wanted.event))


def who_wants_nothing_more_is_left_alone(seen: NotificationEvidence) -> Iterator[Violation]:
    """410: written down, and then no call any more, of whatever event of that caller's."""
    ended = seen.notifications.ended_at
    for call in seen.receivers.calls:
        receiver = seen.receiver_of(call)
        if call.answer == 410 and receiver not in ended and not _was_struck(seen, call):
            yield Violation("B4", f"{call.url} answered 410, and that was not written down", call.subject_id)
        if receiver in ended and call.at > ended[receiver] + STILL_UNDER_WAY:
            yield Violation("B4", f"{call.url} wanted nothing more, and was called again", call.subject_id)


def _was_struck(seen: NotificationEvidence, call: Call) -> bool:
    """The worker could not write down what it was answered; the next one that calls will."""
    return any(who == call.who for who, _ in seen.system.struck)


def orders_wait_for_nobody(seen: NotificationEvidence) -> Iterator[Violation]:
    """Nobody but those who tell of changes calls what they work with."""
    for function, operation in sorted(seen.system.called):
        if operation.split()[-1] in OF_ITS_RIGHTS and function not in _MAY_CALL:
            yield Violation("B4", f"{function} calls {operation}: whoever tells of changes can hold it up")
    for call in seen.receivers.calls:
        if not call.who.startswith(f"{DELIVERER}."):
            yield Violation("B4", f"{call.who} calls a receiver", call.subject_id)
