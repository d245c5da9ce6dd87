"""report.requested → a file in the bucket."""

from pydantic import Field

from comanda.adapters.journal import PowertoolsJournal
from comanda.adapters.lambda_worker import SourceSettings, WorkerHandler, batch_handler, worker_of
from comanda.adapters.order_queues import ReportQueuePublisher, deliveries_of
from comanda.adapters.report_idempotency import WriteOnce
from comanda.adapters.report_sources import ReportSourceSettings, report_sources
from comanda.adapters.report_table import ReportTable
from comanda.adapters.reports.files import ReportWriter
from comanda.adapters.reports.upload import ReportBucket
from comanda.adapters.world import ReportWorld
from comanda.application.generate_report import GenerateReport, Pace
from comanda.application.report_ports import ReportFiles
from comanda.domain.messages import ReportMessage


class Settings(ReportSourceSettings, SourceSettings):
    reports_table: str
    idempotency_table: str
    currency: str
    report_lease_seconds: float = Field(gt=0)
    report_rows_a_second: float = Field(gt=0)
    settle_seconds: float = Field(ge=0)
    function_seconds: float = Field(gt=0, le=900)


def build(settings: Settings, world: ReportWorld, files: ReportFiles | None = None) -> WorkerHandler:
    """Without `files`, those of the bucket."""
    journal = PowertoolsJournal()
    writer = files or ReportWriter(ReportBucket(world.s3, settings.bucket, world.sending), world.clock)
    once = WriteOnce(writer, world.dynamodb, settings.idempotency_table)
    generate = GenerateReport(
        files=once,
        sources=report_sources(settings, world),
        journal=journal,
        clock=world.clock,
        pace=Pace(
            lease=settings.report_lease_seconds,
            reserve=settings.worker_reserve_seconds,
            rows_a_second=settings.report_rows_a_second,
            settle=settings.settle_seconds,
            longest=settings.function_seconds,
        ),
        currency=settings.currency,
    )
    reports = ReportTable(world.dynamodb, settings.reports_table)
    publisher = ReportQueuePublisher(world.sqs, settings.source_queue_url)
    worker = worker_of(generate, reports, publisher, settings, world)
    return batch_handler(deliveries_of(ReportMessage.parse), worker, once.register)
