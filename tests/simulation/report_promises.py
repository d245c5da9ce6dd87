"""What must hold of reports (docs/reports.md), each a check that yields what it finds broken. P1 to P9 are those of
orders; B3 and B6 are the requirements of one whole file. Nothing of the code under test is used."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from tests.simulation.functions import CLOCKS
from tests.simulation.happened import MessageEvent
from tests.simulation.promises import DEAD_LETTER_SECONDS, TRUTH_SECONDS, Broken, late_copies, wrong_answers
from tests.simulation.report_files import what_is_wrong_with
from tests.simulation.report_system import BUCKET, ReportWrite
from tests.simulation.report_workload import ReportIntent, ReportWorkload
from tests.simulation.seen_reports import SeenReport
from tests.simulation.workload import Exchange

SETTLED = {"ready", "failed", "cancelled"}
LEGAL: Mapping[str | None, set[str | None]] = {
    None: {"accepting"},
    "accepting": {"accepting", "requested", "generating", "failed", None},
    "requested": {"requested", "generating", "failed", "cancelled", "accepting", None},
    "generating": {"generating", "ready", "failed", "accepting", None},
    "failed": {"failed", "requested", "generating", "accepting", None},
    "ready": {"accepting", None},
    "cancelled": {"accepting", None},
}
"""The status of a row, and what may follow it. The same status again: something else of the row was written; of a ready
report only who is told of it."""
ONLY_EXPIRED = {"accepting", "requested", "generating", "ready"}
"""These begin anew only once their time is over."""
PERMANENT = {"InvalidTable", "TooLarge", "UploadGone"}
TRANSIENT = {"OutOfTime", "WorkerDied"}


class ReportVerdict:
    """One look at everything that has to do with reports."""

    def __init__(self, asking: ReportWorkload, calm_since: float) -> None:
        self._asking = asking
        self._reports = asking.reports
        self._system = asking.reports.system
        self._calm_since = calm_since
        self._now = self._system.scheduler.time()
        self._writes: dict[str, list[ReportWrite]] = defaultdict(list)
        for write in self._reports.writes:
            self._writes[write.report_id].append(write)
        self._rows = rows_of(asking)
        self._posts = [e for e in asking.workload.report_exchanges if e.path == "/reports"]
        self._accepted = [exchange for exchange in self._posts if exchange.status == 202]

    def broken(self) -> Iterator[Broken]:
        yield from wrong_answers(self._asking.workload.report_exchanges, is_quiet=self._system.faults.is_quiet)
        yield from self._accepted_is_durable()
        yield from self._shown_from_then_on()
        yield from self._nobody_sees_what_is_not_theirs()
        yield from self._status_is_that_of_the_row()
        yield from self._one_request_one_report()
        yield from self._no_run_of_its_own()
        yield from self._states_are_legal()
        yield from self._who_lost_its_lease_changes_nothing()
        yield from self._one_file_a_generation()
        yield from self._files_are_whole()
        yield from self._links_lead_to_the_file()
        yield from self._nothing_lost()
        yield from self._nobody_fails_untried()
        yield from self._permanent_errors_do_not_wait()
        yield from self._dead_letters_are_accounted_for()
        yield from self._rescues_come_to_an_end()
        yield from self._dead_letters_are_of_failed_reports()
        yield from self._failed_reports_have_dead_letters()
        yield from self._no_upload_is_left_open()

    def _accepted_is_durable(self) -> Iterator[Broken]:
        sent = {event.subject_id for event in self._events("sent")}
        for report_id in {exchange.answer["report_id"] for exchange in self._accepted}:
            if report_id not in self._writes or report_id not in sent:
                yield Broken("P1", "answered 202, and its row or its message was never stored", report_id)
        for event in self._reports.events:
            claimed = next((write.at for write in self._writes[event.subject_id]), float("inf"))
            if event.at < claimed:
                yield Broken("P1", "its message was sent before it was claimed", event.subject_id)
            if event.group != event.subject_id:
                yield Broken("B9", "it waits in a line with others", event.subject_id)

    def _shown_from_then_on(self) -> Iterator[Broken]:
        accepted: dict[str, float] = {}
        for exchange in sorted(self._accepted, key=lambda exchange: exchange.answered_at):
            accepted.setdefault(exchange.answer["report_id"], exchange.answered_at)
        for report_id, exchange in self._looks():
            row = self._rows.get(report_id)
            may_see = row is not None and exchange.caller in {"ops", row.caller}
            known = exchange.sent_at >= accepted.get(report_id, float("inf"))
            begun_anew = "accepting" in self._statuses(report_id, exchange.sent_at, exchange.answered_at)
            if exchange.status == 404 and may_see and known and not begun_anew:
                yield Broken("P1", "GET says 404 after a 202", report_id)
            if exchange.answer.get("status") == "accepting":
                yield Broken("P1", "GET shows a claim", report_id)

    def _nobody_sees_what_is_not_theirs(self) -> Iterator[Broken]:
        for report_id, exchange in self._looks():
            row = self._rows.get(report_id)
            if row and exchange.status in {200, 303, 409, 410} and exchange.caller not in {"ops", row.caller}:
                yield Broken("errors over HTTP", f"{exchange.caller} sees another's report", report_id)
        for exchange in self._accepted:
            asked, report_id = json.loads(exchange.body), exchange.answer["report_id"]
            if asked["type"] == "recipient-statement" and exchange.caller != "ops":
                yield Broken("errors over HTTP", f"{exchange.caller} gets a ledger it may not read", report_id)
            upload_id = asked["parameters"].get("upload_id")
            if upload_id and self._asking.uploaders[upload_id] != exchange.caller:
                yield Broken("errors over HTTP", f"{exchange.caller} gets a table of another's", report_id)

    def _status_is_that_of_the_row(self) -> Iterator[Broken]:
        """P8: GET shows what the row said at some moment of the request: ready with its file, failed with a reason."""
        for report_id, exchange in self._looks():
            had = self._statuses(report_id, exchange.sent_at, exchange.answered_at)
            if exchange.path.endswith("/download"):
                if exchange.status == 303 and "ready" not in had:
                    yield Broken("P8", f"a download was offered, and it was {had}", report_id)
                if exchange.status in {409, 410} and had == {"ready"}:
                    yield Broken("P8", f"{exchange.status}, and it was ready", report_id)
            elif exchange.status == 200:
                shown = exchange.answer
                if shown["status"] not in had:
                    yield Broken("P8", f"shown as {shown['status']}, and it was {had}", report_id)
                if shown["status"] == "ready" and not {"rows", "bytes", "sha256", "download_url"} <= shown.keys():
                    yield Broken("P8", "shown as ready without its file", report_id)
                if shown["status"] == "failed" and not shown.get("failure", {}).get("class"):
                    yield Broken("P8", "shown as failed without a reason", report_id)

    def _statuses(self, report_id: str, since: float, until: float) -> set[str]:
        """All statuses that the row had in this time, as they are to be shown."""
        writes = self._writes[report_id]
        before = [write for write in writes if write.at <= since][-1:]
        had = set()
        for write in [*before, *(write for write in writes if since < write.at <= until)]:
            if write.row:
                had.add(write.row.status)
                if write.row.expires_at <= until + CLOCKS:
                    had.add("expired")
        return had

    def _one_request_one_report(self) -> Iterator[Broken]:
        """B6, and P2 under a key."""
        asked: dict[tuple[str, ...], list[Exchange]] = defaultdict(list)
        for exchange in self._posts:
            what = ("key", exchange.key[1]) if exchange.key else ("parameters", _canonical(exchange.body))
            asked[exchange.caller, *what].append(exchange)
        owners: dict[str, tuple[str, ...]] = {}
        for owner, exchanges in asked.items():
            accepted = [exchange for exchange in exchanges if exchange.status == 202]
            ids = {exchange.answer["report_id"] for exchange in accepted}
            if len(ids) > 1 and not self._was_replaced(accepted):
                yield Broken("B6", f"one request was answered with {len(ids)} reports", max(ids))
            for report_id in ids:
                if owners.setdefault(report_id, owner) != owner:
                    yield Broken(
                        "B6", f"one report for two requests: {owner[:2]} and {owners[report_id][:2]}", report_id
                    )
            if owner[1] == "key":
                yield from self._one_key(exchanges, accepted)
            yield from self._equal_answers(accepted)

    def _one_key(self, exchanges: list[Exchange], accepted: list[Exchange]) -> Iterator[Broken]:
        if len({_canonical(exchange.body) for exchange in accepted}) > 1:
            yield Broken("P2", "a key was accepted with two bodies", accepted[0].answer["report_id"])
        if len({exchange.answer["created_at"] for exchange in accepted}) > 1:
            yield Broken("P2", "a key was answered with two generations", accepted[0].answer["report_id"])
        bodies = {_canonical(exchange.body) for exchange in exchanges}
        is_statement = json.loads(exchanges[0].body)["type"] == "recipient-statement"
        refused = [e for e in exchanges if e.status == 422 and e.sent_at < self._reports.swept_at]
        if len(bodies) == 1 and not is_statement and refused and not self._was_replaced(accepted):
            yield Broken("P2", "a key was refused, and was used for one body only")

    def _was_replaced(self, accepted: list[Exchange]) -> bool:
        """The table was: the same request asks for something else from then on."""
        intents = [self._asking.asked.get(exchange.answer["report_id"]) for exchange in accepted]
        return any(intent and intent.replaced for intent in intents)

    def _equal_answers(self, accepted: list[Exchange]) -> Iterator[Broken]:
        by_generation: dict[str, list[Exchange]] = defaultdict(list)
        for exchange in accepted:
            by_generation[exchange.answer["created_at"]].append(exchange)
        for created_at, exchanges in by_generation.items():
            report_id = exchanges[0].answer["report_id"]
            if any(exchange.answer != exchanges[0].answer for exchange in exchanges):
                yield Broken("B6", "one generation was answered in two ways", report_id)
            if not any(write.row and write.row.created_at == created_at for write in self._writes[report_id]):
                yield Broken("B6", f"answered with a generation that never was: {created_at}", report_id)
            first = min(exchange.answered_at for exchange in exchanges)
            if any(exchange.sent_at >= first and not exchange.replayed for exchange in exchanges):
                yield Broken("B6", "a replay was not answered as one", report_id)

    def _no_run_of_its_own(self) -> Iterator[Broken]:
        """P2: only an operator makes a failed report run again, or who asks anew; late copies as for orders."""
        deeds = Counter(report_id for _, deed, report_id in self._asking.operated if deed != "discard")
        failed = {
            report_id: [write.at for write in writes if write.row and write.row.status == "failed"]
            for report_id, writes in self._writes.items()
        }
        deeds.update(late_copies(self._events("sent"), failed))
        for report_id, rows in self._histories():
            revived = sum(a.status == "failed" and b.status in {"requested", "generating"} for a, b in pairwise(rows))
            if revived > deeds[report_id]:
                yield Broken("P2", f"failed, and ran again {revived} times, redriven {deeds[report_id]}", report_id)

    def _states_are_legal(self) -> Iterator[Broken]:
        for report_id, writes in self._writes.items():
            before: SeenReport | None = None
            for write in writes:
                row, status = write.row, before.status if before else None
                joined = row and before and status == "ready" and row.tells_more_than(before)
                if (row.status if row else None) not in LEGAL[status] and not joined:
                    yield Broken("states", f"{status} → {row.status if row else None}", report_id)
                if row and before and row.version <= before.version:
                    yield Broken("states", f"version {before.version} was followed by {row.version}", report_id)
                if row and before and row.status == "accepting":
                    if before.keyed and status != "accepting":
                        yield Broken("P2", f"asked for under a key, and began anew once {status}", report_id)
                    if status in ONLY_EXPIRED and write.at < before.expires_at - CLOCKS:
                        yield Broken("B6", f"began anew while it was {status}", report_id)
                before = row

    def _who_lost_its_lease_changes_nothing(self) -> Iterator[Broken]:
        for report_id, writes in self._writes.items():
            before: SeenReport | None = None
            owner, last = "", dict[str, int]()
            for write in writes:
                row = write.row
                if row and before:
                    if row.lease < before.lease:
                        yield Broken("fence", f"lease {row.lease} wrote after lease {before.lease}", report_id)
                    held = before.status == "generating" and before.lease_until > write.at + CLOCKS
                    if row.lease > before.lease and held:
                        yield Broken("fence", f"lease {row.lease} was taken while {before.lease} lasted", report_id)
                    became_ready = row.status == "ready" and before.status != "ready"
                    if became_ready and write.who not in {owner, "aws"}:  # aws: a call that took effect late.
                        yield Broken("fence", f"{write.who} finished what {owner} had the lease of", report_id)
                if row and row.lease > (before.lease if before else 0):
                    owner = write.who
                if row and row.tried:
                    message_id, receive_count = row.tried
                    if receive_count < last.get(message_id, 0):
                        why = f"receive {receive_count} wrote after receive {last[message_id]} of one message"
                        yield Broken("fence", why, report_id)
                    last[message_id] = receive_count
                before = row

    def _one_file_a_generation(self) -> Iterator[Broken]:
        """B6: a ready report's file is never another. And none is written twice."""
        files: dict[tuple[str, str], set[str]] = defaultdict(set)
        for report_id, rows in self._histories():
            for row in rows:
                if row.file and row.status == "ready":
                    files[report_id, row.created_at].add(row.file["key"])
        for (report_id, _), keys in files.items():
            if len(keys) > 1:
                yield Broken("B6", f"one generation has {len(keys)} files", report_id)

    def _files_are_whole(self) -> Iterator[Broken]:
        objects = self._reports.s3.buckets[BUCKET].objects
        for row in self._rows.values():
            if row.status != "ready" or row.expires_at <= self._now:
                continue
            stored = objects.get(row.file["key"]) if row.file else None
            if row.file is None or stored is None:
                yield Broken("B3", "ready, and its file is not there", row.report_id)
            elif why := what_is_wrong_with(row, stored.content, self._intent(row), self._reports.sources):
                yield Broken("B3", why, row.report_id)

    def _links_lead_to_the_file(self) -> Iterator[Broken]:
        for got in self._asking.downloads:
            facts = [
                (row.file["sha256"], int(row.file["bytes"]))
                for write in self._writes[got.report_id]
                if (row := write.row) and row.file and row.file["key"] == got.key
            ]
            if got.status != 200:
                yield Broken("B3", f"a fresh link led to {got.status}", got.report_id)
            elif (got.digest, got.size) not in facts:
                yield Broken("B3", "what was downloaded is not what the row says", got.report_id)
            elif got.view and (got.digest, got.size) != (got.view["sha256"], got.view["bytes"]):
                yield Broken("B3", "what was downloaded is not what GET said", got.report_id)

    def _nothing_lost(self) -> Iterator[Broken]:
        """P1, P5: whatever has a message comes to an end."""
        sent = {(event.subject_id, event.replay) for event in self._events("sent")}
        for row in self._rows.values():
            never_sent = row.status == "accepting" and (row.report_id, row.replay) not in sent
            if row.status not in SETTLED and row.expires_at > self._now and not never_sent:
                yield Broken("P5", f"{row.status} for ever", row.report_id)

    def _nobody_fails_untried(self) -> Iterator[Broken]:
        for row in self._rows.values():
            if row.failure and row.status == "failed" and (why := self._fails_without_reason(row, row.failure)):
                yield Broken("P6", f"{row.failure['class']}: {why}", row.report_id)

    def _fails_without_reason(self, row: SeenReport, failure: Mapping[str, str]) -> str | None:
        settings, name = self._system.settings, failure["class"]
        intent = self._intent(row)
        if name == "InvalidTable":
            return "its table is sound" if intent and not intent.flaw else None
        if name == "UploadGone":
            return None if intent is None or intent.replaced else "nobody replaced its table"
        if name == "TooLarge":
            return None if int(row.parameters.get("size", 0)) > 1000 else "it is small"
        if name == "WorkerUnavailable":
            letters = [event.message_id for event in self._events("dead-lettered", row.report_id)]
            ill = sum(self._died(message_id) for message_id in letters)
            away = self._told("log: storage.unavailable")
            enough = ill + away >= settings.max_receive_count // 4
            return None if enough else f"{ill} workers could not run, and {away} turned it away"
        if name not in TRANSIENT:
            return "a report must not fail of that"
        died = self._died(failure["message_id"])
        failed = self._told("log: report.attempt_failed", row.report_id)
        lost = self._told("log: report.attempt_lost", row.report_id) + self._told("late UpdateItem", row.report_id)
        last = 0 if name == "WorkerDied" else 1
        enough = failed + died + lost + last >= settings.max_attempts
        return None if enough else f"it failed {failed} times and its worker died {died} times"

    def _permanent_errors_do_not_wait(self) -> Iterator[Broken]:
        """P7, where nothing else went wrong."""
        if not self._system.faults.is_quiet:
            return
        for row in self._rows.values():
            if row.status != "failed" or not row.failure or row.failure["class"] not in PERMANENT:
                continue
            if row.failure["attempts"] != "1":
                yield Broken("P7", f"{row.failure['attempts']} attempts", row.report_id)
            failed_at = next(w.at for w in self._writes[row.report_id] if w.row and w.row.status == "failed")
            letters = [event.at for event in self._events("dead-lettered", row.report_id)]
            if not letters or letters[0] > failed_at + DEAD_LETTER_SECONDS:
                yield Broken("P7", "its message was not dead-lettered in time", row.report_id)

    def _dead_letters_are_accounted_for(self) -> Iterator[Broken]:
        """P8: five minutes later the report is settled, or being taken up again."""
        for letter in self._events("dead-lettered"):
            deadline = max(letter.at, self._calm_since) + TRUTH_SECONDS
            known = [write for write in self._writes[letter.subject_id] if write.at <= deadline]
            touched = any(write.at > letter.at for write in known)
            again = any(
                letter.at < event.at <= deadline and event.what in {"sent", "moved back", "swallowed"}
                for event in self._events(None, letter.subject_id)
            )
            last = known[-1].row if known else None
            claimed_anew = last and last.status == "accepting" and last.replay > letter.replay  # No report yet.
            open_still = last and last.status not in SETTLED and not claimed_anew and last.expires_at > deadline
            if last and open_still and not touched and not again and deadline <= self._now:
                why = f"in the dead-letter queue, and {last.status} five minutes later"
                yield Broken("P8", why, letter.subject_id)

    def _rescues_come_to_an_end(self) -> Iterator[Broken]:
        """P8: what comes back untried after a rescue is failed. One more where the steward could not write it down."""
        for report_id in self._rows:
            rescues, most = 0, 0
            anew = sorted(at for at, deed, about in self._asking.operated if about == report_id and deed != "discard")
            for event in self._events("sent", report_id):
                while anew and anew[0] <= event.at:
                    rescues = 0
                    del anew[0]
                by_steward = event.who.startswith("tend_reports.")
                rescues = rescues + 1 if by_steward else 0
                most = max(most, rescues)
            unwritten = sum(
                number
                for (who, call), number in self._system.struck.items()
                if who.startswith("tend_reports.") and call in {"UpdateItem reports", "SendMessage reports.fifo"}
            )
            if most > self._system.settings.max_rescues + unwritten:
                yield Broken("P8", f"published anew {most} times, and never failed", report_id)

    def _dead_letters_are_of_failed_reports(self) -> Iterator[Broken]:
        for message in self._reports.dead_letter_queue.messages:
            report_id = json.loads(message.body)["report_id"]
            row = self._rows.get(report_id)
            if row is None or row.status != "failed" or row.discarded:
                status = row.status if row else "no report"
                yield Broken("P8", f"a dead letter of a report that is {status}", report_id)
            if not message.dead_letter_source:
                yield Broken("P9", "a dead letter that the console cannot redrive", report_id)

    def _failed_reports_have_dead_letters(self) -> Iterator[Broken]:
        """P9: or the console could not redrive them. After fourteen days only the row is left."""
        kept = {json.loads(message.body)["report_id"] for message in self._reports.dead_letter_queue.messages}
        gone = {event.subject_id for event in self._events("expired")}
        for row in self._rows.values():
            over = row.discarded or row.expires_at <= self._now
            if row.status == "failed" and not over and row.report_id not in kept | gone:
                yield Broken("P9", "failed, and has no dead letter to redrive", row.report_id)

    def _no_upload_is_left_open(self) -> Iterator[Broken]:
        """B3: but where its worker died, or the call that begins or aborts it was struck."""
        for upload in self._reports.s3.buckets[BUCKET].uploads.values():
            if upload.owner is None:  # Begun by a call that came late: nobody knows of it.
                continue
            excuses = [
                self._system.struck[upload.owner.name, f"{call} {BUCKET}"]
                for call in ("CreateMultipartUpload", "AbortMultipartUpload")
            ]
            if upload.owner.alive and not any(excuses):
                yield Broken("B3", "an upload was left open", upload.key.split("/")[1])

    def _intent(self, row: SeenReport) -> ReportIntent | None:
        return self._asking.asked.get(row.report_id)

    def _histories(self) -> Iterator[tuple[str, list[SeenReport]]]:
        for report_id, writes in self._writes.items():
            yield report_id, [write.row for write in writes if write.row]

    def _looks(self) -> Iterator[tuple[str, Exchange]]:
        for exchange in self._asking.workload.report_exchanges:
            if exchange.method == "GET":
                yield exchange.path.split("/")[2], exchange

    def _told(self, happening: str, about: str | None = None) -> int:
        return sum(
            about in (None, told.order_id) and told.what.startswith(happening)
            for told in self._system.history.happenings
            if told.who.startswith("generate_report.") or told.who == "aws"
        )

    def _died(self, message_id: str) -> int:
        """How many invocations that had the message came to no good end."""
        return self._reports.mapping.batches_died.get(message_id, 0)

    def _events(self, what: str | None, report_id: str | None = None) -> Iterator[MessageEvent]:
        for event in self._reports.events:
            if what in (None, event.what) and report_id in (None, event.subject_id):
                yield event


def rows_of(asking: ReportWorkload) -> dict[str, SeenReport]:
    table = asking.reports.system.dynamodb.tables["reports"]
    return {item["report_id"]["S"]: SeenReport.of(item) for item in table.rows.values()}


def _canonical(body: str) -> str:
    parsed: Any = json.loads(body)
    parsed["parameters"].setdefault("time_zone", "UTC")
    parsed.pop("notify", None)  # Who is told of it makes no other report.
    return json.dumps(parsed, sort_keys=True)
