"""Reports on the whole stack: asked for over HTTP, written by the deployed function, downloaded by their links."""

import csv
import hashlib
import io
import json
import random
import sys
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import openpyxl
import pypdfium2
import pytest
import python_calamine

from comanda.application.orders.complete import posting_of
from comanda.application.orders.ports import Balance
from comanda.domain.orders.order import Order
from comanda_cli.stack.stack_info import StackInfo
from local.stack import api_client
from tests.stack.conftest import ApiClients
from tests.stack.helpers import a_recipient, an_order, finished, post, settled
from tests.stack.operators import Operator, wait_for
from tests.support.builders import an_enriched_order

BUSY = {"requested", "generating"}
FORMATS = ("xlsx", "pdf", "csv")


def ask(client: httpx.Client, body: dict[str, Any], key: str | None = None) -> str:
    """Ask for a report that is to be accepted; give its id."""
    answer = client.post("reports", json=body, headers={"Idempotency-Key": key} if key else {})
    assert answer.status_code == 202, answer.text
    report_id: str = answer.json()["report_id"]
    assert answer.headers["location"] == f"reports/{report_id}"
    return report_id


def written(client: httpx.Client, report_id: str, limit_seconds: float = 120) -> dict[str, Any]:
    """The report once nobody works on it any more."""
    return settled(client, f"reports/{report_id}", BUSY, limit_seconds)


def downloaded(client: httpx.Client, report_id: str) -> bytes:
    """The file, by way of the redirect, without our token; it is the one that GET describes."""
    report = written(client, report_id)
    assert report["status"] == "ready", report
    there = client.get(f"reports/{report_id}/download")
    assert there.status_code == 303
    content = httpx.get(there.headers["location"], trust_env=False).raise_for_status().content
    assert (len(content), hashlib.sha256(content).hexdigest()) == (report["bytes"], report["sha256"])
    return content


def today(**parameters: str) -> dict[str, str]:
    """A period that ends today, and begins before any midnight that may pass meanwhile."""
    now = datetime.now(UTC)
    return {"from": (now - timedelta(days=1)).date().isoformat(), "to": now.date().isoformat(), **parameters}


def a_table(report_format: str, *rows: list[object], **parameters: Any) -> dict[str, Any]:
    columns = [{"title": "Name"}, {"title": "Amount", "kind": "money", "total": True}]
    given = {"title": f"Table {uuid.uuid4().hex}", "columns": columns, **({"rows": rows} if rows else {})}
    return {"type": "table", "format": report_format, "parameters": {**given, **parameters}}


def cells_of(report_format: str, content: bytes) -> list[list[str]]:
    """What a reader sees, row by row, amounts with two places; of a PDF, its lines word by word."""
    if report_format == "csv":
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    if report_format == "xlsx":
        sheet: Any = openpyxl.load_workbook(io.BytesIO(content)).active
        return [["" if cell is None else _shown(cell) for cell in row] for row in sheet.iter_rows()]
    pages = [page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(content)]
    return [line.replace(",", "").split() for page in pages for line in page.splitlines()]


def _shown(cell: Any) -> str:
    if cell.value is None:
        return ""
    return f"{cell.value:.2f}" if "0.00" in cell.number_format else str(cell.value)


@dataclass(frozen=True)
class Completed:
    """Some orders of one recipient, all completed."""

    recipient_id: str
    balance: str
    orders: list[str]


@pytest.fixture(scope="module")
def completed(api: ApiClients) -> Completed:
    recipient = a_recipient()
    orders = [post(api("web"), an_order(recipient, sku)) for sku in ["ABC", "XYZ", "CABLE-USB"] * 4]
    assert {finished(api("web"), order_id)["status"] for order_id in orders} == {"completed"}
    balance = api("ops").get(f"recipients/{recipient}").json()["balance"]
    return Completed(recipient, balance, orders)


@pytest.mark.parametrize("report_format", FORMATS)
def test_a_statement_closes_with_the_balance_of_the_ledger(
    api: ApiClients, completed: Completed, report_format: str
) -> None:
    parameters = today(recipient_id=completed.recipient_id, locale="en-US")
    body = {"type": "recipient-statement", "format": report_format, "parameters": parameters}
    rows = cells_of(report_format, downloaded(api("ops"), ask(api("ops"), body)))
    entries = [row for row in rows if set(row) & set(completed.orders)]
    assert [next(cell for cell in row if cell in completed.orders) for row in entries] == completed.orders
    (closing,) = (row for row in rows if "Closing balance" in " ".join(row))
    assert closing[-1] == entries[-1][-1] == completed.balance


