"""The part of Comanda that writes reports, joined to the system: two functions behind the API, a worker and a
reconciler, `reports.fifo`, the reports table, the index `period` on orders, and the bucket."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random

from comanda.adapters.reports.bucket import ReportBucket
from comanda.adapters.reports.world import S3_CONFIG, ReportWorld
from comanda.adapters.reports.writers.files import ReportWriter
from comanda.adapters.runtime.world import World
from functions.generate_report import app as generate_report
from functions.read_reports import app as read_reports
from functions.tend_reports import app as tend_reports
from functions.write_reports import app as write_reports
from infra.environment import environment_of
from tests.simulation.events import MessageEvent
from tests.simulation.expressions import Item
from tests.simulation.faults import REPORT_STEWARD
from tests.simulation.functions import EventSourceMapping, Handler, Schedule
from tests.simulation.observed_reports import SeenReport
from tests.simulation.s3 import S3, Object
from tests.simulation.scheduler import SideBySide
from tests.simulation.sqs import Message, Queue
from tests.simulation.system import System
from tests.simulation.wire import client_of

BUCKET = "report-files"
PART_BYTES = 2000
"""So small that files of some dozen rows go up in parts."""
DAY = 24 * 3600.0


@dataclass(frozen=True)
class ReportWrite:
    """One write to the reports table."""

    at: float
    who: str
    """The process that wrote."""
    report_id: str
    row: SeenReport | None
    """None: deleted."""

    @property
    def replay(self) -> int:
        return self.row.replay if self.row else 0


@dataclass(frozen=True)
class SourceWrite:
    """An order that came into the index of orders by time, or an entry that came into the ledger."""

    at: float
    source: str
    key: str
    row: Item


class ReportSystem:
    """Implements `Part`."""

    def __init__(self, system: System, random: Random, at_once: int | None = None) -> None:
        """`at_once`: how many reports the mapping has written at once; drawn if none is given."""
        self.system = system
        self.writes: list[ReportWrite] = []
        self.events: list[MessageEvent] = []
        self.sources: list[SourceWrite] = []
        self.swept_at = float("inf")
        """When files and uploaded tables were removed."""
        self.at_dead_letter: Callable[[], None] = lambda: None
        """NotificationRequest of each message that is dead-lettered."""
        self.at_claim: Callable[[str], None] = lambda _: None
        """NotificationRequest the id of each report that is claimed."""
        self.at_order: Callable[[], None] = lambda: None
        """NotificationRequest of each order that comes into the index of orders by time."""
        self._random = random

        scheduler = system.scheduler
        self.s3 = S3(scheduler.time, random, PART_BYTES, scheduler.at_work, self._on_stored)
        self.s3.call("CreateBucket", {"Bucket": BUCKET})
        system.services["s3"] = self.s3
        self._client = client_of("s3", system.answer, S3_CONFIG)
        self._make_tables()
        self.queue, self.dead_letter_queue = self._make_queues()
        self._add_functions()
        self.mapping = EventSourceMapping(
            system.functions, system.sqs, self.queue, "generate_report", 1, at_once or random.choice((2, 5))
        )
        Schedule(system.functions, scheduler, REPORT_STEWARD, 60)
        system.parts.append(self)

    @property
    def is_at_rest(self) -> bool:
        return not self.queue.messages and not self.system.owes("reports")

    def _world(self, world: World) -> ReportWorld:
        """What a process is given to work with, out of what those of orders are given."""
        side_by_side = SideBySide(self.system.scheduler)
        return ReportWorld(
            dynamodb=world.dynamodb,
            sqs=world.sqs,
            s3=self._client,
            clock=world.clock,
            random=world.random,
            sleep=world.sleep,
            reading=side_by_side,
            sending=side_by_side,
        )

    def _make_tables(self) -> None:
        self.system.dynamodb.create("reports", "report_id")
        for table, name in (("orders", "period"), ("reports", "attention")):
            self.system.dynamodb.add_index(table, name, name, "created_at")

    def _make_queues(self) -> tuple[Queue, Queue]:
        work, sqs = self.system.settings.report_work, self.system.sqs
        fifo = {
            "FifoQueue": "true",
            "ContentBasedDeduplication": "true",
            "DeduplicationScope": "messageGroup",
            "FifoThroughputLimit": "perMessageGroupId",
            "VisibilityTimeout": str(work.visibility_timeout_seconds),
            "MessageRetentionPeriod": str(14 * 24 * 3600),
        }
        url = sqs.call("CreateQueue", {"QueueName": "reports-dlq.fifo", "Attributes": fifo})["QueueUrl"]
        dead = sqs.queues[url]
        policy = {"deadLetterTargetArn": dead.arn, "maxReceiveCount": work.max_receive_count}
        attributes = {**fifo, "RedrivePolicy": json.dumps(policy)}
        url = sqs.call("CreateQueue", {"QueueName": "reports.fifo", "Attributes": attributes})["QueueUrl"]
        return sqs.queues[url], dead

    def _add_functions(self) -> None:
        settings, work = self.system.settings, self.system.settings.report_work
        resources = {
            "ORDERS_TABLE": "orders",
            "LEDGER_TABLE": "ledger",
            "REPORTS_TABLE": "reports",
            "IDEMPOTENCY_TABLE": "idempotency",
            "SUBSCRIPTIONS_TABLE": "subscriptions",
            "BUCKET": BUCKET,
            "REPORTS_QUEUE_URL": self.queue.url,
            "REPORTS_DLQ_URL": self.dead_letter_queue.url,
            "SOURCE_QUEUE_URL": self.queue.url,
        }

        def environment(function: str) -> dict[str, str]:
            return environment_of(function, settings, resources)

        add, api = self.system.functions.add, settings.api.timeout_seconds
        write = write_reports.Settings.load(environment("write_reports"))
        add("write_reports", lambda world: write_reports.build(write, self._world(world)), api)
        read = read_reports.Settings.load(environment("read_reports"))
        add("read_reports", lambda world: read_reports.build(read, self._world(world)), api)
        generate = generate_report.Settings.load(environment("generate_report"))
        add("generate_report", partial(self._build_worker, generate), work.timeout_seconds)
        tend = tend_reports.Settings.load(environment(REPORT_STEWARD))
        add(REPORT_STEWARD, partial(tend_reports.build, tend), 60)

    def _build_worker(self, settings: generate_report.Settings, world: World) -> Handler:
        reports = self._world(world)
        bucket = ReportBucket(reports.s3, settings.bucket, reports.sending, PART_BYTES)
        return generate_report.build(settings, reports, ReportWriter(bucket, reports.clock))

    # What the auditor and the reader of a history see.

    def fortnight_passes(self) -> None:
        self.system.dynamodb.expire("reports", "expires_at")
        self.swept_at, days = self.system.scheduler.time(), self.system.settings.reports.lifetime_days
        self.s3.sweep(BUCKET, {"reports/": days * DAY, "tables/": 2 * days * DAY}, uploads_older_than=DAY)

    def on_write(self, table: str, before: Item | None, after: Item | None) -> None:
        scheduler = self.system.scheduler
        if table == "orders" and after and "period" in after and "period" not in (before or {}):
            self.sources.append(SourceWrite(scheduler.time(), "orders", after["order_id"]["S"], after))
            self.at_order()
        if table == "ledger" and after and "order_id" in after:
            self.sources.append(SourceWrite(scheduler.time(), "ledger", after["recipient_id"]["S"], after))
        if table != "reports":
            return
        row = SeenReport.of(after) if after else None
        report_id = (after or before or {})["report_id"]["S"]
        self.writes.append(ReportWrite(scheduler.time(), scheduler.who(), report_id, row))
        self.system.history.counts[f"report row {row.status if row else 'gone'}"] += 1
        self.system.history.tell(f"report: {row or 'gone'}", report_id)
        if before is None and row and row.status == "accepting":
            self.at_claim(report_id)

    def on_message(self, what: str, queue: Queue, message: Message) -> bool:
        if queue not in (self.queue, self.dead_letter_queue):
            return False
        scheduler = self.system.scheduler
        event = MessageEvent.of(scheduler.time(), scheduler.who(), what, queue, message)
        self.events.append(event)
        if what == "dead-lettered":
            self.at_dead_letter()
        self.system.history.counts[f"report message {what}"] += 1
        self.system.history.tell(
            f"{queue.name}: {what} replay {event.replay} {message.message_id[:8]} receive {message.receive_count}",
            event.subject_id,
        )
        return True

    def _on_stored(self, stored: Object) -> None:
        self.system.history.tell(f"stored: {stored.key}, {len(stored.content)} bytes")
