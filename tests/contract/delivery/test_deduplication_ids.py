"""How a message that came back from a dead-letter queue is known: its deduplication id is not the one that we gave."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from comanda.adapters.delivery.queues import deliveries_of
from comanda.adapters.notifications.queue import NotificationQueuePublisher
from comanda.adapters.orders.queue import QueuePublisher
from comanda.adapters.reports.queue import ReportQueuePublisher
from comanda.domain.delivery.messages import CONTENT_IDS_UNTIL, Message, deduplication_id
from comanda.domain.delivery.work_item import By, WorkItem
from comanda.domain.notifications.messages import NotificationMessage
from comanda.domain.orders.messages import OrderMessage
from comanda.domain.reports.messages import ReportMessage
from tests.golden import sqs_record
from tests.support.builders import NOW, a_notification, a_pending_order, a_report
from tests.support.targets import Resources

Parse = Callable[[str], Message]
KINDS = pytest.mark.parametrize(
    ("publisher", "row", "parse"),
    [
        (QueuePublisher, a_pending_order(), OrderMessage.parse),
        (ReportQueuePublisher, a_report().stored(NOW), ReportMessage.parse),
        (NotificationQueuePublisher, a_notification(), NotificationMessage.parse),
    ],
    ids=["order", "report", "notification"],
)
A_DAY = timedelta(days=1)


def content_hash(body: str) -> str:
    """What SQS takes where content-based deduplication is on and no id is given ("SendMessage")."""
    return hashlib.sha256(body.encode()).hexdigest()


def event_of(message: dict[str, Any], **attributes: str | None) -> dict[str, Any]:
    """The message as Lambda hands it over, with other attributes."""
    changed = {name: value for name, value in {**message["Attributes"], **attributes}.items() if value is not None}
    return {"Records": [sqs_record({**message, "Attributes": changed, "MessageAttributes": {}})]}


def came_back(parse: Parse, message: dict[str, Any], sent_at: datetime | None = None, **attributes: str | None) -> bool:
    if sent_at:
        attributes["SentTimestamp"] = str(int(sent_at.timestamp() * 1000))
    (delivery,) = deliveries_of(parse)(event_of(message, **attributes))
    return delivery.came_back


def published(resources: Resources, publisher: Any, *rows: WorkItem) -> list[dict[str, Any]]:
    """What the queue has once these were published."""
    for row in rows:
        publisher(resources.sqs, resources.queue_url).publish(row)
    return resources.messages()


@KINDS
def test_each_send_names_an_id_made_of_body_and_run(
    resources: Resources, publisher: Any, row: WorkItem, parse: Parse
) -> None:
    (message,) = published(resources, publisher, row)
    given = message["Attributes"]["MessageDeduplicationId"]
    assert given == deduplication_id(message["Body"], row.replay)
    assert given != content_hash(message["Body"])
    assert parse(message["Body"]).replay == row.replay


@KINDS
def test_two_sends_of_a_run_are_one_message_and_two_runs_are_two(
    resources: Resources, publisher: Any, row: WorkItem, parse: Parse
) -> None:
    second = row.opened(By.CONSOLE, NOW, "redriven")
    messages = published(
        resources, publisher, row, row, second, second.sent(NOW), second.opened(By.RECONCILER, NOW, "")
    )
    assert [parse(message["Body"]).replay for message in messages] == [0, 1, 2]
    assert len({message["Attributes"]["MessageDeduplicationId"] for message in messages}) == 3


def test_a_run_shows_in_the_id_even_where_the_body_is_the_same() -> None:
    assert deduplication_id("{}", 1) != deduplication_id("{}", 2)
    assert deduplication_id("{}", 1) == deduplication_id("{}", 1)


@KINDS
def test_a_message_with_the_id_that_we_gave_is_as_we_sent_it(
    resources: Resources, publisher: Any, row: WorkItem, parse: Parse
) -> None:
    """However late, and however often it was received."""
    (message,) = published(resources, publisher, row)
    assert not came_back(parse, message)
    assert not came_back(parse, message, CONTENT_IDS_UNTIL + A_DAY, ApproximateReceiveCount="50")


@KINDS
def test_a_message_with_another_id_came_back(resources: Resources, publisher: Any, row: WorkItem, parse: Parse) -> None:
    """On its way into a FIFO dead-letter queue its deduplication id becomes its message id, and stays that."""
    (message,) = published(resources, publisher, row)
    assert came_back(parse, message, MessageDeduplicationId=message["MessageId"])
    of_another_run = deduplication_id(message["Body"], row.replay + 1)
    assert came_back(parse, message, MessageDeduplicationId=of_another_run)


@KINDS
def test_what_the_release_before_sent_is_ours_until_no_queue_keeps_it_any_more(
    resources: Resources, publisher: Any, row: WorkItem, parse: Parse
) -> None:
    (message,) = published(resources, publisher, row)
    id_of_then = content_hash(message["Body"])
    assert not came_back(parse, message, CONTENT_IDS_UNTIL - A_DAY, MessageDeduplicationId=id_of_then)
    assert came_back(parse, message, CONTENT_IDS_UNTIL, MessageDeduplicationId=id_of_then)
    assert came_back(parse, message, CONTENT_IDS_UNTIL + A_DAY, MessageDeduplicationId=id_of_then)


@KINDS
def test_without_an_id_nothing_is_said_and_what_is_not_ours_did_not_come_back(
    resources: Resources, publisher: Any, row: WorkItem, parse: Parse
) -> None:
    (message,) = published(resources, publisher, row)
    assert not came_back(parse, message, MessageDeduplicationId=None)
    assert not came_back(parse, {**message, "Body": "{not ours"}, MessageDeduplicationId=message["MessageId"])
