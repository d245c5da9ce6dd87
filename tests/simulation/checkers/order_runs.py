"""What became of orders: which states they went through, in which order, and what stands in the ledger. P2 to P5."""

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import pairwise

from tests.simulation.checkers.order_evidence import SETTLED, OrderEvidence
from tests.simulation.checkers.violation import Violation, messages_ahead

LEGAL: Mapping[str | None, set[str | None]] = {
    None: {"accepting"},
    "accepting": {"accepting", "pending", "processing", "failed", None},
    "pending": {"pending", "processing", "failed", "cancelled"},
    "processing": {"processing", "completed", "failed"},
    "failed": {"failed", "processing"},
    "completed": set(),
    "cancelled": set(),
}
"""The status of a row, and what may follow it. The same status again: something else of the row was written."""

ENDS = ("the process died", "Task timed out", "Runtime.ImportModuleError", "Unavailable: ")
"""How an invocation may end badly."""


def no_run_of_its_own(seen: OrderEvidence) -> Iterator[Violation]:
    """P2: only an operator makes a failed order run again."""
    deeds = Counter(order_id for _, deed, order_id in seen.workload.operators.operated if deed != "discard")
    for order_id, writes in seen.writes.items():
        pairs = pairwise(writes)
        revived = sum(before.status == "failed" and after.status == "processing" for before, after in pairs)
        if revived > deeds[order_id]:
            yield Violation("P2", f"failed, and ran again {revived} times; redriven {deeds[order_id]} times", order_id)


def row_leads(seen: OrderEvidence) -> Iterator[Violation]:
    """I1 and I2: no message is ahead of its row, and a run begins by one write, which owes its message."""
    runs = {order_id: [(write.at, write.replay) for write in writes] for order_id, writes in seen.writes.items()}
    yield from messages_ahead(seen.system.message_events, runs)
    for order_id, writes in seen.writes.items():
        for before, after in pairwise(writes):
            if after.status is None:
                continue
            if after.replay > before.replay and not (after.owed and after.version > before.version):
                yield Violation("I2", f"run {after.replay} began, and owes no message", order_id)
            if after.replay < before.replay:
                yield Violation("I2", f"run {before.replay} was followed by run {after.replay}", order_id)
            if after.owed and after.replay == before.replay and not before.owed:
                yield Violation("I2", f"run {after.replay} owes its message once more", order_id)


def states_are_legal(seen: OrderEvidence) -> Iterator[Violation]:
    for order_id, writes in seen.writes.items():
        before: str | None = None
        version, enriched, owed = 0, None, False
        for write in writes:
            if write.status not in LEGAL[before]:
                yield Violation("states", f"{before} → {write.status}", order_id)
            sent = owed and not write.owed and write.version == version and write.status == before
            if write.version <= version and write.status is not None and not sent:
                yield Violation("states", f"version {version} was followed by {write.version}", order_id)
            if enriched and write.enrichment != enriched:
                yield Violation("states", "what was enriched was enriched again", order_id)
            gone = write.status is None
            before, version, enriched = write.status, 0 if gone else write.version, write.enrichment
            owed = write.owed


def who_wakes_up_late_changes_nothing(seen: OrderEvidence) -> Iterator[Violation]:
    """The fence of a worker: what a later receive of a message wrote, an earlier one never overwrites."""
    for order_id, writes in seen.writes.items():
        last: dict[str, int] = {}
        for message_id, receive_count in (write.tried for write in writes if write.tried):
            if receive_count < last.get(message_id, 0):
                why = f"receive {receive_count} wrote after receive {last[message_id]} of one message"
                yield Violation("fence", why, order_id)
            last[message_id] = receive_count


def one_effect(seen: OrderEvidence) -> Iterator[Violation]:
    stands = Counter(item["order_id"]["S"] for ledger in seen.ledgers().values() for item in ledger)
    for row in seen.rows.values():
        wanted = 1 if row.status == "completed" else 0
        if stands[row.order_id] != wanted:
            why = f"{row.status}, and stands in the ledger {stands[row.order_id]} times"
            yield Violation("P3", why, row.order_id, row.recipient_id)
        if row.status == "completed" and row.total != row.expected_total:
            why = f"total {row.total}, its items cost {row.expected_total}"
            yield Violation("P3", why, row.order_id, row.recipient_id)


def balance_is_the_sum(seen: OrderEvidence) -> Iterator[Violation]:
    rows = seen.system.dynamodb.tables["ledger"].rows
    for recipient, ledger in seen.ledgers().items():
        amounts = [Decimal(item["amount"]["N"]) for item in ledger]
        sequences = [int(item["sequence"]["N"]) for item in ledger]
        balance = rows.get((recipient, "balance"))
        if sequences != list(range(1, len(ledger) + 1)):
            yield Violation("P3", f"the ledger has the sequences {sequences}", None, recipient)
        if balance is None or Decimal(balance["balance"]["N"]) != sum(amounts):
            yield Violation("P3", f"the balance is not the sum {sum(amounts)}", None, recipient)
        elif int(balance["orders_completed"]["N"]) != len(ledger):
            yield Violation("P3", "the balance counts other orders than the ledger has", None, recipient)
        for item, amount in zip(ledger, amounts, strict=True):
            row = seen.rows[item["order_id"]["S"]]
            if amount != row.total or recipient != row.recipient_id:
                yield Violation("P3", f"entered with {amount}, total {row.total}", row.order_id, recipient)


def order_per_recipient(seen: OrderEvidence) -> Iterator[Violation]:
    """P4. Not a run of which a message lost its place to a dead-letter queue, while a frozen worker had it or had sent
    a copy of it: such a run goes on behind others."""
    out_of_line = {(event.subject_id, event.replay) for event in seen.events("dead-lettered")}
    places: dict[tuple[str, int], int] = {}
    for event in seen.system.message_events:
        if event.what == "sent" and event.queue == "orders.fifo":
            places.setdefault((event.subject_id, event.replay), event.sequence)
    for recipient, ledger in seen.ledgers().items():
        last = 0
        for row in [seen.rows[item["order_id"]["S"]] for item in ledger]:
            place = places.get((row.order_id, row.replay))
            if (row.order_id, row.replay) in out_of_line or place is None:
                continue
            if place < last:
                yield Violation("P4", f"place {place} came after {last}", row.order_id, recipient)
            last = max(place, last)


def nothing_lost(seen: OrderEvidence) -> Iterator[Violation]:
    sent = {event.subject_id for event in seen.system.message_events if event.what == "sent"}
    for row in seen.rows.values():
        if row.status not in SETTLED and not (row.status == "accepting" and row.order_id not in sent):
            yield Violation("P5", f"{row.status} forever", row.order_id, row.recipient_id)
    listed = seen.listed("failed")
    for row in seen.rows.values():
        if (row.status == "failed" and not row.discarded) != (row.order_id in listed):
            yield Violation("P5", f"{row.status}, discarded {row.discarded}: index is wrong", row.order_id)


def enrichment_goes_on(seen: OrderEvidence) -> Iterator[Violation]:
    """B8: whatever became of circuit, mapping and those who look after them, a healthy provider is asked again."""
    if not seen.system.mappings["enrichment"].enabled:
        yield Violation("B8", "the provider is healthy, and its mapping is off")


def handlers_raise_what_they_say(seen: OrderEvidence) -> Iterator[Violation]:
    """A function that ends with any other error has a defect, also where the next minute mends what it left."""
    for told in seen.system.history.happenings:
        _, ends, why = told.what.partition(" ends: ")
        if ends and not why.startswith(ENDS):
            yield Violation("no defects", told.what)
