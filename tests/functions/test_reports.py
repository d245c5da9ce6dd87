"""POST and GET of reports and the function that writes them: the real handlers, on moto and on the emulator."""

import csv
import io
import json
import secrets
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

import openpyxl
import pypdfium2
import pytest
from aws_lambda_powertools.utilities.parameters import SecretsProvider

from comanda.adapters.orders.ledger import LedgerTable
from comanda.adapters.reports.bucket import ReportBucket
from comanda.adapters.reports.table import ReportTable
from comanda.adapters.reports.writers.files import ReportWriter
from comanda.application.orders.complete import posting_of
from comanda.application.orders.ports import Balance
from comanda.application.shared.ports import Clock
from comanda.domain.reports.messages import ReportDelivery, ReportMessage
from comanda.domain.reports.report import Report, ReportFile, ReportStatus
from comanda.domain.reports.signed_link import LinkKeys
from comanda.domain.shared.access import Caller, Origin, Scope
from comanda.domain.shared.identity import HeaderKey
from functions.generate_report import app as generate_report
from functions.read_reports import app as read_reports
from functions.write_reports import app as write_reports
from tests.functions.conftest import Answer, Context
from tests.support.builders import NOW, a_caller, an_api_event, an_enriched_order, an_sqs_event
from tests.support.fakes import FakeClock, StillClock
from tests.support.report_targets import ReportResources

BODY: dict[str, Any] = {
    "type": "table",
    "format": "csv",
    "parameters": {
        "title": "Mine",
        "columns": [{"title": "Name"}, {"title": "Amount", "kind": "money", "total": True}],
        "rows": [["=1+1", "10.50"], ["José", 2], [None, "-0.01"]],
    },
}


class CountedFiles:
    """The real files, counted."""

    def __init__(self, files: ReportWriter) -> None:
        self.files, self.written = files, 0
        self.before: Callable[[], object] = lambda: None

    def write(self, report: Report, table: Any, rows: Any, left_out: Callable[[], int]) -> ReportFile:
        self.written += 1
        self.before()
        return self.files.write(report, table, rows, left_out)


