"""report.requested → a file in the bucket."""

from pydantic import Field

from comanda.adapters.journal import PowertoolsJournal
from comanda.adapters.lambda_worker import SourceSettings, WorkerHandler, batch_handler
from comanda.adapters.message_spans import XRaySpans
from comanda.adapters.order_queues import LambdaSourceQueue, report_deliveries_of
from comanda.adapters.report_idempotency import WriteOnce
from comanda.adapters.report_sources import ReportSourceSettings, report_sources
from comanda.adapters.report_table import ReportTable
from comanda.adapters.reports.files import ReportWriter
from comanda.adapters.reports.upload import ReportBucket
from comanda.adapters.world import ReportWorld
from comanda.application.generate_report import GenerateReport, Pace
from comanda.application.report_ports import ReportFiles


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
        reports=ReportTable(world.dynamodb, settings.reports_table),
        files=once,
        sources=report_sources(settings, world),
        queue=LambdaSourceQueue(world.sqs, settings.source_queue_url, journal),
        retry=settings.retry,
        journal=journal,
        clock=world.clock,
        draw=world.draw,
        sleep=world.sleep,
        pace=Pace(
            lease=settings.report_lease_seconds,
            reserve=settings.worker_reserve_seconds,
            rows_a_second=settings.report_rows_a_second,
            settle=settings.settle_seconds,
            longest=settings.function_seconds,
        ),
        currency=settings.currency,
        spans=XRaySpans(),
    )
    return batch_handler(report_deliveries_of, generate, once.register)