@pytest.mark.parametrize("report_format", FORMATS)
def test_a_report_of_orders_has_each_of_them_once(api: ApiClients, completed: Completed, report_format: str) -> None:
    parameters = today(recipient_id=completed.recipient_id, locale="en-US")
    body = {"type": "orders", "format": report_format, "parameters": parameters}
    report_id = ask(api("web"), body)
    rows = cells_of(report_format, downloaded(api("web"), report_id))
    shown = [cell for row in rows for cell in row if cell in completed.orders]
    assert shown == completed.orders
    assert api("web").get(f"reports/{report_id}").json()["rows"] == len(completed.orders)
    if report_format != "csv":  # Whoever reads CSV adds up by himself.
        assert completed.balance in rows[-1]


@pytest.mark.parametrize("report_format", FORMATS)
def test_a_summary_comes_to_the_balance_of_the_ledger(
    api: ApiClients, completed: Completed, report_format: str
) -> None:
    parameters = today(recipient_id=completed.recipient_id, locale="en-US")
    body = {"type": "summary", "format": report_format, "parameters": parameters}
    content = downloaded(api("web"), ask(api("web"), body))
    total = [cell for cell in cells_of(report_format, content)[-1] if cell]
    assert total == ["Total", "12", "12", completed.balance]
    if report_format == "xlsx":
        workbook: Any = openpyxl.load_workbook(io.BytesIO(content)).active
        assert len(workbook._charts) == 1


@pytest.mark.parametrize("report_format", FORMATS)
def test_a_callers_own_table(api: ApiClients, report_format: str) -> None:
    body = a_table(report_format, ["=1+1", "10.50"], ["José", 2], ["Zoë & <b>", "-0.01"], locale="en-US")
    rows = cells_of(report_format, downloaded(api("web"), ask(api("web"), body)))
    formula = "'=1+1" if report_format == "csv" else "=1+1"
    assert [formula, "10.50"] in rows
    assert ["José", "2.00"] in rows
    assert "-0.01" in next(row for row in rows if row[:1] == ["Zoë & <b>"] or row[:2] == ["Zoë", "&"])
    assert (["Total", "12.49"] in rows) == (report_format != "csv")


def put(upload: dict[str, Any], lines: bytes) -> None:
    """With the headers that were told."""
    httpx.put(upload["upload_url"], content=lines, headers=upload["headers"], trust_env=False).raise_for_status()


def test_an_uploaded_table_goes_by_reference(api: ApiClients) -> None:
    """More rows than a message holds, put straight into the storage."""
    client = api("web")
    lines = b"".join(json.dumps([f"row {number} " + "x" * 100, "0.10"]).encode() + b"\n" for number in range(12_000))
    upload = client.post("reports/uploads", json={"bytes": len(lines)})
    assert upload.status_code == 201
    body = a_table("csv", upload_id=upload.json()["upload_id"])
    refused = client.post("reports", json=body)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "parameters.upload_id")
    assert len(lines) > 2**20
    put(upload.json(), lines)
    rows = cells_of("csv", downloaded(client, ask(client, body)))
    assert len(rows) == 12_001
    assert sum(Decimal(row[1]) for row in rows[1:]) == Decimal("1200.00")
    stolen = api("mobile").post("reports", json=body)
    assert stolen.status_code == 422, "an upload is its caller's own"


def test_fifty_identical_requests_are_one_report(api: ApiClients, stack: StackInfo, operator: Operator) -> None:
    """From ten connections at once, and once more when it is written."""
    body, together = a_table("xlsx", ["one", "1.00"]), threading.Barrier(10)

    def send(_: int) -> list[httpx.Response]:
        with api_client(stack, "web") as client:
            together.wait()
            return [client.post("reports", json=body) for _ in range(5)]

    with ThreadPoolExecutor(10) as pool:
        answers = [answer for some in pool.map(send, range(10)) for answer in some]
    assert len(answers) == 50
    assert {(answer.status_code, answer.text) for answer in answers} == {(202, answers[0].text)}
    report_id = answers[0].json()["report_id"]
    assert written(api("web"), report_id)["status"] == "ready"
    wait_for(lambda: operator.waiting("reports") == 0, "an empty queue")
    assert_generated_once(operator, report_id)

    again = api("web").post("reports", json=json.loads(json.dumps(body)))
    assert (again.text, again.headers["idempotency-replayed"]) == (answers[0].text, "true")
    assert operator.waiting("reports") == 0
    assert_generated_once(operator, report_id)


