"""What became of reports and their files: P2, P5, B3 and B6."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise

from tests.simulation.checkers.report_evidence import SETTLED, ReportEvidence
from tests.simulation.checkers.violation import Violation, messages_ahead
from tests.simulation.functions import CLOCKS
from tests.simulation.observed_reports import SeenReport
from tests.simulation.report_files import what_is_wrong_with
from tests.simulation.report_system import BUCKET, ReportWrite

LEGAL: Mapping[str | None, set[str | None]] = {
    None: {"accepting"},
    "accepting": {"accepting", "requested", "generating", "failed", None},
    "requested": {"requested", "generating", "failed", "cancelled", None},
    "generating": {"generating", "requested", "ready", "failed", None},
    "failed": {"failed", "requested", None},
    "ready": {"requested", None},
    "cancelled": {"requested", None},
}
"""The status of a row, and what may follow it. The same status again: something else of the row was written; of a ready
report only who is told of it."""
ONLY_EXPIRED = {"accepting", "requested", "generating", "ready"}
"""These are asked for again only once their time is over."""


def no_run_of_its_own(seen: ReportEvidence) -> Iterator[Violation]:
    """P2: only an operator makes a failed report run again, or who asks for it once more."""
    deeds = Counter(report_id for _, deed, report_id in seen.asking.operated if deed != "discard")
    for report_id, writes in seen.writes.items():
        revived = sum(_is_revived(before, after) for before, after in pairwise(writes))
        if revived > deeds[report_id]:
            yield Violation("P2", f"failed, and ran again {revived} times, redriven {deeds[report_id]}", report_id)


def _is_revived(before: ReportWrite, after: ReportWrite) -> bool:
    """A failed report runs again, and no request asked for it: neither as of another moment, nor, where two came in the
    same millisecond, as the process that wrote has it."""
    if before.row is None or after.row is None or after.who.startswith("write_reports."):
        return False
    runs = before.row.status == "failed" and after.row.status in {"requested", "generating"}
    return runs and before.row.created_at == after.row.created_at


def row_leads(seen: ReportEvidence) -> Iterator[Violation]:
    """I1 and I2, as for orders."""
    runs = {report_id: [(each.at, each.replay) for each in writes] for report_id, writes in seen.writes.items()}
    yield from messages_ahead(seen.reports.events, runs)
    for report_id, rows in seen.histories():
        for before, after in pairwise(rows):
            if after.replay > before.replay and not after.owed:
                yield Violation("I2", f"run {after.replay} began, and owes no message", report_id)
            if after.replay < before.replay and after.created_at == before.created_at:
                yield Violation("I2", f"run {before.replay} was followed by run {after.replay}", report_id)


def states_are_legal(seen: ReportEvidence) -> Iterator[Violation]:
    for report_id, writes in seen.writes.items():
        before: SeenReport | None = None
        for write in writes:
            row, status = write.row, before.status if before else None
            joined = row and before and status == "ready" and row.tells_more_than(before)
            if (row.status if row else None) not in LEGAL[status] and not joined:
                yield Violation("states", f"{status} → {row.status if row else None}", report_id)
            sent = row and before and before.owed and not row.owed and row.version == before.version
            if row and before and row.version <= before.version and not sent:
                yield Violation("states", f"version {before.version} was followed by {row.version}", report_id)
            if row and before and row.created_at != before.created_at:
                if before.keyed and status != "accepting":
                    yield Violation("P2", f"asked for under a key, and generated again once {status}", report_id)
                if status in ONLY_EXPIRED and write.at < before.expires_at - CLOCKS:
                    yield Violation("B6", f"generated again while it was {status}", report_id)
            before = row


def who_lost_its_lease_changes_nothing(seen: ReportEvidence) -> Iterator[Violation]:
    for report_id, writes in seen.writes.items():
        before: SeenReport | None = None
        owner, last = "", dict[str, int]()
        for write in writes:
            row = write.row
            if row and before:
                if row.lease < before.lease:
                    yield Violation("fence", f"lease {row.lease} wrote after lease {before.lease}", report_id)
                became_ready = row.status == "ready" and before.status != "ready"
                if became_ready and write.who not in {owner, "aws"}:  # aws: a call that took effect late.
                    yield Violation("fence", f"{write.who} finished what {owner} had the lease of", report_id)
            if row and row.lease > (before.lease if before else 0):
                owner = write.who
            if row and row.tried:
                message_id, receive_count = row.tried
                if receive_count < last.get(message_id, 0):
                    why = f"receive {receive_count} wrote after receive {last[message_id]} of one message"
                    yield Violation("fence", why, report_id)
                last[message_id] = receive_count
            before = row


def a_lease_keeps_others_away(seen: ReportEvidence) -> Iterator[Violation]:
    for report_id, writes in seen.writes.items():
        for write, after in pairwise(writes):
            before, row = write.row, after.row
            if before is None or row is None or before.status != "generating":
                continue
            if before.lease_until <= after.at + CLOCKS:
                continue
            if row.lease > before.lease:
                yield Violation("fence", f"lease {row.lease} was taken while {before.lease} lasted", report_id)
            if row.rescues > before.rescues:
                yield Violation("fence", f"it was requeued while lease {before.lease} lasted", report_id)


def one_file_a_generation(seen: ReportEvidence) -> Iterator[Violation]:
    """B6: a ready report's file is never another. And none is written twice."""
    files: dict[tuple[str, str], set[str]] = defaultdict(set)
    for report_id, rows in seen.histories():
        for row in rows:
            if row.file and row.status == "ready":
                files[report_id, row.created_at].add(row.file["key"])
    for (report_id, _), keys in files.items():
        if len(keys) > 1:
            yield Violation("B6", f"one generation has {len(keys)} files", report_id)


