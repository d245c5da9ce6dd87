"""One row of each kind, and what can become of it: for rules that are the same for all three."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest

from comanda.domain.delivery.messages import Delivery, Message
from comanda.domain.delivery.work_item import By, Failure, WorkItem
from comanda.domain.notifications.messages import NotificationMessage
from comanda.domain.notifications.notification import STAGE as DELIVERY
from comanda.domain.notifications.notification import Notification
from comanda.domain.orders.messages import Event, OrderMessage
from comanda.domain.orders.order import Enrichment, Order
from comanda.domain.reports.messages import ReportMessage
from comanda.domain.reports.report import STAGE as GENERATION
from comanda.domain.reports.report import Report, ReportFile
from tests.support.builders import (
    NOW,
    a_claim,
    a_notification,
    a_pending_order,
    a_processing_order,
    a_report,
    an_enriched_order,
)

FAILED_BY = "m-that-failed"
SYSTEM = {By.CONSOLE, By.RECONCILER, By.OUTAGE}
"""Who may begin the next run of what is open."""


@dataclass(frozen=True)
class Kind:
    row: WorkItem
    """Open: its next message is worked on."""
    about: Callable[[Any], Message]
    """The message that it waits for."""
    stage: str
    over: Mapping[str, WorkItem]
    begin: Mapping[str, tuple[WorkItem, set[By], str]]
    """States of a row, who may begin the next run in it, and the status after that."""
    writes: Mapping[str, Callable[[Any, datetime], WorkItem]]
    """Every change of an open row but `opened` and `sent`."""

    def delivery(self, row: WorkItem | None = None, **fields: Any) -> Delivery[Message]:
        """Of the run that `row` is in."""
        return replace(Delivery("m-1", "receipt", "group", 1, NOW, message=self.about(row or self.row)), **fields)

    def failed(self, stage: str | None = None) -> WorkItem:
        return failed(self.row, stage or self.stage)


def failed(row: WorkItem, stage: str) -> WorkItem:
    return row.failed(Failure("X", "x", stage, 1, NOW, FAILED_BY))


def _given_back(row: WorkItem, now: datetime) -> WorkItem:
    return replace(row.tried("m-1", 1, now), owed=row.owed).given_back(now)


EVERY_ROW: dict[str, Callable[[Any, datetime], WorkItem]] = {
    "tried": lambda row, now: row.tried("m-1", 1, now),
    "given_back": _given_back,
    "failed": lambda row, now: row.failed(Failure("X", "x", "stage", 1, now, "m")),
}

ORDER, PENDING = a_processing_order(), a_pending_order()
FAILED_ORDER = failed(ORDER, "enrichment")
REPORT = a_report().stored(NOW)
LEASED = REPORT.leased("w", "m-1", 1, NOW, 60)
READY = LEASED.finished(ReportFile("k", 1, 2, "ab", 3), NOW)
FAILED_REPORT = failed(REPORT, GENERATION)
TOLD = a_notification()
FAILED_TOLD = failed(TOLD, DELIVERY)


def _leased_again(report: Report, now: datetime) -> Report:
    return replace(report.leased("w", "m-1", 1, now, 60), owed=report.owed)


KINDS = {
    Order.kind: Kind(
        ORDER,
        lambda order: OrderMessage.about(order, Event.ENRICHMENT_REQUESTED),
        "enrichment",
        {"cancelled": PENDING.cancelled(NOW), "completed": an_enriched_order().completed(NOW)},
        {
            "accepting": (a_claim(), SYSTEM, "pending"),
            "pending": (PENDING, SYSTEM, "pending"),
            "processing": (ORDER, SYSTEM, "processing"),
            "failed": (FAILED_ORDER, {By.OPERATOR, By.CONSOLE}, "processing"),
            "completed": (an_enriched_order().completed(NOW), set(), ""),
            "cancelled": (PENDING.cancelled(NOW), set(), ""),
        },
        EVERY_ROW
        | {
            "stored": lambda row, now: replace(a_claim(), owed=row.owed).stored(now),
            "started": lambda row, now: replace(PENDING, owed=row.owed).started(now),
            "cancelled": lambda row, now: replace(PENDING, owed=row.owed).cancelled(now),
            "enriched": lambda row, now: replace(an_enriched_order(), owed=row.owed).enriched(
                Enrichment("p", "r"), now
            ),
            "completed": lambda row, now: row.completed(now),
        },
    ),
    Report.kind: Kind(
        REPORT,
        ReportMessage.about,
        GENERATION,
        {"ready": READY, "cancelled": REPORT.cancelled(NOW), "expired": replace(REPORT, expires_at=NOW)},
        {
            "accepting": (a_report(), SYSTEM, "requested"),
            "requested": (REPORT, SYSTEM, "requested"),
            "generating": (LEASED, SYSTEM, "generating"),
            "failed": (FAILED_REPORT, {By.OPERATOR, By.CONSOLE, By.CLIENT}, "requested"),
            "cancelled": (REPORT.cancelled(NOW), {By.CLIENT}, "requested"),
            "expired": (READY.at(READY.expires_at), {By.CLIENT}, "requested"),
            "ready": (READY, set(), ""),
        },
        EVERY_ROW
        | {
            "stored": lambda row, now: replace(a_report(), owed=row.owed).stored(now),
            "cancelled": lambda row, now: row.cancelled(now),
            "leased": lambda row, now: row.leased("w", "m-1", 1, now, 60),
            "renewed": lambda row, now: _leased_again(row, now).renewed(7, now, 60),
            "finished": lambda row, now: _leased_again(row, now).finished(ReportFile("k", 1, 2, "ab", 3), now),
        },
    ),
    Notification.kind: Kind(
        TOLD,
        NotificationMessage.about,
        DELIVERY,
        {"delivered": TOLD.delivered(NOW), "ended": TOLD.ended(NOW)},
        {
            "waiting": (TOLD, SYSTEM, "waiting"),
            "failed": (FAILED_TOLD, {By.OPERATOR, By.CONSOLE}, "waiting"),
            "delivered": (TOLD.delivered(NOW), {By.OPERATOR}, "waiting"),
            "ended": (TOLD.ended(NOW), {By.OPERATOR}, "waiting"),
        },
        EVERY_ROW | {"delivered": lambda row, now: row.delivered(now), "ended": lambda row, now: row.ended(now)},
    ),
}

of_each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
