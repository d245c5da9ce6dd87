"""Orders by period: all of them, once, in order; claims never."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import pytest

from comanda.adapters import order_periods
from comanda.adapters.order_rows import period_of
from comanda.domain.order import Order
from tests.builders import NOW, a_claim, a_pending_order, an_enriched_order
from tests.report_targets import ReportResources

OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
A_MILLISECOND = timedelta(milliseconds=1)


def stored(resources: ReportResources, *orders: Order) -> list[str]:
    """Claimed, then written as they are: as it happens in their life."""
    for order in orders:
        resources.orders.claim(order)
    return [order.order_id for order in sorted(orders, key=lambda order: (order.created_at, order.order_id))]


def test_all_orders_of_a_period_come_once_and_in_order(
    report_resources: ReportResources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_periods, "KEYS_A_PAGE", 7)
    monkeypatch.setattr(order_periods, "ROWS_A_BATCH", 11)
    days = [OCTOBER + timedelta(days=number // 2) for number in range(120)]
    orders = stored(report_resources, *(a_pending_order(created_at=day) for day in days))
    assert len({period_of(report_resources.orders.get(order)) for order in orders}) >= 15  # type: ignore[arg-type]
    periods = report_resources.periods
    assert [line.order_id for line in periods.orders(OCTOBER, DECEMBER)] == orders
    assert periods.count(OCTOBER, DECEMBER) == 120


def test_a_period_begins_with_its_first_moment_and_ends_before_its_last(report_resources: ReportResources) -> None:
    moments = [NOVEMBER - A_MILLISECOND, NOVEMBER, DECEMBER - A_MILLISECOND, DECEMBER]
    orders = stored(report_resources, *(a_pending_order(created_at=moment) for moment in moments))
    assert [line.order_id for line in report_resources.periods.orders(NOVEMBER, DECEMBER)] == orders[1:3]
    assert report_resources.periods.count(NOVEMBER, DECEMBER) == 2


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
        found = [uuid.UUID(line.order_id).int for line in periods.orders(OCTOBER, DECEMBER)]
        assert found == [1, 2, 9, 17, 25]


def test_a_claim_is_no_order_yet_and_becomes_one_where_it_stands(report_resources: ReportResources) -> None:
    claim = a_claim()
    stored(report_resources, claim)
    assert list(report_resources.periods.orders(OCTOBER, DECEMBER)) == []
    report_resources.orders.save(claim, claim.stored(NOW))
    (line,) = report_resources.periods.orders(OCTOBER, DECEMBER)
    assert line.order_id == claim.order_id


def test_a_line_shows_the_order_as_it_is_now(report_resources: ReportResources) -> None:
    order = an_enriched_order("10.50", client_order_id="mine")
    stored(report_resources, order)
    done = order.completed(NOW + timedelta(minutes=1))
    report_resources.orders.save(order, done)
    (line,) = report_resources.periods.orders(OCTOBER, DECEMBER)
    assert (line.status, str(line.total_amount), line.client_order_id) == (done.status, "10.50", "mine")
    assert (line.created_at, line.updated_at) == (done.created_at, done.updated_at)


def test_the_index_key_never_changes_in_an_orders_life() -> None:
    order = a_pending_order(order_id=str(uuid.UUID(int=13)))
    assert period_of(order) == period_of(order.started(NOW + timedelta(days=40))) == "2026-11#5"
