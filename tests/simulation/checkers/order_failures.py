"""Why orders failed, and what became of their dead letters: P6 to P9."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from tests.simulation.checkers.order_evidence import SETTLED, OrderEvidence
from tests.simulation.checkers.violation import (
    DEAD_LETTER_SECONDS,
    NOBODY_DIED,
    TRUTH_SECONDS,
    Violation,
    console_moves,
    left_alone,
)
from tests.simulation.events import RowWrite
from tests.simulation.functions import CLOCKS
from tests.simulation.observed_rows import PERMANENT, Row
from tests.simulation.provider import HANGS, KILLER
from tests.simulation.system import MOST_SHOWN, STAGES

TRANSIENT = {"ProviderError", "ProviderDown", "ProviderTimeout"}
HIDDEN_TRUTH_SECONDS = 2 * 3600
"""P8 where more than ten letters of a recipient hide some of them from everybody: an hour after its last change."""
QUIET_SECONDS = 180
"""Whoever is at an order writes its row within this time."""
MOST_DEATHS = 1
"""A6: of the batch that an order comes with. And one with each poison message that is new to it, or order that hangs
until the time is over: from then on it is worked on with care."""


def nobody_fails_untried(seen: OrderEvidence) -> Iterator[Violation]:
    for row in seen.rows.values():
        if row.failure and row.status == "failed" and (why := _fails_without_reason(seen, row, row.failure)):
            yield Violation("P6", f"{row.failure['class']}: {why}", row.order_id, row.recipient_id)


def _fails_without_reason(seen: OrderEvidence, row: Row, failure: Mapping[str, Any]) -> str | None:
    settings, name = seen.system.settings, failure["class"]
    if name in PERMANENT.values():
        return None if any(PERMANENT.get(sku) == name for sku in row.skus) else "it has no such item"
    if name == "UnreadableRow":
        return None if row.order_id in seen.system.spoiled else "its row is as this release writes it"
    died = seen.died(failure["message_id"])
    if name == "WorkerUnavailable":
        rescues = seen.writes[row.order_id][-1].rescues
        if rescues < settings.delivery.max_rescues:
            return f"it was requeued {rescues} times only"
        ill = sum(seen.died(letter.message_id) for letter in seen.events("dead-lettered", row.order_id))
        away = seen.told("log: storage.unavailable", row.recipient_id)
        away -= seen.told("log: storage.unavailable enrichment provider", row.recipient_id)
        enough = ill + away >= settings.delivery.max_receive_count // 4
        return None if enough else f"{ill} workers could not run, and {away} turned it away"
    if failure["stage"] == "enrichment" and seen.writes[row.order_id][-1].enrichment:
        return "the provider had answered, and nothing was left but to send it on"
    calls = [call for call in seen.system.provider.calls if call.key == row.order_id]
    failed = sum(call.outcome in TRANSIENT for call in calls)
    if name == "ProviderDown":
        return "an outage of the provider is nobody's fault"
    if name == "WorkerDied" or any(call.outcome == name for call in calls):
        lost = seen.told("log: order.attempt_lost", row.order_id) + seen.told("late UpdateItem", row.order_id)
        if name == "WorkerDied" and not died + lost:
            return NOBODY_DIED
        enough = failed + died + lost >= settings.delivery.max_attempts
        return None if enough else f"it failed {failed} times and its worker died {died} times"
    return "an order must not fail of that"


def killers_take_nobody_along(seen: OrderEvidence) -> Iterator[Violation]:
    """A6, where nothing else went wrong: what is done with does not come back with each death of its neighbour."""
    if not seen.system.faults.is_quiet:
        return
    troubled = {row.recipient_id for row in seen.rows.values() if row.holds_others_up or row.failure}
    poisons = sum(not {KILLER, HANGS}.isdisjoint(row.skus) for row in seen.rows.values())
    for message_id, order_id in {(event.message_id, event.subject_id) for event in seen.events("received")}:
        deaths = seen.died(message_id)
        if deaths > MOST_DEATHS + poisons and seen.rows[order_id].recipient_id not in troubled:
            yield Violation("A6", f"its batch died {deaths} times, beside others' poison messages", order_id)


def permanent_errors_do_not_wait(seen: OrderEvidence) -> Iterator[Violation]:
    """P7, where nothing else went wrong. Nor where an order hangs: once it comes again, its batch is worked on one by
    one, and whoever is behind it waits for its calls."""
    if not seen.system.faults.is_quiet or seen.system.faults.hanging:
        return
    troubled = {row.recipient_id for row in seen.rows.values() if row.holds_others_up}
    for row in seen.rows.values():
        if not row.failure or row.failure["class"] not in PERMANENT.values() or row.status != "failed":
            continue
        if row.failure["attempts"] != "1":
            yield Violation("P7", f"{row.failure['attempts']} attempts", row.order_id, row.recipient_id)
        failed_at = next(w.at for w in seen.writes[row.order_id] if w.status == "failed")
        letters = [event.at for event in seen.events("dead-lettered", row.order_id)]
        if row.recipient_id in troubled:
            continue
        if not letters or letters[0] > failed_at + DEAD_LETTER_SECONDS:
            late = f"{letters[0] - failed_at:.1f} s" if letters else "never"
            yield Violation("P7", f"in the dead-letter queue after: {late}", row.order_id, row.recipient_id)


def status_tells_the_truth(seen: OrderEvidence) -> Iterator[Violation]:
    for letter in seen.events("dead-lettered"):
        hidden = seen.rows[letter.subject_id].recipient_id in seen.crowds
        deadline = max(letter.at, seen.calm_since) + (HIDDEN_TRUTH_SECONDS if hidden else TRUTH_SECONDS)
        last = left_alone(letter, deadline, seen.writes[letter.subject_id], seen.events(None, letter.subject_id))
        if last and last.status not in SETTLED:
            why = f"in the dead-letter queue, and {last.status} five minutes later"
            yield Violation("P8", why, letter.subject_id)


def rescues_come_to_an_end(seen: OrderEvidence) -> Iterator[Violation]:
    """What comes back untried is failed and shown so, but where the reconciler cannot see it. An outage counts for
    nothing, and excuses nothing else."""
    for order_id, writes in seen.writes.items():
        most = max(write.rescues for write in writes)
        for before, after in pairwise(writes):
            if after.rescues > before.rescues and not _may_be_dead_lettered(seen, before, after):
                yield Violation("P8", "requeued while somebody was at it, and was not dead-lettered", order_id)
            if after.after_outages > before.after_outages and not after.in_outage:
                yield Violation("P8", "requeued after an outage of the provider that there was not", order_id)
        hidden = order_id in seen.rows and seen.rows[order_id].recipient_id in seen.crowds
        if most > seen.system.settings.delivery.max_rescues and not hidden:
            yield Violation("P8", f"requeued {most} times, and never failed", order_id)


def _may_be_dead_lettered(seen: OrderEvidence, before: RowWrite, after: RowWrite) -> bool:
    """It was; or nobody had written its row for so long that its letter may be hidden."""
    letters = any(event.at <= after.at for event in seen.events("dead-lettered", after.order_id))
    return letters or after.at - before.at >= QUIET_SECONDS - CLOCKS


def dead_letters_are_of_failed_orders(seen: OrderEvidence) -> Iterator[Violation]:
    for stage in STAGES:
        in_sight: Counter[str] = Counter()
        for message in seen.system.dead_letter_queues[stage].messages:
            in_sight[message.group] += 1
            if in_sight[message.group] > MOST_SHOWN:  # SQS shows ten of a group: nobody can reach it.
                continue
            order_id = json.loads(message.body)["order_id"]
            row = seen.rows.get(order_id)
            if order_id in seen.system.spoiled:  # Whether it is over, nobody can read.
                continue
            if row is None or row.status != "failed" or row.discarded:
                status = row.status if row else "no order"
                yield Violation("P8", f"a dead letter in {stage} of an order that is {status}", order_id, message.group)
            if not console_moves(message, seen.system):
                yield Violation("P9", "a dead letter that the console cannot redrive", order_id, message.group)


def failed_orders_have_dead_letters(seen: OrderEvidence) -> Iterator[Violation]:
    """P9: or the console could not redrive them. After fourteen days only the row is left."""
    kept = {
        json.loads(message.body)["order_id"]
        for queue in seen.system.dead_letter_queues.values()
        for message in queue.messages
    }
    gone = {event.subject_id for event in seen.events("expired")} | seen.workload.operators.purged
    for row in seen.rows.values():
        if row.status == "failed" and not row.discarded and row.order_id not in kept | gone:
            yield Violation("P9", "failed, and has no dead letter to redrive", row.order_id, row.recipient_id)
