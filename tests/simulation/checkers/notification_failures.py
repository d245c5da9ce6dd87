"""Why notifications failed, and what became of their dead letters: P6 to P9."""

import json
from collections.abc import Iterator

from tests.simulation.checkers.notification_evidence import NotificationEvidence
from tests.simulation.checkers.notification_reasons import fails_without_reason
from tests.simulation.checkers.violation import TRUTH_SECONDS, Violation, console_moves, left_alone

DEAD_LETTER_SECONDS = 60
"""P7: where neighbours in its batches take up to 15 s for a call."""


def nobody_fails_untried(seen: NotificationEvidence) -> Iterator[Violation]:
    for row in seen.rows.values():
        if row.failure and row.status == "failed" and (why := fails_without_reason(seen.telling, row)):
            yield Violation("P6", f"{row.wanted.event}: {row.failure['class']}: {why}", row.wanted.subject_id)


def permanent_errors_do_not_wait(seen: NotificationEvidence) -> Iterator[Violation]:
    """P7, where nothing else went wrong."""
    if not seen.system.faults.is_quiet:
        return
    for row in seen.rows.values():
        if row.status != "failed" or not row.failure or row.failure["class"] != "AddressNotAllowed":
            continue
        failed_at = next(w.at for w in seen.writes[row.notification_id] if w.row.status == "failed")
        letters = [event.at for event in seen.events("dead-lettered", row.notification_id)]
        if row.failure["attempts"] != "1":
            yield Violation("P7", f"{row.failure['attempts']} attempts", row.wanted.subject_id)
        if not letters or letters[0] > failed_at + DEAD_LETTER_SECONDS:
            yield Violation("P7", "a notification was not dead-lettered in time", row.wanted.subject_id)


def dead_letters_are_accounted_for(seen: NotificationEvidence) -> Iterator[Violation]:
    """P8: five minutes later the notification is settled, or being sent again."""
    for letter in seen.events("dead-lettered"):
        deadline = max(letter.at, seen.calm_since) + TRUTH_SECONDS
        last = left_alone(letter, deadline, seen.writes[letter.subject_id], seen.events(None, letter.subject_id))
        if last and last.row.status == "waiting" and deadline <= seen.now:
            why = "in the dead-letter queue, and waiting five minutes later"
            yield Violation("P8", why, last.row.wanted.subject_id)


def dead_letters_are_of_failed_notifications(seen: NotificationEvidence) -> Iterator[Violation]:
    for message in seen.notifications.dead_letter_queue.messages:
        row = seen.rows.get(json.loads(message.body)["notification_id"])
        if row is None or row.status != "failed":
            status, about = (row.status, row.wanted.subject_id) if row else ("nothing", None)
            yield Violation("P8", f"a dead letter of a notification that is {status}", about)
        elif not console_moves(message, seen.system):
            yield Violation("P9", "a dead letter that the console cannot redrive", row.wanted.subject_id)


def failed_ones_have_dead_letters(seen: NotificationEvidence) -> Iterator[Violation]:
    """P9: or the console could not redrive them. After fourteen days only the row is left."""
    letters = seen.notifications.dead_letter_queue.messages
    kept = {json.loads(message.body)["notification_id"] for message in letters}
    gone = {event.subject_id for event in seen.events("expired")}
    for row in seen.rows.values():
        if row.status == "failed" and row.notification_id not in kept | gone:
            yield Violation("P9", f"{row.wanted.event} failed, and has no dead letter", row.wanted.subject_id)


def rescues_come_to_an_end(seen: NotificationEvidence) -> Iterator[Violation]:
    for writes in seen.writes.values():
        most = max(write.row.rescues for write in writes)
        if most > seen.system.settings.delivery.max_rescues:
            why = f"a notification was published anew {most} times, and never failed"
            yield Violation("P8", why, writes[0].row.wanted.subject_id)
