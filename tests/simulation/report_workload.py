"""Who asks for reports: clients that ask twice, look, download, take back and ask again; and operators."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

from comanda.adapters.reports.queue import ReportQueuePublisher
from comanda.adapters.reports.table import ReportTable
from comanda.application.delivery.open_run import OpenRun
from comanda.application.reports.redrive import DiscardReport, RedriveReport
from comanda.domain.reports.report import Report
from comanda.domain.shared.errors import IllegalTransition, NotFound, Unavailable
from tests.simulation.faults import OPERATOR, REPORT_STEWARD, Aim, Scenario
from tests.simulation.report_system import DAY, ReportSystem
from tests.simulation.s3_wire import address_of
from tests.simulation.workload import CALLERS, Exchange, Workload
from tests.support.fakes import FakeTelemetry

RAGGED = "ragged"
"""A table whose last row has a cell too many: found out when it is written."""
_MAKES_FOR = {
    "write_reports": {
        "Query orders": ("orders", "pdf"),
        "GetItem ledger": ("recipient-statement", "csv"),
        "PutObject report-files": ("table", "csv"),
        "HeadObject report-files": ("table", "csv"),
    },
    "generate_report": {
        "Query orders": ("orders", "csv"),
        "BatchGetItem orders": ("orders", "csv"),
        "GetItem ledger": ("recipient-statement", "csv"),
        "Query ledger": ("recipient-statement", "csv"),
        "GetObject report-files": ("table", "csv"),
        "CreateMultipartUpload report-files": ("table", "xlsx"),
        "UploadPart report-files": ("table", "xlsx"),
        "CompleteMultipartUpload report-files": ("table", "xlsx"),
        "AbortMultipartUpload report-files": ("table", "xlsx"),
        "PutObject report-files": ("table", "csv"),
        "HeadObject report-files": ("table", "csv"),
    },
    OPERATOR: dict.fromkeys(("GetItem reports", "SendMessage reports.fifo", "UpdateItem reports"), ("table", "csv")),
}
"""By function and call: type and format of a report that comes to this call, for the runs that aim at it."""
MANY = 13
"""Reports, so that ten dead letters are there at once, whatever operators do."""
_IN_DOUBT = {0, 409, 429, 500, 502, 503, 504}


@dataclass
class ReportIntent:
    """A report that a client wants."""

    caller: str
    type: str
    format: str
    parameters: Mapping[str, Any]
    key: tuple[str, str] | None
    rows: list[list[str]] = field(default_factory=list)
    """Of a table."""
    flaw: str = ""
    uploads: bool = False
    """The rows are uploaded first."""
    upload_id: str = ""
    upload_url: str = ""
    replaced: bool = False
    """Another table was put in the place of the one that was asked for."""
    notify: list[Mapping[str, Any]] = field(default_factory=list)
    """Who may be told of it: one of these each time it is asked for."""

    def rows_of(self, size: int) -> list[list[str]]:
        """What the table held that has so many bytes as lines of JSON: where it was replaced, it has another size."""
        return self.rows[1:] if self.replaced and size != len(lines_of(self.rows)) else self.rows

    def written(self, random: Random) -> str:
        """The same request in one of the ways of writing it."""
        parameters = dict(self.parameters)
        if self.type == "table":
            parameters |= {"upload_id": self.upload_id} if self.uploads else {"rows": self.rows}
        if random.random() < 0.3:
            parameters["time_zone"] = "UTC"  # As if it were left out.
        names = list(parameters)
        random.shuffle(names)
        told = {"notify": random.choice(self.notify)} if self.notify else {}
        parameters = {name: parameters[name] for name in names}
        return json.dumps({"type": self.type, "format": self.format, "parameters": parameters, **told})


@dataclass(frozen=True)
class Download:
    """What a link gave that was followed at once; `digest` and `size` None where it gave nothing."""

    at: float
    report_id: str
    status: int
    key: str
    digest: str | None = None
    size: int | None = None
    view: Mapping[str, Any] | None = None
    """What GET /reports/{id} said together with the link."""


@dataclass
class ReportWorkload:
    workload: Workload
    reports: ReportSystem
    random: Random
    intents: list[ReportIntent] = field(default_factory=list)
    asked: dict[str, ReportIntent] = field(default_factory=dict)
    """By the id that was answered."""
    uploaders: dict[str, str] = field(default_factory=dict)
    """By upload id: the caller whose table it is."""
    downloads: list[Download] = field(default_factory=list)
    operated: list[tuple[float, str, str]] = field(default_factory=list)
    """Time, deed and report id: what operators did to reports."""

    def __post_init__(self) -> None:
        self.workload.joined.append(self)

    def begin(self) -> None:
        faults = self.workload.system.faults
        if Scenario.MANY_FAILED_REPORTS in faults.scenarios:
            self.intents = [self._drawn_table(number, "csv", None) for number in range(MANY)]
        else:
            self.intents = [self._drawn_intent(number) for number in range(self.random.randint(2, 3))]
        for intent in list(self.intents):
            if self.random.random() < 0.15:  # Another caller asks for the same, under the same key.
                self.intents.append(replace(intent, caller="mobile" if intent.caller == "web" else "web"))
        for intent in self.intents:
            self._start("client", self.random.uniform(0, 60), partial(self._want, intent))
        much_to_do = faults.aims_at(OPERATOR) or faults.aims_at(REPORT_STEWARD)
        for _ in range(4 if much_to_do else self.random.choice((0, 0, 1, 2))):
            self._operate(self.random.uniform(20, 700 if much_to_do else 400))
        if self.random.random() < 0.3:
            self.reports.at_dead_letter = self._act_on_dead_letter
        if self.random.random() < 0.2:
            self.reports.at_claim = self._be_curious
        if self.random.random() < 0.25:
            self.reports.at_order = self._ask_while_the_index_lags
        if faults.aims_at(REPORT_STEWARD):
            self._break_the_worker()

    # Clients.

    def _drawn_intent(self, number: int) -> ReportIntent:
        random, aim = self.random, self._aim_of(number)
        kind = random.choice(("orders", "summary", "recipient-statement", "table", "table", "table"))
        report_format = random.choice(("csv", "csv", "xlsx", "xlsx", "xlsx")) if random.random() < 0.96 else "pdf"
        if aim:
            kind, report_format = _MAKES_FOR.get(aim.function, {}).get(aim.call, (kind, report_format))
        keys = 0.9 if aim and aim.function == "write_reports" and aim.call.endswith(" idempotency") else 0.4
        key = ("header", f"report-key-{number}") if random.random() < keys else None
        if kind == "table":
            return self._drawn_table(number, report_format, key)
        first = self.reports.system.scheduler.time()
        today = self._today()
        yesterday = datetime.fromtimestamp(first - DAY, UTC).date().isoformat()
        parameters = {"from": random.choice((today, yesterday)), "to": today, "locale": "en-US"}
        caller = random.choice(("web", "mobile", "ops"))
        if kind == "recipient-statement":
            parameters["recipient_id"] = "r-1"
            caller = "ops" if random.random() < 0.9 else caller
        return ReportIntent(caller, kind, report_format, parameters, key)

    def _aim_of(self, number: int) -> Aim | None:
        """The first reports are such as come to the calls that are aimed at."""
        aims = self.reports.system.faults.report_aims
        return aims[number] if number < len(aims) else None

    def _today(self) -> str:
        return datetime.fromtimestamp(self.reports.system.scheduler.time(), UTC).date().isoformat()

    def _drawn_table(self, number: int, report_format: str, key: tuple[str, str] | None) -> ReportIntent:
        random, aim = self.random, self._aim_of(number)
        sizes: Sequence[int] = (3, 30, 120, 400)
        if aim and aim.function == "generate_report":
            sizes = (3, 30) if report_format == "csv" else (120, 400)
        rows = [
            [f"name {number}-{row}", f"{random.randint(-9999, 99999) / 100:.2f}"] for row in range(random.choice(sizes))
        ]
        columns = [{"title": "Name"}, {"title": "Amount", "kind": "money", "total": True}]
        parameters = {"title": f"Table {number}", "columns": columns, "locale": "en-US"}
        faults = self.reports.system.faults
        fails = 1.0 if Scenario.MANY_FAILED_REPORTS in faults.scenarios else 0.8 if faults.aims_at(OPERATOR) else 0.15
        flaw = RAGGED if random.random() < fails else ""
        uploads = bool(flaw) or random.random() < 0.3
        caller = random.choice(("web", "mobile"))
        return ReportIntent(caller, "table", report_format, parameters, key, rows, flaw, uploads)

    def _ask_while_the_index_lags(self) -> None:
        """For the orders of today, once, just after one was accepted."""
        self.reports.at_order = lambda: None
        parameters = {"from": self._today(), "to": self._today(), "locale": "en-US"}
        intent = ReportIntent("ops", "orders", "csv", parameters, None)
        self._start("client", self.random.uniform(0.55, 0.9), partial(self._want, intent))

    def _be_curious(self, report_id: str) -> None:
        """Somebody who guesses ids looks for a report before anybody was told of it."""
        delay = self.random.uniform(0, 0.01)
        self._start("client", delay, lambda: self._exchange("ops", "GET", f"/reports/{report_id}"))

    def _want(self, intent: ReportIntent) -> None:
        """Ask, look how far it is, download, and perhaps ask once more."""
        if intent.uploads and not self._upload(intent):
            return
        if intent.uploads and self.random.random() < 0.1:
            thief = "mobile" if intent.caller == "web" else "web"
            self._exchange(thief, "POST", "/reports", intent.written(self.random))
        if self.random.random() < 0.35:
            self._start("twin", self.random.choice((0.0, 0.005, 0.3)), partial(self._ask, intent))
        report_id = self._ask(intent)
        if report_id is None:
            return
        aims_at_cancel = Aim("write_reports", "GetItem reports") in self.reports.system.faults.report_aims
        if self.random.random() < (0.9 if aims_at_cancel else 0.15):
            self._sleep(self.random.choice((0.0, 0.02, 1.0)))
            self._exchange(intent.caller, "POST", f"/reports/{report_id}/cancel")
        if intent.uploads and not intent.flaw and self.random.random() < 0.1:
            self._put_rows(intent, intent.rows[1:])
            intent.replaced = True
        self._watch(intent.caller, report_id)
        if not intent.replaced and self.random.random() < 0.4:
            self._sleep(self.random.choice((1, 60, 310, 700)))
            if again := self._ask(intent):
                self._watch(intent.caller, again)

    def _ask(self, intent: ReportIntent) -> str | None:
        """The id of a 202."""
        for attempt in range(1, self.random.choice((3, 5, 9))):
            text = intent.written(self.random)
            if intent.key and self.random.random() < 0.06:  # A key used for something else.
                text = text.replace('"en-US"', '"pt-BR"')
            answer = self._exchange(intent.caller, "POST", "/reports", text, intent.key)
            if answer.status == 202:
                report_id = str(answer.answer["report_id"])
                self.asked[report_id] = intent
                return report_id
            no_ledger_yet = answer.status == 422 and intent.type == "recipient-statement"
            if answer.status not in _IN_DOUBT and not no_ledger_yet:
                return None
            self._sleep(30.0 if no_ledger_yet else self.random.choice((0.1, 1.0, 3.0 * attempt, 310.0)))
        return None

    def _upload(self, intent: ReportIntent) -> bool:
        """Put the rows where POST /reports/uploads says. Whether that was answered."""
        for _ in range(5):
            rows = [*intent.rows, ["one", "1.00", "too many"]] if intent.flaw else intent.rows
            size = json.dumps({"bytes": len(lines_of(rows))})
            place = self._exchange(intent.caller, "POST", "/reports/uploads", size)
            if place.status == 201:
                intent.upload_id, intent.upload_url = place.answer["upload_id"], place.answer["upload_url"]
                self.uploaders[intent.upload_id] = intent.caller
                self._put_rows(intent, rows)
                return True
            self._sleep(3)
        return False

    def _put_rows(self, intent: ReportIntent, rows: Sequence[Sequence[str]]) -> None:
        bucket, key = address_of(intent.upload_url)
        self.reports.s3.call("PutObject", {"Bucket": bucket, "Key": key, "Body": lines_of(rows)})

    def _watch(self, caller: str, report_id: str) -> None:
        """Until it is settled, or patience ends."""
        for look in range(self.random.choice((1, 4, 12))):
            if self.random.random() < 0.1:
                self._peep(report_id)
            seen = self._exchange(caller, "GET", f"/reports/{report_id}")
            if seen.status == 200 and seen.answer["status"] == "ready":
                self._follow(report_id, seen.answer["download_url"], seen.answer)
            if seen.status == 200 and seen.answer["status"] not in {"requested", "generating"}:
                break
            self._sleep(self.random.uniform(0.05, 3 + 3 * look))
        if self.random.random() < 0.5:
            answer = self._exchange(caller, "GET", f"/reports/{report_id}/download")
            if answer.status == 303:
                self._follow(report_id, answer.location, None)

    def _peep(self, report_id: str) -> None:
        stranger = self.random.choice([*CALLERS])
        what = self.random.choice(("", "/download"))
        self._exchange(stranger, "GET", f"/reports/{report_id}{what}")

    def _follow(self, report_id: str, link: str, view: Mapping[str, Any] | None) -> None:
        """Get the file from the bucket, as a browser does."""
        now, (bucket, key) = self.reports.system.scheduler.time(), address_of(link)
        found = self.reports.s3.buckets[bucket].objects.get(key)
        if found is None or now > _dies_at(link):
            got = Download(now, report_id, 403 if found else 404, key, view=view)
        else:
            got = Download(now, report_id, 200, key, sha256(found.content).hexdigest(), len(found.content), view)
        self.downloads.append(got)
        self.reports.system.history.counts["report downloaded"] += 1
        self.reports.system.history.tell(f"follows a link: {got.status} {key}", report_id)

    def ask_again(self) -> None:
        """Long after, clients ask for what they asked for before."""
        for intent in self.intents:
            if (intent.upload_id or not intent.uploads) and not intent.replaced and self.random.random() < 0.4:
                self._start("client", 0, partial(self._ask_and_watch, intent))

    def _ask_and_watch(self, intent: ReportIntent) -> None:
        if report_id := self._ask(intent):
            self._watch(intent.caller, report_id)

    # Operators.

    def redrive_everything(self) -> None:
        self._start("operator", 0, self._redrive)

    def _operate(self, delay: float) -> None:
        deed = self.random.choice((self._redrive, self._redrive, self._redrive_by_console, self._discard))
        self._start("operator", delay, deed)

    def _act_on_dead_letter(self) -> None:
        """A hasty operator, at the worst moment: about when the reconciler comes by."""
        if self.reports.system.faults.active and self.random.random() < 0.3:
            self._operate(self.random.uniform(0, 70))

    def _redrive(self) -> None:
        world = self.reports.system.world()
        publisher = ReportQueuePublisher(world.sqs, self.reports.queue.url)
        table = ReportTable(world.dynamodb, "reports")
        self._act(
            "redrive", table, RedriveReport(table, OpenRun(table, publisher, FakeTelemetry(), world.clock), world.clock)
        )

    def _discard(self) -> None:
        world = self.reports.system.world()
        table = ReportTable(world.dynamodb, "reports")
        self._act("discard", table, DiscardReport(table, FakeTelemetry(), world.clock))

    def _act(self, deed: str, table: ReportTable, act: Callable[[str], Report]) -> None:
        """As the CLI does: on every failed report that nobody discarded."""
        try:
            chosen = [
                report.report_id for report in table.failed() if isinstance(report, Report) and not report.discarded
            ]
        except Unavailable:
            return
        for report_id in chosen:
            self.operated.append((self.reports.system.scheduler.time(), deed, report_id))
            self.reports.system.history.tell(f"{deed}s by CLI", report_id)
            try:
                act(report_id)
            except (NotFound, IllegalTransition, Unavailable) as error:
                self.reports.system.history.tell(f"the {deed} was refused: {error}", report_id)
            self._sleep(0.1)

    def _redrive_by_console(self) -> None:
        dead = self.reports.dead_letter_queue
        for message in self.reports.system.sqs.move_back(dead, self.random.choice((None, 1, 3))):
            report_id = json.loads(message.body)["report_id"]
            self.operated.append((self.reports.system.scheduler.time(), "move", report_id))

    # Trouble.

    def _break_the_worker(self) -> None:
        """For so long that reports are dead-lettered untried, once or twice."""
        system, at = self.reports.system, self.random.uniform(1, 30)
        lasts = self.random.choice((300, 900))
        system.functions.break_for("generate_report", at, lasts)

    def _exchange(
        self, caller: str, method: str, path: str, text: str = "", key: tuple[str, str] | None = None
    ) -> Exchange:
        return self.workload.exchange(caller, method, path, text, key)

    def _start(self, kind: str, delay: float, deed: Callable[[], object]) -> None:
        self.workload.people.start(kind, delay, deed)

    def _sleep(self, seconds: float) -> None:
        self.workload.people.sleep(seconds)


def lines_of(rows: Sequence[Sequence[str]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _dies_at(link: str) -> float:
    """Until when a presigned link is good ("Authenticating requests: using query parameters")."""
    query = parse_qs(urlsplit(link).query)
    signed = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return signed.timestamp() + int(query["X-Amz-Expires"][0])
