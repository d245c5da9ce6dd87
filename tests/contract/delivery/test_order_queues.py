"""The queues: groups, deduplication, and hiding for a while."""

from dataclasses import replace

import pytest

from comanda.adapters.delivery.queues import DeadLetterQueue, LambdaSourceQueue
from comanda.adapters.orders.queue import QueuePublisher
from comanda.domain.orders.messages import Event, OrderDelivery, OrderMessage
from comanda.domain.orders.order import Stage
from tests.support.builders import a_delivery, a_pending_order
from tests.support.fakes import FakeTelemetry
from tests.support.targets import Resources


def test_a_message_is_sent_into_its_recipients_group(resources: Resources) -> None:
    order = a_pending_order(recipient_id="r-1")
    QueuePublisher(resources.sqs, resources.queue_url).publish(order, Event.CREATED)
    (message,) = resources.messages()
    assert OrderMessage.parse(message["Body"]) == OrderMessage.about(order, Event.CREATED)
    assert message["Attributes"]["MessageGroupId"] == "r-1"
    assert message["MessageAttributes"]["correlation_id"]["StringValue"] == "corr-1"


def test_a_repeated_send_is_one_message_even_with_another_correlation_id(resources: Resources) -> None:
    order = a_pending_order()
    publisher = QueuePublisher(resources.sqs, resources.queue_url)
    publisher.publish(order, Event.CREATED)
    publisher.publish(replace(order, correlation_id="corr-2", version=9), Event.CREATED)
    assert len(resources.messages()) == 1


def test_a_message_without_a_correlation_id_is_sent_too(resources: Resources) -> None:
    """SQS refuses an attribute that is empty, and the message with it."""
    QueuePublisher(resources.sqs, resources.queue_url).publish(replace(a_pending_order(), correlation_id=""))
    (message,) = resources.messages()
    assert "correlation_id" not in message.get("MessageAttributes", {})


TRACE_ID = "Root=1-67891233-abcdef012345678912345678;Parent=463ac35c9f6413ad;Sampled=1;Lineage=1:2:3"


def test_a_message_carries_the_trace_it_was_sent_in(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    """As X-Ray reads it, and as everybody else does; deduplication does not see it."""
    order, publisher = a_pending_order(), QueuePublisher(resources.sqs, resources.queue_url)
    monkeypatch.setenv("_X_AMZN_TRACE_ID", TRACE_ID)
    publisher.publish(order, Event.CREATED)
    monkeypatch.setenv("_X_AMZN_TRACE_ID", TRACE_ID.replace("463ac35c", "00000000"))
    publisher.publish(order, Event.CREATED)
    (message,) = resources.messages()
    assert message["Attributes"]["AWSTraceHeader"] == TRACE_ID.rsplit(";", 1)[0]
    traceparent = message["MessageAttributes"]["traceparent"]["StringValue"]
    assert traceparent == "00-67891233abcdef012345678912345678-463ac35c9f6413ad-01"


def test_without_a_trace_a_message_carries_none(resources: Resources) -> None:
    QueuePublisher(resources.sqs, resources.queue_url).publish(a_pending_order(), Event.CREATED)
    (message,) = resources.messages()
    assert "AWSTraceHeader" not in message["Attributes"]
    assert set(message["MessageAttributes"]) == {"correlation_id"}


def test_a_new_run_of_an_order_is_a_new_message(resources: Resources) -> None:
    order = a_pending_order()
    publisher = QueuePublisher(resources.sqs, resources.queue_url)
    publisher.publish(order, Event.CREATED)
    publisher.publish(replace(order, replay=1), Event.CREATED)
    publisher.publish(order, Event.ENRICHED)
    assert len(resources.messages()) == 3


def test_a_released_message_comes_back_at_once_and_a_hidden_one_does_not(resources: Resources) -> None:
    order = a_pending_order()
    QueuePublisher(resources.sqs, resources.queue_url).publish(order, Event.CREATED)
    source = LambdaSourceQueue(resources.sqs, resources.queue_url, FakeTelemetry())
    (message,) = resources.messages()
    source.hide([replace(a_delivery(order), receipt_handle=message["ReceiptHandle"])], 60)
    assert resources.messages() == []
    source.hide([replace(a_delivery(order), receipt_handle=message["ReceiptHandle"])], 0)
    (again,) = resources.messages()
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"


def test_a_queue_that_is_gone_is_told_and_not_raised(resources: Resources) -> None:
    telemetry = FakeTelemetry()
    source = LambdaSourceQueue(resources.sqs, resources.queue_url.replace("test-", "gone-"), telemetry)
    source.hide([a_delivery(a_pending_order())], 1)
    assert telemetry.emitted == [("queue.pause_not_set", None)]


def test_a_deleted_message_lets_the_next_of_its_group_through(resources: Resources) -> None:
    first, second = a_pending_order(), a_pending_order()
    publisher = QueuePublisher(resources.sqs, resources.queue_url)
    publisher.publish(first, Event.CREATED)
    (message,) = resources.messages()
    publisher.publish(second, Event.CREATED)
    assert resources.messages() == [], "one message in flight locks its group"
    source = LambdaSourceQueue(resources.sqs, resources.queue_url, FakeTelemetry())
    source.delete(replace(a_delivery(first), receipt_handle=message["ReceiptHandle"]))
    (following,) = resources.messages()
    assert OrderMessage.parse(following["Body"]).order_id == second.order_id


def test_a_receipt_that_is_no_good_any_more_is_told_and_not_raised(resources: Resources) -> None:
    telemetry = FakeTelemetry()
    LambdaSourceQueue(resources.sqs, resources.queue_url, telemetry).delete(a_delivery(a_pending_order()))
    assert telemetry.emitted == [("queue.not_deleted", None)]


def test_dead_letters_show_ten_of_a_group_and_are_there_again_when_released(resources: Resources) -> None:
    orders = [a_pending_order(recipient_id="r-1") for _ in range(12)] + [a_pending_order(recipient_id="r-2")]
    for order in orders:
        QueuePublisher(resources.sqs, resources.queue_url).publish(order, Event.CREATED)
    queue = DeadLetterQueue(resources.sqs, resources.queue_url, FakeTelemetry(), OrderMessage.parse, Stage.PROCESSING)
    assert queue.depth() == 13
    shown: list[OrderDelivery] = []
    while deliveries := queue.receive():
        shown += deliveries
    groups = [delivery.group for delivery in shown]
    assert (groups.count("r-1"), groups.count("r-2")) == (10, 1)
    assert shown[0].message == OrderMessage.about(orders[0], Event.CREATED)
    queue.delete(shown[0])
    queue.release(shown[1:])
    assert queue.depth() == 12
    assert len(queue.receive()) == 10