def files_are_whole(seen: ReportEvidence) -> Iterator[Violation]:
    objects = seen.reports.s3.buckets[BUCKET].objects
    for row in seen.rows.values():
        if row.status != "ready" or row.expires_at <= seen.now:
            continue
        stored = objects.get(row.file["key"]) if row.file else None
        if row.file is None or stored is None:
            yield Violation("B3", "ready, and its file is not there", row.report_id)
        elif why := what_is_wrong_with(row, stored.content, seen.intent(row), seen.reports.sources):
            yield Violation("B3", why, row.report_id)


def links_lead_to_the_file(seen: ReportEvidence) -> Iterator[Violation]:
    for got in seen.asking.downloads:
        facts = [
            (row.file["sha256"], int(row.file["bytes"]))
            for write in seen.writes[got.report_id]
            if (row := write.row) and row.file and row.file["key"] == got.key
        ]
        if got.status != 200:
            yield Violation("B3", f"a fresh link led to {got.status}", got.report_id)
        elif (got.digest, got.size) not in facts:
            yield Violation("B3", "what was downloaded is not what the row says", got.report_id)
        elif got.view and (got.digest, got.size) != (got.view["sha256"], got.view["bytes"]):
            yield Violation("B3", "what was downloaded is not what GET said", got.report_id)


def nothing_lost(seen: ReportEvidence) -> Iterator[Violation]:
    """P1, P5: whatever has a message comes to an end."""
    sent = {(event.subject_id, event.replay) for event in seen.events("sent")}
    for row in seen.rows.values():
        never_sent = row.status == "accepting" and (row.report_id, row.replay) not in sent
        if row.status not in SETTLED and row.expires_at > seen.now and not never_sent:
            yield Violation("P5", f"{row.status} forever", row.report_id)


def no_upload_is_left_open(seen: ReportEvidence) -> Iterator[Violation]:
    """B3: but where its worker died, or the call that begins or aborts it was struck."""
    for upload in seen.reports.s3.buckets[BUCKET].uploads.values():
        if upload.owner is None:  # Begun by a call that came late: nobody knows of it.
            continue
        excuses = [
            seen.system.struck[upload.owner.name, f"{call} {BUCKET}"]
            for call in ("CreateMultipartUpload", "AbortMultipartUpload")
        ]
        if upload.owner.alive and not any(excuses):
            yield Violation("B3", "an upload was left open", upload.key.split("/")[1])
