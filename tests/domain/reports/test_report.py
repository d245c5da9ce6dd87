"""A report's transitions, its ids, its files and its messages."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from comanda.domain.delivery.work_item import Failure
from comanda.domain.orders.messages import Event, OrderMessage
from comanda.domain.reports.messages import ReportMessage
from comanda.domain.reports.report import STAGE, TRANSITIONS, Report, ReportFile, ReportFormat, ReportStatus
from comanda.domain.shared.errors import IllegalTransition
from tests.support.builders import NOW, a_report

CLAIM = a_report()
REQUEST = CLAIM.request
REQUESTED = CLAIM.stored(NOW)
LEASED = REQUESTED.leased("me", "m-1", 2, NOW, 60)
READY = LEASED.finished(ReportFile("k", 1, 2, "ab", 3), NOW)
FAILED = LEASED.failed(Failure("Bad", "no", STAGE, 1, NOW, "m-1"))
CANCELLED = REQUESTED.cancelled(NOW)
AGAIN = FAILED.asked_again(NOW, NOW + timedelta(days=7), "corr-2")


def test_only_legal_transitions_happen() -> None:
    changes: dict[ReportStatus, Callable[[Report], Report]] = {
        ReportStatus.REQUESTED: lambda report: report.stored(NOW),
        ReportStatus.CANCELLED: lambda report: report.cancelled(NOW),
        ReportStatus.GENERATING: lambda report: report.leased("w", "m-1", 1, NOW, 60),
        ReportStatus.READY: lambda report: report.finished(ReportFile("k", 1, 2, "ab", 3), NOW),
        ReportStatus.FAILED: lambda report: report.failed(Failure("Bad", "no", STAGE, 1, NOW, "m-1")),
    }
    for status in ReportStatus:
        for wanted, change in changes.items():
            report = replace(CLAIM, status=status)
            if wanted in TRANSITIONS[status]:
                assert (change(report).status, change(report).version) == (wanted, report.version + 1)
            else:
                with pytest.raises(IllegalTransition):
                    change(report)


def test_report_does_not_expire_while_its_worker_writes() -> None:
    late = LEASED.renewed(7, LEASED.expires_at, 60)
    assert late.at(LEASED.expires_at).status is ReportStatus.GENERATING
    assert late.at(LEASED.expires_at + timedelta(seconds=60)).status is ReportStatus.EXPIRED


def test_each_lease_and_each_generation_has_a_file_of_its_own() -> None:
    second = LEASED.tried("m-1", 2, NOW).leased("w", "m-1", 3, NOW, 60)
    again = AGAIN.leased("w", "m-2", 1, NOW + timedelta(seconds=1), 60)
    later = replace(again, created_at=NOW + timedelta(seconds=1))
    assert len({LEASED.file_key, second.file_key, later.file_key}) == 3
    assert again.file_key != LEASED.file_key, "also where both were asked for at the same moment"
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


def test_a_message_says_the_same_until_the_report_is_asked_for_again() -> None:
    assert ReportMessage.about(REQUESTED).body == ReportMessage.about(LEASED).body
    assert ReportMessage.about(AGAIN).body != ReportMessage.about(FAILED).body
    assert ReportMessage.parse(ReportMessage.about(AGAIN).body) == ReportMessage.about(AGAIN)


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '"x"', OrderMessage(Event.CREATED, "o-1", "h", 0).body, '{"event":"report.requested"}']
)
def test_what_is_no_report_message_is_told(body: str) -> None:
    with pytest.raises(ValueError, match="not a report message"):
        ReportMessage.parse(body)