class Reports:
    """All functions of reports, as they are deployed."""

    def __init__(self, resources: ReportResources, clock: Clock | None = None) -> None:
        self.resources = resources
        world, environment = replace(resources.world(), clock=clock or FakeClock(NOW)), resources.environment()
        bucket = ReportBucket(world.s3, resources.bucket, world.sending)
        self.files = CountedFiles(ReportWriter(bucket, world.clock))
        self._write = write_reports.build(write_reports.Settings.load(environment), world)
        self._read = read_reports.build(
            read_reports.Settings.load(environment), world, lambda: SecretsProvider(boto3_client=self.secrets)
        )
        self._generate = generate_report.build(generate_report.Settings.load(environment), world, self.files)
        self.table = ReportTable(resources.dynamodb, resources.table("reports"))

    def post(self, body: object = BODY, path: str = "/reports", caller: Caller | None = None, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._answer(self._write, an_api_event("POST", path, body, named, caller=caller))

    def get(self, path: str, caller: Caller | None = None) -> Answer:
        return self._answer(self._read, an_api_event("GET", path, caller=caller))

    @cached_property
    def secrets(self) -> Any:
        """A client of Secrets Manager."""
        return self.resources.session.client("secretsmanager")

    def make_link_keys(self) -> LinkKeys:
        """In Secrets Manager, as CDK makes them."""
        keys = LinkKeys("first", {"first": secrets.token_urlsafe(48)})
        content = json.dumps({"current": keys.current, **keys.by_id})
        self.secrets.create_secret(Name=self.resources.link_keys_secret, SecretString=content)
        return keys

    def follow(self, token: str) -> Answer:
        """As anybody: API Gateway asks no authorizer."""
        event = an_api_event("GET", f"/links/{token}")
        del event["requestContext"]["authorizer"]
        return self._answer(self._read, event)

    def generate(self, context: Context | None = None) -> list[str]:
        """Hand over what the queue has; give the ids that stay."""
        return self.hand_over(*self.deliveries(), context=context)

    def deliveries(self) -> list[ReportDelivery]:
        return [
            ReportDelivery(
                message["MessageId"],
                message["ReceiptHandle"],
                message["Attributes"]["MessageGroupId"],
                int(message["Attributes"]["ApproximateReceiveCount"]),
                NOW,
                ReportMessage.parse(message["Body"]),
            )
            for message in self.resources.messages()
        ]

    def hand_over(self, *deliveries: ReportDelivery, context: Context | None = None) -> list[str]:
        answer = self._generate(an_sqs_event(*deliveries), context or Context())  # type: ignore[arg-type]
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def raw(self, event: dict[str, Any]) -> Answer:
        return self._answer(self._write if event["httpMethod"] == "POST" else self._read, event)

    def _answer(self, handler: Any, event: dict[str, Any]) -> Answer:
        answer = handler(event, Context())
        headers = {name: values[0] for name, values in answer["multiValueHeaders"].items()}
        return Answer(answer["statusCode"], headers, answer["body"])


@pytest.fixture
def reports(report_resources: ReportResources) -> Reports:
    return Reports(report_resources)


def test_a_report_from_request_to_file(reports: Reports) -> None:
    accepted = reports.post()
    assert (accepted.status, accepted.body["status"]) == (202, "requested")
    path = f"/{accepted.headers['Location']}"
    assert reports.get(path).body["status"] == "requested"
    assert reports.get(f"{path}/download").status == 409

    assert reports.generate() == []
    ready = reports.get(path).body
    assert (ready["status"], ready["rows"], ready["format"]) == ("ready", 3, "csv")
    key = f"reports/{ready['report_id']}/"
    assert key in ready["download_url"]
    (stored,) = [found for found in reports.resources.keys() if found.startswith(key)]  # noqa: SIM118
    content = reports.resources.s3.get_object(Bucket=reports.resources.bucket, Key=stored)["Body"].read()
    assert len(content) == ready["bytes"]
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert rows == [["Name", "Amount"], ["'=1+1", "10.50"], ["José", "2.00"], ["", "-0.01"]]

    there = reports.get(f"{path}/download")
    assert (there.status, key in there.headers["Location"]) == (303, True)
    assert there.headers["Cache-Control"] == "private, no-store"


def test_the_same_request_is_answered_alike_and_written_once(reports: Reports) -> None:
    first = reports.post()
    answers = [reports.post(json.loads(json.dumps(BODY))) for _ in range(3)]
    assert {answer.text for answer in answers} == {first.text}
    assert answers[0].headers["Idempotency-Replayed"] == "true"
    reports.generate()
    assert reports.post().text == first.text
    reports.generate()
    assert reports.files.written == 1


def test_a_key_asks_for_a_fresh_one_and_is_replayed(reports: Reports) -> None:
    plain = reports.post()
    keyed = reports.post(Idempotency_Key="k-1")
    assert keyed.body["report_id"] != plain.body["report_id"]
    again = reports.post(X_Idempotency_Key="k-1")
    assert (again.text, again.headers["Idempotency-Replayed"]) == (keyed.text, "true")
    other = reports.post({**BODY, "format": "xlsx"}, Idempotency_Key="k-1")
    assert (other.status, other.body["type"]) == (422, "urn:comanda:problem:key-reused")


def test_two_callers_never_share_a_key(reports: Reports) -> None:
    mine = reports.post(Idempotency_Key="k-1")
    theirs = reports.post(caller=a_caller("mobile"), Idempotency_Key="k-1")
    assert (theirs.status, theirs.body["report_id"] == mine.body["report_id"]) == (202, False)
    assert "Idempotency-Replayed" not in theirs.headers


def test_after_a_crash_between_file_and_row_nothing_is_written_a_second_time(reports: Reports) -> None:
    report_id = reports.post().body["report_id"]
    requested = reports.table.get(report_id)
    assert requested
    message = ReportMessage.about(requested)
    delivery = ReportDelivery(str(uuid.uuid4()), "receipt", report_id, 1, NOW, message)
    assert reports.hand_over(delivery) == []
    ready = reports.table.get(report_id)
    assert ready
    reports.resources.dynamodb.delete_item(
        TableName=reports.resources.table("reports"), Key={"report_id": {"S": report_id}}
    )
    reports.table.claim(requested)  # As if the last write had never come.
    assert reports.hand_over(delivery) == []
    again = reports.table.get(report_id)
    assert again
    assert (again.status, again.file, reports.files.written) == (ReportStatus.READY, ready.file, 1)


def test_worker_that_lost_its_lease_changes_nothing_and_its_file_serves(reports: Reports) -> None:
    """Its clock stood still: another one takes the lease, finds the file being written, and comes again."""
    report_id = reports.post().body["report_id"]
    requested = reports.table.get(report_id)
    assert requested
    delivery = ReportDelivery(str(uuid.uuid4()), "receipt", report_id, 1, NOW, ReportMessage.about(requested))
    second = replace(delivery, receive_count=2)
    other = Reports(reports.resources, clock=FakeClock(NOW + timedelta(minutes=2)))
    reports.files.before = lambda: handed_back.extend(other.hand_over(second))
    handed_back: list[str] = []
    assert reports.hand_over(delivery) == [delivery.message_id]
    assert handed_back == [delivery.message_id]
    left = reports.table.get(report_id)
    assert left
    assert (left.status, left.attempts_of(delivery.message_id)) == (ReportStatus.GENERATING, 1)
    assert other.hand_over(replace(delivery, receive_count=3)) == []
    ready = reports.table.get(report_id)
    assert ready
    assert ready.status is ReportStatus.READY
    assert reports.files.written + other.files.written == 1
    assert reports.resources.keys().count(ready.file.key if ready.file else "") == 1


def test_what_has_expired_is_written_anew_for_those_who_ask_again(reports: Reports) -> None:
    first = reports.post()
    assert reports.generate() == []
    later = Reports(reports.resources, clock=FakeClock(NOW + timedelta(days=8)))
    assert later.get(f"/{first.headers['Location']}").body["status"] == "expired"
    again = later.post()
    assert (again.body["report_id"], "Idempotency-Replayed" in again.headers) == (first.body["report_id"], False)
    anew = later.table.get(again.body["report_id"])
    assert anew
    message = ReportMessage.about(anew)
    assert later.hand_over(ReportDelivery(str(uuid.uuid4()), "receipt", anew.report_id, 1, NOW, message)) == []
    assert (later.files.written, len(later.resources.keys())) == (1, 3), "two files, and the table"
    ready = later.get(f"/{first.headers['Location']}").body
    assert (ready["status"], ready["as_of"] > first.body["created_at"]) == ("ready", True)


UPLOADS = "/reports/uploads"


@pytest.mark.parametrize(
    ("body", "field", "says"),
    [
        (None, "bytes", 'such as {"bytes": 1048576}'),
        ({}, "bytes", 'such as {"bytes": 1048576}'),
        ({"bytes": 200 * 2**20 + 1}, "bytes", "from 1 to 209715200"),
        ({"bytes": 0}, "bytes", "from 1 to 209715200"),
        ({"bytes": -1}, "bytes", "from 1 to 209715200"),
        ({"bytes": 10**40}, "bytes", "from 1 to 209715200"),
        ({"bytes": "100"}, "bytes", "is a whole number"),
        ({"bytes": 100.0}, "bytes", "is a whole number"),
        ({"bytes": True}, "bytes", "is a whole number"),
        ({"bytes": 1, "content_type": "text/html"}, "content_type", "one of application/x-ndjson"),
        ({"bytes": 1, "content_type": 7}, "content_type", "one of application/x-ndjson"),
        ({"bytes": 1, "name": "x"}, "name", "is not a field"),
    ],
)
def test_an_upload_that_would_break_a_rule_gets_no_link(reports: Reports, body: object, field: str, says: str) -> None:
    refused = reports.post(body, path=UPLOADS)
    assert refused.status == 422
    assert says in {fault["field"]: fault["message"] for fault in refused.body["errors"]}[field]
    assert reports.resources.dynamodb.scan(TableName=reports.resources.table("idempotency"))["Count"] == 0, (
        "not counted"
    )


def test_an_upload_says_what_the_put_has_to_have(reports: Reports) -> None:
    given = reports.post({"bytes": 12}, path=UPLOADS).body
    assert given["headers"] == {"Content-Type": "application/x-ndjson", "Content-Length": "12"}
    other = reports.post({"bytes": 12, "content_type": "application/json"}, path=UPLOADS).body
    assert other["headers"]["Content-Type"] == "application/json"


def test_so_many_uploads_an_hour_and_no_more(report_resources: ReportResources) -> None:
    clock = StillClock(NOW)
    reports = Reports(report_resources, clock)
    answers = [reports.post({"bytes": 1}, path=UPLOADS) for _ in range(62)]
    assert [answer.status for answer in answers] == [201] * 60 + [429] * 2
    refused = answers[-1]
    assert refused.body["type"] == "urn:comanda:problem:quota-exceeded"
    assert refused.headers["Retry-After"] == "1801", "half an hour is left of it"
    assert reports.post({"bytes": 1}, path=UPLOADS, caller=a_caller("mobile", Origin.MOBILE)).status == 201
    clock.now += timedelta(seconds=int(refused.headers["Retry-After"]))
    assert reports.post({"bytes": 1}, path=UPLOADS).status == 201


def test_both_spellings_of_a_key_are_one_report_and_an_older_one_is_found(reports: Reports) -> None:
    first = reports.post(Idempotency_Key='"k-1"')
    assert reports.post(Idempotency_Key="k-1").text == first.text
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("comanda.adapters.http.key_header._key_of", HeaderKey)  # As an older release took it.
        older = reports.post(Idempotency_Key='"k-2"')
    again = reports.post(Idempotency_Key='"k-2"')
    assert (again.text, again.headers["Idempotency-Replayed"]) == (older.text, "true")
    assert reports.post(Idempotency_Key="k-2").body["report_id"] != older.body["report_id"]
    assert reports.post(Idempotency_Key='"k-2').status == 400


def test_an_uploaded_table_goes_by_reference(reports: Reports) -> None:
    upload = reports.post({"bytes": 100}, path="/reports/uploads")
    assert upload.status == 201
    upload_id = upload.body["upload_id"]
    parameters = {**BODY["parameters"], "upload_id": upload_id}
    del parameters["rows"]
    refused = reports.post({**BODY, "parameters": parameters})
    assert refused.body["errors"][0]["field"] == "parameters.upload_id"
    reports.resources.s3.put_object(
        Bucket=reports.resources.bucket, Key=f"tables/web/{upload_id}.jsonl", Body=b'["a", "1.00"]\n["b"]\n'
    )
    report_id = reports.post({**BODY, "parameters": parameters}).body["report_id"]
    (stays,) = reports.generate()
    assert stays
    failure = reports.get(f"/reports/{report_id}").body["failure"]
    assert (failure["class"], failure["stage"], failure["attempts"]) == ("InvalidTable", "generation", 1)
    assert failure["message"] == "row 2: 1 cells for 2 columns"


def test_a_report_is_cancelled_and_a_stranger_sees_none(reports: Reports) -> None:
    path = f"/{reports.post().headers['Location']}"
    assert reports.get(path, a_caller("mobile")).status == 404
    assert reports.post(None, f"{path}/cancel", a_caller("mobile")).status == 404
    assert reports.post(None, f"{path}/cancel").body["status"] == "cancelled"
    assert reports.generate() == []
    assert reports.get(f"{path}/download").status == 409


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({}, 422, "type"),
        ({**BODY, "type": 1}, 422, "type"),
        ({**BODY, "type": "poem"}, 422, "type"),
        ({**BODY, "format": "docx"}, 422, "xlsx, pdf, csv"),
        ({**BODY, "format": ["csv"]}, 422, "xlsx, pdf, csv"),
        ({**BODY, "parameters": []}, 422, "JSON object"),
        ({**BODY, "colour": 1}, 422, "colour"),
        ("{", 400, "not JSON"),
        (json.dumps({**BODY, "parameters": "x" * 2**20}), 413, "1048576"),
    ],
)
def test_what_is_no_report_is_told_why(reports: Reports, body: object, status: int, says: str) -> None:
    answer = reports.post(body)
    assert (answer.status, says in answer.text) == (status, True), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_message_that_is_not_ours_is_let_through(reports: Reports) -> None:
    delivery = ReportDelivery("m-1", "receipt", "g", 1, NOW, None)
    assert reports.hand_over(delivery) == ["m-1"]


