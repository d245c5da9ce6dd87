"""Which states notifications went through: P2, A6 and the fence."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise

from tests.simulation.checkers.notification_evidence import NotificationEvidence
from tests.simulation.checkers.violation import Violation, messages_ahead

LEGAL: Mapping[str | None, set[str]] = {
    None: {"waiting"},
    "waiting": {"waiting", "delivered", "failed", "ended"},
    "failed": {"waiting"},
    "delivered": {"waiting"},
    "ended": {"waiting"},
}
"""The status of a row, and what may follow it: what was over begins again only where somebody resends it."""


def a_message_has_its_row(seen: NotificationEvidence) -> Iterator[Violation]:
    for event in seen.events("sent"):
        writes = seen.writes[event.subject_id]
        if not writes or event.at < writes[0].at:
            about = writes[0].row.wanted.subject_id if writes else None
            yield Violation("B4", "a notification's message was sent before its row was there", about)


def states_are_legal(seen: NotificationEvidence) -> Iterator[Violation]:
    for writes in seen.writes.values():
        rows = [write.row for write in writes]
        statuses = [None, *(row.status for row in rows)]
        for before, after in pairwise(statuses):
            if after not in LEGAL[before]:
                yield Violation("states", f"a notification: {before} → {after}", rows[0].wanted.subject_id)
        for first, second in pairwise(rows):
            sent = first.owed and not second.owed and second.version == first.version
            if second.version <= first.version and not sent:
                why = f"a notification's version {first.version} was followed by {second.version}"
                yield Violation("states", why, first.wanted.subject_id)


def who_wakes_up_late_changes_nothing(seen: NotificationEvidence) -> Iterator[Violation]:
    """The fence: what a later receive of a message wrote, an earlier one never overwrites."""
    for writes in seen.writes.values():
        last: dict[str, int] = {}
        for row in (write.row for write in writes if write.row.tried):
            message_id, receive_count = row.tried or ("", 0)
            if receive_count < last.get(message_id, 0):
                why = f"receive {receive_count} wrote after receive {last[message_id]} of one message"
                yield Violation("fence", why, row.wanted.subject_id)
            last[message_id] = receive_count


def no_run_of_its_own(seen: NotificationEvidence) -> Iterator[Violation]:
    """Only an operator makes a failed one begin again."""
    deeds = Counter(notification_id for _, _, notification_id in seen.telling.operated)
    for notification_id, writes in seen.writes.items():
        revived = sum(a.row.status == "failed" and b.row.status == "waiting" for a, b in pairwise(writes))
        if revived > deeds[notification_id]:
            why = f"a notification failed, and began again {revived} times, of which {deeds[notification_id]} sent"
            yield Violation("P2", why, writes[0].row.wanted.subject_id)


def row_leads(seen: NotificationEvidence) -> Iterator[Violation]:
    """I1 and I2, as for orders."""
    runs = {key: [(each.at, each.replay) for each in writes] for key, writes in seen.writes.items()}
    yield from messages_ahead(seen.notifications.events, runs)
    for writes in seen.writes.values():
        for before, after in pairwise(write.row for write in writes):
            if after.replay > before.replay and not after.owed:
                why = f"run {after.replay} of a notification began, and owes no message"
                yield Violation("I2", why, after.wanted.subject_id)
            if after.replay < before.replay:
                why = f"run {before.replay} of a notification was followed by run {after.replay}"
                yield Violation("I2", why, after.wanted.subject_id)


def killers_come_to_an_end(seen: NotificationEvidence) -> Iterator[Violation]:
    """A6: each message about an event that kills its caller is tried once more than it has attempts."""
    for row in seen.rows.values():
        kills = sum(call.answer == 0 for call in seen.calls(row))
        messages = {e.message_id for e in seen.events(None, row.notification_id) if e.what != "swallowed"}
        if kills > len(messages) * (seen.notifications.settings.notifications.max_attempts + 1):
            why = f"{row.wanted.event} killed its caller {kills} times, in {len(messages)} messages"
            yield Violation("A6", why, row.wanted.subject_id)
