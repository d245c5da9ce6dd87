"""A failed report begins again, chosen from its row, or is left at that: as for orders (redrive_order.py)."""

from dataclasses import dataclass

from comanda.application.delivery.open_run import OpenRun
from comanda.application.delivery.ports import VersionConflict
from comanda.application.reports.events import ReportDiscarded
from comanda.application.reports.ports import Reports
from comanda.application.shared.ports import Clock
from comanda.application.shared.telemetry import Telemetry
from comanda.domain.delivery.work_item import By
from comanda.domain.reports.report import Report, ReportStatus
from comanda.domain.shared.errors import IllegalTransition, NotFound


@dataclass(frozen=True)
class RedriveReport:
    """Begins a failed report again, for an operator."""

    reports: Reports
    open_run: OpenRun[Report]
    clock: Clock

    def __call__(self, report_id: str) -> Report:
        """Give the report as it goes on its way again, `as_of` as it was asked for.

        Raises NotFound, IllegalTransition where the report is not failed (any more) or past its time, Unavailable.
        """
        failed = _failed(self.reports.get(report_id), report_id)
        if failed.is_over(self.clock()):
            raise IllegalTransition(f"report {report_id} has expired; ask for it again")
        try:
            return self.open_run(failed, By.OPERATOR)
        except VersionConflict:
            _failed(self.reports.get(report_id), report_id)
            raise IllegalTransition(f"report {report_id} is changing right now; look at it again") from None


@dataclass(frozen=True)
class DiscardReport:
    """A failed report that a person has looked at and leaves at that. It can still be redriven, or asked for again."""

    reports: Reports
    telemetry: Telemetry
    clock: Clock

    def __call__(self, report_id: str) -> Report:
        """Twice is as good as once. Raises NotFound, IllegalTransition where the report is not failed, Unavailable."""
        report = _failed(self.reports.get(report_id), report_id)
        if report.discarded:
            return report
        aside = report.set_aside(self.clock())
        try:
            self.reports.save(report, aside)
        except VersionConflict as error:
            raise IllegalTransition(f"report {report_id} has changed in the meantime; look at it again") from error
        self.telemetry.emit(ReportDiscarded(), aside)
        return aside


def _failed(report: Report | None, report_id: str) -> Report:
    if report is None or report.is_claim:
        raise NotFound(f"there is no report {report_id}")
    if report.status is not ReportStatus.FAILED:
        raise IllegalTransition(f"report {report_id} is {report.status}, not failed; nothing was done")
    return report