OPS = a_caller("ops", Origin.API, frozenset(Scope))


def completed(reports: Reports, count: int) -> Balance:
    """So many orders of one recipient, all of them in its ledger."""
    resources = reports.resources
    ledger = LedgerTable(resources.dynamodb, resources.table("ledger"), resources.table("orders"))
    for number in range(count):
        order = an_enriched_order(f"{number}.10", recipient_id="r-1")
        resources.orders.claim(order)
        ledger.post(posting_of(ledger.balance("r-1") or Balance("r-1", "BRL"), [order], NOW))
    balance = ledger.balance("r-1")
    assert balance
    return balance


@pytest.mark.parametrize("report_format", ["xlsx", "pdf", "csv"])
@pytest.mark.parametrize("report_type", ["orders", "recipient-statement", "summary"])
def test_each_type_in_each_format_ends_in_a_file(reports: Reports, report_type: str, report_format: str) -> None:
    balance = completed(reports, 25)
    parameters = {"from": "2026-11-01", "to": "2026-11-22", "recipient_id": "r-1"}
    body = {"type": report_type, "format": report_format, "parameters": parameters}
    report_id = reports.post(body, caller=OPS).body["report_id"]
    assert reports.generate() == []
    ready = reports.get(f"/reports/{report_id}", OPS).body
    assert ready["status"] == "ready", ready
    (key,) = reports.resources.keys()
    content = reports.resources.s3.get_object(Bucket=reports.resources.bucket, Key=key)["Body"].read()
    assert text_of(report_format, content).count(f"{balance.amount:.2f}") >= 1