def assert_generated_once(operator: Operator, report_id: str) -> None:
    """One worker ever took it, at its first try, and left one file."""
    row = operator.reports.get(report_id)
    assert row
    assert row.lease
    assert row.attempts
    assert (row.lease.number, row.attempts.count, row.replay) == (1, 1, 0)
    assert row.file
    assert operator.files(report_id) == [row.file.key]


def test_a_key_asks_for_a_fresh_report(api: ApiClients, operator: Operator) -> None:
    client, key, body = api("web"), uuid.uuid4().hex, a_table("csv", ["one", "1.00"])
    plain = ask(client, body)
    fresh = ask(client, body, key)
    assert fresh != plain
    again = client.post("reports", json=body, headers={"X-Idempotency-Key": key})
    assert (again.json()["report_id"], again.headers["idempotency-replayed"]) == (fresh, "true")
    assert client.post("reports", json={**body, "format": "pdf"}, headers={"Idempotency-Key": key}).status_code == 422
    assert downloaded(client, fresh) == downloaded(client, plain), "asked for at different moments, the same bytes"
    assert_generated_once(operator, fresh)


def test_a_report_is_taken_back_before_it_is_begun(api: ApiClients, operator: Operator) -> None:
    client, body = api("web"), a_table("csv", ["one", "1.00"])
    with operator.paused("generate_report"):
        report_id = ask(client, body)
        assert client.post(f"reports/{report_id}/cancel").json()["status"] == "cancelled"
    wait_for(lambda: operator.waiting("reports") == 0, "an empty queue")
    assert client.get(f"reports/{report_id}").json()["status"] == "cancelled"
    assert client.get(f"reports/{report_id}/download").status_code == 409
    assert operator.files(report_id) == []
    assert ask(client, body) == report_id
    assert written(client, report_id)["status"] == "ready", "asked for once more, it is written"
    assert client.post(f"reports/{report_id}/cancel").status_code == 409


def test_a_callers_reports_are_its_own(api: ApiClients) -> None:
    report_id = ask(api("web"), a_table("csv", ["one", "1.00"]))
    written(api("web"), report_id)
    for path in (f"reports/{report_id}", f"reports/{report_id}/download"):
        assert api("mobile").get(path).status_code == 404
        assert api("ops").get(path).status_code in {200, 303}
        assert api(None).get(path).status_code == 401
    assert api("mobile").post(f"reports/{report_id}/cancel").status_code == 404
    statement = {"type": "recipient-statement", "format": "pdf", "parameters": today(recipient_id="ana")}
    assert api("web").post("reports", json=statement).status_code == 403, "a ledger is for those who may read it"


def test_a_link_names_the_file_and_dies_within_a_quarter_of_an_hour(api: ApiClients) -> None:
    client = api("web")
    report_id = ask(client, a_table("pdf", ["one", "1.00"]))
    url = written(client, report_id)["download_url"]
    query = parse_qs(urlsplit(url).query)
    assert 0 < int(query["X-Amz-Expires"][0]) <= 15 * 60
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    answer = httpx.get(url, trust_env=False)
    name = answer.headers["content-disposition"].removeprefix("attachment; filename=").strip('"')
    assert (name[:6], name[-len(report_id[:8]) - 4 :]) == ("table-", f"{report_id[:8]}.pdf")
    assert answer.headers["content-type"] == "application/pdf"


@contextmanager
def poisoned_worker(operator: Operator, folder: Path) -> Iterator[Path]:
    """generate_report becomes tests/stack/poison_report.py; the file that counts its deaths. Its dead come back
    quickly."""
    deaths = folder / "deaths"
    deaths.touch()
    operator.replace_code("generate_report", Path(__file__).with_name("poison_report.py"))
    quick = {"WORKER_RESERVE_SECONDS": "1", "REPORT_LEASE_SECONDS": "3", "FUNCTION_SECONDS": "8"}
    variables = operator.variables("generate_report", **quick, REPORT_ROWS_A_SECOND="10000000", DEATHS_FILE=str(deaths))
    with operator.changed(
        "generate_report",
        "reports",
        {"VisibilityTimeout": "9"},
        Handler="poison_report.handler",
        Timeout=8,
        Environment=variables,
    ):
        yield deaths


