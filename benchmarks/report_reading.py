"""Where the time of a report of orders goes, from DynamoDB's pages to the file.

    python -m benchmarks.reports --end-to-end --rows 100000

The pages are made beforehand, and served over HTTP by a process of their own. From boto3 on, all is what the function
runs: the index `period` in eight partitions, the type `orders`, the XLSX writer. *read* stops before the writer;
*usual* is the same with boto3 as it comes, without adapters/aws/raw_rows.py and READING_CONFIG.
"""

import json
import multiprocessing
import uuid
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from zlib import crc32

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

TABLE = "orders"
END = datetime(2026, 2, 1, tzinfo=UTC)
"""The made-up orders begin a month before; some two million fit in."""


def write_orders(count: int, file: Path, endpoint_url: str, *, usual: bool, write: bool) -> None:
    """Read `count` orders through the index, and write them as the report function does, or only look at each."""
    import boto3

    from comanda.adapters.aws.raw_rows import leave_rows_raw
    from comanda.adapters.orders.period_index import OrderPeriodIndex
    from comanda.adapters.reports.world import READING_CONFIG, READS_AT_ONCE
    from comanda.adapters.reports.writers import xlsx
    from comanda.adapters.runtime.world import CLIENT_CONFIG
    from comanda.application.reports.ports import Sources
    from comanda.application.reports.types import REPORT_TYPES
    from comanda.application.reports.types.report_type import Asked, parameters_of
    from comanda.domain.reports.report import Report, ReportFormat, ReportRequest

    client = boto3.client(
        "dynamodb",
        region_name="us-east-1",
        endpoint_url=endpoint_url,
        aws_access_key_id="none",
        aws_secret_access_key="none",  # noqa: S106 - the pages' server asks for none
        config=CLIENT_CONFIG if usual else READING_CONFIG,
    )
    index = OrderPeriodIndex(client if usual else leave_rows_raw(client), TABLE, ThreadPoolExecutor(READS_AT_ONCE))
    days = {"from": "2026-01-01", "to": "2026-01-31"}
    request = ReportRequest("ops", True, "orders", ReportFormat.XLSX, days)
    report = Report(request.report_id(None), request, False, "none", END, created_at=END, updated_at=END)
    sources = Sources(index, None, None)  # type: ignore[arg-type]  # Orders come from neither ledger nor bucket.
    asked = Asked(report, sources, "BRL", iter)
    orders = REPORT_TYPES["orders"]
    parameters = parameters_of(orders, days)
    rows = orders.rows(parameters, asked)
    with file.open("wb") as output:
        if write:
            output.writelines(xlsx.write(orders.document(parameters, asked), _counted(rows, count)))
        else:
            output.write(b"%d" % sum(1 for _ in _counted(rows, count)))


def _counted(rows: Iterator[Any], expected: int) -> Iterator[Any]:
    number = 0
    for number, row in enumerate(rows, 1):  # noqa: B007 - it is the number of them that is asked about
        yield row
    if number != expected:
        raise SystemExit(f"{number} orders were read, and not {expected}")


@contextmanager
def recorded_pages(count: int) -> Iterator[str]:
    """The address of a server that has so many orders."""
    here, there = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(count, there), daemon=True)
    server.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        server.terminate()
        server.join()


def _serve(count: int, ready: "Connection") -> None:
    Pages.fill(count)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    ready.send(server.server_port)
    server.serve_forever()


class Pages(BaseHTTPRequestHandler):
    """DynamoDB's Query and BatchGetItem for one table, from JSON that is ready."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # Head and body in one packet: else each answer waits for the acknowledgement of its head.
    rows: ClassVar[dict[str, bytes]] = {}
    keys: ClassVar[dict[str, list[tuple[str, str]]]] = defaultdict(list)
    places: ClassVar[dict[str, int]] = {}
    """Of each order in its partition."""

    @classmethod
    def fill(cls, count: int) -> None:
        from benchmarks.reports import rows_of
        from comanda.adapters.orders.rows import PERIOD_SHARDS
        from comanda.domain.shared.times import to_iso

        for order_id, created, recipient, customer, origin, status, _, total, _, _ in rows_of(count):
            texts = {
                "order_id": order_id,
                "caller": "web-shop",
                "origin": origin,
                "recipient_id": recipient,
                "customer_id": customer,
                "client_order_id": f"ref-{order_id[:8]}",
                "status": status,
                "created_at": to_iso(created),
                "updated_at": to_iso(created),
            }
            row: dict[str, dict[str, str]] = {name: {"S": text} for name, text in texts.items()}
            cls.rows[order_id] = json.dumps({**row, "total_amount": {"N": str(total)}}).encode()
            partition = cls.keys[f"2026-01#{uuid.UUID(order_id).int % PERIOD_SHARDS}"]
            cls.places[order_id] = len(partition)
            partition.append((texts["created_at"], order_id))

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        content = self._page(asked) if "KeyConditionExpression" in asked else self._rows(asked)
        self.send_response_only(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("x-amz-crc32", str(crc32(content)))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _page(self, asked: Any) -> bytes:
        keys = self.keys[asked["ExpressionAttributeValues"][":period"]["S"]]
        after = asked.get("ExclusiveStartKey")
        begin = self.places[after["order_id"]["S"]] + 1 if after else 0
        page = keys[begin : begin + asked["Limit"]]
        items = [{"created_at": {"S": created}, "order_id": {"S": order_id}} for created, order_id in page]
        more = {"LastEvaluatedKey": items[-1]} if begin + len(page) < len(keys) else {}
        return json.dumps({"Items": items, "Count": len(items), **more}).encode()

    def _rows(self, asked: Any) -> bytes:
        rows = [self.rows[key["order_id"]["S"]] for key in asked["RequestItems"][TABLE]["Keys"]]
        return b'{"Responses":{"%s":[%s]},"UnprocessedKeys":{}}' % (TABLE.encode(), b",".join(rows))

    def log_message(self, *_: object) -> None:
        """Nothing is to be printed for each page."""
