"""Why reports failed, and what became of their dead letters: P6 to P9."""

import json
from collections.abc import Iterator, Mapping

from tests.simulation.checkers.report_evidence import PERMANENT, SETTLED, ReportEvidence
from tests.simulation.checkers.violation import (
    DEAD_LETTER_SECONDS,
    NOBODY_DIED,
    TRUTH_SECONDS,
    Violation,
    console_moves,
    left_alone,
)
from tests.simulation.observed_reports import SeenReport

TRANSIENT = {"OutOfTime", "WorkerDied"}


def nobody_fails_untried(seen: ReportEvidence) -> Iterator[Violation]:
    for row in seen.rows.values():
        if row.failure and row.status == "failed" and (why := _fails_without_reason(seen, row, row.failure)):
            yield Violation("P6", f"{row.failure['class']}: {why}", row.report_id)


def _fails_without_reason(seen: ReportEvidence, row: SeenReport, failure: Mapping[str, str]) -> str | None:
    settings, name = seen.system.settings, failure["class"]
    intent = seen.intent(row)
    if name == "InvalidTable":
        return "its table is sound" if intent and not intent.flaw else None
    if name == "UploadGone":
        return None if intent is None or intent.replaced else "nobody replaced its table"
    if name == "TooLarge":
        return None if int(row.parameters.get("size", 0)) > 1000 else "it is small"
    if name == "WorkerUnavailable":
        if row.rescues < settings.delivery.max_rescues:
            return f"it was requeued {row.rescues} times only"
        letters = [event.message_id for event in seen.events("dead-lettered", row.report_id)]
        ill = sum(seen.died(message_id) for message_id in letters)
        away = seen.told("log: storage.unavailable")
        enough = ill + away >= settings.delivery.max_receive_count // 4
        return None if enough else f"{ill} workers could not run, and {away} turned it away"
    if name not in TRANSIENT:
        return "a report must not fail of that"
    died = seen.died(failure["message_id"])
    failed = seen.told("log: report.attempt_failed", row.report_id)
    lost = seen.told("log: report.attempt_lost", row.report_id) + seen.told("late UpdateItem", row.report_id)
    if name == "WorkerDied" and not died + lost:
        return NOBODY_DIED
    last = 0 if name == "WorkerDied" else 1
    enough = failed + died + lost + last >= settings.delivery.max_attempts
    return None if enough else f"it failed {failed} times and its worker died {died} times"


def permanent_errors_do_not_wait(seen: ReportEvidence) -> Iterator[Violation]:
    """P7, where nothing else went wrong."""
    if not seen.system.faults.is_quiet:
        return
    for row in seen.rows.values():
        if row.status != "failed" or not row.failure or row.failure["class"] not in PERMANENT:
            continue
        if row.failure["attempts"] != "1":
            yield Violation("P7", f"{row.failure['attempts']} attempts", row.report_id)
        failed_at = next(w.at for w in seen.writes[row.report_id] if w.row and w.row.status == "failed")
        letters = [event.at for event in seen.events("dead-lettered", row.report_id)]
        if not letters or letters[0] > failed_at + DEAD_LETTER_SECONDS:
            yield Violation("P7", "its message was not dead-lettered in time", row.report_id)


def dead_letters_are_accounted_for(seen: ReportEvidence) -> Iterator[Violation]:
    """P8: five minutes later the report is settled, or being taken up again."""
    for letter in seen.events("dead-lettered"):
        deadline = max(letter.at, seen.calm_since) + TRUTH_SECONDS
        last = left_alone(letter, deadline, seen.writes[letter.subject_id], seen.events(None, letter.subject_id))
        row = last.row if last else None
        open_still = row and row.status not in SETTLED and row.expires_at > deadline
        if row and open_still and deadline <= seen.now:
            why = f"in the dead-letter queue, and {row.status} five minutes later"
            yield Violation("P8", why, letter.subject_id)


def rescues_come_to_an_end(seen: ReportEvidence) -> Iterator[Violation]:
    """P8: what comes back untried after a rescue is failed."""
    for report_id, rows in seen.histories():
        most = max(row.rescues for row in rows)
        if most > seen.system.settings.delivery.max_rescues:
            yield Violation("P8", f"requeued {most} times, and never failed", report_id)


def dead_letters_are_of_failed_reports(seen: ReportEvidence) -> Iterator[Violation]:
    for message in seen.reports.dead_letter_queue.messages:
        report_id = json.loads(message.body)["report_id"]
        row = seen.rows.get(report_id)
        if row is None or row.status != "failed" or row.discarded:
            status = row.status if row else "no report"
            yield Violation("P8", f"a dead letter of a report that is {status}", report_id)
        if not console_moves(message, seen.system):
            yield Violation("P9", "a dead letter that the console cannot redrive", report_id)


def failed_reports_have_dead_letters(seen: ReportEvidence) -> Iterator[Violation]:
    """P9: or the console could not redrive them. After fourteen days only the row is left."""
    kept = {json.loads(message.body)["report_id"] for message in seen.reports.dead_letter_queue.messages}
    gone = {event.subject_id for event in seen.events("expired")}
    for row in seen.rows.values():
        over = row.discarded or row.expires_at <= seen.now
        if row.status == "failed" and not over and row.report_id not in kept | gone:
            yield Violation("P9", "failed, and has no dead letter to redrive", row.report_id)