@pytest.mark.skipif(sys.platform != "linux", reason="the worker dies as it does on Lambda, by a signal")
def test_a_worker_killed_half_way_leaves_one_whole_file(api: ApiClients, operator: Operator, tmp_path: Path) -> None:
    """A file of three parts; the worker dies when one of them is up. Meanwhile nothing can be downloaded."""
    client, rows = api("web"), 4_000
    lines = b"".join(json.dumps([f"{number:04d}" + "x" * 3_000, "1.00"]).encode() + b"\n" for number in range(rows))
    upload = client.post("reports/uploads", json={"bytes": len(lines)}).json()
    put(upload, lines)
    seen = set[str]()
    with poisoned_worker(operator, tmp_path) as deaths:
        report_id = ask(client, a_table("csv", upload_id=upload["upload_id"]))
        deadline = time.monotonic() + 120
        while (report := client.get(f"reports/{report_id}").json())["status"] != "ready":
            assert report["status"] in BUSY, report
            assert "download_url" not in report
            files = operator.files(report_id)
            late = client.get(f"reports/{report_id}/download")
            assert late.status_code == 409 or client.get(f"reports/{report_id}").json()["status"] == "ready"
            assert not files or written(client, report_id)["status"] == "ready", "a file is there only once it is whole"
            seen.add("after" if deaths.read_text() else "before")
            assert time.monotonic() < deadline, report
            time.sleep(0.2)
    assert deaths.read_text() == "died\n"
    assert "after" in seen, "it was looked at between death and file"
    content = downloaded(client, report_id)
    assert [row[0][:4] for row in cells_of("csv", content)[1:]] == [f"{number:04d}" for number in range(rows)]
    row = operator.reports.get(report_id)
    assert row
    assert row.file
    assert row.attempts
    assert row.attempts.count == 2, "the death cost one attempt"
    assert operator.files(report_id) == [row.file.key]


@pytest.mark.parametrize("number", [5_000, pytest.param(50_000, marks=pytest.mark.prove)])
def test_a_report_of_many_orders_adds_up_to_the_ledgers(api: ApiClients, operator: Operator, number: int) -> None:
    """A hundred come through the API and the workers. The others are written straight into tables and ledgers, by the
    adapters and the posting that the workers use: over HTTP they would take minutes."""
    customer, client = f"customer-{uuid.uuid4().hex[:12]}", api("web")
    recipients = [a_recipient() for _ in range(20)]
    by_http = [post(client, an_order(recipient, "XYZ", customer_id=customer)) for recipient in recipients * 5]
    expected = set(by_http)
    with ThreadPoolExecutor(4) as pool:
        for posted in pool.map(lambda size: post_directly(operator, customer, size), sizes_of(number - 100, 500)):
            expected |= posted
    for order_id in by_http:
        assert finished(client, order_id)["status"] == "completed"

    parameters = today(customer_id=customer, status="completed", locale="en-US")
    with patient_worker(operator):
        report_id = ask(api("ops"), {"type": "orders", "format": "xlsx", "parameters": parameters})
        assert written(api("ops"), report_id, 900)["status"] == "ready"
    content = downloaded(api("ops"), report_id)
    sheet = python_calamine.load_workbook(io.BytesIO(content)).get_sheet_by_index(0)
    header, *rows, total = sheet.to_python()
    assert header[1] == "Order"
    assert {row[1] for row in rows} == expected
    assert len(rows) == len(expected) == number == api("ops").get(f"reports/{report_id}").json()["rows"]
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[str(row[4])] += Decimal(f"{row[7]:.2f}")
    balances = {each: api("ops").get(f"recipients/{each}").json()["balance"] for each in sums}
    assert {each: str(amount) for each, amount in sums.items()} == balances
    assert Decimal(f"{total[7]:.2f}") == sum(sums.values())


@contextmanager
def patient_worker(operator: Operator) -> Iterator[None]:
    """A worker with as much time as on AWS: for each page of an index, the emulator sorts all of its partition."""
    variables = operator.variables("generate_report", FUNCTION_SECONDS="900")
    with operator.changed(
        "generate_report", "reports", {"VisibilityTimeout": "960"}, Timeout=900, Environment=variables
    ):
        yield


def sizes_of(number: int, most: int) -> list[int]:
    return [min(most, number - begun) for begun in range(0, number, most)]


def post_directly(operator: Operator, customer: str, number: int) -> set[str]:
    """So many completed orders of one new recipient, posted in tens; their ids."""
    recipient, chance, now = a_recipient(), random.Random(number), datetime.now(UTC)
    balance, posted = Balance(recipient, "BRL"), set[str]()
    while len(posted) < number:
        some: list[Order] = []
        for _ in range(min(10, number - len(posted))):
            total = f"{chance.randrange(1, 1_000_000) / 100:.2f}"
            order = an_enriched_order(total, recipient_id=recipient, customer_id=customer, created_at=now)
            assert operator.orders.claim(order) is None
            some.append(order)
        posting = posting_of(balance, some, now)
        operator.ledger.post(posting)
        balance = posting.after
        posted |= {order.order_id for order in some}
    return posted
