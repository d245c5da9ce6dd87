"""Every use case under every set of scopes, on one's own and on another caller's: the table of rights decides."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from comanda.application.live.subscribe import Snapshots
from comanda.application.orders.cancel import CancelOrder
from comanda.application.orders.ports import Balance
from comanda.application.orders.read import ReadOrder, ReadRecipient
from comanda.application.reports.accept import AcceptReport
from comanda.application.reports.cancel import CancelReport
from comanda.application.reports.offer_upload import OfferUpload
from comanda.application.reports.ports import Sources
from comanda.application.reports.read import ReadReport
from comanda.application.reports.types import REPORT_TYPES
from comanda.domain.live.subscriptions import Topic, TopicKind
from comanda.domain.reports.report import SHOWS, Report, ReportFormat, ReportRequest
from comanda.domain.shared.access import Action, Caller, Origin, Scope, Whose
from comanda.domain.shared.errors import Forbidden, NotFound
from tests.support.builders import NOW, a_caller, a_pending_order, a_report
from tests.support.fakes import FakeClock, FakeLedger, FakeOrders, FakeTelemetry
from tests.support.report_fakes import (
    FakeLinks,
    FakeOrderPeriods,
    FakeReportPublisher,
    FakeReports,
    FakeTables,
    FakeUploadCounts,
)
from tests.support.rights import every_scope_set, expected

DAYS = {"from": "2026-11-01", "to": "2026-11-02"}
OF_TYPE: dict[str, dict[str, Any]] = {
    "orders": DAYS,
    "summary": DAYS,
    "recipient-statement": {**DAYS, "recipient_id": "r-1"},
    "table": {"title": "Mine", "columns": [{"title": "A"}], "rows": [["x"]]},
}
ID = "the-thing"
OWNERS = {Whose.OWN: "web", Whose.OTHERS: "mobile"}


@dataclass
class House:
    """One order, and one report of each type, all of the same owner; and a recipient with a ledger."""

    owner: str
    sees_all: bool = False
    orders: FakeOrders = field(default_factory=FakeOrders)
    reports: FakeReports = field(default_factory=FakeReports)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.orders.put(a_pending_order(order_id=ID, caller=self.owner))
        self.ledger = FakeLedger(self.orders)
        self.ledger.balances["r-1"] = Balance("r-1", "BRL", Decimal("1.00"), 1)
        for name in REPORT_TYPES:
            self.reports.claim(self._report(name))

    def _report(self, type_name: str) -> Report:
        request = ReportRequest(self.owner, self.sees_all, type_name, ReportFormat.CSV, OF_TYPE[type_name])
        return replace(a_report(request=request), report_id=type_name).stored(NOW)

    def read_order(self, caller: Caller) -> None:
        ReadOrder(self.orders)(caller, ID)

    def follow_order(self, caller: Caller) -> None:
        self._snapshots(caller, Topic(TopicKind.ORDER, ID))

    def cancel_order(self, caller: Caller) -> None:
        CancelOrder(self.orders, FakeTelemetry(), self.clock)(caller, ID)

    def read_report(self, caller: Caller) -> None:
        ReadReport(self.reports, FakeLinks(), self.clock)(caller, "table")

    def follow_report(self, caller: Caller) -> None:
        self._snapshots(caller, Topic(TopicKind.REPORT, "table"))

    def cancel_report(self, caller: Caller) -> None:
        CancelReport(self.reports, FakeTelemetry(), self.clock)(caller, "table")

    def read_balance(self, caller: Caller) -> None:
        ReadRecipient(self.ledger).balance(caller, "r-1")

    def read_entries(self, caller: Caller) -> None:
        ReadRecipient(self.ledger).entries(caller, "r-1", 0, 10)

    def follow_recipient(self, caller: Caller) -> None:
        self._snapshots(caller, Topic(TopicKind.RECIPIENT, "r-1"))

    def ask_for(self, caller: Caller, type_name: str) -> ReportRequest:
        return AcceptReport(
            self.reports,
            FakeReportPublisher(),
            Sources(FakeOrderPeriods(), self.ledger, FakeTables()),
            FakeTelemetry(),
            self.clock,
            timedelta(days=7),
            lambda _: None,
        ).request(caller, type_name, ReportFormat.CSV, OF_TYPE[type_name])

    @property
    def _snapshots(self) -> Snapshots:
        return Snapshots(ReadOrder(self.orders), self.reports, self.ledger, "BRL", self.clock)


def outcome_of(act: Callable[[Caller], object], scopes: frozenset[Scope]) -> type[Exception] | None:
    """What the caller `web` meets; None where it is done."""
    try:
        act(a_caller("web", Origin.WEB, scopes))
    except (Forbidden, NotFound) as error:
        return type(error)
    return None


@pytest.mark.parametrize("whose", Whose)
@pytest.mark.parametrize(
    ("act", "action", "seen_by"),
    [
        (House.read_order, Action.READ_ORDER, Action.READ_ORDER),
        (House.follow_order, Action.READ_ORDER, Action.READ_ORDER),
        (House.cancel_order, Action.CANCEL_ORDER, Action.READ_ORDER),
        (House.read_report, Action.READ_REPORT, Action.READ_REPORT),
        (House.follow_report, Action.READ_REPORT, Action.READ_REPORT),
        (House.cancel_report, Action.CANCEL_REPORT, Action.READ_REPORT),
        (House.read_balance, Action.READ_LEDGER, None),
        (House.read_entries, Action.READ_LEDGER, None),
        (House.follow_recipient, Action.FOLLOW_RECIPIENT, None),
    ],
)
def test_the_table_decides(
    act: Callable[[House, Caller], None], action: Action, seen_by: Action | None, whose: Whose
) -> None:
    """What one may do with nothing at all is forbidden (403). With another's it is not there (404), unless one may see
    it: then it is forbidden."""
    for scopes in every_scope_set():
        house = House(OWNERS[whose])
        outcome = outcome_of(lambda caller: act(house, caller), scopes)  # noqa: B023 - called at once
        if expected(action, whose, scopes):
            assert outcome is None, sorted(scopes)
        elif not expected(action, Whose.OWN, scopes) or seen_by is None or expected(seen_by, whose, scopes):
            assert outcome is Forbidden, sorted(scopes)
        else:
            assert outcome is NotFound, sorted(scopes)


@pytest.mark.parametrize("type_name", sorted(REPORT_TYPES))
def test_who_asks_for_a_report_may_see_what_it_shows(type_name: str) -> None:
    for scopes in every_scope_set():
        house, shown = House("web"), SHOWS.get(type_name)
        may = expected(Action.REQUEST_REPORT, Whose.OWN, scopes) and (
            shown is None or expected(shown, Whose.OWN, scopes)
        )
        assert outcome_of(lambda caller: house.ask_for(caller, type_name), scopes) is (  # noqa: B023
            None if may else Forbidden
        ), sorted(scopes)
        if may:
            asked = house.ask_for(a_caller(scopes=scopes), type_name)
            assert asked.sees_all is expected(Action.READ_ORDER, Whose.OTHERS, scopes)


def test_who_uploads_a_table_has_the_right_to_it() -> None:
    for scopes in every_scope_set():
        offer = OfferUpload(FakeTables(), FakeUploadCounts(), 1, FakeClock())
        outcome = outcome_of(lambda caller: offer(caller, 1, "application/json"), scopes)  # noqa: B023
        may = expected(Action.UPLOAD_TABLE, Whose.OWN, scopes)
        assert outcome is (None if may else Forbidden), sorted(scopes)


@pytest.mark.parametrize("sees_all", [False, True])
@pytest.mark.parametrize("whose", Whose)
@pytest.mark.parametrize("type_name", sorted(REPORT_TYPES))
def test_who_reads_a_report_may_see_what_it_shows(type_name: str, whose: Whose, sees_all: bool) -> None:
    """A statement takes the right to read ledgers, and a report on everybody's orders the right to read those, also
    where it is one's own: the token may have become a narrower one since."""
    reads: list[Callable[[House, Caller], object]] = [
        lambda house, caller: ReadReport(house.reports, FakeLinks(), house.clock)(caller, type_name),
        lambda house, caller: house._snapshots(caller, Topic(TopicKind.REPORT, type_name)),
    ]
    shown = SHOWS.get(type_name)
    for scopes in every_scope_set():
        house = House(OWNERS[whose], sees_all)
        may = expected(Action.READ_REPORT, whose, scopes) and (
            shown is None or expected(shown, Whose.OTHERS if sees_all else whose, scopes)
        )
        for read in reads:
            outcome = outcome_of(lambda caller: read(house, caller), scopes)  # noqa: B023
            assert (outcome is None) is may, sorted(scopes)


def test_it_is_said_of_each_type_what_it_shows() -> None:
    assert set(REPORT_TYPES) == {*SHOWS, "table"}