A_DAY_LEFT_OUT = {"from": "2011-12-30", "to": "2011-12-30", "time_zone": "Pacific/Apia"}
TODAY = {"from": "2026-11-22", "to": "2026-11-22"}


@pytest.mark.parametrize("report_format", ["xlsx", "pdf", "csv"])
@pytest.mark.parametrize("report_type", ["orders", "recipient-statement", "summary"])
@pytest.mark.parametrize(
    ("days", "asked_at"),
    [
        (A_DAY_LEFT_OUT, NOW),
        (TODAY, NOW.replace(hour=0, minute=0)),
        (TODAY, NOW.replace(hour=0, minute=0, microsecond=999)),
    ],
)
def test_an_empty_period_is_an_empty_file(
    report_resources: ReportResources, days: dict[str, str], asked_at: datetime, report_type: str, report_format: str
) -> None:
    """And no query has its bounds the wrong way round: DynamoDB refuses one, which moto lets pass."""
    clock = StillClock(asked_at)
    reports = Reports(report_resources, clock)
    completed(reports, 2)
    bounds: list[tuple[str, str]] = []

    def look(params: dict[str, Any], **_: Any) -> None:
        values = params["ExpressionAttributeValues"]
        assert "BETWEEN :first AND :last" in params["KeyConditionExpression"]
        bounds.append((values[":first"]["S"], values[":last"]["S"]))

    report_resources.dynamodb.meta.events.register("provide-client-params.dynamodb.Query", look)
    parameters = {**days, "locale": "en-US", "recipient_id": "r-1"}
    body = {"type": report_type, "format": report_format, "parameters": parameters}
    asked = reports.post(body, caller=OPS)
    clock.now += timedelta(minutes=1)
    assert reports.generate() == []
    ready = reports.get(f"/reports/{asked.body['report_id']}", OPS).body
    rows = {"orders": 0, "summary": 1, "recipient-statement": 2}[report_type]
    assert (ready["status"], ready["rows"]) == ("ready", rows)
    assert all(first <= last for first, last in bounds)
    assert bool(bounds) is (report_type == "recipient-statement"), "an empty period is not asked for at all"


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        ({}, (595, 842)),
        ({"locale": "en-US"}, (612, 792)),
        ({"locale": "en-US", "paper": "A4"}, (595, 842)),
        ({"paper": "Letter"}, (612, 792)),
    ],
)
def test_paper_follows_the_locale_unless_another_is_named(
    reports: Reports, asked: dict[str, str], size: tuple[int, int]
) -> None:
    body = {**BODY, "format": "pdf", "parameters": {**BODY["parameters"], **asked}}
    report_id = reports.post(body).body["report_id"]
    assert reports.generate() == []
    (key,) = (key for key in reports.resources.keys() if report_id in key)  # noqa: SIM118
    content = reports.resources.s3.get_object(Bucket=reports.resources.bucket, Key=key)["Body"].read()
    (page,) = pypdfium2.PdfDocument(content)
    assert tuple(map(round, page.get_size())) == size


def test_paper_that_nobody_prints_on_is_refused(reports: Reports) -> None:
    refused = reports.post({**BODY, "parameters": {**BODY["parameters"], "paper": "A3"}})
    assert (refused.status, refused.body["errors"][0]["field"]) == (422, "parameters.paper")


def text_of(report_format: str, content: bytes) -> str:
    """All that a reader of the file sees, with decimal points."""
    match report_format:
        case "csv":
            text = content.decode("utf-8-sig")
            if "Saldo" not in text and "Valor concluído" not in text:  # CSV has no totals row: its reader adds up.
                amounts = [Decimal(row[7]) for row in list(csv.reader(io.StringIO(text)))[1:]]
                return f"{sum(amounts):.2f}"
            return text
        case "pdf":
            document = pypdfium2.PdfDocument(content)
            pages = [page.get_textpage().get_text_bounded() for page in document]
            return "".join(pages).replace(".", "").replace(",", ".")
    sheet: Any = openpyxl.load_workbook(io.BytesIO(content), data_only=True).active
    cells = [cell for row in sheet.iter_rows(values_only=True) for cell in row]
    return " ".join(f"{cell:.2f}" if isinstance(cell, int | float) else str(cell) for cell in cells)
