"""report.requested → a file in the bucket."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field

from comanda.adapters.journal import LOGGER, METRICS, PowertoolsJournal
from comanda.adapters.order_queues import LambdaSourceQueue, report_deliveries_of
from comanda.adapters.report_idempotency import WriteOnce
from comanda.adapters.report_sources import ReportSourceSettings, report_sources
from comanda.adapters.report_table import ReportTable
from comanda.adapters.reports.files import ReportWriter
from comanda.adapters.reports.upload import ReportBucket
from comanda.adapters.world import ReportWorld
from comanda.application.generate_report import GenerateReport, Pace
from comanda.application.report_ports import ReportFiles
from comanda.domain.retry import RetryPolicy

ReportHandler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


class Settings(ReportSourceSettings):
    """Pauses and the like are in seconds; ChangeMessageVisibility takes at most 12 hours."""

    reports_table: str
    idempotency_table: str
    source_queue_url: str
    currency: str
    worker_reserve_seconds: float = Field(ge=0)
    max_attempts: int = Field(ge=1)
    retry_pause_seconds: float = Field(gt=0)
    retry_pause_limit_seconds: float = Field(gt=0, le=43_200)
    report_lease_seconds: float = Field(gt=0)
    report_rows_a_second: float = Field(gt=0)
    settle_seconds: float = Field(ge=0)
    function_seconds: float = Field(gt=0, le=900)


def build(settings: Settings, world: ReportWorld, files: ReportFiles | None = None) -> ReportHandler:
    """Without `files`, those of the bucket."""
    journal = PowertoolsJournal()
    writer = files or ReportWriter(ReportBucket(world.s3, settings.bucket, world.sending), world.clock)
    once = WriteOnce(writer, world.dynamodb, settings.idempotency_table)
    generate = GenerateReport(
        reports=ReportTable(world.dynamodb, settings.reports_table),
        files=once,
        sources=report_sources(settings, world),
        queue=LambdaSourceQueue(world.sqs, settings.source_queue_url, journal),
        retry=RetryPolicy(settings.max_attempts, settings.retry_pause_seconds, settings.retry_pause_limit_seconds),
        journal=journal,
        clock=world.clock,
        draw=world.draw,
        pace=Pace(
            lease=settings.report_lease_seconds,
            reserve=settings.worker_reserve_seconds,
            rows_a_second=settings.report_rows_a_second,
            settle=settings.settle_seconds,
            longest=settings.function_seconds,
        ),
        currency=settings.currency,
    )

    @METRICS.log_metrics
    def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        once.register(context)
        batch = report_deliveries_of(event)
        stay = generate(batch, lambda: context.get_remaining_time_in_millis() / 1000)
        facts = {"messages": len(batch), "stay": len(stay), "function_request_id": context.aws_request_id}
        LOGGER.info("batch.worked", extra=facts)
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in stay]}

    return handle
