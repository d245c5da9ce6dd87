"""POST /reports/{id}/cancel: the caller takes a report back before a worker begins it."""

from dataclasses import dataclass

from comanda.application.delivery.ports import VersionConflict
from comanda.application.reports.events import ReportCancelled
from comanda.application.reports.ports import Reports
from comanda.application.reports.read import visible_report
from comanda.application.shared.ports import Clock
from comanda.application.shared.telemetry import Telemetry
from comanda.domain.reports.report import Report, ReportStatus
from comanda.domain.shared.access import Action, Caller
from comanda.domain.shared.errors import IllegalTransition


@dataclass(frozen=True)
class CancelReport:
    """Takes a report back before a worker begins it."""

    reports: Reports
    telemetry: Telemetry
    clock: Clock

    def __call__(self, caller: Caller, report_id: str) -> Report:
        """Twice is as good as once. Raises Forbidden, NotFound, IllegalTransition once it was begun, UnreadableRow,
        Unavailable."""
        caller.require(Action.CANCEL_REPORT)
        now = self.clock()
        report = visible_report(self.reports, caller, report_id).at(now)
        caller.require(Action.CANCEL_REPORT, caller.whose(report.request.caller))
        if report.status is ReportStatus.CANCELLED:
            return report
        cancelled = report.cancelled(now)
        try:
            self.reports.save(report, cancelled)
        except VersionConflict as error:
            raise IllegalTransition("work on this report has begun; it can no longer be cancelled") from error
        self.telemetry.emit(ReportCancelled(), cancelled)
        return cancelled
