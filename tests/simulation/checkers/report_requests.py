"""What callers were answered: P1, P2, P8 and B6."""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tests.simulation.checkers.report_evidence import ReportEvidence
from tests.simulation.checkers.violation import Violation
from tests.simulation.functions import CLOCKS
from tests.simulation.workload import Exchange


def accepted_is_durable(seen: ReportEvidence) -> Iterator[Violation]:
    sent = {event.subject_id for event in seen.events("sent")}
    for report_id in {exchange.answer["report_id"] for exchange in seen.accepted}:
        if report_id not in seen.writes or report_id not in sent:
            yield Violation("P1", "answered 202, and its row or its message was never stored", report_id)
    for event in seen.reports.events:
        claimed = next((write.at for write in seen.writes[event.subject_id]), float("inf"))
        if event.at < claimed:
            yield Violation("P1", "its message was sent before it was claimed", event.subject_id)
        if event.group != event.subject_id:
            yield Violation("B9", "it waits in a line with others", event.subject_id)


def shown_from_then_on(seen: ReportEvidence) -> Iterator[Violation]:
    accepted: dict[str, float] = {}
    for exchange in sorted(seen.accepted, key=lambda exchange: exchange.answered_at):
        accepted.setdefault(exchange.answer["report_id"], exchange.answered_at)
    for report_id, exchange in seen.looks():
        row = seen.rows.get(report_id)
        may_see = row is not None and exchange.caller in {"ops", row.caller}
        known = exchange.sent_at >= accepted.get(report_id, float("inf"))
        begun_anew = "accepting" in _statuses(seen, report_id, exchange.sent_at, exchange.answered_at)
        if exchange.status == 404 and may_see and known and not begun_anew:
            yield Violation("P1", "GET says 404 after a 202", report_id)
        if exchange.answer.get("status") == "accepting":
            yield Violation("P1", "GET shows a claim", report_id)


def nobody_sees_what_is_not_theirs(seen: ReportEvidence) -> Iterator[Violation]:
    for report_id, exchange in seen.looks():
        row = seen.rows.get(report_id)
        if row and exchange.status in {200, 303, 409, 410} and exchange.caller not in {"ops", row.caller}:
            yield Violation("errors over HTTP", f"{exchange.caller} sees another's report", report_id)
    for exchange in seen.accepted:
        asked, report_id = json.loads(exchange.body), exchange.answer["report_id"]
        if asked["type"] == "recipient-statement" and exchange.caller != "ops":
            yield Violation("errors over HTTP", f"{exchange.caller} gets a ledger it may not read", report_id)
        upload_id = asked["parameters"].get("upload_id")
        if upload_id and seen.asking.uploaders[upload_id] != exchange.caller:
            yield Violation("errors over HTTP", f"{exchange.caller} gets a table of another's", report_id)


def status_is_that_of_the_row(seen: ReportEvidence) -> Iterator[Violation]:
    """P8: GET shows what the row said at some moment of the request: ready with its file, failed with a reason."""
    for report_id, exchange in seen.looks():
        had = _statuses(seen, report_id, exchange.sent_at, exchange.answered_at)
        if exchange.path.endswith("/download"):
            if exchange.status == 303 and "ready" not in had:
                yield Violation("P8", f"a download was offered, and it was {had}", report_id)
            if exchange.status in {409, 410} and had == {"ready"}:
                yield Violation("P8", f"{exchange.status}, and it was ready", report_id)
        elif exchange.status == 200:
            shown = exchange.answer
            if shown["status"] not in had:
                yield Violation("P8", f"shown as {shown['status']}, and it was {had}", report_id)
            if shown["status"] == "ready" and not {"rows", "bytes", "sha256", "download_url"} <= shown.keys():
                yield Violation("P8", "shown as ready without its file", report_id)
            if shown["status"] == "failed" and not shown.get("failure", {}).get("class"):
                yield Violation("P8", "shown as failed without a reason", report_id)


