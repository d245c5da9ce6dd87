"""Every minute: the status of notifications whose message was dead-lettered (P8), as tend_one_by_one.py has it."""

from comanda.application.tend_one_by_one import UNAVAILABLE, Fate, TendOneByOne
from comanda.domain.notification import Notification, NotificationStatus
from comanda.domain.tried import MessageFailure


class TendNotifications(TendOneByOne[Notification]):
    what = "notification"

    def fate_of(self, row: Notification, replay: int) -> Fate:
        if replay < row.replay or (replay == row.replay and row.is_over):
            return Fate.DONE_WITH
        if row.status is NotificationStatus.WAITING:
            return Fate.UNTRIED
        return Fate.UNTRIED_AGAIN if replay > row.replay else Fate.STAYS

    def abandoned(self, row: Notification, why: str, message_id: str, replay: int) -> Notification:
        return row.abandoned(MessageFailure(UNAVAILABLE, why, 0, self.clock(), message_id), replay)
