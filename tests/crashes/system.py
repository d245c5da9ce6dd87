"""All handlers of orders on moto, and the orders they work on."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import boto3
import time_machine
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from comanda.adapters.aws.values import from_dynamodb
from comanda.adapters.orders.queue import QueuePublisher
from comanda.adapters.orders.rows import from_row
from comanda.adapters.orders.table import OrderTable
from comanda.adapters.runtime.world import World
from comanda.application.delivery.open_run import OpenRun
from comanda.application.orders.redrive import DiscardOrder, RedriveOrder
from comanda.domain.orders.order import Item, Order, Stage
from comanda_cli.stack.connection import QuietTelemetry, now
from functions.complete_order import app as complete_order
from functions.enrich_order import app as enrich_order
from functions.process_order import app as process_order
from functions.tend_dead_letters import app as tend_dead_letters
from tests.crashes.crash_harness import FUNCTION_TIMEOUT, MAX_RECEIVES, CrashHarness, Work
from tests.functions.conftest import Answer, Api, Context, worker_environment
from tests.strict.moto_corrections import sent_by_id
from tests.support.builders import an_api_event
from tests.support.targets import Resources, create_fifo_queue

Queue = tuple[list[Any], set[Any], dict[Any, Any]]
"""Of moto: messages, those in flight, and what is taken for a duplicate."""


@dataclass(frozen=True)
class Memory:
    """A moment of a play: the time, moto's messages and rows, and what the play itself knows."""

    at: datetime
    queues: list[Queue]
    tables: list[dict[str, Any]]
    mine: dict[str, Any]