def _statuses(seen: ReportEvidence, report_id: str, since: float, until: float) -> set[str]:
    """All statuses that the row had in this time, as they are to be shown."""
    writes = seen.writes[report_id]
    before = [write for write in writes if write.at <= since][-1:]
    had = set()
    for write in [*before, *(write for write in writes if since < write.at <= until)]:
        if write.row:
            had.add(write.row.status)
            if write.row.expires_at <= until + CLOCKS:
                had.add("expired")
    return had


def one_request_one_report(seen: ReportEvidence) -> Iterator[Violation]:
    """B6, and P2 under a key."""
    asked: dict[tuple[str, ...], list[Exchange]] = defaultdict(list)
    for exchange in seen.posts:
        what = ("key", exchange.key[1]) if exchange.key else ("parameters", _canonical(exchange.body))
        asked[exchange.caller, *what].append(exchange)
    owners: dict[str, tuple[str, ...]] = {}
    for owner, exchanges in asked.items():
        accepted = [exchange for exchange in exchanges if exchange.status == 202]
        ids = {exchange.answer["report_id"] for exchange in accepted}
        if len(ids) > 1 and not _was_replaced(seen, accepted):
            yield Violation("B6", f"one request was answered with {len(ids)} reports", max(ids))
        for report_id in ids:
            if owners.setdefault(report_id, owner) != owner:
                yield Violation(
                    "B6", f"one report for two requests: {owner[:2]} and {owners[report_id][:2]}", report_id
                )
        if owner[1] == "key":
            yield from _one_key(seen, exchanges, accepted)
        yield from _equal_answers(seen, accepted)


def _one_key(seen: ReportEvidence, exchanges: list[Exchange], accepted: list[Exchange]) -> Iterator[Violation]:
    if len({_canonical(exchange.body) for exchange in accepted}) > 1:
        yield Violation("P2", "a key was accepted with two bodies", accepted[0].answer["report_id"])
    if len({exchange.answer["created_at"] for exchange in accepted}) > 1:
        yield Violation("P2", "a key was answered with two generations", accepted[0].answer["report_id"])
    bodies = {_canonical(exchange.body) for exchange in exchanges}
    is_statement = json.loads(exchanges[0].body)["type"] == "recipient-statement"
    refused = [e for e in exchanges if e.status == 422 and e.sent_at < seen.reports.swept_at]
    if len(bodies) == 1 and not is_statement and refused and not _was_replaced(seen, accepted):
        yield Violation("P2", "a key was refused, and was used for one body only")


def _was_replaced(seen: ReportEvidence, accepted: list[Exchange]) -> bool:
    """The table was: the same request asks for something else from then on."""
    intents = [seen.asking.asked.get(exchange.answer["report_id"]) for exchange in accepted]
    return any(intent and intent.replaced for intent in intents)


def _equal_answers(seen: ReportEvidence, accepted: list[Exchange]) -> Iterator[Violation]:
    by_generation: dict[str, list[Exchange]] = defaultdict(list)
    for exchange in accepted:
        by_generation[exchange.answer["created_at"]].append(exchange)
    for created_at, exchanges in by_generation.items():
        report_id = exchanges[0].answer["report_id"]
        if any(exchange.answer != exchanges[0].answer for exchange in exchanges):
            yield Violation("B6", "one generation was answered in two ways", report_id)
        if not any(write.row and write.row.created_at == created_at for write in seen.writes[report_id]):
            yield Violation("B6", f"answered with a generation that never was: {created_at}", report_id)
        first = min(exchange.answered_at for exchange in exchanges)
        if any(exchange.sent_at >= first and not exchange.replayed for exchange in exchanges):
            yield Violation("B6", "a replay was not answered as one", report_id)


def _canonical(body: str) -> str:
    parsed: Any = json.loads(body)
    parsed["parameters"].setdefault("time_zone", "UTC")
    parsed.pop("notify", None)  # Who is told of it makes no other report.
    return json.dumps(parsed, sort_keys=True)
