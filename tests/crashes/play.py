"""All handlers on moto, with queues of their own, and a clock that stands still until it is moved.

What AWS does between the handlers is played here: deliver a batch, delete what was done, deliver again what was not,
redrive. Receive counts, message groups, pauses and dead-letter queues are moto's own.
"""

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import time_machine
from botocore.exceptions import EndpointConnectionError
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.sqs.models import sqs_backends

from comanda.adapters.aws import from_dynamodb
from comanda.adapters.order_queues import QueuePublisher
from comanda.adapters.order_rows import from_row
from comanda.adapters.order_table import OrderTable
from comanda.adapters.world import World
from comanda.application.redrive_order import DiscardOrder, RedriveOrder
from comanda.domain.errors import IllegalTransition, Unavailable
from comanda.domain.order import Item, Order, Stage
from comanda_cli.connection import QuietJournal, now
from functions.complete_order import app as complete_order
from functions.enrich_order import app as enrich_order
from functions.process_order import app as process_order
from functions.tend_dead_letters import app as tend_dead_letters
from tests.builders import an_api_event
from tests.functions.conftest import Answer, Api, Context, worker_environment
from tests.targets import Resources, create_fifo_queue

T = TypeVar("T")

MAX_ATTEMPTS = 3
MAX_RECEIVES = 5
"""As few as one crash allows; a deployed stage derives a wider one (infra/settings.py)."""
FUNCTION_TIMEOUT = 5
VISIBILITY_TIMEOUT = 6
"""Seconds, both."""
DEAD_LETTERS_HIDDEN = timedelta(minutes=2)
"""How long the steward's receive hides a dead letter, if it dies."""


class Death(BaseException):
    """The process is gone."""


def die() -> None:
    raise Death


def lose_the_connection() -> None:
    raise EndpointConnectionError(endpoint_url="http://nowhere")


@dataclass(frozen=True)
class Memory:
    """A moment of a play: the time, moto's messages and rows, and what the play itself knows."""

    at: datetime
    queues: list[tuple[list[Any], set[Any]]]
    tables: list[dict[str, Any]]
    mine: dict[str, Any]


