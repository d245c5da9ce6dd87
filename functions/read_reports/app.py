"""GET /reports/{report_id} and its download, with a bearer token or with a link."""

from collections.abc import Callable
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from pydantic import Field

from comanda.adapters.http.api import ApiHandler, api_handler, caller_of, json_response, new_api
from comanda.adapters.http.cors import CorsSettings
from comanda.adapters.reports.link_keys import StoredLinkKeys
from comanda.adapters.reports.links import MAX_LINK_SECONDS, BucketLinks
from comanda.adapters.reports.table import ReportTable
from comanda.adapters.reports.views import report_view
from comanda.adapters.reports.world import ReportWorld
from comanda.application.reports.follow_link import FollowLink
from comanda.application.reports.read import ReadReport


class Settings(CorsSettings):
    reports_table: str
    bucket: str
    link_keys_secret: str
    link_seconds: int = Field(gt=0, le=MAX_LINK_SECONDS)


def build(
    settings: Settings, world: ReportWorld, secrets: Callable[[], SecretsProvider] = SecretsProvider
) -> ApiHandler:
    reports = ReportTable(world.dynamodb, settings.reports_table)
    links = BucketLinks(world.s3, settings.bucket, settings.link_seconds)
    read = ReadReport(reports, links, world.clock)
    follow = FollowLink(reports, links, StoredLinkKeys(settings.link_keys_secret, secrets), world.clock)
    app = new_api(settings.cors_origins)
    not_kept = {"Cache-Control": "private, no-store"}  # Links in it die soon.

    @app.get("/reports/<report_id>")
    def get_report(report_id: str) -> Response[str]:
        report, link = read(caller_of(app.current_event), report_id)
        return json_response(HTTPStatus.OK, report_view(report, link), not_kept)

    @app.get("/reports/<report_id>/download")
    def download(report_id: str) -> Response[str]:
        return see(read.download(caller_of(app.current_event), report_id))

    @app.get("/links/<token>")
    def follow_link(token: str) -> Response[str]:
        return see(follow(token))

    def see(link: str) -> Response[str]:
        return Response(HTTPStatus.SEE_OTHER.value, headers={"Location": link, **not_kept}, body="")

    return api_handler(app)
