"""A report's transitions, and what each message means for it."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from comanda.domain.report_meeting import meet_report

from comanda.domain.disposition import Verdict
from comanda.domain.errors import IllegalTransition
from comanda.domain.messages import Event, OrderMessage, ReportDelivery, ReportMessage
from comanda.domain.report import TRANSITIONS, Report, ReportFile, ReportFormat, ReportRequest, ReportStatus
from comanda.domain.work_item import Failure
from tests.builders import NOW

REQUEST = ReportRequest("web", False, "table", ReportFormat.XLSX, {"title": "T"})
CLAIM = Report(REQUEST.report_id(None), REQUEST, False, "corr-1", NOW, NOW, NOW + timedelta(days=7))
REQUESTED = CLAIM.stored(NOW)
LEASED = REQUESTED.leased("me", "m-1", 2, NOW, 60)
READY = LEASED.finished(ReportFile("k", 1, 2, "ab", 3), NOW)
FAILED = LEASED.failed(Failure("Bad", "no", 1, NOW, "m-1"))
CANCELLED = REQUESTED.cancelled(NOW)
ANEW = FAILED.begun_anew(NOW, NOW + timedelta(days=7), "corr-2")


def a_delivery(report: Report, message_id: str = "m-1", receive_count: int = 2, later: int = 0) -> ReportDelivery:
    sent_at = NOW + timedelta(seconds=later)
    return ReportDelivery(message_id, "r", report.report_id, receive_count, sent_at, ReportMessage.about(report))


@pytest.mark.parametrize(
    ("report", "delivery", "verdict"),
    [
        (CLAIM, a_delivery(CLAIM), Verdict.WORK),
        (REQUESTED, a_delivery(REQUESTED), Verdict.WORK),
        (LEASED, a_delivery(LEASED), Verdict.WORK),
        (LEASED, a_delivery(LEASED, receive_count=1), Verdict.SUPERSEDED),
        (LEASED, a_delivery(LEASED, "m-2", 1), Verdict.WORK),
        (READY, a_delivery(READY), Verdict.DROP),
        (CANCELLED, a_delivery(CANCELLED), Verdict.DROP),
        (FAILED, a_delivery(FAILED), Verdict.LET_THROUGH),
        (FAILED, a_delivery(FAILED, later=1), Verdict.LET_THROUGH),
        (FAILED, a_delivery(FAILED, "m-2"), Verdict.LET_THROUGH),
        (FAILED, a_delivery(FAILED, "m-2", later=1), Verdict.TAKE_UP),
        (FAILED, a_delivery(replace(FAILED, replay=1), "m-2"), Verdict.TAKE_UP),
        (FAILED, a_delivery(replace(FAILED, replay=2), "m-2"), Verdict.TAKE_UP),
        (ANEW, a_delivery(FAILED, "m-2", later=1), Verdict.DROP),
        (ANEW, a_delivery(ANEW, "m-2"), Verdict.WORK),
        (REQUESTED, a_delivery(replace(REQUESTED, replay=1)), Verdict.TAKE_UP),
        (LEASED, a_delivery(replace(LEASED, replay=1)), Verdict.TAKE_UP),
        (CANCELLED, a_delivery(replace(CANCELLED, replay=1)), Verdict.DROP),
        (None, a_delivery(CLAIM), Verdict.LET_THROUGH),
        (REQUESTED, replace(a_delivery(CLAIM), message=None), Verdict.LET_THROUGH),
        (REQUESTED, replace(a_delivery(CLAIM), message=ReportMessage(CLAIM.report_id, "x", 0)), Verdict.LET_THROUGH),
    ],
)
def test_what_a_message_means(report: Report | None, delivery: ReportDelivery, verdict: Verdict) -> None:
    assert meet_report(report, delivery, NOW) is verdict


def test_a_message_about_what_has_expired_is_dropped() -> None:
    assert meet_report(REQUESTED, a_delivery(REQUESTED), REQUESTED.expires_at) is Verdict.DROP


def test_only_legal_transitions_happen() -> None:
    changes: dict[ReportStatus, Callable[[Report], Report]] = {
        ReportStatus.REQUESTED: lambda report: report.stored(NOW),
        ReportStatus.CANCELLED: lambda report: report.cancelled(NOW),
        ReportStatus.GENERATING: lambda report: report.leased("w", "m-1", 1, NOW, 60),
        ReportStatus.READY: lambda report: report.finished(ReportFile("k", 1, 2, "ab", 3), NOW),
        ReportStatus.FAILED: lambda report: report.failed(Failure("Bad", "no", 1, NOW, "m-1")),
        ReportStatus.ACCEPTING: lambda report: report.begun_anew(NOW, NOW, "c"),
    }
    for status in ReportStatus:
        for wanted, change in changes.items():
            report = replace(CLAIM, status=status)
            if wanted in TRANSITIONS[status]:
                assert (change(report).status, change(report).version) == (wanted, report.version + 1)
            else:
                with pytest.raises(IllegalTransition):
                    change(report)


def test_a_report_that_is_being_written_does_not_expire_under_the_hands_of_its_worker() -> None:
    late = LEASED.renewed(7, LEASED.expires_at, 60)
    assert late.at(LEASED.expires_at).status is ReportStatus.GENERATING
    assert late.at(LEASED.expires_at + timedelta(seconds=60)).status is ReportStatus.EXPIRED


def test_each_lease_and_each_generation_has_a_file_of_its_own() -> None:
    second = LEASED.released(NOW, attempt_counts=True).leased("w", "m-1", 3, NOW, 60)
    anew = ANEW.leased("w", "m-2", 1, NOW + timedelta(seconds=1), 60)
    later = replace(anew, created_at=NOW + timedelta(seconds=1))
    assert len({LEASED.file_key, second.file_key, later.file_key}) == 3
    assert anew.file_key != LEASED.file_key, "also where both were asked for at the same moment"
    assert all(report.report_id in report.file_key for report in (LEASED, second, later))


def test_an_id_is_a_version_5_uuid_of_what_was_asked_for() -> None:
    ids = {
        REQUEST.report_id(None),
        REQUEST.report_id("k"),
        replace(REQUEST, caller="mobile").report_id(None),
        replace(REQUEST, caller="mobile").report_id("k"),
        replace(REQUEST, sees_all=True).report_id(None),
        replace(REQUEST, type="orders").report_id(None),
        replace(REQUEST, format=ReportFormat.CSV).report_id(None),
        replace(REQUEST, parameters={"title": "U"}).report_id(None),
    }
    assert len(ids) == 8
    assert {uuid.UUID(report_id).version for report_id in ids} == {5}
    assert replace(REQUEST, parameters={"title": "U"}).report_id("k") == REQUEST.report_id("k")


def test_a_message_says_the_same_until_the_report_begins_anew() -> None:
    assert ReportMessage.about(REQUESTED).body == ReportMessage.about(LEASED).body
    assert ReportMessage.about(ANEW).body != ReportMessage.about(FAILED).body
    assert ReportMessage.parse(ReportMessage.about(ANEW).body) == ReportMessage.about(ANEW)


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '"x"', OrderMessage(Event.CREATED, "o-1", "h", 0).body, '{"event":"report.requested"}']
)
def test_what_is_no_report_message_is_told(body: str) -> None:
    with pytest.raises(ValueError, match="not a report message"):
        ReportMessage.parse(body)
