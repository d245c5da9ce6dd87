"""Every AWS call of every handler fails once, before and after it took effect: after redelivery all promises hold.

The process dies (nothing of ours runs any more), or the call's answer is lost (a connection error). The client asks
again with its key, the queue delivers again, as they do in production.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from comanda.adapters.ledger_table import LedgerTable
from comanda.adapters.order_table import OrderTable
from comanda.domain.messages import Delivery, Event, OrderMessage
from comanda.domain.order import OrderStatus
from tests.builders import NOW, an_api_event, an_sqs_event
from tests.functions.conftest import Api, Context, Pipeline
from tests.targets import Resources

BODY = {"customer_id": "123", "recipient_id": "r-1", "items": [{"sku": "ABC", "qty": 2}]}
IN_PROGRESS = 1.05
"""Seconds for which a dead invocation still holds its idempotency record: all the time it had left."""


class Death(BaseException):
    """The process is gone."""


def die() -> None:
    raise Death


def lose_the_connection() -> None:
    raise EndpointConnectionError(endpoint_url="http://nowhere")


@dataclass
class Journey:
    """One order on its way, redelivered and asked for again until it arrives."""

    resources: Resources
    api: Api
    pipeline: Pipeline
    at: str = ""
    """The handler that runs just now; the test's own calls are none of it."""

    def post(self) -> str:
        for _ in range(10):
            event = an_api_event(body=BODY, headers={"Idempotency-Key": "k-1"})
            self.at = "post"
            try:
                answer = self.api.raw(event, Context(milliseconds=int(IN_PROGRESS * 1000)))
            except Death:
                continue
            finally:
                self.at = ""
            if answer.status == 202:
                order_id: str = answer.body["order_id"]
                return order_id
            assert answer.status in {409, 503}, answer.text
            assert "Retry-After" in answer.headers
            time.sleep(0.4)
        raise AssertionError("the order was never accepted")

    def deliver(self, event: Event) -> None:
        """Deliver the message until it may be deleted. It was sent: it is in the queue."""
        delivery, (name, work) = self._sent(event), self._worker(event)
        for receive_count in range(1, 12):
            received = an_sqs_event(replace(delivery, receive_count=receive_count))
            self.at = name
            try:
                stays = work(received, Context(milliseconds=int(IN_PROGRESS * 1000)))
            except Death:
                continue
            finally:
                self.at = ""
            if not stays:
                return
            time.sleep(0.4)
        raise AssertionError(f"{event} was never done")

    def _worker(self, event: Event) -> tuple[str, Callable[[dict[str, Any], Context], list[str]]]:
        return {
            Event.CREATED: ("process", self.pipeline.process),
            Event.ENRICHMENT_REQUESTED: ("enrich", self.pipeline.enrich),
            Event.ENRICHED: ("complete", self.pipeline.complete),
        }[event]

    def go_all_the_way(self) -> str:
        order_id = self.post()
        for event in Event:
            self.deliver(event)
        return order_id

    def _sent(self, event: Event) -> Delivery:
        """A message in flight locks its group, so what was read is deleted, as the mapping does it."""
        while messages := self.resources.messages():
            for raw in messages:
                message = OrderMessage.parse(raw["Body"])
                self.resources.sqs.delete_message(QueueUrl=self.resources.queue_url, ReceiptHandle=raw["ReceiptHandle"])
                if message.event is event:
                    return Delivery(raw["MessageId"], raw["ReceiptHandle"], "r-1", 1, NOW, message)
        raise AssertionError(f"{event} was never sent")


def on_each_call(journey: Journey, when: str, react: Callable[[str], None]) -> None:
    """`react` is told the running handler at each of its AWS calls, before or after it takes effect."""

    def told(**_: Any) -> None:
        if journey.at:
            react(journey.at)

    for client in (journey.resources.dynamodb, journey.resources.sqs):
        client.meta.events.register(f"{when}-call.*", told)


@pytest.fixture
def journey(moto: Resources) -> Journey:
    return Journey(moto, Api(moto), Pipeline(moto))


CALLS = {"post": 5, "process": 3, "enrich": 5, "complete": 3}
"""AWS calls on each handler's happy path."""
POINTS = [(handler, number) for handler, calls in CALLS.items() for number in range(1, calls + 1)]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("strike", [die, lose_the_connection])
@pytest.mark.parametrize(("handler", "number"), POINTS)
def test_an_order_arrives_once_whatever_call_fails(
    journey: Journey, handler: str, number: int, strike: Callable[[], None], when: str
) -> None:
    calls = 0

    def strike_once(running: str) -> None:
        nonlocal calls
        calls += running == handler
        if running == handler and calls == number:
            strike()

    on_each_call(journey, when, strike_once)
    order_id = journey.go_all_the_way()

    assert calls > number, "the handler was run again"
    resources = journey.resources
    order = OrderTable(resources.dynamodb, resources.orders_table).get(order_id)
    assert order
    assert order.status is OrderStatus.COMPLETED
    assert str(order.total_amount) == "39.80"
    ledger = LedgerTable(resources.dynamodb, resources.ledger_table, resources.orders_table)
    assert [entry.order_id for entry in ledger.entries("r-1", 0, 10)] == [order_id]
    balance = ledger.balance("r-1")
    assert balance
    assert (str(balance.amount), balance.orders_completed) == ("39.80", 1)
    assert journey.post() == order_id


def test_the_table_of_calls_is_whole(journey: Journey) -> None:
    """A handler that makes one more call than the table says would have a crash point that nobody tried."""
    counted = dict.fromkeys(CALLS, 0)

    def count(running: str) -> None:
        counted[running] += 1

    on_each_call(journey, "before", count)
    journey.go_all_the_way()
    assert counted == CALLS
