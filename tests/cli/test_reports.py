"""Reports from the terminal: asked for and watched over HTTP, retried and discarded from their rows."""

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from comanda.adapters.reports.table import ReportTable
from comanda.domain.delivery.work_item import Failure
from comanda.domain.reports.messages import ReportMessage
from comanda.domain.reports.report import STAGE, Report, ReportFormat, ReportRequest, ReportStatus
from comanda_cli.stack.stack_info import StackInfo
from tests.cli.conftest import Cli, an_api, storage_that_fails
from tests.support.builders import NOW
from tests.support.targets import Resources


@pytest.fixture
def table(moto: Resources, stack: StackInfo) -> ReportTable:
    return ReportTable(moto.dynamodb, stack.tables["reports"])


def a_failed_report(title: str, *, asked: int = 0, name: str = "WorkerUnavailable", ago: int = 5) -> Report:
    """Asked for so many minutes after NOW, failed so many before."""
    request = ReportRequest("web", False, "table", ReportFormat.CSV, {"title": title})
    moment = NOW + timedelta(minutes=asked)
    expires_at = moment + timedelta(days=7)
    claim = Report(request.report_id(None), request, False, "corr-1", expires_at, created_at=moment, updated_at=moment)
    failure = Failure(name, "the workers could not run", STAGE, 0, NOW - timedelta(minutes=ago), "m-1")
    return claim.stored(NOW).failed(failure)


def put(table: ReportTable, *reports: Report) -> None:
    for report in reports:
        assert table.claim(report) is None


def row(table: ReportTable, report: Report) -> Report:
    found = table.get(report.report_id)
    assert found
    return found


def sent(cli: Cli) -> list[tuple[str, int]]:
    messages = [ReportMessage.parse(message["Body"]) for message in cli.resources.messages()]
    return sorted((message.report_id, message.replay) for message in messages)


def answering(*views: dict[str, Any], status: int = 200) -> tuple[dict[str, Any], list[httpx.Request]]:
    """For `Cli`: each answer once, the last forever; and what was asked."""
    left, asked = list(views), list[httpx.Request]()

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(status, json=left.pop(0) if len(left) > 1 else left[0])

    return an_api(answer), asked


VIEW: dict[str, Any] = {
    "report_id": "r-1",
    "status": "requested",
    "type": "orders",
    "format": "xlsx",
    "as_of": "2026-11-22T09:30:00.000Z",
    "updated_at": "2026-11-22T09:30:00.000Z",
    "expires_at": "2026-11-29T09:30:00.000Z",
}
GENERATING = {**VIEW, "status": "generating", "rows_written": 500}
READY = {**VIEW, "status": "ready", "rows": 700, "bytes": 4096, "download_url": "https://bucket.test/" + "x" * 300}


def test_submit_asks_for_a_report_and_prints_its_id(cli: Cli) -> None:
    api, asked = answering({"report_id": "r-1", "status": "requested"}, status=202)
    result = cli("report", "submit", "--type", "orders", "--set", "from=2026-11-01", "--set", "to=2026-11-22", **api)
    assert (result.exit_code, result.stdout) == (0, "r-1\n")
    assert json.loads(asked[0].content) == {
        "type": "orders",
        "format": "xlsx",
        "parameters": {"from": "2026-11-01", "to": "2026-11-22"},
    }
    assert "idempotency-key" not in asked[0].headers
    cli("report", "submit", "--body", "-", "--key", "k-1", answer="{}", **api)
    assert (asked[1].content, asked[1].headers["Idempotency-Key"]) == (b"{}", "k-1")


@pytest.mark.parametrize(
    "arguments",
    [["submit"], ["submit", "--type", "orders", "--set", "from"], ["submit", "--body", "-", "--type", "x"], ["retry"]],
)
def test_wrong_usage_is_exit_code_2(cli: Cli, arguments: list[str]) -> None:
    assert cli("report", *arguments).exit_code == 2


def test_watch_shows_each_step_and_ends_with_the_link_in_one_piece(cli: Cli) -> None:
    api, _ = answering(VIEW, VIEW, GENERATING, READY)
    result = cli("report", "watch", "r-1", **api)
    assert result.exit_code == 0
    assert result.stdout.count("requested") == 1
    assert "generating, 500 rows" in result.stdout
    assert result.stdout.endswith(READY["download_url"] + "\n")
    assert json.loads(cli("report", "get", "r-1", "--json", **api).stdout) == READY


@pytest.mark.parametrize("view", [{**VIEW, "status": "cancelled"}, GENERATING])
def test_watching_what_does_not_become_ready_is_exit_code_3(cli: Cli, view: dict[str, Any]) -> None:
    api, _ = answering(view)
    assert cli("report", "watch", "r-1", "--limit", "0", **api).exit_code == 3


def with_file(content: bytes, name: str = "orders-r-1.xlsx") -> dict[str, Any]:
    """For `Cli`: an API whose report is ready, and the storage that its link leads to."""
    ready = {**READY, "sha256": hashlib.sha256(b"the file").hexdigest(), "bytes": 8}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host != "bucket.test":
            return httpx.Response(200, json=ready)
        assert "Authorization" not in request.headers, "the link is signed; the token stays here"
        return httpx.Response(200, content=content, headers={"Content-Disposition": f'attachment; filename="{name}"'})

    return an_api(answer)


