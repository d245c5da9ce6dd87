"""GET /reports/{id} and its download. What a caller may not see is as if it were not there."""

from dataclasses import dataclass

from comanda.application.orders.read import seen_by, sees
from comanda.application.reports.ports import ReportLinks, Reports
from comanda.application.shared.ports import Clock
from comanda.domain.reports.report import Report, ReportStatus
from comanda.domain.shared.access import Action, Caller, Whose
from comanda.domain.shared.errors import Expired, NotFound, NotReady


def visible_report(reports: Reports, caller: Caller, report_id: str) -> Report:
    """The report if it is one (a claim is not, P1) and this caller's, or the caller may read all.

    Raises NotFound, UnreadableRow, Unavailable.
    """
    with seen_by(caller, Action.READ_REPORT, f"there is no report {report_id}"):
        report = reports.get(report_id)
    if report is None or report.is_claim or not sees(caller, Action.READ_REPORT, report.request.caller):
        raise NotFound(f"there is no report {report_id}")
    return report


def readable_report(reports: Reports, caller: Caller, report_id: str) -> Report:
    """The same, for who may read it: a report shows what its caller could see when it was asked for, and whoever reads
    it needs the right to see that now.

    Raises Forbidden too.
    """
    caller.require(Action.READ_REPORT)
    report = visible_report(reports, caller, report_id)
    request = report.request
    if shown := request.shows:
        caller.require(shown, Whose.OTHERS if request.sees_all else caller.whose(request.caller))
    return report


def download_link(report: Report, links: ReportLinks) -> str:
    """A link to the file of a report as it is now. Raises NotReady and Expired."""
    if report.status is ReportStatus.EXPIRED:
        raise Expired("this report has expired; ask for it again")
    if report.status is not ReportStatus.READY:
        raise NotReady(f"this report is {report.status}; there is nothing to download")
    return links.link_to(report)


@dataclass(frozen=True)
class ReadReport:
    """One report, and the link to its file."""

    reports: Reports
    links: ReportLinks
    clock: Clock

    def __call__(self, caller: Caller, report_id: str) -> tuple[Report, str | None]:
        """The report as it is now, and a fresh link if it is ready. Raises Forbidden, NotFound, UnreadableRow,
        Unavailable."""
        report = self._visible(caller, report_id)
        return report, self.links.link_to(report) if report.status is ReportStatus.READY else None

    def download(self, caller: Caller, report_id: str) -> str:
        """A link to the file, signed again on each call. Raises NotReady and Expired too."""
        return download_link(self._visible(caller, report_id), self.links)

    def _visible(self, caller: Caller, report_id: str) -> Report:
        return readable_report(self.reports, caller, report_id).at(self.clock())
