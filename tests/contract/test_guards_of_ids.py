"""The id that a message is deduplicated by: what we gave it, or what it got on its way through a dead-letter queue."""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from comanda.adapters.order_queues import QueuePublisher, deliveries_of
from comanda.domain.messages import CONTENT_IDS_UNTIL, Event, OrderMessage, deduplication_id
from tests.builders import a_delivery, a_pending_order, an_sqs_event
from tests.targets import Resources

ORDER = a_pending_order()
BODY = OrderMessage.about(ORDER, Event.CREATED).body
OURS, CONTENTS = deduplication_id(BODY, ORDER.replay), hashlib.sha256(BODY.encode()).hexdigest()
BEFORE, AFTER = CONTENT_IDS_UNTIL - timedelta(seconds=1), CONTENT_IDS_UNTIL


def test_each_send_names_the_id_of_its_body_and_run(resources: Resources) -> None:
    publisher = QueuePublisher(resources.sqs, resources.queue_url)
    publisher.publish(ORDER)
    (message,) = resources.messages()
    assert message["Attributes"]["MessageDeduplicationId"] == OURS != CONTENTS
    assert deduplication_id(OrderMessage.about(replace(ORDER, replay=1), Event.CREATED).body, 1) != OURS


@pytest.mark.parametrize(
    ("given", "sent_at", "came_back"),
    [
        (OURS, BEFORE, False),
        (OURS, AFTER, False),
        (CONTENTS, BEFORE, False),
        (CONTENTS, AFTER, True),
        ("8a0f0b1c-9d5e-4d0e-8d57-0a5b7f0c1d2e", BEFORE, True),
    ],
)
def test_a_message_with_an_id_that_we_did_not_give_came_back(given: str, sent_at: datetime, came_back: bool) -> None:
    event: dict[str, Any] = an_sqs_event(a_delivery(ORDER, sent_at=sent_at))
    event["Records"][0]["attributes"]["MessageDeduplicationId"] = given
    (delivery,) = deliveries_of(OrderMessage.parse)(event)
    assert delivery.came_back is came_back