def test_download_saves_under_its_own_or_another_name_and_overwrites_nothing(cli: Cli, tmp_path: Path) -> None:
    result = cli("report", "download", "r-1", "-o", str(tmp_path), **with_file(b"the file"))
    assert (result.exit_code, result.stdout) == (0, f"{tmp_path / 'orders-r-1.xlsx'}\n")
    named = tmp_path / "mine.xlsx"
    assert cli("report", "download", "r-1", "-o", str(named), **with_file(b"the file")).exit_code == 0
    assert named.read_bytes() == (tmp_path / "orders-r-1.xlsx").read_bytes() == b"the file"
    named.write_bytes(b"older")
    assert cli("report", "download", "r-1", "-o", str(named), **with_file(b"the file")).exit_code == 1
    assert named.read_bytes() == b"older"


@pytest.mark.parametrize(
    ("api", "exit_code", "says"),
    [
        (with_file(b"half the fi"), 1, "not the file"),
        (answering(GENERATING)[0], 3, "generating"),
    ],
)
def test_what_is_not_the_whole_file_is_not_kept(
    cli: Cli, tmp_path: Path, api: dict[str, Any], exit_code: int, says: str
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    result = cli("report", "download", "r-1", "-o", str(folder), **api)
    assert (result.exit_code, list(folder.iterdir())) == (exit_code, [])
    assert says in result.stderr


def test_a_file_name_leads_to_no_other_folder(cli: Cli, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    assert cli("report", "download", "r-1", "-o", str(inside), **with_file(b"the file", "../out.xlsx")).exit_code == 0
    assert [file.name for file in tmp_path.rglob("*.xlsx")] == ["out.xlsx"]
    assert (inside / "out.xlsx").exists()


def test_failed_reports_are_listed_the_oldest_first(cli: Cli, table: ReportTable) -> None:
    second, first = a_failed_report("b", asked=2), a_failed_report("a", asked=1, name="OutOfTime")
    gone = replace(a_failed_report("c"), discarded=True)
    expired = replace(a_failed_report("d"), expires_at=NOW)
    ready = replace(a_failed_report("e"), status=ReportStatus.READY)
    put(table, second, first, gone, expired, ready)
    listed = json.loads(cli("report", "failed", "--json").stdout)
    assert [view["report_id"] for view in listed] == [first.report_id, second.report_id]
    shown = cli("report", "failed", "--error-class", "OutOfTime").stdout
    assert (first.report_id in shown, second.report_id in shown) == (True, False)
    assert cli("report", "failed", "--error-class", "KeyError").exit_code == 3


def test_retry_begins_a_report_again(cli: Cli, table: ReportTable) -> None:
    report, other = a_failed_report("a"), a_failed_report("b")
    put(table, report, other)
    result = cli("report", "retry", report.report_id, "--no-wait")
    assert (result.exit_code, result.stdout) == (0, "1 report redriven.\n")
    assert sent(cli) == [(report.report_id, 1)]
    redriven = row(table, report)
    assert (redriven.status, redriven.replay, redriven.failure) == (ReportStatus.REQUESTED, 1, None)
    again = cli("report", "retry", report.report_id)
    assert again.exit_code == 3
    assert "is requested, not failed" in again.stderr
    assert row(table, other) == other


def test_all_are_retried_after_a_yes(cli: Cli, table: ReportTable) -> None:
    reports = [a_failed_report(title) for title in "abc"]
    put(table, *reports)
    assert cli("report", "retry", "--all", answer="n\n").exit_code == 3
    assert sent(cli) == []
    assert cli("report", "retry", "--all", "--no-wait", answer="y\n").stdout.endswith("3 reports redriven.\n")
    assert sent(cli) == sorted((report.report_id, 1) for report in reports)
    assert cli("report", "retry", "--all").exit_code == 3, "nothing left"


def test_a_discarded_report_is_listed_no_more_and_can_be_retried(cli: Cli, table: ReportTable) -> None:
    report = a_failed_report("a")
    put(table, report)
    done = json.loads(cli("report", "discard", "--error-class", "WorkerUnavailable", "--yes", "--json").stdout)
    assert done == {"discarded": [report.report_id], "owed": [], "skipped": {}, "unavailable": {}}
    assert (row(table, report).discarded, row(table, report).status) == (True, ReportStatus.FAILED)
    assert cli("report", "failed").exit_code == 3
    assert cli("report", "retry", report.report_id, "--no-wait").exit_code == 0
    assert not row(table, report).discarded


def test_a_report_whose_message_is_owed_is_said_to_follow(cli: Cli, table: ReportTable, moto: Resources) -> None:
    report = a_failed_report("a")
    put(table, report)
    moto.sqs.delete_queue(QueueUrl=moto.queue_url)
    result = cli("report", "retry", report.report_id)
    assert (result.exit_code, result.stdout) == (0, "1 report redriven.\n")
    assert "Sent by the reconciler within two minutes" in result.stderr
    assert row(table, report).owed


def test_what_was_not_answered_is_named_and_exit_code_1(cli: Cli, table: ReportTable) -> None:
    report = a_failed_report("a")
    put(table, report)
    result = cli("report", "retry", report.report_id, **storage_that_fails(1))
    assert result.exit_code == 1
    assert f"Not answered for {report.report_id}" in result.stderr
    assert row(table, report) == report
    assert row(table, report) == report