class Play:
    """One stage with its orders, which go by short names. Built once; each test begins with `clear` or `go_back`."""

    clock: time_machine.Traveller

    def __init__(self, resources: Resources) -> None:
        region = resources.sqs.meta.region_name
        self._queues_in_moto = sqs_backends[DEFAULT_ACCOUNT_ID][region]
        self._tables_in_moto = dynamodb_backends[DEFAULT_ACCOUNT_ID][region].tables
        self.dead_letters = {stage: create_fifo_queue(resources.sqs) for stage in Stage}
        self.queues = {
            stage: create_fifo_queue(resources.sqs, dead_letters=url, max_receives=MAX_RECEIVES)
            for stage, url in self.dead_letters.items()
        }
        self.resources = resources = replace(resources, queue_url=self.queues[Stage.PROCESSING])
        world = replace(resources.world(), clock=now)
        self.api = Api(resources, world)
        self.orders = OrderTable(resources.dynamodb, resources.orders_table)
        self._workers = self._build_workers(world)
        self._steward = self._build_steward(world)
        for client in (resources.dynamodb, resources.sqs):
            client.meta.events.register("before-call.*", partial(self._on_call, "before"))
            client.meta.events.register("after-call.*", partial(self._on_call, "after"))

    def clear(self, clock: time_machine.Traveller) -> None:
        """Nothing has happened yet. Cheaper than tables and queues of a test's own."""
        self.clock = clock
        self.accepted: dict[str, str] = {}
        """Order ids by name."""
        self.broken = False
        """Whether the workers cannot run at all."""
        self.calls: Counter[str] = Counter()
        """AWS calls of each handler, since it was last cleared."""
        self._bodies: dict[str, dict[str, Any]] = {}
        self._running = ""
        self._dead = False
        self._strike: tuple[str, int, str, Callable[[], None]] | None = None
        self._put_back([([], set()) for _ in self._all_queues()], [{} for _ in self._tables()])

    def remember(self) -> Memory:
        """All there is now: cheaper to go back to than to play again."""
        queues = [(queue._messages, queue.pending_messages) for queue in self._all_queues()]
        tables = [dict(table.items) for table in self._tables()]
        mine = {"accepted": self.accepted, "_bodies": self._bodies, "broken": self.broken}
        return Memory(now(), *deepcopy((queues, tables, mine)))

    def go_back(self, clock: time_machine.Traveller, memory: Memory) -> None:
        self.clear(clock)
        clock.move_to(memory.at)
        queues, tables, mine = deepcopy((memory.queues, memory.tables, memory.mine))
        self._put_back(queues, tables)
        vars(self).update(mine)

    def _put_back(self, queues: list[tuple[list[Any], set[Any]]], tables: list[dict[str, Any]]) -> None:
        for queue, (messages, pending) in zip(self._all_queues(), queues, strict=True):
            queue._messages[:] = messages
            queue.pending_messages.clear()
            queue.pending_messages.update(pending)
        for table, items in zip(self._tables(), tables, strict=True):
            table.items.clear()
            table.items.update(items)

    def _all_queues(self) -> list[Any]:
        return [self._queue(url) for url in (*self.queues.values(), *self.dead_letters.values())]

    def _tables(self) -> list[Any]:
        return list(self._tables_in_moto.values())

    def _build_workers(self, world: World) -> dict[Stage, tuple[str, Callable[..., dict[str, Any]]]]:
        def environment(stage: Stage, following: Stage) -> dict[str, str]:
            return worker_environment(self.resources, self.queues[stage], self.queues[following])

        process = process_order.Settings.load(environment(Stage.PROCESSING, Stage.ENRICHMENT))
        enrich = enrich_order.Settings.load(environment(Stage.ENRICHMENT, Stage.COMPLETION))
        complete = complete_order.Settings.load(environment(Stage.COMPLETION, Stage.COMPLETION))
        return {
            Stage.PROCESSING: ("process", process_order.build(process, world)),
            Stage.ENRICHMENT: ("enrich", enrich_order.build(enrich, world)),
            Stage.COMPLETION: ("complete", complete_order.build(complete, world)),
        }

    def _build_steward(self, world: World) -> Callable[..., None]:
        settings = {
            "ORDERS_TABLE": self.resources.orders_table,
            "ORDERS_QUEUE_URL": self.queues[Stage.PROCESSING],
            "ORDERS_DLQ_URL": self.dead_letters[Stage.PROCESSING],
            "ENRICHMENT_DLQ_URL": self.dead_letters[Stage.ENRICHMENT],
            "COMPLETION_DLQ_URL": self.dead_letters[Stage.COMPLETION],
            "MAX_RESCUES": "1",
            "WORKER_RESERVE_SECONDS": "1",
        }
        return tend_dead_letters.build(tend_dead_letters.Settings.load(settings), world)

    def strike(self, handler: str, number: int, when: str, how: Callable[[], None]) -> None:
        """Make one of the next AWS calls of `handler` fail, counted from 1, "before" or "after" it takes effect."""
        self.calls.clear()
        self._strike = (handler, number, when, how)

    def _on_call(self, when: str, **_: Any) -> None:
        if not self._running:
            return
        if self._dead:
            raise Death
        self.calls[self._running] += when == "before"
        if self._strike and self._strike[:3] == (self._running, self.calls[self._running], when):
            how = self._strike[3]
            self._strike, self._dead = None, how is die
            how()

    @property
    def was_struck(self) -> bool:
        return self._strike is None

    def _run(self, handler: str, act: Callable[[], T]) -> T | None:
        """None where it died; then none of its calls gets out any more."""
        self._running = handler
        try:
            return act()
        except Death:
            return None
        finally:
            self._running, self._dead = "", False

    # The client

    def post(self, name: str, sku: str = "ABC", recipient: str = "r-1") -> str:
        """Ask with the order's key until the answer is 202, and give the order's id."""
        self._bodies[name] = {"customer_id": "123", "recipient_id": recipient, "items": [{"sku": sku, "qty": 2}]}
        self.accepted[name] = self.post_again(name)
        return self.accepted[name]

    def post_again(self, name: str) -> str:
        event = an_api_event(body=self._bodies[name], headers={"Idempotency-Key": name})
        order_id: str = self._ask("post", event, 202).body["order_id"]
        return order_id

    def cancel(self, name: str) -> None:
        self._ask("cancel", an_api_event("POST", f"/orders/{self.accepted[name]}/cancel"), 200)

    def _ask(self, handler: str, event: dict[str, Any], expected: int) -> Answer:
        for _ in range(10):
            answer = self._run(handler, lambda: self.api.raw(event, Context(milliseconds=FUNCTION_TIMEOUT * 1000)))
            if answer and answer.status == expected:
                return answer
            if answer:
                assert answer.status in {409, 503}, answer.text
                assert "Retry-After" in answer.headers
            self.clock.shift(2)
        raise AssertionError(f"{handler} was never answered with {expected}")

    # The queues and their workers

    def drain(self, *stages: Stage) -> None:
        """Deliver the messages of these stages, or of all, until each is done with or dead-lettered."""
        for _ in range(100):
            if sum(map(self._deliver, stages or Stage)):
                continue
            if not any(self._depth(self.queues[stage]) for stage in stages or Stage):
                return
            self.clock.shift(VISIBILITY_TIMEOUT / 2)
        raise AssertionError("the queues never got empty")

    def crash_on_arrival(self, stage: Stage) -> None:
        """A worker receives what there is, and dies before its first call."""
        assert self._receive(self.queues[stage])
        self.clock.shift(VISIBILITY_TIMEOUT)

    def _deliver(self, stage: Stage) -> int:
        """One batch, as an event source mapping does it; give the number of its messages."""
        url = self.queues[stage]
        if not self._depth(url):
            return 0
        messages = self._receive(url)
        if messages and not self.broken:
            handler, work = self._workers[stage]
            event = {"Records": [_record_of(message) for message in messages]}
            answer = self._run(handler, lambda: work(event, Context(milliseconds=FUNCTION_TIMEOUT * 1000)))
            if answer is not None:
                stay = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
                for message in messages:
                    if message["MessageId"] not in stay:
                        self.resources.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return len(messages)

    def _receive(self, url: str) -> list[Any]:
        # moto forgets messages whose time is up one by one, and would deliver the second of a group first.
        pending = self._queue(url).pending_messages
        pending.difference_update([message for message in pending if message.visible])
        answer = self.resources.sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=VISIBILITY_TIMEOUT,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        return list(answer.get("Messages", []))

    def _depth(self, url: str) -> int:
        queue = self._queue(url)
        return int(queue.approximate_number_of_messages + queue.approximate_number_of_messages_not_visible)

    def _queue(self, url: str) -> Any:
        """As moto has it: looking into it costs no call."""
        return self._queues_in_moto.get_queue(url.rsplit("/", 1)[-1])

    # The steward, and the operator

    def minute(self) -> None:
        """The steward's minute comes until it goes through."""
        for _ in range(10):
            self.clock.shift(60)
            if self._run("steward", self._tend):
                return
            self.clock.shift(DEAD_LETTERS_HIDDEN)
        raise AssertionError("the steward never came to an end")

    def five_minutes(self) -> None:
        """All that is left to do is done, within the time in which a status must have become true (P8)."""
        self.drain()
        self.clock.shift(DEAD_LETTERS_HIDDEN)
        self.minute()
        self.drain()

    def _tend(self) -> bool:
        try:
            self._steward({}, Context(milliseconds=FUNCTION_TIMEOUT * 1000))
        except Unavailable:
            return False
        return True

    def redrive(self, name: str) -> None:
        publisher = QueuePublisher(self.resources.sqs, self.queues[Stage.PROCESSING])
        self._operate("redrive", partial(RedriveOrder(self.orders, publisher, QuietJournal(), now), by="ana"), name)

    def discard(self, name: str) -> None:
        self._operate("discard", partial(DiscardOrder(self.orders, QuietJournal(), now), by="ana"), name)

    def _operate(self, command: str, act: Callable[[str], Order], name: str) -> None:
        """Give the command again until it is done, or was done already."""
        for _ in range(10):
            self.clock.shift(1)
            try:
                if self._run(command, lambda: act(self.accepted[name])):
                    return
            except IllegalTransition:
                return
            except Unavailable:
                continue
        raise AssertionError(f"{command} never came to an end")

    def correct(self, name: str) -> None:
        """Somebody mends the row of a failed order."""
        order = self.rows()[name]
        mended = replace(order, items=(Item(2, sku="ABC"),), version=order.version + 1)
        self.orders.save(order, mended)

    def redrive_from_console(self, stage: Stage) -> None:
        """Every message of the dead-letter queue goes back to its source, under a new id and with a new time."""
        self.clock.shift(60)
        while messages := self._receive(self.dead_letters[stage]):
            for message in messages:
                self.resources.sqs.send_message(
                    QueueUrl=self.queues[stage],
                    MessageBody=message["Body"],
                    MessageGroupId=message["Attributes"]["MessageGroupId"],
                )
                self.resources.sqs.delete_message(
                    QueueUrl=self.dead_letters[stage], ReceiptHandle=message["ReceiptHandle"]
                )

    # What can be seen from outside

    def rows(self) -> dict[str, Order]:
        """All there are, by name."""
        items = self.resources.dynamodb.scan(TableName=self.resources.orders_table)["Items"]
        names = {order_id: name for name, order_id in self.accepted.items()}
        orders = [from_row(from_dynamodb(item)) for item in items]
        return {names.get(order.order_id, order.order_id): order for order in orders}

    def messages_waiting(self) -> int:
        return sum(self._depth(url) for url in self.queues.values())

    def dead_letter_ids(self, stage: Stage) -> list[str]:
        """Of all messages in the dead-letter queue, in which at most ten of a recipient may be."""
        self.clock.shift(DEAD_LETTERS_HIDDEN)
        url = self.dead_letters[stage]
        return [message["MessageId"] for message in self._receive(url)] if self._depth(url) else []


def _record_of(message: dict[str, Any]) -> dict[str, Any]:
    """A message as the event source mapping hands it over ("Using Lambda with Amazon SQS")."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
        "eventSource": "aws:sqs",
    }
