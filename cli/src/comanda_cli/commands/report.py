"""`comanda report`: ask for reports, watch them, and see to those that failed."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from comanda.adapters.reports.views import report_view
from comanda.application.reports.redrive import DiscardReport, RedriveReport
from comanda.domain.reports.report import Report, ReportFormat, ReportStatus
from comanda.domain.shared.errors import IllegalTransition, NotFound, Unavailable
from comanda_cli.downloads import download
from comanda_cli.endings import Endings
from comanda_cli.stack.connection import Connection, QuietTelemetry, connect
from comanda_cli.terminal.errors import EXIT_CODES, NOT_DONE, NotDone
from comanda_cli.terminal.options import As, Json, Stage, Token, Waiting, taking
from comanda_cli.terminal.output import (
    confirm,
    failure_text,
    print_facts,
    print_json,
    print_table,
    read_body,
    readable,
    remark,
    remark_owed,
    say,
)
from comanda_cli.terminal.watching import watch

app = typer.Typer(no_args_is_help=True)

OPEN = {"requested", "generating"}

ReportId = Annotated[str, typer.Argument(metavar="REPORT_ID", help="As POST /reports answered it.")]
ReportIds = Annotated[list[str] | None, typer.Argument(metavar="[REPORT_ID]...", help="Failed reports.")]
AllFailed = Annotated[bool, typer.Option("--all", help="Every failed report that is not discarded.")]
ErrorClass = Annotated[str | None, typer.Option(help="With this class of failure, such as WorkerUnavailable.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command("submit", epilog=EXIT_CODES)
def submit_report(
    ctx: typer.Context,
    report_type: Annotated[str | None, typer.Option("--type", help="orders, recipient-statement, summary.")] = None,
    report_format: Annotated[ReportFormat, typer.Option("--format")] = ReportFormat.XLSX,
    parameter: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Repeat for more.")] = None,
    body: Annotated[str | None, typer.Option(metavar="FILE", help="The whole body as JSON; - for stdin.")] = None,
    key: Annotated[str | None, typer.Option(help="Idempotency key: a report of its own, and no other's.")] = None,
    caller: As = "ops",
    token: Token = None,
    stage: Stage = None,
    as_json: Json = False,
) -> None:
    """Ask for a report and print its id. The same request again is the same report, until that expires or fails."""
    content = _body(body, report_type, report_format, parameter or [])
    answer, replayed = connect(ctx, stage).api(caller, token).submit_report(content, key)
    if as_json:
        print_json({**answer, "replayed": replayed})
        return
    say(answer["report_id"])
    remark("It was there already." if replayed else f"Asked for; `comanda report watch {answer['report_id']}` waits.")


@app.command("get", epilog=EXIT_CODES)
def get_report(
    ctx: typer.Context,
    report_id: ReportId,
    caller: As = "ops",
    token: Token = None,
    stage: Stage = None,
    as_json: Json = False,
) -> None:
    """Show a report: status, progress or size, failure, and where to download it."""
    _show(connect(ctx, stage).api(caller, token).report(report_id), as_json=as_json)


@app.command("watch", epilog=EXIT_CODES)
def watch_report(
    ctx: typer.Context,
    report_id: ReportId,
    limit: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="How long to watch at most.")] = 900,
    caller: As = "ops",
    token: Token = None,
    stage: Stage = None,
    as_json: Json = False,
) -> None:
    """Watch a report until it is ready. Exit code 3 where it does not come to that, or not yet."""
    connection = connect(ctx, stage)
    api = connection.api(caller, token)
    view = watch(lambda: api.report(report_id), _progress, OPEN, limit, connection.outside.sleep, show=not as_json)
    _show(view, as_json=as_json)
    if view["status"] in OPEN:
        remark(f"still {view['status']} after {limit:.0f} s")
    if view["status"] != "ready":
        raise typer.Exit(NOT_DONE)


@app.command("download", epilog=EXIT_CODES)
def download_report(
    ctx: typer.Context,
    report_id: ReportId,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE|FOLDER", help="Where to.")] = Path(),
    caller: As = "ops",
    token: Token = None,
    stage: Stage = None,
) -> None:
    """Download a ready report, check it against the record, and print where it lies. Overwrites nothing."""
    connection = connect(ctx, stage)
    report = connection.api(caller, token).report(report_id)
    with connection.http() as client:
        say(download(client, report, output))


@app.command("failed", epilog=EXIT_CODES)
def list_failed(ctx: typer.Context, error_class: ErrorClass = None, stage: Stage = None, as_json: Json = False) -> None:
    """List failed reports that nobody discarded, the oldest first. Exit code 3 where there is none."""
    found = _failed(connect(ctx, stage), error_class)
    if as_json:
        print_json([report_view(report) for report in found])
    elif found:
        _print_list(found)
    if not found:
        raise NotDone("no failed report matches")


@app.command("retry", epilog=EXIT_CODES)
@taking(Waiting, "waiting")
def retry_reports(
    ctx: typer.Context,
    waiting: Waiting,
    report_ids: ReportIds = None,
    all_failed: AllFailed = False,
    error_class: ErrorClass = None,
    yes: Yes = False,
    stage: Stage = None,
    as_json: Json = False,
) -> None:
    """Redrive failed reports: each begins again and is written as of when it was asked for, also one that was
    discarded. One that is not failed is left alone.

    Says what became of them. Exit code 1 where storage did not answer; 3 where nothing was done, some failed again, or
    were not over within --wait.
    """
    connection = connect(ctx, stage)
    redrive = RedriveReport(connection.reports, connection.report_runs, connection.outside.clock)
    chosen = _choose(connection, report_ids, error_class, "Redrive", all_failed=all_failed, yes=yes)
    _work_through(chosen, redrive, "redriven", connection, waiting.seconds, as_json=as_json)


@app.command("discard", epilog=EXIT_CODES)
def discard_reports(
    ctx: typer.Context,
    report_ids: ReportIds = None,
    all_failed: AllFailed = False,
    error_class: ErrorClass = None,
    yes: Yes = False,
    stage: Stage = None,
    as_json: Json = False,
) -> None:
    """Leave failed reports at that: listed no more, and their dead letters go. `retry` still brings one back."""
    connection = connect(ctx, stage)
    discard = DiscardReport(connection.reports, QuietTelemetry(), connection.outside.clock)
    chosen = _choose(connection, report_ids, error_class, "Discard", all_failed=all_failed, yes=yes)
    _work_through(chosen, discard, "discarded", connection, 0, as_json=as_json)


def _body(file: str | None, report_type: str | None, report_format: ReportFormat, parameters: list[str]) -> bytes:
    if file is not None:
        if report_type or parameters:
            raise typer.BadParameter("--body is the whole request; it goes with no --type or --set")
        return read_body(file)
    if not report_type:
        raise typer.BadParameter("a report needs --type, or --body")
    pairs = [text.partition("=") for text in parameters]
    if any(not name or not equals for name, equals, _ in pairs):
        raise typer.BadParameter("--set takes NAME=VALUE, such as from=2026-11-01")
    request = {"type": report_type, "format": report_format, "parameters": {name: value for name, _, value in pairs}}
    return json.dumps(request).encode()


def _progress(view: dict[str, Any]) -> list[str]:
    rows = f", {view['rows_written']} rows" if view.get("rows_written") else ""
    return [f"{view['updated_at']}  {view['status']}{rows}"]


def _show(view: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(view)
        return
    failure = view.get("failure")
    print_facts(
        {
            "report": view["report_id"],
            "type": f"{view['type']}, {view['format']}",
            "status": view["status"],
            "rows": view.get("rows") or view.get("rows_written"),
            "bytes": view.get("bytes"),
            "failure": failure_text(failure) if failure else None,
            "as of": view["as_of"],
            "until": view["expires_at"],
        }
    )
    if "download_url" in view:
        say(view["download_url"])  # In one piece, however long.


def _failed(connection: Connection, error_class: str | None) -> list[Report]:
    now = connection.outside.clock()
    found = [
        report
        for report in readable(connection.reports.failed())
        if report.at(now).status is ReportStatus.FAILED
        and not report.discarded
        and (error_class is None or (report.failure and report.failure.name == error_class))
    ]
    return sorted(found, key=lambda report: (report.created_at, report.report_id))


def _choose(
    connection: Connection,
    report_ids: Sequence[str] | None,
    error_class: str | None,
    verb: str,
    *,
    all_failed: bool,
    yes: bool,
) -> list[str]:
    """Ids of the reports to be worked on. Ends the command where the answer is no."""
    if report_ids:
        return list(report_ids)
    if not all_failed and error_class is None:
        raise typer.BadParameter("which reports? Give their ids, --error-class or --all")
    chosen = _failed(connection, error_class)
    if not chosen:
        raise NotDone("no failed report matches; nothing was done")
    if not yes:
        _print_list(chosen)
    confirm(f"{verb} {_reports(len(chosen))}?", yes=yes)
    return [report.report_id for report in chosen]


def _work_through(
    report_ids: Sequence[str],
    act: Callable[[str], Report],
    done: str,
    connection: Connection,
    wait_seconds: float,
    *,
    as_json: bool,
) -> None:
    """One after another; say what became of all, and end with the exit code that tells it too."""
    finished: list[Report] = []
    skipped: dict[str, str] = {}
    unavailable: dict[str, str] = {}
    for report_id in report_ids:
        try:
            finished.append(act(report_id))
        except (NotFound, IllegalTransition) as error:
            skipped[report_id] = str(error)
        except Unavailable as error:
            unavailable[report_id] = str(error)
    ids = [report.report_id for report in finished]
    owed = [report.report_id for report in finished if report.owed]
    sent = [report for report in finished if not report.owed]
    endings, outside = Endings("ready"), connection.outside
    if sent and wait_seconds:
        endings.watch(connection.reports, sent, wait_seconds, outside.sleep, outside.clock)
    if as_json:
        facts = {done: ids, "owed": owed, "skipped": skipped, "unavailable": unavailable}
        print_json({**facts, "endings": endings.to_json()} if wait_seconds else facts)
    else:
        say(f"{_reports(len(ids))} {done}{endings.summary and ': '}{endings.summary}.")
        endings.print_details(wait_seconds, "comanda report failed")
        remark_owed(owed)
        for reason in skipped.values():
            remark(f"Skipped: {reason}.")
        for report_id, reason in unavailable.items():
            remark(f"Not answered for {report_id}: {reason}. Run it again; nothing is doubled by that.")
    if unavailable:
        raise typer.Exit(1)
    if not finished or not endings.are_as_wanted:
        raise typer.Exit(NOT_DONE)


def _print_list(reports: Sequence[Report]) -> None:
    views = [report_view(report) for report in reports]
    print_table(
        ["Report", "Type", "Caller", "Class", "Message", "Attempts", "Failed at"],
        [
            (
                view["report_id"],
                f"{view['type']}, {view['format']}",
                report.request.caller,
                *(view["failure"][name] for name in ("class", "message", "attempts", "at")),
            )
            for report, view in zip(reports, views, strict=True)
        ],
    )


def _reports(number: int) -> str:
    return "1 report" if number == 1 else f"{number} reports"
