"""The notifications table, and what callers have said once for all."""

from dataclasses import replace
from datetime import timedelta

import pytest

from comanda.adapters.notifications.table import MAX_AGE, CachedDefaults, NotificationTable, SubscriptionTable
from comanda.application.delivery.ports import VersionConflict
from comanda.domain.delivery.work_item import Failure
from comanda.domain.notifications.notification import STAGE, Notification
from comanda.domain.shared.notify import Channel, Notify
from tests.support.builders import NOW, a_notification
from tests.support.fakes import FakeClock
from tests.support.targets import Resources

LATER = NOW + timedelta(seconds=1)
FAILED = a_notification(channel=Channel.EMAIL, target="ana@example.com", locale="pt-BR").tried("m-1", 2, LATER)
FAILED = FAILED.failed(Failure("ReceiverTimeout", "slow", STAGE, 3, LATER, "m-1"))


@pytest.fixture
def table(resources: Resources) -> NotificationTable:
    return NotificationTable(resources.dynamodb, resources.notifications_table)


@pytest.fixture
def subscriptions(resources: Resources) -> SubscriptionTable:
    return SubscriptionTable(resources.dynamodb, resources.subscriptions_table)


@pytest.mark.parametrize("notification", [a_notification(), FAILED])
def test_what_is_stored_comes_back_equal(table: NotificationTable, notification: Notification) -> None:
    assert table.add(notification) is None
    assert table.get(notification.notification_id) == notification
    assert table.get("nobody") is None


def test_one_is_added_once(table: NotificationTable) -> None:
    first = a_notification()
    assert table.add(first) is None
    assert table.add(replace(first, target="https://example.com/other")) == first


def test_a_change_is_made_from_the_row_as_it_is(table: NotificationTable) -> None:
    first = a_notification()
    table.add(first)
    table.save(first, first.delivered(LATER))
    with pytest.raises(VersionConflict):
        table.save(first, first.ended(LATER))


def test_an_operator_finds_all_about_an_order_and_what_failed(table: NotificationTable) -> None:
    second = a_notification(notification_id="n-2", happened_at=LATER)
    failed = replace(FAILED, notification_id="n-3", subject_id="o-9")
    for each in (second, a_notification(), failed):
        table.add(each)
    assert list(table.of_subject("o-1")) == [a_notification(), second]
    assert list(table.failed()) == [failed]


def test_defaults_are_kept_by_caller(subscriptions: SubscriptionTable) -> None:
    notify = Notify("https://example.com/hook", "ana@example.com", ("order.failed",), "en-US")
    assert subscriptions.default_of("web") is None
    subscriptions.set_default("web", notify)
    assert (subscriptions.default_of("web"), subscriptions.default_of("mobile")) == (notify, None)
    subscriptions.clear_default("web")
    assert subscriptions.default_of("web") is None


def test_a_default_is_gone_on_with_for_a_minute(subscriptions: SubscriptionTable) -> None:
    clock = FakeClock()
    defaults, notify = CachedDefaults(subscriptions, clock), Notify("https://example.com/hook")
    assert defaults("web") is None
    subscriptions.set_default("web", notify)
    assert defaults("web") is None
    clock.now += MAX_AGE
    assert defaults("web") == notify


def test_a_receiver_that_has_ended_stays_so_until_a_person_resumes_it(subscriptions: SubscriptionTable) -> None:
    notification = a_notification()
    assert not subscriptions.has_ended(notification.receiver_id)
    subscriptions.end(notification)
    subscriptions.end(notification)
    assert subscriptions.has_ended(notification.receiver_id)
    assert not subscriptions.has_ended(replace(notification, caller="mobile").receiver_id)
    subscriptions.resume(notification.receiver_id)
    assert not subscriptions.has_ended(notification.receiver_id)
