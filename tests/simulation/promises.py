"""The promises P1 to P10, each a check that yields what it finds broken. Nothing of the code under test is used."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

from tests.simulation.expressions import Item
from tests.simulation.functions import CLOCKS
from tests.simulation.happened import MessageEvent, RowWrite
from tests.simulation.seen_rows import PERMANENT, Row
from tests.simulation.system import MOST_SHOWN, STAGES, System
from tests.simulation.workload import Exchange, Workload

SETTLED = {"completed", "failed", "cancelled"}
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

TRANSIENT = {"ProviderError", "ProviderDown"}
TRUTH_SECONDS = 300
"""P8: five minutes."""
HIDDEN_TRUTH_SECONDS = 2 * 3600
"""P8 where more than ten letters of a recipient hide some of them from everybody: an hour after its last change."""
MOST_RECEIVES = 3
"""A6: with a killer in the same batch, once more with care, and once where time ran out."""
SENT = {"sent", "swallowed"}
REQUEST_SECONDS = 60
"""A request lasts no longer."""
DEAD_LETTER_SECONDS = 15
"""P7: seconds until the message of an order that failed for good is in the dead-letter queue."""

ENDS = ("the process died", "Task timed out", "Runtime.ImportModuleError", "Unavailable: ")
"""How an invocation may end badly."""


@dataclass(frozen=True)
class Broken:
    """The first promise that was found broken."""

    promise: str
    why: str
    order_id: str | None = None
    recipient_id: str | None = None

    def __str__(self) -> str:
        about = " ".join(name for name in (self.recipient_id, self.order_id) if name)
        return f"{self.promise}: {self.why}" + (f"  [{about}]" if about else "")


class Verdict:
    """One look at everything. Each check yields what it finds broken."""

    def __init__(self, system: System, workload: Workload, calm_since: float, rows: Iterable[Row]) -> None:
        self._system = system
        self._workload = workload
        self._calm_since = calm_since
        self._rows = {row.order_id: row for row in rows}
        self._writes: dict[str, list[RowWrite]] = defaultdict(list)
        for write in system.row_writes:
            self._writes[write.order_id].append(write)
        letters = Counter(self._rows[letter.subject_id].recipient_id for letter in self._events("dead-lettered"))
        self._crowds = {recipient for recipient, number in letters.items() if number > MOST_SHOWN}
        """Recipients of whom some dead letters may hide behind ten others."""

    def broken(self) -> Iterator[Broken]:
        yield from wrong_answers(self._workload.exchanges, is_quiet=self._system.faults.is_quiet)
        yield from self._accepted_is_durable()
        yield from self._one_key_one_order()
        yield from self._no_run_of_its_own()
        yield from self._requests_revive_nothing()
        yield from self._states_are_legal()
        yield from self._who_wakes_up_late_changes_nothing()
        yield from self._one_effect()
        yield from self._balance_is_the_sum()
        yield from self._order_per_recipient()
        yield from self._nothing_lost()
        yield from self._nobody_fails_untried()
        yield from self._killers_take_nobody_along()
        yield from self._permanent_errors_do_not_wait()
        yield from self._status_tells_the_truth()
        yield from self._rescues_come_to_an_end()
        yield from self._dead_letters_are_of_failed_orders()
        yield from self._failed_orders_have_dead_letters()
        yield from self._provider_is_called_with_a_key()
        yield from self._enrichment_goes_on()
        yield from self._handlers_raise_what_they_say()

    def _accepted_is_durable(self) -> Iterator[Broken]:
        for event in self._system.message_events:
            claimed = next((write.at for write in self._writes[event.subject_id]), float("inf"))
            if event.at < claimed:
                yield Broken("P1", "its message was sent before it was claimed", event.subject_id)
        accepted: dict[str, float] = {}
        for exchange in sorted(self._workload.exchanges, key=lambda exchange: exchange.answered_at):
            if _is_accepted(exchange):
                order_id = exchange.answer["order_id"]
                accepted.setdefault(order_id, exchange.answered_at)
                if order_id not in self._rows or self._rows[order_id].status not in SETTLED:
                    status = self._rows[order_id].status if order_id in self._rows else "gone"
                    yield Broken("P1", f"answered 202, and is {status} at the end", order_id)
        yield from self._shown_from_then_on(accepted)

    def _shown_from_then_on(self, accepted: Mapping[str, float]) -> Iterator[Broken]:
        for exchange in self._workload.exchanges:
            if exchange.method != "GET":
                continue
            order_id = exchange.path.rpartition("/")[2]
            row = self._rows.get(order_id)
            may_see = exchange.caller == "ops" or (row is not None and exchange.caller == row.caller)
            if exchange.status == 404 and may_see and exchange.sent_at >= accepted.get(order_id, float("inf")):
                yield Broken("P1", "GET says 404 after a 202", order_id)
            if exchange.status == 200 and not may_see:
                yield Broken("errors over HTTP", f"{exchange.caller} sees another's order", order_id)
            if exchange.answer.get("status") == "accepting":
                yield Broken("P1", "GET shows a claim", order_id)

    def _one_key_one_order(self) -> Iterator[Broken]:
        by_key: dict[tuple[str, tuple[str, str]], list[Exchange]] = defaultdict(list)
        for exchange in self._workload.exchanges:
            if exchange.key and exchange.path == "/orders":
                by_key[exchange.caller, exchange.key].append(exchange)
        owners: dict[str, tuple[str, tuple[str, str]]] = {}
        for owner, exchanges in by_key.items():
            bodies = {'"changed"' in exchange.body for exchange in exchanges}
            if len(bodies) == 1 and any(exchange.status == 422 for exchange in exchanges):
                yield Broken("P2", f"key {owner} was refused, and was used for one body only")
            accepted = [exchange for exchange in exchanges if _is_accepted(exchange)]
            ids = {exchange.answer["order_id"] for exchange in accepted}
            if len(ids) > 1:
                yield Broken("P2", f"key {owner} was answered with {len(ids)} orders", max(ids))
            for order_id in ids:
                if owners.setdefault(order_id, owner) != owner:
                    yield Broken("P2", f"one order for the keys {owner} and {owners[order_id]}", order_id)
                yield from self._same_key_same_answer(exchanges, self._rows[order_id])
        unkeyed = [e.answer["order_id"] for e in self._workload.exchanges if _is_accepted(e) and not e.key]
        if len(set(unkeyed)) < len(unkeyed) or set(unkeyed) & set(owners):
            yield Broken("P2", "two orders without a key share an id")

    def _same_key_same_answer(self, exchanges: list[Exchange], row: Row) -> Iterator[Broken]:
        first = min(exchange.answered_at for exchange in exchanges if _is_accepted(exchange))
        for exchange in exchanges:
            is_owner = ('"changed"' in exchange.body) == row.changed
            if _is_accepted(exchange) and not is_owner:
                yield Broken("P2", "the key was accepted with two bodies", row.order_id, row.recipient_id)
            if _is_accepted(exchange) and exchange.sent_at >= first and not exchange.replayed:
                yield Broken("P2", "a replay was not answered as one", row.order_id, row.recipient_id)
            others = [other for other in exchanges if ('"changed"' in other.body) != row.changed]
            was_first = all(other.sent_at > exchange.answered_at for other in others)
            if exchange.status == 422 and is_owner and was_first:
                yield Broken("P2", f"its own body was refused: {exchange.answer}", row.order_id, row.recipient_id)
        sent = {event.subject_id for event in self._system.message_events if event.subject_id == row.order_id}
        if not sent:
            yield Broken("P1", "answered 202, and its message was never stored", row.order_id, row.recipient_id)

    def _no_run_of_its_own(self) -> Iterator[Broken]:
        """P2: only an operator makes a failed order run again. Or a copy of its message that was sent after it failed,
        and that SQS took for a new one, as a message that comes back from a dead-letter queue would be. Or a rescue
        that was sent before the order failed, of another copy of its message than the steward had found."""
        deeds = Counter(order_id for _, deed, order_id in self._workload.operated if deed != "discard")
        failed = {order_id: [w.at for w in writes if w.status == "failed"] for order_id, writes in self._writes.items()}
        deeds.update(late_copies(self._events("sent"), failed))
        deeds.update(self._rescues_before_failures())
        for order_id, writes in self._writes.items():
            pairs = pairwise(writes)
            revived = sum(before.status == "failed" and after.status == "processing" for before, after in pairs)
            if revived > deeds[order_id]:
                yield Broken("P2", f"failed, and ran again {revived} times; redriven {deeds[order_id]} times", order_id)

    def _rescues_before_failures(self) -> Iterator[str]:
        """The order of each failure that came when the order was published anew already, and its row did not know."""
        for event in self._events("sent"):
            if event.queue != "orders.fifo" or event.replay == 0:
                continue
            for before, after in pairwise(self._writes[event.subject_id]):
                fails = before.status != "failed" and after.status == "failed"
                if fails and after.replay < event.replay and after.at > event.at:
                    yield event.subject_id

    def _requests_revive_nothing(self) -> Iterator[Broken]:
        """P2: no message is sent for a request that came when its order had failed. A process that a fault struck may
        have been at it since before."""
        struck = {who for who, _ in self._system.struck}
        for event in self._system.message_events:
            if not event.who.startswith("write_orders.") or event.who in struck or event.what not in SENT:
                continue
            if any(w.status == "failed" and w.at < event.at - REQUEST_SECONDS for w in self._writes[event.subject_id]):
                yield Broken("P2", "a request sent a message of an order that had failed", event.subject_id)

    def _states_are_legal(self) -> Iterator[Broken]:
        for order_id, writes in self._writes.items():
            before: str | None = None
            version, enriched = 0, None
            for write in writes:
                if write.status not in LEGAL[before]:
                    yield Broken("states", f"{before} → {write.status}", order_id)
                if write.version <= version and write.status is not None:
                    yield Broken("states", f"version {version} was followed by {write.version}", order_id)
                if enriched and write.enrichment != enriched:
                    yield Broken("states", "what was enriched was enriched again", order_id)
                gone = write.status is None
                before, version, enriched = write.status, 0 if gone else write.version, write.enrichment

    def _who_wakes_up_late_changes_nothing(self) -> Iterator[Broken]:
        """The fence of a worker: what a later receive of a message wrote, an earlier one never overwrites."""
        for order_id, writes in self._writes.items():
            last: dict[str, int] = {}
            for message_id, receive_count in (write.tried for write in writes if write.tried):
                if receive_count < last.get(message_id, 0):
                    why = f"receive {receive_count} wrote after receive {last[message_id]} of one message"
                    yield Broken("fence", why, order_id)
                last[message_id] = receive_count

    def _one_effect(self) -> Iterator[Broken]:
        stands = Counter(item["order_id"]["S"] for ledger in self._ledgers().values() for item in ledger)
        for row in self._rows.values():
            wanted = 1 if row.status == "completed" else 0
            if stands[row.order_id] != wanted:
                why = f"{row.status}, and stands in the ledger {stands[row.order_id]} times"
                yield Broken("P3", why, row.order_id, row.recipient_id)
            if row.status == "completed" and row.total != row.expected_total:
                why = f"total {row.total}, its items cost {row.expected_total}"
                yield Broken("P3", why, row.order_id, row.recipient_id)

    def _balance_is_the_sum(self) -> Iterator[Broken]:
        rows = self._system.dynamodb.tables["ledger"].rows
        for recipient, ledger in self._ledgers().items():
            amounts = [Decimal(item["amount"]["N"]) for item in ledger]
            sequences = [int(item["sequence"]["N"]) for item in ledger]
            balance = rows.get((recipient, "balance"))
            if sequences != list(range(1, len(ledger) + 1)):
                yield Broken("P3", f"the ledger has the sequences {sequences}", None, recipient)
            if balance is None or Decimal(balance["balance"]["N"]) != sum(amounts):
                yield Broken("P3", f"the balance is not the sum {sum(amounts)}", None, recipient)
            elif int(balance["orders_completed"]["N"]) != len(ledger):
                yield Broken("P3", "the balance counts other orders than the ledger has", None, recipient)
            for item, amount in zip(ledger, amounts, strict=True):
                row = self._rows[item["order_id"]["S"]]
                if amount != row.total or recipient != row.recipient_id:
                    yield Broken("P3", f"entered with {amount}, total {row.total}", row.order_id, recipient)

    def _ledgers(self) -> dict[str, list[Item]]:
        """Each recipient's entries, in their order."""
        ledgers: dict[str, list[Item]] = defaultdict(list)
        for (recipient, entry), item in sorted(self._system.dynamodb.tables["ledger"].rows.items()):
            if entry != "balance":
                ledgers[recipient].append(item)
        return ledgers

    def _order_per_recipient(self) -> Iterator[Broken]:
        """P4, for all orders whose place is decided by the orders queue.

        Not those that the console moved elsewhere, and not a run of which a message lost its place to a dead-letter
        queue, while a frozen worker had it or had sent a copy of it: such a run goes on behind others.
        """
        moved = {order_id for _, deed, order_id in self._workload.operated if deed == "move"}
        out_of_line = {(event.subject_id, event.replay) for event in self._events("dead-lettered")}
        places: dict[tuple[str, int], int] = {}
        for event in self._system.message_events:
            if event.what == "sent" and event.queue == "orders.fifo":
                places.setdefault((event.subject_id, event.replay), event.sequence)
        for recipient, ledger in self._ledgers().items():
            last = 0
            for row in [self._rows[item["order_id"]["S"]] for item in ledger]:
                place = places.get((row.order_id, row.replay))
                if row.order_id in moved or (row.order_id, row.replay) in out_of_line or place is None:
                    continue
                if place < last:
                    yield Broken("P4", f"place {place} came after {last}", row.order_id, recipient)
                last = max(place, last)

    def _nothing_lost(self) -> Iterator[Broken]:
        sent = {event.subject_id for event in self._system.message_events if event.what == "sent"}
        for row in self._rows.values():
            if row.status not in SETTLED and not (row.status == "accepting" and row.order_id not in sent):
                yield Broken("P5", f"{row.status} for ever", row.order_id, row.recipient_id)
        listed = self._listed("failed")
        for row in self._rows.values():
            if (row.status == "failed" and not row.discarded) != (row.order_id in listed):
                yield Broken("P5", f"{row.status}, discarded {row.discarded}: index is wrong", row.order_id)

    def _nobody_fails_untried(self) -> Iterator[Broken]:
        for row in self._rows.values():
            if row.failure and row.status == "failed" and (why := self._fails_without_reason(row, row.failure)):
                yield Broken("P6", f"{row.failure['class']}: {why}", row.order_id, row.recipient_id)

    def _fails_without_reason(self, row: Row, failure: Mapping[str, Any]) -> str | None:
        settings, name = self._system.settings, failure["class"]
        if name in PERMANENT.values():
            return None if any(PERMANENT.get(sku) == name for sku in row.skus) else "it has no such item"
        died = self._died(failure["message_id"])
        if name == "WorkerUnavailable":
            ill = sum(self._died(letter.message_id) for letter in self._events("dead-lettered", row.order_id))
            away = self._told("log: storage.unavailable", row.recipient_id)
            away -= self._told("log: storage.unavailable enrichment provider", row.recipient_id)
            enough = ill + away >= settings.max_receive_count // 4
            return None if enough else f"{ill} workers could not run, and {away} turned it away"
        calls = [call for call in self._system.provider.calls if call.key == row.order_id]
        failed = sum(call.outcome in TRANSIENT for call in calls)
        if name == "ProviderDown":
            return "an outage of the provider is nobody's fault"
        if name == "WorkerDied" or any(call.outcome == name for call in calls):
            lost = self._told("log: order.attempt_lost", row.order_id) + self._told("late UpdateItem", row.order_id)
            enough = failed + died + lost >= settings.max_attempts
            return None if enough else f"it failed {failed} times and its worker died {died} times"
        return "an order must not fail of that"

    def _enrichment_goes_on(self) -> Iterator[Broken]:
        """B8: whatever became of circuit, mapping and those who look after them, a healthy provider is asked again."""
        if not self._system.mappings["enrichment"].enabled:
            yield Broken("B8", "the provider is healthy, and its mapping is off")

    def _handlers_raise_what_they_say(self) -> Iterator[Broken]:
        """A function that ends with any other error has a defect, also where the next minute mends what it left."""
        for told in self._system.history.happenings:
            _, ends, why = told.what.partition(" ends: ")
            if ends and not why.startswith(ENDS):
                yield Broken("no defects", told.what)

    def _told(self, happening: str, about: str) -> int:
        """How often something is told of an order or a recipient."""
        return sum(
            about in (told.recipient_id, told.order_id) and told.what.startswith(happening)
            for told in self._system.history.happenings
        )

    def _died(self, message_id: str) -> int:
        """How many invocations that had the message came to no good end."""
        return sum(mapping.batches_died.get(message_id, 0) for mapping in self._system.mappings.values())

    def _killers_take_nobody_along(self) -> Iterator[Broken]:
        """A6, where nothing else went wrong: what is done with does not come back with each death of its neighbour."""
        if not self._system.faults.is_quiet:
            return
        troubled = {row.recipient_id for row in self._rows.values() if row.holds_others_up or row.failure}
        received = Counter((event.message_id, event.subject_id) for event in self._events("received"))
        for (_, order_id), times in received.items():
            if times > MOST_RECEIVES and self._rows[order_id].recipient_id not in troubled:
                yield Broken("A6", f"received {times} times, beside others' killers", order_id)

    def _permanent_errors_do_not_wait(self) -> Iterator[Broken]:
        """P7, where nothing else went wrong."""
        if not self._system.faults.is_quiet:
            return
        troubled = {row.recipient_id for row in self._rows.values() if row.holds_others_up}
        for row in self._rows.values():
            if not row.failure or row.failure["class"] not in PERMANENT.values() or row.status != "failed":
                continue
            if row.failure["attempts"] != "1":
                yield Broken("P7", f"{row.failure['attempts']} attempts", row.order_id, row.recipient_id)
            failed_at = next(w.at for w in self._writes[row.order_id] if w.status == "failed")
            letters = [event.at for event in self._events("dead-lettered", row.order_id)]
            if row.recipient_id in troubled:
                continue
            if not letters or letters[0] > failed_at + DEAD_LETTER_SECONDS:
                late = f"{letters[0] - failed_at:.1f} s" if letters else "never"
                yield Broken("P7", f"in the dead-letter queue after: {late}", row.order_id, row.recipient_id)

    def _status_tells_the_truth(self) -> Iterator[Broken]:
        for letter in self._events("dead-lettered"):
            hidden = self._rows[letter.subject_id].recipient_id in self._crowds
            deadline = max(letter.at, self._calm_since) + (HIDDEN_TRUTH_SECONDS if hidden else TRUTH_SECONDS)
            known = [write for write in self._writes[letter.subject_id] if write.at <= deadline]
            touched = any(write.at > letter.at for write in known)
            again = any(
                event.at > letter.at and event.at <= deadline and event.what in {"sent", "moved back", "swallowed"}
                for event in self._events(None, letter.subject_id)
            )
            if known and known[-1].status not in SETTLED and not touched and not again:
                why = f"in the dead-letter queue, and {known[-1].status} five minutes later"
                yield Broken("P8", why, letter.subject_id)

    def _rescues_come_to_an_end(self) -> Iterator[Broken]:
        """What comes back untried is failed and shown so, but where the steward cannot see it, and in an outage."""
        for order_id, writes in self._writes.items():
            most = most_rescues(writes)
            hidden = order_id in self._rows and self._rows[order_id].recipient_id in self._crowds
            if most > self._system.settings.max_rescues and not hidden:
                yield Broken("P8", f"published anew {most} times, and never failed", order_id)

    def _dead_letters_are_of_failed_orders(self) -> Iterator[Broken]:
        for stage in STAGES:
            in_sight: Counter[str] = Counter()
            for message in self._system.dead_letter_queues[stage].messages:
                in_sight[message.group] += 1
                if in_sight[message.group] > MOST_SHOWN:  # SQS shows ten of a group: nobody can reach it.
                    continue
                order_id = json.loads(message.body)["order_id"]
                row = self._rows.get(order_id)
                if row is None or row.status != "failed" or row.discarded:
                    status = row.status if row else "no order"
                    yield Broken(
                        "P8", f"a dead letter in {stage} of an order that is {status}", order_id, message.group
                    )
                if not message.dead_letter_source:
                    yield Broken("P9", "a dead letter that the console cannot redrive", order_id, message.group)

    def _failed_orders_have_dead_letters(self) -> Iterator[Broken]:
        """P9: or the console could not redrive them. After fourteen days only the row is left."""
        kept = {
            json.loads(message.body)["order_id"]
            for queue in self._system.dead_letter_queues.values()
            for message in queue.messages
        }
        expired = {event.subject_id for event in self._events("expired")}
        for row in self._rows.values():
            if row.status == "failed" and not row.discarded and row.order_id not in kept | expired:
                yield Broken("P9", "failed, and has no dead letter to redrive", row.order_id, row.recipient_id)

    def _provider_is_called_with_a_key(self) -> Iterator[Broken]:
        for call in self._system.provider.calls:
            if call.key not in self._rows:
                yield Broken("P10", f"the provider was called with the key {call.key!r}", call.key)

    def _listed(self, kind: str) -> set[str]:
        """What the sparse index has, once it has caught up."""
        request = {
            "TableName": "orders",
            "IndexName": "attention",
            "KeyConditionExpression": "attention = :attention",
        }
        listed = set()
        for shard in range(8):
            values = {":attention": {"S": f"{kind}#{shard}"}}
            answer = self._system.dynamodb.call("Query", {**request, "ExpressionAttributeValues": values})
            listed |= {item["order_id"]["S"] for item in answer["Items"]}
        return listed

    def _events(self, what: str | None, order_id: str | None = None) -> Iterator[MessageEvent]:
        for event in self._system.message_events:
            if what in (None, event.what) and order_id in (None, event.subject_id):
                yield event