class System(CrashHarness):
    """One stage with its orders, which go by short names. Built once; each test begins with `clear` or `go_back`."""

    def __init__(self, resources: Resources, session: boto3.Session) -> None:
        super().__init__(resources.sqs, (resources.dynamodb, resources.sqs))
        region = resources.sqs.meta.region_name
        self._tables_in_moto = dynamodb_backends[DEFAULT_ACCOUNT_ID][region].tables
        self.dead_letters = {stage: create_fifo_queue(resources.sqs) for stage in Stage}
        self.queues = {
            stage: create_fifo_queue(resources.sqs, dead_letters=url, max_receives=MAX_RECEIVES)
            for stage, url in self.dead_letters.items()
        }
        self.resources = resources = replace(resources, queue_url=self.queues[Stage.PROCESSING])
        world = replace(resources.world(), clock=now)
        self.orders = OrderTable(resources.dynamodb, resources.orders_table)
        self._world = world
        self._session = session
        self.reconciler = self._build_reconciler(world)

    def clear(self, clock: time_machine.Traveller) -> None:
        """Nothing has happened yet. Cheaper than tables and queues of a test's own.

        Functions are new: what one remembers for a while would come from a later time. So is their client: Powertools
        hangs a listener on it for each that is built, and all would be heard at each call.
        """
        self.begin(clock)
        dynamodb = self._session.client("dynamodb")
        self.listen_to(dynamodb)
        world = replace(self._world, dynamodb=dynamodb)
        self.api = Api(self.resources, world)
        self.workers = self._build_workers(world)
        self.accepted: dict[str, str] = {}
        """Order ids by name."""
        self._bodies: dict[str, dict[str, Any]] = {}
        self._put_back([([], set(), {}) for _ in self._all_queues()], [{} for _ in self._tables()])

    def remember(self) -> Memory:
        """All there is now: cheaper to go back to than to play again."""
        queues = [(queue._messages, queue.pending_messages, sent_by_id(queue)) for queue in self._all_queues()]
        tables = [dict(table.items) for table in self._tables()]
        mine = {"accepted": self.accepted, "_bodies": self._bodies, "broken": self.broken}
        return Memory(now(), *deepcopy((queues, tables, mine)))

    def go_back(self, clock: time_machine.Traveller, memory: Memory) -> None:
        self.clear(clock)
        clock.move_to(memory.at)
        queues, tables, mine = deepcopy((memory.queues, memory.tables, memory.mine))
        self._put_back(queues, tables)
        vars(self).update(mine)

    def _put_back(self, queues: list[Queue], tables: list[dict[str, Any]]) -> None:
        for queue, (messages, pending, sent) in zip(self._all_queues(), queues, strict=True):
            queue._messages[:] = messages
            queue.pending_messages.clear()
            queue.pending_messages.update(pending)
            sent_by_id(queue).clear()
            sent_by_id(queue).update(sent)
        for table, items in zip(self._tables(), tables, strict=True):
            table.items.clear()
            table.items.update(items)

    def _all_queues(self) -> list[Any]:
        return [self.queue(url) for url in (*self.queues.values(), *self.dead_letters.values())]

    def _tables(self) -> list[Any]:
        return list(self._tables_in_moto.values())

    def _build_workers(self, world: World) -> dict[str, tuple[str, Work]]:
        def environment(stage: Stage, following: Stage) -> dict[str, str]:
            first = {"ORDERS_QUEUE_URL": self.queues[Stage.PROCESSING]}
            return worker_environment(self.resources, self.queues[stage], self.queues[following]) | first

        process = process_order.Settings.load(environment(Stage.PROCESSING, Stage.ENRICHMENT))
        enrich = enrich_order.Settings.load(environment(Stage.ENRICHMENT, Stage.COMPLETION))
        complete = complete_order.Settings.load(environment(Stage.COMPLETION, Stage.COMPLETION))
        return {
            self.queues[Stage.PROCESSING]: ("process", process_order.build(process, world)),
            self.queues[Stage.ENRICHMENT]: ("enrich", enrich_order.build(enrich, world, self.resources.functions)),
            self.queues[Stage.COMPLETION]: ("complete", complete_order.build(complete, world)),
        }

    def _build_reconciler(self, world: World) -> Callable[..., None]:
        settings = {
            "ORDERS_TABLE": self.resources.orders_table,
            "ORDERS_QUEUE_URL": self.queues[Stage.PROCESSING],
            "ORDERS_DLQ_URL": self.dead_letters[Stage.PROCESSING],
            "ENRICHMENT_DLQ_URL": self.dead_letters[Stage.ENRICHMENT],
            "COMPLETION_DLQ_URL": self.dead_letters[Stage.COMPLETION],
            "CIRCUITS_TABLE": self.resources.circuits_table,
            "MAX_RESCUES": "1",
            "WORKER_RESERVE_SECONDS": "1",
        }
        return tend_dead_letters.build(tend_dead_letters.Settings.load(settings), world)

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
        return self.ask(handler, lambda: self.api.raw(event, Context(milliseconds=FUNCTION_TIMEOUT * 1000)), expected)

    # The workers, and the operator

    def drain(self, *stages: Stage) -> None:
        """Deliver the messages of these stages, or of all, until each is done with or dead-lettered."""
        self.drain_queues(*(self.queues[stage] for stage in stages or Stage))

    def crash_on_arrival(self, stage: Stage) -> None:
        self.receive_and_die(self.queues[stage])

    def redrive(self, name: str) -> None:
        publisher = QueuePublisher(self.resources.sqs, self.queues[Stage.PROCESSING])
        redrive = RedriveOrder(self.orders, OpenRun(self.orders, publisher, QuietTelemetry(), now))
        self.operate("redrive", lambda: redrive(self.accepted[name], "ana"))

    def discard(self, name: str) -> None:
        discard = DiscardOrder(self.orders, QuietTelemetry(), now)
        self.operate("discard", lambda: discard(self.accepted[name], "ana"))

    def correct(self, name: str) -> None:
        """Somebody mends the row of a failed order."""
        order = self.rows()[name]
        mended = replace(order, items=(Item(2, sku="ABC"),), version=order.version + 1)
        self.orders.save(order, mended)

    def redrive_from_console(self, stage: Stage) -> None:
        self.move_back(self.dead_letters[stage], self.queues[stage])

    # What can be seen from outside

    def rows(self) -> dict[str, Order]:
        """All there are, by name."""
        items = self.resources.dynamodb.scan(TableName=self.resources.orders_table)["Items"]
        names = {order_id: name for name, order_id in self.accepted.items()}
        orders = [from_row(from_dynamodb(item)) for item in items]
        return {names.get(order.order_id, order.order_id): order for order in orders}

    def messages_waiting(self) -> int:
        return sum(map(self.depth, self.queues.values()))

    def dead_letter_ids(self, stage: Stage) -> list[str]:
        return self.ids_of_dead_letters(self.dead_letters[stage])
