"""The demo's reports: asked for twice, written once, downloaded, and compared with the ledgers."""

import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pypdfium2
from rich.table import Table

from comanda_cli.downloads import download
from comanda_cli.terminal.errors import CliError
from local.console import console, step
from local.demo.http import get, post
from local.demo.outcome import Ledger, Promise
from local.demo.watch import SentOrder
from local.errors import LocalError
from local.patience import Patience
from local.summary import relative

STILL_SECONDS, LIMIT_SECONDS = 300.0, 900.0
"""So long nothing may change; so long may a report take, which needs about one, or five where its function starts."""
DOWNLOAD_PATIENCE_SECONDS = 120.0
STATEMENT_OF = "davi"


@dataclass(frozen=True)
class WantedReport:
    """One POST /reports."""

    title: str
    report_type: str
    report_format: str
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class DemoReport:
    """A report that is ready. `view` is what GET /reports/{id} says."""

    title: str
    view: Mapping[str, Any]
    asked_twice: bool
    file: Path

    @property
    def seconds(self) -> float:
        """From asked for to ready, by the service's clock."""
        ready = datetime.fromisoformat(self.view["updated_at"])
        return (ready - datetime.fromisoformat(self.view["created_at"])).total_seconds()


def write_reports(ops: httpx.Client, orders: Sequence[SentOrder], folder: Path) -> list[DemoReport]:
    """Ask for a statement, the orders and a summary of the days the demo ran in; download them into `folder`.

    Raises LocalError where one is refused, fails, or does not arrive whole.
    """
    folder.mkdir(exist_ok=True)
    first_day = min(datetime.fromisoformat(order.view["created_at"]) for order in orders).date()
    days = {"from": first_day.isoformat(), "to": datetime.now(UTC).date().isoformat(), "locale": "en-US"}
    wanted = [
        WantedReport(
            f"Statement of {STATEMENT_OF}", "recipient-statement", "pdf", {**days, "recipient_id": STATEMENT_OF}
        ),
        WantedReport("Orders", "orders", "xlsx", days),
        WantedReport("Summary, with a chart", "summary", "xlsx", days),
    ]
    with step("Writing three reports, each asked for twice"):
        asked = [_ask(ops, report) for report in wanted]
        return [
            _fetch(ops, report.title, report_id, folder, asked_twice=asked_twice)
            for report, (report_id, asked_twice) in zip(wanted, asked, strict=True)
        ]


def check_reports(
    reports: Sequence[DemoReport], orders: Sequence[SentOrder], ledgers: Sequence[Ledger]
) -> list[Promise]:
    statement, listed, _ = reports
    balance = next(ledger.balance for ledger in ledgers if ledger.recipient == STATEMENT_OF)
    times = Counter(_orders_in(listed.file))
    return [
        Promise("every report was asked for twice, and written once", all(report.asked_twice for report in reports)),
        Promise(
            "the orders report has each order of the demo once", all(times[order.order_id] == 1 for order in orders)
        ),
        Promise(
            f"the statement closes with the balance of {STATEMENT_OF}'s ledger",
            any("Closing balance" in line and f"{balance:,.2f}" in line for line in _lines_of(statement.file)),
        ),
    ]


def print_files(reports: Sequence[DemoReport]) -> None:
    table = Table("Report", title="Reports", title_justify="left")
    for heading in ("Rows", "Bytes", "Time"):
        table.add_column(heading, justify="right")
    for report in reports:
        table.add_row(report.title, f"{report.view['rows']:,}", f"{report.view['bytes']:,}", f"{report.seconds:.1f} s")
    console.print(table)
    console.print("Open them; they stay:")
    for report in reports:
        console.print(f"  {relative(report.file)}", markup=False, soft_wrap=True)


def _ask(ops: httpx.Client, wanted: WantedReport) -> tuple[str, bool]:
    """The report's id, and whether the same request found the same report. Its key makes it this demo's own."""
    body = {"type": wanted.report_type, "format": wanted.report_format, "parameters": wanted.parameters}
    key = str(uuid.uuid4())
    first, second = (post(ops, "/reports", body, key, wanted.title) for _ in range(2))
    same = second.json() == first.json() and second.headers.get("Idempotency-Replayed") == "true"
    return first.json()["report_id"], same


def _fetch(ops: httpx.Client, title: str, report_id: str, folder: Path, *, asked_twice: bool) -> DemoReport:
    view = wait_until_ready(ops, report_id)
    try:
        with httpx.Client(trust_env=False, timeout=DOWNLOAD_PATIENCE_SECONDS) as client:
            file = download(client, view, folder)
    except CliError as error:
        raise LocalError(f"{title}: {error}") from error
    return DemoReport(title, view, asked_twice, file)


def wait_until_ready(ops: httpx.Client, report_id: str) -> Mapping[str, Any]:
    """What GET /reports/{id} says of it then. Raises LocalError where it fails, or comes to a standstill."""
    patience = Patience(STILL_SECONDS, LIMIT_SECONDS)
    while (view := get(ops, f"/reports/{report_id}"))["status"] != "ready":
        if view["status"] not in ("requested", "generating"):
            raise LocalError(f"the report {report_id} is {view['status']}: {view.get('failure')}")
        if patience.is_over(view):
            raise LocalError(f"the report {report_id} is still {view['status']}: {patience.why_over}")
        time.sleep(0.2)
    return view


def _orders_in(file: Path) -> Iterator[str]:
    """What stands in the column "Order" of the first sheet."""
    workbook = openpyxl.load_workbook(file, read_only=True)
    header, *rows = workbook.worksheets[0].iter_rows(values_only=True)
    yield from (str(row[header.index("Order")]) for row in rows)
    workbook.close()


def _lines_of(file: Path) -> list[str]:
    document = pypdfium2.PdfDocument(file)
    return [line.strip() for page in document for line in page.get_textpage().get_text_bounded().splitlines()]
