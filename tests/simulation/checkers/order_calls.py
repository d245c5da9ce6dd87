"""How often the provider was asked about an order, and who opened its circuit: B8."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from tests.simulation.checkers.order_evidence import OrderEvidence
from tests.simulation.checkers.violation import Violation
from tests.simulation.provider import Call

WITNESSES = 3
"""Orders that it takes to say that the provider is down where it does not say so itself."""


def broken(seen: OrderEvidence) -> Iterator[Violation]:
    yield from attempts_bound_the_calls(seen)
    yield from no_order_opens_the_circuit(seen)


def attempts_bound_the_calls(seen: OrderEvidence) -> Iterator[Violation]:
    """In each run. For each of its messages there are the attempts, the last of which may ask twice, and one call
    behind a head that failed; and it costs no attempt where the provider then said that it was not healthy, or what
    came of the call could not be written."""
    runs: dict[tuple[str, int], list[Call]] = defaultdict(list)
    for call in seen.system.provider.calls:
        runs[call.key, call.replay].append(call)
    for (order_id, replay), calls in runs.items():
        counted = [call for call, following in _with_the_next(calls) if not _meets_an_outage(seen, call, following)]
        most = _messages(seen, order_id, replay) * (seen.system.settings.delivery.max_attempts + 2)
        if len(counted) > most + _cut_short(seen, order_id, replay, calls):
            why = f"the provider was asked {len(counted)} times in run {replay}, and may be asked {most} times"
            yield Violation("B8", why, order_id)


def no_order_opens_the_circuit(seen: OrderEvidence) -> Iterator[Violation]:
    """By itself, nor two of them, while the provider is well."""
    provider, counts = seen.system.provider, seen.system.history.counts
    failed = {call.key for call in provider.calls if call.outcome in {"ProviderTimeout", "ProviderDown"}}
    if not provider.said_down and len(failed) < WITNESSES and (opened := counts["enrichment.circuit_open"]):
        yield Violation(
            "B8", f"the circuit was opened {opened} times, of {len(failed)} orders", next(iter(failed), None)
        )


def _with_the_next(calls: Sequence[Call]) -> Iterator[tuple[Call, Call | None]]:
    """Each with the next call of the same process."""
    for place, call in enumerate(calls):
        yield call, next((later for later in calls[place + 1 :] if later.who == call.who), None)


def _meets_an_outage(seen: OrderEvidence, call: Call, following: Call | None) -> bool:
    """The process was told so before it called about this order again."""
    until = following.at if following else float("inf")
    return any(who == call.who and call.at <= at <= until for at, who in seen.system.provider.said_down)


def _messages(seen: OrderEvidence, order_id: str, replay: int) -> int:
    """A message that came back from the dead-letter queue is never worked."""
    events = [event for event in seen.events(None, order_id) if event.replay == replay]
    received = {event.message_id for event in events if event.queue == "enrichment.fifo" and event.what == "received"}
    return len(received - {event.message_id for event in events if event.what == "moved back"})


def _cut_short(seen: OrderEvidence, order_id: str, replay: int, calls: Sequence[Call]) -> int:
    """How often something struck a process that called, or it died with the message."""
    processes = {call.who for call in calls}
    struck = sum(number for (process, _), number in seen.system.struck.items() if process in processes)
    messages = {event.message_id for event in seen.events("received", order_id) if event.replay == replay}
    return struck + sum(seen.died(message_id) for message_id in messages)
