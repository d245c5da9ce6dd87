"""GET /links/{token}: from a link in a notification to the file, without a bearer token."""

from collections.abc import Callable
from dataclasses import dataclass

from comanda.application.reports.ports import ReportLinks, Reports
from comanda.application.reports.read import download_link
from comanda.application.shared.ports import Clock
from comanda.domain.reports.signed_link import LinkKeys, report_of_link
from comanda.domain.shared.errors import NotFound


@dataclass(frozen=True)
class FollowLink:
    """From a signed link to a fresh presigned one."""

    reports: Reports
    links: ReportLinks
    keys: Callable[[], LinkKeys]
    clock: Clock

    def __call__(self, token: str) -> str:
        """A link to the file, signed again on each call. Raises NotFound, NotReady, Expired, UnreadableRow,
        Unavailable."""
        now = self.clock()
        report = self.reports.get(report_of_link(token, self.keys(), now))
        if report is None or report.is_claim:
            raise NotFound("there is no such report any more")
        return download_link(report.at(now), self.links)