def wrong_answers(exchanges: Iterable[Exchange], *, is_quiet: bool) -> Iterator[Broken]:
    """`is_quiet`: nothing goes wrong in this run."""
    for exchange in exchanges:
        asked = f"{exchange.method} {exchange.path}"
        if exchange.status == 500:
            yield Broken("errors over HTTP", f"500 to {asked}: {exchange.answer}")
        if exchange.status >= 500 and is_quiet:
            yield Broken("errors over HTTP", f"{exchange.status} to {asked} although nothing went wrong")


def most_rescues(writes: Sequence[RowWrite]) -> int:
    """How often at the most an order was published anew without an outage, since a person last did so."""
    rescues = most = 0
    for before, after in pairwise(writes):
        if after.rescues < before.rescues:
            rescues = 0
        elif not after.in_outage:
            rescues += after.rescues - before.rescues
        most = max(most, rescues)
    return most


def late_copies(sent: Iterable[MessageEvent], failed: Mapping[str, Sequence[float]]) -> Counter[str]:
    """By order or report: how many copies of a message were stored after a failure, as far as the clock of the process
    that failed it could tell. `failed`: when it failed."""
    seen, copies = set[tuple[str, str, int]](), Counter[str]()
    for event in sent:
        message = (event.subject_id, event.event, event.replay)
        if message in seen and any(at < event.at + CLOCKS for at in failed.get(event.subject_id, [])):
            copies[event.subject_id] += 1
        seen.add(message)
    return copies


def _is_accepted(exchange: Exchange) -> bool:
    return exchange.status == 202 and exchange.path == "/orders"
