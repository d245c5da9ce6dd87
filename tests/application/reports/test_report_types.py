"""What each type of report holds: the right orders, the right sums, in the reader's words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from comanda.adapters.reports.views import report_view
from comanda.application.orders.ports import Balance, LedgerEntry
from comanda.application.reports.generate import ROWS_BETWEEN_LOOKS
from comanda.application.reports.types.orders import ORDERS
from comanda.application.reports.types.report_type import Asked, parameters_of
from comanda.domain.orders.order import OrderStatus
from comanda.domain.reports.report import MAX_PDF_ROWS, Report, ReportFormat, ReportStatus
from comanda.domain.reports.table import Row, Strong
from comanda.domain.shared.access import Caller, Origin, Scope
from comanda.domain.shared.errors import Forbidden, InvalidRequest, UnreadableRow
from tests.application.reports.conftest import LEASE, Scene, a_line
from tests.support.builders import NOW, a_caller
from tests.support.fakes import StillClock

NOVEMBER: dict[str, Any] = {"from": "2026-11-01", "to": "2026-11-22", "locale": "en-US"}
OPS = a_caller("ops", scopes=frozenset(Scope))
A_SECOND = timedelta(seconds=1)


def written(scene: Scene, type_name: str, parameters: dict[str, Any], caller: Caller = OPS) -> list[Row]:
    report = scene.asked(type_name=type_name, parameters=parameters, caller=caller)
    scene.clock.now += timedelta(minutes=1)
    assert scene.generate(scene.message(report)) == []
    return rows_of(scene, report)


def rows_of(scene: Scene, report: Report) -> list[Row]:
    assert scene.row(report).status is ReportStatus.READY, scene.row(report).failure
    return scene.files.written[scene.row(report).file_key]


@pytest.mark.parametrize(
    ("fields", "field", "says"),
    [
        ({"from": "2026-11-23"}, "parameters.to", "ends before it begins"),
        ({"to": "2026-11-23"}, "parameters.to", "in the future; today is 2026-11-22"),
        ({"from": "2025-11-21"}, "parameters.to", "at most 366 days"),
        ({"from": None}, "parameters.from", "a day is written like"),
        ({"from": 1}, "parameters.from", "a day is written like"),
        ({"to": "2026-11-31"}, "parameters.to", "date"),
        ({"to": "22/11/2026"}, "parameters.to", "a day is written like"),
        ({"colour": "red"}, "parameters.colour", "not a parameter"),
        ({"status": "accepting"}, "parameters.status", "'pending'"),
        ({"origin": "fax"}, "parameters.origin", "'web'"),
        ({"recipient_id": "a b"}, "parameters.recipient_id", "pattern"),
    ],
)
@pytest.mark.parametrize("type_name", ["orders", "summary"])
def test_a_broken_rule_of_a_period_names_its_field(
    scene: Scene, type_name: str, fields: dict[str, Any], field: str, says: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        scene.asked(type_name=type_name, parameters={**NOVEMBER, **fields}, caller=OPS)
    assert says in {error.field: error.message for error in refused.value.errors}[field]


@pytest.mark.parametrize("missing", ["from", "to"])
def test_an_open_period_is_refused(scene: Scene, missing: str) -> None:
    parameters = {name: value for name, value in NOVEMBER.items() if name != missing}
    with pytest.raises(InvalidRequest, match=rf"parameters\.{missing}: is missing"):
        scene.asked(type_name="orders", parameters=parameters)


def test_today_is_the_readers_day(scene: Scene) -> None:
    scene.clock.now = datetime(2026, 11, 22, 20, tzinfo=UTC)
    tomorrow = {**NOVEMBER, "to": "2026-11-23"}
    with pytest.raises(InvalidRequest):
        scene.asked(type_name="orders", parameters=tomorrow)
    scene.asked(type_name="orders", parameters={**tomorrow, "time_zone": "Asia/Tokyo"})


def test_orders_of_the_period_come_as_rows_in_the_readers_words(scene: Scene) -> None:
    line = a_line(status=OrderStatus.PENDING, client_order_id="mine", total_amount=None)
    scene.orders.lines = [line, a_line(created_at=datetime(2026, 10, 31, 23, 59, tzinfo=UTC))]
    at = (line.created_at, line.order_id, "mine", "web", "r-1", "c-1")
    assert written(scene, "orders", NOVEMBER) == [(*at, "Pending", None, NOW)]
    assert written(scene, "orders", {**NOVEMBER, "locale": "pt-BR"}) == [(*at, "Pendente", None, NOW)]


def test_days_begin_where_the_reader_is(scene: Scene) -> None:
    early = a_line(created_at=datetime(2026, 11, 1, 2, 59, tzinfo=UTC))
    later = a_line(created_at=datetime(2026, 11, 1, 3, 0, tzinfo=UTC))
    scene.orders.lines = [early, later]
    assert len(written(scene, "orders", NOVEMBER)) == 2
    assert [row[1] for row in written(scene, "orders", {**NOVEMBER, "time_zone": "America/Sao_Paulo"})] == [
        later.order_id
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [("recipient_id", "r-2"), ("customer_id", "c-2"), ("status", "failed"), ("origin", "mobile")],
)
def test_a_filter_leaves_what_it_names(scene: Scene, name: str, value: str) -> None:
    kinds: dict[str, Any] = {"status": OrderStatus, "origin": Origin}
    wanted = a_line(**{name: kinds.get(name, str)(value)})
    scene.orders.lines = [a_line(), wanted]
    assert [row[1] for row in written(scene, "orders", {**NOVEMBER, name: value})] == [wanted.order_id]


def test_a_caller_finds_its_own_orders_only_unless_it_may_read_all(scene: Scene) -> None:
    mine, other = a_line(), a_line(caller="mobile")
    scene.orders.lines = [mine, other]
    assert [row[1] for row in written(scene, "orders", NOVEMBER, a_caller())] == [mine.order_id]
    assert len(written(scene, "orders", NOVEMBER, OPS)) == 2


def test_what_came_after_the_request_is_not_in_the_report(scene: Scene) -> None:
    report = scene.asked(type_name="orders", parameters=NOVEMBER)
    before, after = a_line(created_at=report.as_of - A_SECOND), a_line(created_at=report.as_of)
    scene.orders.lines = [before, after]
    scene.clock.now += timedelta(minutes=1)
    assert scene.generate(scene.message(report)) == []
    assert [row[1] for row in rows_of(scene, report)] == [before.order_id]


def test_an_index_is_read_only_once_it_has_settled(scene: Scene) -> None:
    report = scene.asked(type_name="orders", parameters=NOVEMBER)
    delivery = scene.message(report)
    assert scene.generate(delivery) == [delivery.message_id]
    assert 10 <= scene.queue.hidden[delivery.message_id] <= 20
    assert scene.row(report).attempts_of(delivery.message_id) == 0
    scene.clock.now += timedelta(seconds=20)
    assert scene.generate(replace(delivery, receive_count=2)) == []
    past = scene.asked(type_name="orders", parameters={**NOVEMBER, "to": "2026-11-20"})
    assert scene.generate(scene.message(past)) == [], "a period that is long over waits for nothing"


@pytest.mark.parametrize("type_name", ["orders", "summary"])
def test_the_lease_is_renewed_also_while_no_row_comes_out(scene: Scene, type_name: str) -> None:
    """A filter that leaves nothing, or a summary whose first row comes last."""
    scene.orders.lines = [a_line()] * (3 * ROWS_BETWEEN_LOOKS)
    report = scene.asked(type_name=type_name, parameters={**NOVEMBER, "to": "2026-11-21", "recipient_id": "r-2"})
    clock = scene.clock
    scene.orders.on_line = lambda: setattr(clock, "now", clock.now + timedelta(seconds=LEASE / ROWS_BETWEEN_LOOKS))
    assert scene.generate(scene.message(report)) == []
    untils = [saved.lease.until for saved in scene.reports.saved if saved.lease]
    assert len(set(untils)) >= 3


def test_too_many_rows_for_paper_are_refused_before_anything_is_stored(scene: Scene) -> None:
    scene.orders.lines = [a_line()] * (MAX_PDF_ROWS + 1)
    with pytest.raises(InvalidRequest, match="xlsx"):
        scene.asked(type_name="orders", parameters=NOVEMBER, report_format=ReportFormat.PDF, caller=OPS)
    assert scene.reports.rows == {}


def test_what_others_ordered_keeps_nobody_from_a_report_on_paper(scene: Scene) -> None:
    mine = a_line()
    scene.orders.lines = [a_line(caller="mobile")] * (MAX_PDF_ROWS + 1) + [mine]
    scene.rows_a_second = 1_000_000
    report = scene.asked(type_name="orders", parameters=NOVEMBER, report_format=ReportFormat.PDF)
    scene.clock.now += timedelta(minutes=1)
    assert scene.generate(scene.message(report)) == []
    assert [row[1] for row in rows_of(scene, report)] == [mine.order_id]


def a_ledger(scene: Scene, *entries: tuple[datetime, str], recipient_id: str = "r-1") -> Decimal:
    amounts = [Decimal(amount) for _, amount in entries]
    scene.ledger.written[recipient_id] = [
        LedgerEntry(number, f"order-{number}", amount, at)
        for number, ((at, _), amount) in enumerate(zip(entries, amounts, strict=True), 1)
    ]
    balance = Balance(recipient_id, "BRL", sum(amounts, Decimal("0.00")), len(entries))
    scene.ledger.balances[recipient_id] = balance
    return balance.amount


OCTOBER_31 = datetime(2026, 10, 31, 23, 59, tzinfo=UTC)
NOVEMBER_1 = datetime(2026, 11, 1, tzinfo=UTC)
NOVEMBER_9 = datetime(2026, 11, 9, tzinfo=UTC)
STATEMENT: dict[str, Any] = {**NOVEMBER, "recipient_id": "r-1"}


def test_a_statement_goes_from_opening_to_closing_balance(scene: Scene) -> None:
    balance = a_ledger(scene, (OCTOBER_31, "5.00"), (NOVEMBER_1, "1.10"), (NOVEMBER_9, "2.20"))
    rows = written(scene, "recipient-statement", STATEMENT)
    assert rows[:-1] == [
        (None, NOVEMBER_1, "Opening balance", None, Decimal("5.00")),
        (2, NOVEMBER_1, "order-2", Decimal("1.10"), Decimal("6.10")),
        (3, NOVEMBER_9, "order-3", Decimal("2.20"), Decimal("8.30")),
    ]
    assert rows[-1][2:] == ("Closing balance", None, balance)
    assert rows[-1][1] == scene.reports.saved[-1].as_of, "today is not over: it is closed where the report ends"
    assert [type(row) is Strong for row in rows] == [True, False, False, True]


def test_the_closing_balance_of_a_period_is_the_opening_balance_of_the_next(scene: Scene) -> None:
    late = NOVEMBER_1 - A_SECOND  # A worker's clock that is behind: its entry follows one of the next day.
    a_ledger(scene, (OCTOBER_31, "5.00"), (NOVEMBER_1, "1.00"), (late, "2.00"), (NOVEMBER_9, "4.00"))
    october = written(scene, "recipient-statement", {**STATEMENT, "from": "2026-10-01", "to": "2026-10-31"})
    november = written(scene, "recipient-statement", STATEMENT)
    assert october[-1][4] == november[0][4] == Decimal("5.00")
    assert [row[0] for row in november[1:-1]] == [2, 3, 4]
    assert (october[-1][1], november[0][1]) == (NOVEMBER_1 - A_SECOND, NOVEMBER_1), "each in its own period"


def test_a_statement_without_an_entry_has_two_lines(scene: Scene) -> None:
    a_ledger(scene, (OCTOBER_31, "5.00"))
    rows = written(scene, "recipient-statement", STATEMENT)
    assert [(row[2], row[4]) for row in rows] == [
        ("Opening balance", Decimal("5.00")),
        ("Closing balance", Decimal("5.00")),
    ]


APIA_LEFT_OUT: dict[str, Any] = {"from": "2011-12-30", "to": "2011-12-30", "time_zone": "Pacific/Apia"}
"""Samoa went from the 29th to the 31st."""


def test_of_a_day_that_there_was_not_a_statement_opens_and_closes_at_once(scene: Scene) -> None:
    at = datetime(2011, 12, 30, 10, tzinfo=UTC)
    a_ledger(scene, (at - A_SECOND, "5.00"), (at, "2.00"))
    opening, closing = written(scene, "recipient-statement", {**APIA_LEFT_OUT, "recipient_id": "r-1"})
    assert opening == (None, at, opening[2], None, Decimal("5.00"))
    assert closing == (None, at, closing[2], None, Decimal("5.00"))


@pytest.mark.parametrize("type_name", ["orders", "summary", "recipient-statement"])
def test_a_day_that_has_just_begun_is_empty(scene: Scene, type_name: str) -> None:
    midnight = datetime(2026, 11, 22, tzinfo=UTC)
    scene.orders.lines = [a_line(created_at=midnight - A_SECOND), a_line(created_at=midnight)]
    a_ledger(scene, (midnight - A_SECOND, "5.00"), (midnight, "2.00"))
    scene.clock = StillClock(midnight + timedelta(microseconds=400))
    asked = {**NOVEMBER, "from": "2026-11-22", **({"recipient_id": "r-1"} if "statement" in type_name else {})}
    report = scene.asked(type_name=type_name, parameters=asked, caller=OPS)
    scene.clock.now += timedelta(minutes=1)
    assert scene.generate(scene.message(report)) == []
    assert [row[1:] for row in rows_of(scene, report)] == {
        "orders": [],
        "summary": [(None, 0, 0, Decimal("0.00"))],
        "recipient-statement": [
            (midnight, "Opening balance", None, Decimal("5.00")),
            (midnight, "Closing balance", None, Decimal("5.00")),
        ],
    }[type_name]


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "UTC", "America/Sao_Paulo"])
def test_a_year_that_no_time_zone_is_reckoned_in_is_refused(scene: Scene, zone: str) -> None:
    with pytest.raises(InvalidRequest, match="1970-01-01 or later"):
        scene.asked(type_name="orders", parameters={"from": "0001-01-01", "to": "0001-01-01", "time_zone": zone})


def test_a_ledger_longer_than_a_page_is_read_whole(scene: Scene) -> None:
    balance = a_ledger(scene, *[(NOVEMBER_9, "0.01")] * 2_345)
    rows = written(scene, "recipient-statement", STATEMENT)
    assert (len(rows), rows[-1][4]) == (2_347, balance)


def test_a_ledger_that_does_not_add_up_makes_no_statement(scene: Scene) -> None:
    a_ledger(scene, (NOVEMBER_9, "5.00"))
    scene.ledger.balances["r-1"] = replace(scene.ledger.balances["r-1"], amount=Decimal("6.00"))
    report = scene.asked(type_name="recipient-statement", parameters=STATEMENT, caller=OPS)
    scene.generate(scene.message(report))
    failure = scene.row(report).failure
    assert failure
    assert (failure.name, scene.files.written) == ("LedgerDisagrees", {})


def test_a_statement_needs_its_scope_and_a_ledger(scene: Scene) -> None:
    with pytest.raises(Forbidden):
        scene.asked(type_name="recipient-statement", parameters=STATEMENT)
    with pytest.raises(InvalidRequest, match="has completed yet"):
        scene.asked(type_name="recipient-statement", parameters=STATEMENT, caller=OPS)


def test_a_summary_counts_all_and_sums_what_was_completed(scene: Scene) -> None:
    scene.orders.lines = [
        a_line(created_at=NOVEMBER_1, total_amount=Decimal("0.10")),
        a_line(created_at=NOVEMBER_1, total_amount=Decimal("0.20"), recipient_id="r-2"),
        a_line(created_at=NOVEMBER_9, status=OrderStatus.FAILED, total_amount=Decimal("9.00"), origin=Origin.API),
        a_line(created_at=NOVEMBER_9, status=OrderStatus.PENDING, total_amount=None),
    ]
    zero, all_of_it = Decimal("0.00"), Decimal("0.30")
    assert written(scene, "summary", NOVEMBER) == [
        ("Day", "11/01/2026", 2, 2, all_of_it),
        ("Day", "11/09/2026", 2, 0, zero),
        ("Recipient", "r-1", 3, 1, Decimal("0.10")),
        ("Recipient", "r-2", 1, 1, Decimal("0.20")),
        ("Origin", "api", 1, 0, zero),
        ("Origin", "web", 3, 2, all_of_it),
        ("Status", "Completed", 2, 2, all_of_it),
        ("Status", "Failed", 1, 0, zero),
        ("Status", "Pending", 1, 0, zero),
        ("Total", None, 4, 2, all_of_it),
    ]


def test_a_file_says_its_period_filters_cut_off_and_zone(scene: Scene) -> None:
    filters = {"recipient_id": "r-1", "status": "failed", "origin": "web", "time_zone": "America/Sao_Paulo"}
    report = scene.asked(type_name="orders", parameters={**NOVEMBER, **filters})
    parameters = parameters_of(ORDERS, report.request.parameters)
    table = ORDERS.document(parameters, Asked(report, scene.sources, "BRL", iter))
    assert table.subtitle == (
        "Period: 11/01/2026 \u2013 11/22/2026",
        "Recipient: r-1",
        "Status: Failed",
        "Origin: web",
        f"As of: {report.as_of - timedelta(hours=3):%m/%d/%Y %I:%M:%S %p}",
        "Time zone: America/Sao_Paulo",
    )


def test_the_same_period_of_other_words_or_days_is_another_report(scene: Scene) -> None:
    ids = {
        scene.asked(type_name=type_name, parameters={**NOVEMBER, **other}).report_id
        for type_name in ("orders", "summary")
        for other in ({}, {"locale": "pt-BR"}, {"time_zone": "Asia/Tokyo"}, {"to": "2026-11-21"}, {"status": "failed"})
    }
    assert len(ids) == 10


@pytest.mark.parametrize("type_name", ["orders", "summary"])
def test_orders_that_cannot_be_read_are_left_out_and_the_report_says_so(scene: Scene, type_name: str) -> None:
    scene.orders.lines = [a_line()]
    scene.orders.unreadable = [UnreadableRow(f"o-{number}", "origin is missing") for number in range(12)]
    report = scene.asked(type_name=type_name, parameters=NOVEMBER, caller=OPS)
    scene.clock.now += timedelta(minutes=1)
    assert scene.generate(scene.message(report)) == []
    *_, last = rows_of(scene, report)
    assert isinstance(last, Strong)
    assert "Orders left out, as their record cannot be read" in str(last)
    assert "12" in str(last)
    ready = scene.row(report)
    assert ready.file
    assert ready.file.left_out == 12
    assert report_view(ready)["rows_left_out"] == 12
    assert [name for name, _ in scene.telemetry.emitted].count("row.unreadable") == 10


def test_a_report_of_orders_that_can_all_be_read_says_nothing_of_it(scene: Scene) -> None:
    scene.orders.lines = [a_line()]
    report = scene.asked(type_name="orders", parameters=NOVEMBER, caller=OPS)
    scene.clock.now += timedelta(minutes=1)
    scene.generate(scene.message(report))
    assert len(rows_of(scene, report)) == 1
    assert "rows_left_out" not in report_view(scene.row(report))
