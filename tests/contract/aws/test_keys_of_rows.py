"""What cannot be the key of a row is nobody's, and DynamoDB, which would refuse to look for it, is not asked."""

import pytest

from comanda.adapters.notifications.table import NotificationTable
from comanda.adapters.orders.ledger import LedgerTable
from comanda.adapters.orders.table import OrderTable
from comanda.adapters.reports.table import ReportTable
from tests.support.report_targets import ReportResources
from tests.support.targets import Resources

LONGEST = "é" * 1024
"""2,048 bytes."""


@pytest.fixture(params=["", "a" * 2049, LONGEST + "a", "\udcff"], ids=["empty", "long", "long in bytes", "surrogate"])
def no_key(request: pytest.FixtureRequest) -> str:
    key: str = request.param
    return key


def test_there_is_no_such_order(resources: Resources, no_key: str) -> None:
    orders = OrderTable(resources.dynamodb, resources.orders_table)
    assert orders.get(no_key) is None
    assert orders.get_many([no_key]) == {}


def test_there_is_no_such_report(report_resources: ReportResources, no_key: str) -> None:
    assert ReportTable(report_resources.dynamodb, report_resources.table("reports")).get(no_key) is None


def test_there_is_no_such_notification_and_none_about_it(resources: Resources, no_key: str) -> None:
    notifications = NotificationTable(resources.dynamodb, resources.notifications_table)
    assert notifications.get(no_key) is None
    assert list(notifications.of_subject(no_key)) == []


def test_nobody_of_that_name_has_a_ledger(resources: Resources, no_key: str) -> None:
    ledger = LedgerTable(resources.dynamodb, resources.ledger_table, resources.orders_table)
    assert ledger.balance(no_key) is None
    assert list(ledger.entries(no_key, 0, 1)) == []


def test_the_longest_key_is_looked_for(resources: Resources) -> None:
    orders = OrderTable(resources.dynamodb, resources.orders_table)
    resources.dynamodb.put_item(TableName=resources.orders_table, Item={"order_id": {"S": LONGEST}})
    assert list(orders.get_many([LONGEST])) == [LONGEST]
