"""The tables of reports and notifications where one of their rows cannot be read: it can be failed, and is found."""

from typing import Any

import pytest

from comanda.adapters.aws.values import decoded, to_dynamodb
from comanda.adapters.notifications import table as notification_table
from comanda.adapters.notifications.table import NotificationTable
from comanda.adapters.reports import rows as report_rows
from comanda.adapters.reports.table import ReportTable
from comanda.domain.delivery.work_item import Failure
from comanda.domain.shared.errors import UnreadableRow
from tests.support.builders import NOW, a_notification, a_report
from tests.support.report_targets import ReportResources
from tests.support.targets import Resources
from tests.support.unreadable import GONE, NOTIFICATIONS, REPORTS, spoilt

FAILURE = Failure("UnreadableRow", "why", "generation", 0, NOW, "m-1")
WRITTEN = {"status", "failure", "updated_at", "version", "attention"}


def differing(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


@pytest.mark.parametrize(("name", "value"), REPORTS)
def test_a_report_fails_and_is_listed(report_resources: ReportResources, name: str, value: object) -> None:
    client, table = report_resources.dynamodb, report_resources.table("reports")
    reports, report_id = ReportTable(client, table), a_report().report_id
    row = spoilt(to_dynamodb(report_rows.to_row(a_report().stored(NOW))), name, value)
    client.put_item(TableName=table, Item=row)
    with pytest.raises(UnreadableRow):
        reports.get(report_id)
    assert reports.fail_unreadable(report_id, FAILURE)
    assert not reports.fail_unreadable(report_id, FAILURE)
    after = client.get_item(TableName=table, Key={"report_id": {"S": report_id}})["Item"]
    assert after["status"] == {"S": "failed"}
    assert differing(decoded(row), decoded(after)) <= WRITTEN
    assert len(list(reports.failed())) == 1


@pytest.mark.parametrize(("name", "value"), NOTIFICATIONS)
def test_a_notification_fails_and_is_listed(resources: Resources, name: str, value: object) -> None:
    client, table = resources.dynamodb, resources.notifications_table
    notifications = NotificationTable(client, table)
    row = spoilt(to_dynamodb(notification_table.to_row(a_notification())), name, value)
    client.put_item(TableName=table, Item=row)
    with pytest.raises(UnreadableRow):
        notifications.get("n-1")
    assert notifications.fail_unreadable("n-1", FAILURE)
    assert not notifications.fail_unreadable("n-1", FAILURE)
    after = client.get_item(TableName=table, Key={"notification_id": {"S": "n-1"}})["Item"]
    assert after["status"] == {"S": "failed"}
    assert differing(decoded(row), decoded(after)) <= WRITTEN
    assert len(list(notifications.failed())) == 1


def test_what_is_delivered_or_of_a_newer_release_stays_as_it_is(resources: Resources) -> None:
    client, table = resources.dynamodb, resources.notifications_table
    for notification, name, value in (
        (a_notification().delivered(NOW), "data", GONE),
        (a_notification(), "schema", 2),
    ):
        row = spoilt(to_dynamodb(notification_table.to_row(notification)), name, value)
        client.put_item(TableName=table, Item=row)
        assert not NotificationTable(client, table).fail_unreadable("n-1", FAILURE)
        after = client.get_item(TableName=table, Key={"notification_id": {"S": "n-1"}})["Item"]
        assert differing(decoded(row), decoded(after)) == set()
