"""POST /reports, /reports/uploads and /reports/{report_id}/cancel."""

from datetime import timedelta
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from pydantic import Field

from comanda.adapters.http.api import (
    ApiHandler,
    api_handler,
    caller_of,
    correlation_id_of,
    json_response,
    new_api,
)
from comanda.adapters.http.bodies import json_object
from comanda.adapters.http.cors import CorsSettings
from comanda.adapters.http.key_header import key_header_of
from comanda.adapters.http.notify_request import NotifyRules, NotifySettings
from comanda.adapters.notifications.table import CachedDefaults, SubscriptionTable
from comanda.adapters.observability.telemetry import PowertoolsTelemetry
from comanda.adapters.reports.idempotency import AcceptReportOnce
from comanda.adapters.reports.queue import ReportQueuePublisher
from comanda.adapters.reports.request import MAX_REPORT_BODY_BYTES, report_request
from comanda.adapters.reports.sources import ReportSourceSettings, report_sources
from comanda.adapters.reports.table import ReportTable
from comanda.adapters.reports.upload_counts import UploadCountTable
from comanda.adapters.reports.upload_request import upload_request
from comanda.adapters.reports.uploads import TableBucket
from comanda.adapters.reports.views import report_view, upload_view
from comanda.adapters.reports.world import ReportWorld
from comanda.application.reports.accept import AcceptReport
from comanda.application.reports.cancel import CancelReport
from comanda.application.reports.events import ReportReplayed
from comanda.application.reports.offer_upload import OfferUpload


class Settings(ReportSourceSettings, NotifySettings, CorsSettings):
    reports_table: str
    idempotency_table: str
    reports_queue_url: str
    report_lifetime_seconds: int = Field(gt=0)
    report_uploads_per_hour: int = Field(gt=0)


def build(settings: Settings, world: ReportWorld) -> ApiHandler:
    telemetry = PowertoolsTelemetry()
    reports = ReportTable(world.dynamodb, settings.reports_table)
    publisher = ReportQueuePublisher(world.sqs, settings.reports_queue_url)
    accept = AcceptReport(
        reports=reports,
        publisher=publisher,
        sources=report_sources(settings, world),
        telemetry=telemetry,
        clock=world.clock,
        lifetime=timedelta(seconds=settings.report_lifetime_seconds),
        default_notify=CachedDefaults(SubscriptionTable(world.dynamodb, settings.subscriptions_table), world.clock),
    )
    accept_once = AcceptReportOnce(accept, world.dynamodb, settings.idempotency_table)
    cancel = CancelReport(reports, telemetry, world.clock)
    offer = OfferUpload(
        tables=TableBucket(world.s3, settings.bucket),
        counts=UploadCountTable(world.dynamodb, settings.idempotency_table),
        per_hour=settings.report_uploads_per_hour,
        clock=world.clock,
    )
    notify = NotifyRules.of(settings)
    app = new_api(settings.cors_origins)

    @app.post("/reports")
    def post_report() -> Response[str]:
        event = app.current_event
        key = key_header_of(event)
        body = json_object(event, MAX_REPORT_BODY_BYTES)
        request = accept.request(caller_of(event), *report_request(body))
        told = notify.read(body.get("notify"))
        answer, replayed = accept_once(request, key, correlation_id_of(event), app.lambda_context, told)
        headers = {"Location": f"reports/{answer['report_id']}"}
        if replayed:
            telemetry.emit(ReportReplayed(report_id=answer["report_id"], caller=request.caller))
            headers["Idempotency-Replayed"] = "true"
        return json_response(HTTPStatus.ACCEPTED, answer, headers)

    @app.post("/reports/uploads")
    def post_upload() -> Response[str]:
        event = app.current_event
        return json_response(HTTPStatus.CREATED, upload_view(offer(caller_of(event), *upload_request(event))))

    @app.post("/reports/<report_id>/cancel")
    def cancel_report(report_id: str) -> Response[str]:
        return json_response(HTTPStatus.OK, report_view(cancel(caller_of(app.current_event), report_id)))

    return api_handler(app)
