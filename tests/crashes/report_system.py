"""All handlers of reports on moto, and the reports they write."""

import json
import uuid
from dataclasses import replace
from typing import Any

import time_machine
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from comanda.adapters.aws.values import from_dynamodb
from comanda.adapters.reports.queue import ReportQueuePublisher
from comanda.adapters.reports.rows import from_row
from comanda.adapters.reports.table import ReportTable
from comanda.adapters.runtime.world import World
from comanda.application.delivery.open_run import OpenRun
from comanda.application.reports.redrive import DiscardReport, RedriveReport
from comanda.domain.reports.report import Report
from comanda_cli.stack.connection import QuietTelemetry, now
from functions.generate_report import app as generate_report
from functions.read_reports import app as read_reports
from functions.tend_reports import app as tend_reports
from functions.write_reports import app as write_reports
from tests.crashes.crash_harness import FUNCTION_TIMEOUT, MAX_ATTEMPTS, MAX_RECEIVES, CrashHarness
from tests.functions.conftest import Answer, Context
from tests.strict.moto_corrections import sent_by_id
from tests.support.builders import an_api_event
from tests.support.fakes import OneAfterAnother
from tests.support.report_targets import ReportResources
from tests.support.targets import create_fifo_queue

SMALL, LARGE = ["x", "y"], ["z" * 30_000] * 180
"""Cells of the one column; the large report is uploaded in two parts."""


class ReportSystem(CrashHarness):
    """Reports go by short names; each is a CSV of one column, uploaded before. Built once; tests begin with `clear`."""

    def __init__(self, resources: ReportResources) -> None:
        super().__init__(resources.sqs, (resources.dynamodb, resources.sqs, resources.s3))
        self.dead_letters = create_fifo_queue(resources.sqs)
        self.source = create_fifo_queue(resources.sqs, dead_letters=self.dead_letters, max_receives=MAX_RECEIVES)
        self.resources = resources = replace(resources, queue_url=self.source)
        self.table = ReportTable(resources.dynamodb, resources.table("reports"))
        region = resources.dynamodb.meta.region_name
        self._tables_in_moto = dynamodb_backends[DEFAULT_ACCOUNT_ID][region].tables
        environment = resources.environment() | {
            "REPORTS_DLQ_URL": self.dead_letters,
            "MAX_ATTEMPTS": str(MAX_ATTEMPTS),
            "MAX_RESCUES": "1",
            "REPORT_LEASE_SECONDS": "4",
            "REPORT_ROWS_A_SECOND": "10000000",
            "FUNCTION_SECONDS": str(FUNCTION_TIMEOUT),
        }
        world = replace(resources.world(), clock=now)
        self._write_settings, self._world = write_reports.Settings.load(environment), world
        self._read = read_reports.build(read_reports.Settings.load(environment), world)
        generate = generate_report.build(generate_report.Settings.load(environment), world)
        self.workers = {self.source: ("generate", generate)}
        reconciler = World(
            world.dynamodb, world.sqs, now, world.random, world.sleep, OneAfterAnother(), OneAfterAnother()
        )
        self.reconciler = tend_reports.build(tend_reports.Settings.load(environment), reconciler)

    def clear(self, clock: time_machine.Traveller) -> None:
        """Nothing has happened yet. Cheaper than tables, queues and a bucket of a test's own.

        The API's function is new, and its client with it: what it remembers for a while would come from a later time.
        """
        self.begin(clock)
        dynamodb = self.resources.session.client("dynamodb")
        self.listen_to(dynamodb)
        self._write = write_reports.build(self._write_settings, replace(self._world, dynamodb=dynamodb))
        self.accepted: dict[str, str] = {}
        """Report ids by name."""
        self.cells: dict[str, list[str]] = {}
        self._keys: dict[str, str | None] = {}
        for url in (self.source, self.dead_letters):
            self.queue(url)._messages.clear()
            self.queue(url).pending_messages.clear()
            sent_by_id(self.queue(url)).clear()
        for table in self._tables_in_moto.values():
            table.items.clear()
        s3, bucket = self.resources.s3, self.resources.bucket
        for key in self.resources.keys():  # noqa: SIM118 - not a dictionary
            s3.delete_object(Bucket=bucket, Key=key)
        for upload in self.unfinished_uploads():
            s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])

    # The client

    def post(self, name: str, cells: list[str] | None = None, *, keyed: bool = True, ragged: bool = False) -> str:
        """Ask until the answer is 202, and give the report's id. A ragged table is found out by the worker."""
        self.cells[name] = cells or SMALL
        lines = [json.dumps([cell] * (2 if ragged else 1)).encode() + b"\n" for cell in self.cells[name]]
        key = f"tables/web/{_upload_id(name)}.jsonl"
        self.resources.s3.put_object(Bucket=self.resources.bucket, Key=key, Body=b"".join(lines))
        self._keys[name] = name if keyed else None
        self.accepted[name] = self.post_again(name)
        return self.accepted[name]

    def post_again(self, name: str) -> str:
        parameters = {"title": name, "columns": [{"title": "A"}], "upload_id": _upload_id(name)}
        body = {"type": "table", "format": "csv", "parameters": parameters}
        key = self._keys[name]
        event = an_api_event("POST", "/reports", body, {"Idempotency-Key": key} if key else {})
        report_id: str = self._ask("post", event, 202).body["report_id"]
        return report_id

    def cancel(self, name: str) -> None:
        self._ask("cancel", an_api_event("POST", f"/reports/{self.accepted[name]}/cancel"), 200)

    def get(self, name: str, path: str = "") -> Answer:
        return _answer(self._read, an_api_event("GET", f"/reports/{self.accepted[name]}{path}"))

    def _ask(self, handler: str, event: dict[str, Any], expected: int) -> Answer:
        return self.ask(handler, lambda: _answer(self._write, event), expected)

    # The worker, and the operator

    def drain(self) -> None:
        self.drain_queues(self.source)

    def redrive(self, name: str) -> None:
        publisher = ReportQueuePublisher(self.resources.sqs, self.source)
        redrive = RedriveReport(self.table, OpenRun(self.table, publisher, QuietTelemetry(), now), now)
        self.operate("redrive", lambda: redrive(self.accepted[name]))

    def discard(self, name: str) -> None:
        discard = DiscardReport(self.table, QuietTelemetry(), now)
        self.operate("discard", lambda: discard(self.accepted[name]))

    # What can be seen from outside

    def rows(self) -> dict[str, Report]:
        """All there are, by name."""
        items = self.resources.dynamodb.scan(TableName=self.table.name)["Items"]
        names = {report_id: name for name, report_id in self.accepted.items()}
        reports = [from_row(from_dynamodb(item)) for item in items]
        return {names.get(report.report_id, report.report_id): report for report in reports}

    def files(self) -> dict[str, bytes]:
        """All files of reports in the bucket, by key."""
        s3, bucket = self.resources.s3, self.resources.bucket
        keys = [key for key in self.resources.keys() if key.startswith("reports/")]  # noqa: SIM118
        return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    def unfinished_uploads(self) -> list[Any]:
        return list(self.resources.s3.list_multipart_uploads(Bucket=self.resources.bucket).get("Uploads", []))


def _upload_id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def _answer(handler: Any, event: dict[str, Any]) -> Answer:
    answer = handler(event, Context(milliseconds=FUNCTION_TIMEOUT * 1000))
    headers = {name: values[0] for name, values in answer["multiValueHeaders"].items()}
    return Answer(answer["statusCode"], headers, answer["body"])
