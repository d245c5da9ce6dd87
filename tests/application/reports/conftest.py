"""The use cases of reports, with fakes around them."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from comanda.application.delivery.open_run import OpenRun
from comanda.application.delivery.reconciler import Reconciler
from comanda.application.delivery.worker import Worker
from comanda.application.reports.accept import AcceptedReport, AcceptReport
from comanda.application.reports.cancel import CancelReport
from comanda.application.reports.generate import GenerateReport, Limits
from comanda.application.reports.ports import OrderLine, Sources
from comanda.application.reports.read import ReadReport
from comanda.application.reports.redrive import DiscardReport, RedriveReport
from comanda.domain.delivery.messages import Delivery
from comanda.domain.delivery.retry import RetryPolicy
from comanda.domain.orders.order import OrderStatus
from comanda.domain.reports.messages import ReportDelivery, ReportMessage
from comanda.domain.reports.report import STAGE, Report, ReportFormat
from comanda.domain.shared.access import Caller, Origin
from comanda.domain.shared.errors import PermanentError
from comanda.domain.shared.notify import Notify
from tests.support.builders import NOW, a_caller
from tests.support.fakes import FakeClock, FakeDeadLetters, FakeLedger, FakeOrders, FakeQueue, FakeTelemetry
from tests.support.report_fakes import (
    FakeFiles,
    FakeLinks,
    FakeOrderPeriods,
    FakeReportPublisher,
    FakeReports,
    FakeTables,
)

A_TABLE: dict[str, Any] = {"title": "Mine", "columns": [{"title": "A"}], "rows": [["x"], ["y"]]}
WEEK = timedelta(days=7)
LEASE = 60


@dataclass
class Scene:
    reports: FakeReports = field(default_factory=FakeReports)
    publisher: FakeReportPublisher = field(default_factory=FakeReportPublisher)
    files: FakeFiles = field(default_factory=FakeFiles)
    links: FakeLinks = field(default_factory=FakeLinks)
    queue: FakeQueue = field(default_factory=FakeQueue)
    telemetry: FakeTelemetry = field(default_factory=FakeTelemetry)
    dead: FakeDeadLetters[ReportDelivery] = field(default_factory=lambda: FakeDeadLetters(stage=STAGE))
    clock: FakeClock = field(default_factory=FakeClock)
    tables: FakeTables = field(default_factory=FakeTables)
    orders: FakeOrderPeriods = field(default_factory=FakeOrderPeriods)
    ledger: FakeLedger = field(default_factory=lambda: FakeLedger(FakeOrders()))
    defaults: dict[str, Notify] = field(default_factory=dict)
    seconds_left: float = 900
    sleep: Callable[[float], None] = lambda _: None
    rows_a_second: float = 1_000

    @property
    def sources(self) -> Sources:
        return Sources(self.orders, self.ledger, self.tables)

    def accept(
        self,
        parameters: Mapping[str, Any] = A_TABLE,
        type_name: str = "table",
        report_format: ReportFormat = ReportFormat.XLSX,
        key: str | None = None,
        caller: Caller | None = None,
        notify: Notify | None = None,
    ) -> AcceptedReport:
        use_case = AcceptReport(
            self.reports, self.publisher, self.sources, self.telemetry, self.clock, WEEK, self.defaults.get
        )
        request = use_case.request(caller or a_caller(), type_name, report_format, parameters)
        return use_case(request, key, "corr-1", notify)

    def asked(self, **how: Any) -> Report:
        return self.accept(**how).report

    def message(self, report: Report, **fields: Any) -> ReportDelivery:
        """The message of a report as a worker receives it."""
        sent_at = self.clock.now
        message = ReportMessage.about(self.row(report))
        delivery = Delivery(str(uuid.uuid4()), "receipt", report.report_id, 1, sent_at, message=message)
        return replace(delivery, **fields)

    @property
    def step(self) -> GenerateReport:
        return GenerateReport(
            files=self.files,
            sources=self.sources,
            telemetry=self.telemetry,
            clock=self.clock,
            limits=Limits(lease=LEASE, reserve=10, rows_a_second=self.rows_a_second, settle=20, longest=900),
            currency="BRL",
        )

    def generate(self, *batch: ReportDelivery) -> list[str]:
        worker = Worker(
            step=self.step,
            rows=self.reports,
            open_run=self.open_run,
            queue=self.queue,
            retry=RetryPolicy(max_attempts=3, first_pause=1, longest_pause=5),
            telemetry=self.telemetry,
            clock=self.clock,
            random=lambda: 0.0,
            sleep=self.sleep,
            reserve_seconds=5,
        )
        return worker(batch, lambda: self.seconds_left)

    @property
    def open_run(self) -> OpenRun[Report]:
        return OpenRun(self.reports, self.publisher, self.telemetry, self.clock)

    def read(self, report: Report, caller: Caller | None = None) -> Report:
        return ReadReport(self.reports, self.links, self.clock)(caller or a_caller(), report.report_id)[0]

    def download(self, report: Report, caller: Caller | None = None) -> str:
        return ReadReport(self.reports, self.links, self.clock).download(caller or a_caller(), report.report_id)

    def cancel(self, report: Report, caller: Caller | None = None) -> Report:
        return CancelReport(self.reports, self.telemetry, self.clock)(caller or a_caller(), report.report_id)

    def row(self, report: Report) -> Report:
        return self.reports.rows[report.report_id]

    def reconcile(self, seconds_left: float = 50) -> None:
        reconciler = Reconciler(
            rows=self.reports,
            open_run=self.open_run,
            dead_letters=[self.dead],
            telemetry=self.telemetry,
            clock=self.clock,
            max_rescues=1,
            reserve_seconds=5,
        )
        reconciler(lambda: seconds_left)
        assert self.dead.hidden == set(), "what stays is there for a person to redrive"

    def dead_letter(self, report: Report, **fields: object) -> ReportDelivery:
        delivery = self.message(report, **fields)
        self.dead.messages.append(delivery)
        return delivery

    def last_sent(self) -> ReportDelivery:
        """What was published last, as a worker receives it."""
        message = self.publisher.sent[-1]
        return Delivery(str(uuid.uuid4()), "receipt", message.report_id, 1, self.clock(), message=message)

    def comes_back(self) -> ReportDelivery:
        """What was published last is dead-lettered, untried."""
        self.dead.messages.append(self.last_sent())
        return self.dead.messages[-1]

    def failed(self) -> tuple[Report, ReportDelivery]:
        """A report that failed for good, its message in the dead-letter queue."""
        report = self.asked()
        delivery = self.dead_letter(report)
        self.files.errors = [PermanentError("Bad", "no")]
        self.generate(delivery)
        return report, delivery

    def redrive(self, report: Report) -> Report:
        return RedriveReport(self.reports, self.open_run, self.clock)(report.report_id)

    def discard(self, report: Report) -> Report:
        return DiscardReport(self.reports, self.telemetry, self.clock)(report.report_id)


def a_line(**fields: Any) -> OrderLine:
    line = OrderLine(
        order_id=str(uuid.uuid4()),
        caller="web",
        origin=Origin.WEB,
        recipient_id="r-1",
        customer_id="c-1",
        client_order_id=None,
        status=OrderStatus.COMPLETED,
        total_amount=Decimal("10.00"),
        created_at=NOW - timedelta(days=1),
        updated_at=NOW,
    )
    return replace(line, **fields)


@pytest.fixture
def scene() -> Scene:
    return Scene()
