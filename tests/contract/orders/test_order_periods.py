"""Orders by period: all of them, once, in order; claims never."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import pytest

from comanda.adapters.aws.raw_rows import leave_rows_raw
from comanda.adapters.aws.values import to_dynamodb
from comanda.adapters.orders import period_index as order_periods
from comanda.adapters.orders.period_index import OrderPeriodIndex
from comanda.adapters.orders.rows import from_row, period_of, to_row
from comanda.application.reports.ports import OrderLine
from comanda.domain.orders.order import Order
from comanda.domain.shared.errors import UnreadableRow
from comanda.domain.shared.period import Period
from tests.support.builders import NOW, a_claim, a_pending_order, an_enriched_order
from tests.support.report_targets import ReportResources
from tests.support.unreadable import ORDERS, spoilt

OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
A_MILLISECOND = timedelta(milliseconds=1)


def stored(resources: ReportResources, *orders: Order) -> list[str]:
    """Claimed, then written as they are: as it happens in their life."""
    for order in orders:
        resources.orders.claim(order)
    return [order.order_id for order in sorted(orders, key=lambda order: (order.created_at, order.order_id))]


def lines(periods: OrderPeriodIndex, first: datetime, end: datetime) -> list[OrderLine]:
    """All of them, and each can be read."""
    found = list(periods.orders(Period(first, end)))
    readable = [line for line in found if isinstance(line, OrderLine)]
    assert found == readable
    return readable


def test_all_orders_of_a_period_come_once_and_in_order(
    report_resources: ReportResources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_periods, "KEYS_A_PAGE", 7)
    monkeypatch.setattr(order_periods, "ROWS_A_BATCH", 11)
    days = [OCTOBER + timedelta(days=number // 2) for number in range(120)]
    orders = stored(report_resources, *(a_pending_order(created_at=day) for day in days))
    assert len({period_of(report_resources.orders.get(order)) for order in orders}) >= 15  # type: ignore[arg-type]
    periods = report_resources.periods
    assert [line.order_id for line in lines(periods, OCTOBER, DECEMBER)] == orders
    assert periods.count(Period(OCTOBER, DECEMBER)) == 120


def test_a_period_begins_with_its_first_moment_and_ends_before_its_last(report_resources: ReportResources) -> None:
    moments = [NOVEMBER - A_MILLISECOND, NOVEMBER, DECEMBER - A_MILLISECOND, DECEMBER]
    orders = stored(report_resources, *(a_pending_order(created_at=moment) for moment in moments))
    assert [line.order_id for line in lines(report_resources.periods, NOVEMBER, DECEMBER)] == orders[1:3]
    assert report_resources.periods.count(Period(NOVEMBER, DECEMBER)) == 2


@pytest.mark.parametrize("end", [NOVEMBER, NOVEMBER + timedelta(microseconds=999), OCTOBER])
def test_of_an_empty_period_nothing_is_asked(report_resources: ReportResources, end: datetime) -> None:
    """DynamoDB refuses bounds that are the wrong way round, where moto and the emulator find nothing."""
    stored(report_resources, a_pending_order(created_at=NOVEMBER))
    asked: list[object] = []
    report_resources.dynamodb.meta.events.register("before-call.dynamodb", lambda model, **_: asked.append(model.name))
    assert lines(report_resources.periods, NOVEMBER, end) == []
    assert report_resources.periods.count(Period(NOVEMBER, end)) == 0
    assert asked == []


class UnorderedTies:
    """A client of DynamoDB that gives what has the same sort key in the order it likes, as DynamoDB may."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def query(self, **request: Any) -> Any:
        answer = self._client.query(**request)
        ties = groupby(answer["Items"], key=lambda item: item["created_at"])
        return {**answer, "Items": [item for _, tie in ties for item in reversed(list(tie))]}

    def batch_get_item(self, **request: Any) -> Any:
        return self._client.batch_get_item(**request)


