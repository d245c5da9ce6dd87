"""report.requested → a file in the bucket."""

from pydantic import Field

from comanda.adapters.delivery.lambda_worker import SourceSettings, WorkerHandler, batch_handler, worker_of
from comanda.adapters.delivery.queues import deliveries_of
from comanda.adapters.observability.telemetry import PowertoolsTelemetry
from comanda.adapters.reports.bucket import ReportBucket
from comanda.adapters.reports.idempotency import WriteOnce
from comanda.adapters.reports.queue import ReportQueuePublisher
from comanda.adapters.reports.sources import ReportSourceSettings, report_sources
from comanda.adapters.reports.table import ReportTable
from comanda.adapters.reports.world import ReportWorld
from comanda.adapters.reports.writers.files import ReportWriter
from comanda.application.reports.generate import GenerateReport, Limits
from comanda.application.reports.ports import ReportFiles
from comanda.domain.reports.messages import ReportMessage


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
    telemetry = PowertoolsTelemetry()
    writer = files or ReportWriter(ReportBucket(world.s3, settings.bucket, world.sending), world.clock)
    once = WriteOnce(writer, world.dynamodb, settings.idempotency_table)
    generate = GenerateReport(
        files=once,
        sources=report_sources(settings, world),
        telemetry=telemetry,
        clock=world.clock,
        limits=Limits(
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
