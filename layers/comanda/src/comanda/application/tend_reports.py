"""Every minute: the status of reports whose message was dead-lettered (P8), as tend_one_by_one.py has it."""

from comanda.application.tend_one_by_one import UNAVAILABLE, Fate, TendOneByOne
from comanda.domain.report import Report, ReportStatus
from comanda.domain.tried import MessageFailure


class TendReports(TendOneByOne[Report]):
    what = "report"

    def fate_of(self, row: Report, replay: int) -> Fate:
        now = self.clock()
        if row.is_over(now) or replay < row.replay or (row.discarded and replay == row.replay):
            return Fate.DONE_WITH
        if row.seconds_held(now):  # Some worker is at it after all: look again when its lease is over.
            return Fate.STAYS
        if row.status is not ReportStatus.FAILED:
            return Fate.UNTRIED
        return Fate.UNTRIED_AGAIN if replay > row.replay else Fate.STAYS

    def abandoned(self, row: Report, why: str, message_id: str, replay: int) -> Report:
        return row.abandoned(MessageFailure(UNAVAILABLE, why, 0, self.clock(), message_id), replay)