def test_orders_of_the_same_moment_come_in_the_order_of_their_ids(report_resources: ReportResources) -> None:
    stored(report_resources, *(a_pending_order(order_id=str(uuid.UUID(int=number))) for number in (17, 1, 9, 2, 25)))
    for client in (report_resources.dynamodb, UnorderedTies(report_resources.dynamodb)):
        periods = replace(report_resources.periods, client=client)  # type: ignore[arg-type]
        found = [uuid.UUID(line.order_id).int for line in lines(periods, OCTOBER, DECEMBER)]
        assert found == [1, 2, 9, 17, 25]


def test_a_claim_is_no_order_yet_and_becomes_one_where_it_stands(report_resources: ReportResources) -> None:
    claim = a_claim()
    stored(report_resources, claim)
    assert lines(report_resources.periods, OCTOBER, DECEMBER) == []
    report_resources.orders.save(claim, claim.stored(NOW))
    (line,) = lines(report_resources.periods, OCTOBER, DECEMBER)
    assert line.order_id == claim.order_id


def test_a_line_shows_the_order_as_it_is_now(report_resources: ReportResources) -> None:
    order = an_enriched_order("10.50", client_order_id="mine")
    stored(report_resources, order)
    done = order.completed(NOW + timedelta(minutes=1))
    report_resources.orders.save(order, done)
    (line,) = lines(report_resources.periods, OCTOBER, DECEMBER)
    assert (line.status, str(line.total_amount), line.client_order_id) == (done.status, "10.50", "mine")
    assert (line.created_at, line.updated_at) == (done.created_at, done.updated_at)


def test_the_index_key_never_changes_in_an_orders_life() -> None:
    order = a_pending_order(order_id=str(uuid.UUID(int=13)))
    assert period_of(order) == period_of(order.started(NOW + timedelta(days=40))) == "2026-11#5"


SHOWN = {"caller", "origin", "recipient_id", "customer_id", "status", "total_amount", "updated_at", "schema"}


@pytest.mark.parametrize(("name", "value"), [each for each in ORDERS if each[0] in SHOWN])
def test_one_that_cannot_be_read_is_named_and_hides_no_other(
    report_resources: ReportResources, name: str, value: object
) -> None:
    bad, good = (an_enriched_order(order_id=str(uuid.UUID(int=number))) for number in (1, 2))
    stored(report_resources, good)
    row = spoilt(to_dynamodb(to_row(bad)), name, value)
    report_resources.dynamodb.put_item(TableName=report_resources.table("orders"), Item=row)
    raw = leave_rows_raw(report_resources.session.client("dynamodb"))
    for client in (report_resources.dynamodb, raw):
        periods = replace(report_resources.periods, client=client)
        left_out, line = periods.orders(Period(OCTOBER, DECEMBER))
        assert isinstance(left_out, UnreadableRow)
        assert left_out.row_id == bad.order_id
        assert left_out.why.startswith(name)
        assert isinstance(line, OrderLine)
        assert line.order_id == good.order_id


def test_one_of_a_newer_release_is_left_out_too(report_resources: ReportResources) -> None:
    row = to_dynamodb(to_row(a_pending_order()) | {"schema": 2})
    report_resources.dynamodb.put_item(TableName=report_resources.table("orders"), Item=row)
    (left_out,) = report_resources.periods.orders(Period(OCTOBER, DECEMBER))
    assert isinstance(left_out, UnreadableRow)
    assert left_out.newer


TIMES = ["2026-11-22T09:30:00.000Z", "2026-11-22T09:30:00Z", "2026-11-22T06:30:00.000-03:00"]


@pytest.mark.parametrize("updated_at", TIMES)
def test_what_can_be_read_is_in_a_report(report_resources: ReportResources, updated_at: str) -> None:
    """A glance is only quicker: it leaves nothing out that the row's own reader takes."""
    row = to_row(a_pending_order()) | {"updated_at": updated_at}
    report_resources.dynamodb.put_item(TableName=report_resources.table("orders"), Item=to_dynamodb(row))
    (line,) = lines(report_resources.periods, OCTOBER, DECEMBER)
    assert line.updated_at == from_row(row).updated_at
