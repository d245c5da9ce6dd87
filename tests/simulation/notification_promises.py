"""What must hold of notifications, each a check that yields what it finds broken: at least once for each event, one id
for each event, never a delay of an order. Nothing of the code under test is used."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise

from tests.simulation.happened import MessageEvent
from tests.simulation.notification_faults import ANNOUNCER, DELIVERER, NOTIFICATION_STEWARD, OF_ITS_RIGHTS
from tests.simulation.notification_reasons import fails_without_reason
from tests.simulation.notification_system import NotificationWrite
from tests.simulation.notification_workload import HOPELESS, NotificationWorkload
from tests.simulation.promises import TRUTH_SECONDS, Broken, late_copies
from tests.simulation.receivers import URLS, Call
from tests.simulation.seen_notifications import LAST, SeenNotification, Wanted
from tests.simulation.workload import Exchange

LEGAL: Mapping[str | None, set[str]] = {
    None: {"waiting"},
    "waiting": {"waiting", "delivered", "failed", "ended"},
    "failed": {"waiting", "failed"},
    "delivered": {"waiting", "failed"},
    "ended": {"waiting", "failed"},
}
"""The status of a row, and what may follow it: what was over begins again only where it was sent anew."""
DEAD_LETTER_SECONDS = 60
"""P7: where neighbours in its batches take up to 15 s for a call."""
STILL_UNDER_WAY = 60
"""Seconds for which a worker that found a receiver willing may still be about to call it."""
_MAY_CALL = {ANNOUNCER, DELIVERER, NOTIFICATION_STEWARD, "operator", "client"}


class NotificationVerdict:
    """One look at everything that has to do with notifications."""

    def __init__(self, telling: NotificationWorkload, calm_since: float) -> None:
        self._telling = telling
        self._notifications = telling.notifications
        self._system = telling.notifications.system
        self._receivers = telling.notifications.receivers
        self._calm_since = calm_since
        self._now = self._system.scheduler.time()
        self._rows = rows_told(telling)
        self._events_of: dict[str, list[MessageEvent]] = defaultdict(list)
        for event in self._notifications.events:
            self._events_of[event.subject_id].append(event)
        self._writes: dict[str, list[NotificationWrite]] = defaultdict(list)
        for write in self._notifications.writes:
            self._writes[write.row.notification_id].append(write)
        self._ids: dict[Wanted, list[str]] = defaultdict(list)
        for row in self._rows.values():
            self._ids[row.wanted].append(row.notification_id)

    def broken(self) -> Iterator[Broken]:
        yield from self._asked_is_what_callers_said()
        yield from self._whatever_was_asked_for_is_told()
        yield from self._a_message_has_its_row()
        yield from self._one_id_for_each_event()
        yield from self._in_order()
        yield from self._states_are_legal()
        yield from self._who_wakes_up_late_changes_nothing()
        yield from self._no_run_of_its_own()
        yield from self._killers_come_to_an_end()
        yield from self._nobody_fails_untried()
        yield from self._permanent_errors_do_not_wait()
        yield from self._dead_letters_are_accounted_for()
        yield from self._dead_letters_are_of_failed_notifications()
        yield from self._failed_ones_have_dead_letters()
        yield from self._rescues_come_to_an_end()
        yield from self._who_wants_nothing_more_is_left_alone()
        yield from self._orders_wait_for_nobody()

    def _asked_is_what_callers_said(self) -> Iterator[Broken]:
        """B4: with the order or report, or else once for all."""
        workload = self._telling.workload
        for exchange in [*workload.exchanges, *workload.report_exchanges]:
            if exchange.status != 202 or exchange.path not in {"/orders", "/reports"}:
                continue
            kind = exchange.path[1:-1]
            subject_id = str(exchange.answer[f"{kind}_id"])
            row = self._system.dynamodb.tables[f"{kind}s"].rows.get((subject_id,))
            asked = self._asked_by(exchange)
            told = json.loads(row["notify"]["S"]) if row and "notify" in row else []
            stands = {(each["webhook_url"], frozenset(each["events"])) for each in told}
            if kind == "order" and row and stands != ({asked} if asked else set()):
                yield Broken("B4", f"asked for {asked}, and its row has {stands}", subject_id)

    def _asked_by(self, exchange: Exchange) -> tuple[str, frozenset[str]] | None:
        notify = json.loads(exchange.body).get("notify", self._telling.defaults.get(exchange.caller))
        return (notify["webhook_url"], frozenset(notify.get("events", LAST))) if notify else None

    def _whatever_was_asked_for_is_told(self) -> Iterator[Broken]:
        wanted = set(self._notifications.changes.all())
        for change in sorted(wanted - self._ids.keys()):
            yield Broken("B4", f"{change.event} of {change.at} is told to nobody", change.subject_id)
        for row in self._rows.values():
            subject_id = row.wanted.subject_id
            if row.wanted not in wanted:
                yield Broken("B4", f"{row.wanted.event} of {row.wanted.at}: nobody asked, or it never was", subject_id)
            taken = any(call.was_taken for call in self._calls(row))
            if row.status == "waiting":
                yield Broken("B4", f"{row.wanted.event} waits for ever", subject_id)
            if row.status == "delivered" and not taken:
                yield Broken("B4", f"{row.wanted.event} is delivered, and was never taken", subject_id)
            if row.status == "ended" and not self._was_gone(row):
                yield Broken("B4", f"{row.wanted.event} is ended, and its receiver never said so", subject_id)

    def _a_message_has_its_row(self) -> Iterator[Broken]:
        for event in self._events("sent"):
            writes = self._writes[event.subject_id]
            if not writes or event.at < writes[0].at:
                about = writes[0].row.wanted.subject_id if writes else None
                yield Broken("B4", "a notification's message was sent before its row was there", about)

    def _was_gone(self, row: SeenNotification) -> bool:
        receiver = (row.wanted.caller, row.wanted.url)
        return any(call.answer == 410 and self._receiver_of(call) == receiver for call in self._receivers.calls)

    def _one_id_for_each_event(self) -> Iterator[Broken]:
        """P10. What is told is what the row with that id is about, and no claim is ever told of."""
        for wanted, ids in self._ids.items():
            if len(ids) > 1:
                yield Broken("P10", f"{wanted.event} of {wanted.at} has {len(ids)} ids", wanted.subject_id)
        for call in self._receivers.calls:
            row = self._rows.get(call.webhook_id)
            if row is None:
                yield Broken("P10", f"told under the id {call.webhook_id}, which no row has", call.subject_id)
            elif (call.url, call.type, call.subject_id) != (row.wanted.url, row.wanted.event, row.wanted.subject_id):
                yield Broken("P10", f"{call.webhook_id} was told as {call.type} at {call.url}", call.subject_id)
            if call.status != call.type.partition(".")[2]:
                yield Broken("B4", f"{call.type} was told with the status {call.status}", call.subject_id)

    def _in_order(self) -> Iterator[Broken]:
        """What one receiver is told of one order: but what went through a dead-letter queue, or was sent anew."""
        out_of_line = {event.subject_id for event in self._events("dead-lettered")}
        out_of_line |= {notification_id for _, _, notification_id in self._telling.operated}
        for changes in self._notifications.changes.wanted.values():
            last: dict[tuple[str, str], tuple[float, str]] = {}
            for wanted in changes:
                receiver = (wanted.caller, wanted.url)
                for notification_id in self._ids[wanted]:
                    taken = [call.at for call in self._receivers.by_id[notification_id] if call.was_taken]
                    if not taken or notification_id in out_of_line:
                        continue
                    before, event = last.get(receiver, (0.0, ""))
                    if taken[0] < before:
                        yield Broken("P4", f"{wanted.event} was told before {event}", wanted.subject_id)
                    last[receiver] = max((before, event), (taken[0], wanted.event))

    def _states_are_legal(self) -> Iterator[Broken]:
        for writes in self._writes.values():
            rows = [write.row for write in writes]
            statuses = [None, *(row.status for row in rows)]
            for before, after in pairwise(statuses):
                if after not in LEGAL[before]:
                    yield Broken("states", f"a notification: {before} → {after}", rows[0].wanted.subject_id)
            for first, second in pairwise(rows):
                if second.version <= first.version:
                    why = f"a notification's version {first.version} was followed by {second.version}"
                    yield Broken("states", why, first.wanted.subject_id)

    def _who_wakes_up_late_changes_nothing(self) -> Iterator[Broken]:
        """The fence: what a later receive of a message wrote, an earlier one never overwrites."""
        for writes in self._writes.values():
            last: dict[str, int] = {}
            for row in (write.row for write in writes if write.row.tried):
                message_id, receive_count = row.tried or ("", 0)
                if receive_count < last.get(message_id, 0):
                    why = f"receive {receive_count} wrote after receive {last[message_id]} of one message"
                    yield Broken("fence", why, row.wanted.subject_id)
                last[message_id] = receive_count

    def _no_run_of_its_own(self) -> Iterator[Broken]:
        """Only an operator makes a failed one begin again; late copies as for orders."""
        deeds = Counter(notification_id for _, _, notification_id in self._telling.operated)
        failed = {i: [w.at for w in writes if w.row.status == "failed"] for i, writes in self._writes.items()}
        deeds.update(late_copies(self._events("sent"), failed))
        for notification_id, writes in self._writes.items():
            revived = sum(a.row.status == "failed" and b.row.status == "waiting" for a, b in pairwise(writes))
            if revived > deeds[notification_id]:
                why = f"a notification failed, and began again {revived} times, of which {deeds[notification_id]} sent"
                yield Broken("P2", why, writes[0].row.wanted.subject_id)

    def _killers_come_to_an_end(self) -> Iterator[Broken]:
        """A6: each message about an event that kills its caller is tried once more than it has attempts."""
        for row in self._rows.values():
            kills = sum(call.answer == 0 for call in self._calls(row))
            messages = {e.message_id for e in self._events(None, row.notification_id) if e.what != "swallowed"}
            if kills > len(messages) * (self._notifications.settings.notify_max_attempts + 1):
                why = f"{row.wanted.event} killed its caller {kills} times, in {len(messages)} messages"
                yield Broken("A6", why, row.wanted.subject_id)

    def _nobody_fails_untried(self) -> Iterator[Broken]:
        for row in self._rows.values():
            if row.failure and row.status == "failed" and (why := fails_without_reason(self._telling, row)):
                yield Broken("P6", f"{row.wanted.event}: {row.failure['class']}: {why}", row.wanted.subject_id)

    def _permanent_errors_do_not_wait(self) -> Iterator[Broken]:
        """P7, where nothing else went wrong."""
        if not self._system.faults.is_quiet:
            return
        for row in self._rows.values():
            if row.status != "failed" or not row.failure or row.failure["class"] != "AddressNotAllowed":
                continue
            failed_at = next(w.at for w in self._writes[row.notification_id] if w.row.status == "failed")
            letters = [event.at for event in self._events("dead-lettered", row.notification_id)]
            if row.failure["attempts"] != "1":
                yield Broken("P7", f"{row.failure['attempts']} attempts", row.wanted.subject_id)
            if not letters or letters[0] > failed_at + DEAD_LETTER_SECONDS:
                yield Broken("P7", "a notification was not dead-lettered in time", row.wanted.subject_id)

    def _dead_letters_are_accounted_for(self) -> Iterator[Broken]:
        """P8: five minutes later the notification is settled, or being sent again."""
        for letter in self._events("dead-lettered"):
            deadline = max(letter.at, self._calm_since) + TRUTH_SECONDS
            known = [write for write in self._writes[letter.subject_id] if write.at <= deadline]
            touched = any(write.at > letter.at for write in known)
            again = any(
                letter.at < event.at <= deadline and event.what in {"sent", "moved back", "swallowed"}
                for event in self._events(None, letter.subject_id)
            )
            waits = known and known[-1].row.status == "waiting"
            if waits and not touched and not again and deadline <= self._now:
                why = "in the dead-letter queue, and waiting five minutes later"
                yield Broken("P8", why, known[-1].row.wanted.subject_id)

    def _dead_letters_are_of_failed_notifications(self) -> Iterator[Broken]:
        for message in self._notifications.dead_letter_queue.messages:
            row = self._rows.get(json.loads(message.body)["notification_id"])
            if row is None or row.status != "failed":
                status, about = (row.status, row.wanted.subject_id) if row else ("nothing", None)
                yield Broken("P8", f"a dead letter of a notification that is {status}", about)
            elif not message.dead_letter_source:
                yield Broken("P9", "a dead letter that the console cannot redrive", row.wanted.subject_id)

    def _failed_ones_have_dead_letters(self) -> Iterator[Broken]:
        """P9: or the console could not redrive them. After fourteen days only the row is left."""
        letters = self._notifications.dead_letter_queue.messages
        kept = {json.loads(message.body)["notification_id"] for message in letters}
        gone = {event.subject_id for event in self._events("expired")}
        for row in self._rows.values():
            if row.status == "failed" and row.notification_id not in kept | gone:
                yield Broken("P9", f"{row.wanted.event} failed, and has no dead letter", row.wanted.subject_id)

    def _rescues_come_to_an_end(self) -> Iterator[Broken]:
        for writes in self._writes.values():
            most = max(write.row.rescues for write in writes)
            if most > self._system.settings.max_rescues:
                why = f"a notification was published anew {most} times, and never failed"
                yield Broken("P8", why, writes[0].row.wanted.subject_id)

    def _who_wants_nothing_more_is_left_alone(self) -> Iterator[Broken]:
        """410: written down, and then no call any more, of whatever event of that caller's."""
        ended = self._notifications.ended_at
        for call in self._receivers.calls:
            receiver = self._receiver_of(call)
            if call.answer == 410 and receiver not in ended and not self._was_struck(call):
                yield Broken("B4", f"{call.url} answered 410, and that was not written down", call.subject_id)
            if receiver in ended and call.at > ended[receiver] + STILL_UNDER_WAY:
                yield Broken("B4", f"{call.url} wanted nothing more, and was called again", call.subject_id)

    def _was_struck(self, call: Call) -> bool:
        """The worker could not write down what it was answered; the next one that calls will."""
        return any(who == call.who for who, _ in self._system.struck)

    def _orders_wait_for_nobody(self) -> Iterator[Broken]:
        """Nobody but those who tell of changes calls what they work with."""
        for function, operation in sorted(self._system.called):
            if operation.split()[-1] in OF_ITS_RIGHTS and function not in _MAY_CALL:
                yield Broken("B4", f"{function} calls {operation}: whoever tells of changes can hold it up")
        for call in self._receivers.calls:
            if not call.who.startswith(f"{DELIVERER}."):
                yield Broken("B4", f"{call.who} calls a receiver", call.subject_id)

    def _calls(self, row: SeenNotification) -> list[Call]:
        return self._receivers.by_id[row.notification_id]

    def _receiver_of(self, call: Call) -> tuple[str, str]:
        row = self._rows.get(call.webhook_id)
        return (row.wanted.caller if row else "", call.url)

    def _events(self, what: str | None, notification_id: str | None = None) -> Iterator[MessageEvent]:
        events = self._events_of[notification_id] if notification_id else self._notifications.events
        return (event for event in events if what in (None, event.what))


def rows_told(telling: NotificationWorkload) -> dict[str, SeenNotification]:
    table = telling.notifications.system.dynamodb.tables["notifications"]
    return {item["notification_id"]["S"]: SeenNotification.of(item) for item in table.rows.values()}


def failed_where_well(telling: NotificationWorkload) -> Iterator[SeenNotification]:
    """P9: those that failed, and whose receiver takes everything once nothing goes wrong any more."""
    for row in rows_told(telling).values():
        if row.status == "failed" and row.wanted.url in {*URLS} - HOPELESS:
            yield row
