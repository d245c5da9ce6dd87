"""What callers were answered: P1, P2, P10."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from tests.simulation.checkers.order_evidence import SETTLED, OrderEvidence
from tests.simulation.checkers.violation import Violation
from tests.simulation.observed_rows import Row
from tests.simulation.workload import Exchange

SENT = {"sent", "swallowed"}
REQUEST_SECONDS = 60
"""A request lasts no longer."""


def accepted_is_durable(seen: OrderEvidence) -> Iterator[Violation]:
    for event in seen.system.message_events:
        claimed = next((write.at for write in seen.writes[event.subject_id]), float("inf"))
        if event.at < claimed:
            yield Violation("P1", "its message was sent before it was claimed", event.subject_id)
    accepted: dict[str, float] = {}
    for exchange in sorted(seen.workload.exchanges, key=lambda exchange: exchange.answered_at):
        if _is_accepted(exchange):
            order_id = exchange.answer["order_id"]
            accepted.setdefault(order_id, exchange.answered_at)
            if order_id not in seen.rows or seen.rows[order_id].status not in SETTLED:
                status = seen.rows[order_id].status if order_id in seen.rows else "gone"
                yield Violation("P1", f"answered 202, and is {status} at the end", order_id)
    yield from _shown_from_then_on(seen, accepted)


def _shown_from_then_on(seen: OrderEvidence, accepted: Mapping[str, float]) -> Iterator[Violation]:
    for exchange in seen.workload.exchanges:
        if exchange.method != "GET":
            continue
        order_id = exchange.path.rpartition("/")[2]
        row = seen.rows.get(order_id)
        may_see = exchange.caller == "ops" or (row is not None and exchange.caller == row.caller)
        if exchange.status == 404 and may_see and exchange.sent_at >= accepted.get(order_id, float("inf")):
            yield Violation("P1", "GET says 404 after a 202", order_id)
        if exchange.status == 200 and not may_see:
            yield Violation("errors over HTTP", f"{exchange.caller} sees another's order", order_id)
        if exchange.answer.get("status") == "accepting":
            yield Violation("P1", "GET shows a claim", order_id)


def one_key_one_order(seen: OrderEvidence) -> Iterator[Violation]:
    by_key: dict[tuple[str, tuple[str, str]], list[Exchange]] = defaultdict(list)
    for exchange in seen.workload.exchanges:
        if exchange.key and exchange.path == "/orders":
            by_key[exchange.caller, exchange.key].append(exchange)
    owners: dict[str, tuple[str, tuple[str, str]]] = {}
    for owner, exchanges in by_key.items():
        bodies = {'"changed"' in exchange.body for exchange in exchanges}
        if len(bodies) == 1 and any(exchange.status == 422 for exchange in exchanges):
            yield Violation("P2", f"key {owner} was refused, and was used for one body only")
        accepted = [exchange for exchange in exchanges if _is_accepted(exchange)]
        ids = {exchange.answer["order_id"] for exchange in accepted}
        if len(ids) > 1:
            yield Violation("P2", f"key {owner} was answered with {len(ids)} orders", max(ids))
        for order_id in ids:
            if owners.setdefault(order_id, owner) != owner:
                yield Violation("P2", f"one order for the keys {owner} and {owners[order_id]}", order_id)
            yield from _same_key_same_answer(seen, exchanges, seen.rows[order_id])
    unkeyed = [e.answer["order_id"] for e in seen.workload.exchanges if _is_accepted(e) and not e.key]
    if len(set(unkeyed)) < len(unkeyed) or set(unkeyed) & set(owners):
        yield Violation("P2", "two orders without a key share an id")


def _same_key_same_answer(seen: OrderEvidence, exchanges: list[Exchange], row: Row) -> Iterator[Violation]:
    first = min(exchange.answered_at for exchange in exchanges if _is_accepted(exchange))
    for exchange in exchanges:
        is_owner = ('"changed"' in exchange.body) == row.changed
        if _is_accepted(exchange) and not is_owner:
            yield Violation("P2", "the key was accepted with two bodies", row.order_id, row.recipient_id)
        if _is_accepted(exchange) and exchange.sent_at >= first and not exchange.replayed:
            yield Violation("P2", "a replay was not answered as one", row.order_id, row.recipient_id)
        others = [other for other in exchanges if ('"changed"' in other.body) != row.changed]
        was_first = all(other.sent_at > exchange.answered_at for other in others)
        if exchange.status == 422 and is_owner and was_first:
            yield Violation("P2", f"its own body was refused: {exchange.answer}", row.order_id, row.recipient_id)
    sent = {event.subject_id for event in seen.system.message_events if event.subject_id == row.order_id}
    if not sent:
        yield Violation("P1", "answered 202, and its message was never stored", row.order_id, row.recipient_id)


def requests_revive_nothing(seen: OrderEvidence) -> Iterator[Violation]:
    """P2: no message is sent for a request that came when its order had failed. A process that a fault struck may
    have been at it since before."""
    struck = {who for who, _ in seen.system.struck}
    for event in seen.system.message_events:
        if not event.who.startswith("write_orders.") or event.who in struck or event.what not in SENT:
            continue
        if any(w.status == "failed" and w.at < event.at - REQUEST_SECONDS for w in seen.writes[event.subject_id]):
            yield Violation("P2", "a request sent a message of an order that had failed", event.subject_id)


def who_takes_back_hears_it(seen: OrderEvidence) -> Iterator[Violation]:
    """Each order is taken back by one request at most. Where that was too late, nobody else did."""
    for exchange in seen.workload.exchanges:
        if exchange.status == 409 and exchange.path.endswith("/cancel"):
            order_id = exchange.path.split("/")[2]
            if any(write.status == "cancelled" for write in seen.writes[order_id]):
                yield Violation("errors over HTTP", "cancelled, and its client heard that it was too late", order_id)


def provider_is_called_with_a_key(seen: OrderEvidence) -> Iterator[Violation]:
    for call in seen.system.provider.calls:
        if call.key not in seen.rows:
            yield Violation("P10", f"the provider was called with the key {call.key!r}", call.key)


def _is_accepted(exchange: Exchange) -> bool:
    return exchange.status == 202 and exchange.path == "/orders"
