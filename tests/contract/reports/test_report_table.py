"""The reports table and its queue: claims, conditional writes, one report for many equal requests."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from comanda.adapters.reports.queue import ReportQueuePublisher
from comanda.adapters.reports.sources import ReportSourceSettings, report_sources
from comanda.adapters.reports.table import ReportTable
from comanda.application.delivery.ports import VersionConflict
from comanda.application.reports.accept import AcceptReport
from comanda.domain.delivery.work_item import By, Failure
from comanda.domain.reports.messages import ReportMessage
from comanda.domain.reports.report import STAGE, Report, ReportFile, ReportFormat, ReportRequest
from tests.support.builders import NOW, a_caller
from tests.support.fakes import FakeTelemetry
from tests.support.report_targets import ReportResources

REQUEST = ReportRequest("web", False, "table", ReportFormat.XLSX, {"title": "Olá", "n": 1, "list": ["a", None]})
CLAIM = Report(
    REQUEST.report_id(None), REQUEST, False, "corr-1", NOW + timedelta(days=7), created_at=NOW, updated_at=NOW
)
REQUESTED = CLAIM.stored(NOW)
LEASED = REQUESTED.leased("me", "m-1", 2, NOW, 60)
READY = LEASED.finished(ReportFile("reports/k.xlsx", 3, 4_000, "ab" * 32, 125), NOW)
PARTLY = LEASED.finished(ReportFile("reports/k.xlsx", 3, 4_000, "ab" * 32, 125, 2), NOW)
FAILED = LEASED.failed(Failure("Bad", "no", STAGE, 1, NOW, "m-1"))

RESCUED, DISCARDED = REQUESTED.opened(By.RECONCILER, NOW, ""), FAILED.set_aside(NOW)


@pytest.fixture
def table(report_resources: ReportResources) -> ReportTable:
    return ReportTable(report_resources.dynamodb, report_resources.table("reports"))


@pytest.mark.parametrize("report", [CLAIM, REQUESTED, LEASED, READY, PARTLY, FAILED, RESCUED, DISCARDED])
def test_what_is_stored_comes_back_equal(table: ReportTable, report: Report) -> None:
    assert table.claim(report) is None
    assert table.get(report.report_id) == report
    assert table.claim(CLAIM) == report
    assert table.get("nobody") is None


def test_a_change_is_written_once_and_only_over_what_was_read(table: ReportTable) -> None:
    table.claim(REQUESTED)
    table.save(REQUESTED, LEASED)
    with pytest.raises(VersionConflict):
        table.save(REQUESTED, REQUESTED.cancelled(NOW))
    table.save(LEASED, READY)
    with pytest.raises(VersionConflict):
        table.save(LEASED, FAILED)
    assert table.get(READY.report_id) == READY
    again = READY.asked_again(NOW + timedelta(days=8), NOW + timedelta(days=15), "corr-2")
    table.save(READY, again)
    assert table.get(READY.report_id) == again


def test_a_message_names_the_report_and_is_in_a_group_of_its_own(report_resources: ReportResources) -> None:
    ReportQueuePublisher(report_resources.sqs, report_resources.queue_url).publish(REQUESTED)
    (message,) = report_resources.messages()
    assert ReportMessage.parse(message["Body"]) == ReportMessage.about(REQUESTED)
    assert message["Attributes"]["MessageGroupId"] == REQUESTED.report_id


@pytest.mark.parametrize("report_resources", ["emulator"], indirect=True)
def test_fifty_equal_requests_at_once_are_one_report_and_one_message(report_resources: ReportResources) -> None:
    """Moto closes an object's file when another is put in its place, although somebody reads it."""
    settings = ReportSourceSettings.load(report_resources.environment())
    world = report_resources.world()
    accept = AcceptReport(
        ReportTable(world.dynamodb, report_resources.table("reports")),
        ReportQueuePublisher(world.sqs, report_resources.queue_url),
        report_sources(settings, world),
        FakeTelemetry(),
        world.clock,
        timedelta(days=7),
        lambda _: None,
    )
    body = {"title": "T", "columns": [{"title": "A"}], "rows": [["x"]]}

    def ask(number: int) -> str:
        request = accept.request(a_caller(), "table", ReportFormat.CSV, body)
        return accept(request, None, f"corr-{number}").report.report_id

    with ThreadPoolExecutor(10) as connections:
        answers = set(connections.map(ask, range(50)))
    assert len(answers) == 1
    assert len(report_resources.messages()) == 1
    assert len(report_resources.keys()) == 1


def test_a_row_outlives_its_message(report_resources: ReportResources) -> None:
    table = ReportTable(report_resources.dynamodb, report_resources.table("reports"))
    table.claim(CLAIM)
    row = report_resources.dynamodb.get_item(
        TableName=table.name, Key={"report_id": {"S": CLAIM.report_id}}, ConsistentRead=True
    )["Item"]
    assert int(row["expires_at"]["N"]) > (CLAIM.expires_at + timedelta(days=14)).timestamp()
