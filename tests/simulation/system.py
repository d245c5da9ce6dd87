"""Comanda, put together of its real handlers and the models: what the CDK app is for AWS.

A new table, queue, function or mapping joins here, and nowhere else; those of reports in report_system.py.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import Any, Protocol
from uuid import NAMESPACE_DNS, uuid5

from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError

from comanda.adapters.runtime.world import World
from functions.complete_order import app as complete_order
from functions.enrich_order import app as enrich_order
from functions.process_order import app as process_order
from functions.read_orders import app as read_orders
from functions.switch_enrichment import app as switch_enrichment
from functions.tend_dead_letters import app as tend_dead_letters
from functions.write_orders import app as write_orders
from infra.environment import environment_of
from infra.settings import StageSettings
from tests.simulation.dynamodb import DynamoDB
from tests.simulation.errors import AwsError
from tests.simulation.events import MessageEvent, RowWrite
from tests.simulation.expressions import Item
from tests.simulation.faults import RECONCILER, SWITCH, CallFault, Faults, Scenario, WorldFault
from tests.simulation.functions import EventSourceMapping, Functions, Schedule
from tests.simulation.history import History
from tests.simulation.lambda_service import LambdaService
from tests.simulation.provider import Provider
from tests.simulation.scheduler import Killed, Process, Scheduler, SideBySide
from tests.simulation.sqs import Message, Queue, Sqs
from tests.simulation.wire import Service, client_of

MOST_SHOWN = 10
"""Messages of one group that SQS hands out before these are deleted ("FIFO delivery logic")."""

STAGES = ("orders", "enrichment", "completion")
MAPPING_IDS = {stage: str(uuid5(NAMESPACE_DNS, stage)) for stage in STAGES}
WORKERS = {"orders": "process_order", "enrichment": "enrich_order", "completion": "complete_order"}

OUTAGE_LINGERS = 660.0
"""Seconds for which the reconciler may go by an outage that has ended: ten minutes, and as long as it runs."""
_READ_TIMEOUTS = {"dynamodb": 5.0, "sqs": 5.0, "s3": 30.0, "lambda": 5.0}
"""Seconds, as the clients are set up."""
_LATEST = {"dynamodb": 20.0, "sqs": 20.0, "s3": 60.0, "lambda": 20.0}
"""Seconds after which a call that timed out takes effect at the latest."""


class Part(Protocol):
    """What joins the system, and is told what happens in it."""

    queue: Queue
    dead_letter_queue: Queue

    @property
    def is_at_rest(self) -> bool:
        """Nothing of its own waits, but dead letters."""

    def fortnight_passes(self) -> None: ...

    def on_write(self, table: str, before: Item | None, after: Item | None) -> None: ...

    def on_message(self, what: str, queue: Queue, message: Message) -> bool:
        """Whether the message is one of the part's own."""


class System:
    def __init__(
        self, scheduler: Scheduler, random: Random, faults: Faults, history: History, settings: StageSettings
    ) -> None:
        self.scheduler = scheduler
        self.faults = faults
        self.history = history
        self.settings = settings
        self.at_dead_letter: Callable[[str], None] = lambda _: None
        """NotificationRequest the stage of each message that is dead-lettered."""
        self.at_claim: Callable[[str], None] = lambda _: None
        """NotificationRequest the id of each order that is claimed."""
        self.row_writes: list[RowWrite] = []
        self.message_events: list[MessageEvent] = []
        self.circuit_closed_at: float | None = 0.0
        """When the circuit of the provider was closed last; None while it is not."""
        self.struck: Counter[tuple[str, str]] = Counter()
        """By process and call: how often a fault struck it."""
        self.called: set[tuple[str, str]] = set()
        """Every function, and every call that it made."""
        self.spoiled: set[str] = set()
        """Orders whose row nobody can read any more."""
        self.newer: set[str] = set()
        """Orders whose row only a newer release can read."""
        self.parts: list[Part] = []
        """What joined."""
        self._random = random

        self.dynamodb = DynamoDB(scheduler.time, lambda: random.uniform(0, 1.5), self._on_write)
        self.sqs = Sqs(
            scheduler.time,
            random,
            disorder=0.3,
            on_event=self._on_message,
            forgets=lambda: faults.strikes(WorldFault.DEDUPLICATION_OVER),
        )
        self.services: dict[str, Service] = {"dynamodb": self.dynamodb, "sqs": self.sqs}
        self._clients = {name: client_of(name, self.answer) for name in ("dynamodb", "sqs", "lambda")}
        self._make_tables()
        self.queues, self.dead_letter_queues = self._make_queues()

        self.provider = Provider(
            scheduler,
            history,
            lambda: random.uniform(0.01, settings.enrichment.delay_seconds),
            settings.enrichment.total_seconds,
        )
        self.functions = Functions(scheduler, random, faults, history, self.world)
        self._add_functions()
        concurrency = random.choice((1, 3, 3))
        self.mappings = {
            stage: EventSourceMapping(
                self.functions, self.sqs, self.queues[stage], WORKERS[stage], settings.delivery.batch_size, concurrency
            )
            for stage in STAGES
        }
        mappings = {MAPPING_IDS[stage]: mapping for stage, mapping in self.mappings.items()}
        self.services["lambda"] = LambdaService(self.functions, mappings, random)
        Schedule(self.functions, scheduler, RECONCILER, 60)
        Schedule(self.functions, scheduler, SWITCH, 60)

    def world(self) -> World:
        """What a process is given to work with."""
        return World(
            dynamodb=self._clients["dynamodb"],
            sqs=self._clients["sqs"],
            clock=partial(datetime.now, UTC),
            random=self._random.random,
            sleep=self.scheduler.sleep,
            executor=SideBySide(self.scheduler),
            provider_executor=SideBySide(self.scheduler),
        )

    def _make_tables(self) -> None:
        for name, keys in {
            "orders": ["order_id"],
            "ledger": ["recipient_id", "entry"],
            "idempotency": ["id"],
            "circuits": ["id"],
            "subscriptions": ["id"],
        }.items():
            self.dynamodb.create(name, *keys)
        self.dynamodb.add_index("orders", "attention", "attention", "created_at")

    def _make_queues(self) -> tuple[dict[str, Queue], dict[str, Queue]]:
        fifo = {
            "FifoQueue": "true",
            "ContentBasedDeduplication": "true",
            "DeduplicationScope": "messageGroup",
            "FifoThroughputLimit": "perMessageGroupId",
            "VisibilityTimeout": str(self.settings.orders.visibility_timeout_seconds),
            "MessageRetentionPeriod": str(14 * 24 * 3600),
        }
        queues, dead_letter_queues = {}, {}
        for stage in STAGES:
            url = self.sqs.call("CreateQueue", {"QueueName": f"{stage}-dlq.fifo", "Attributes": fifo})["QueueUrl"]
            dead_letter_queues[stage] = self.sqs.queues[url]
            policy = {
                "deadLetterTargetArn": self.sqs.queues[url].arn,
                "maxReceiveCount": self.settings.delivery.max_receive_count,
            }
            attributes = {**fifo, "RedrivePolicy": json.dumps(policy)}
            url = self.sqs.call("CreateQueue", {"QueueName": f"{stage}.fifo", "Attributes": attributes})["QueueUrl"]
            queues[stage] = self.sqs.queues[url]
        return queues, dead_letter_queues

    def _add_functions(self) -> None:
        urls = {stage: queue.url for stage, queue in self.queues.items()}
        dead = self.dead_letter_queues
        resources = {
            "ORDERS_TABLE": "orders",
            "LEDGER_TABLE": "ledger",
            "IDEMPOTENCY_TABLE": "idempotency",
            "CIRCUITS_TABLE": "circuits",
            "SUBSCRIPTIONS_TABLE": "subscriptions",
            "ENRICHMENT_MAPPING": MAPPING_IDS["enrichment"],
            "ORDERS_QUEUE_URL": urls["orders"],
            "QUEUE_URLS": ",".join(urls.values()),
            "ORDERS_DLQ_URL": dead["orders"].url,
            "ENRICHMENT_DLQ_URL": dead["enrichment"].url,
            "COMPLETION_DLQ_URL": dead["completion"].url,
        }

        def environment(function: str, **of_its_own: str) -> dict[str, str]:
            return environment_of(function, self.settings, resources | of_its_own)

        api, worker = self.settings.api.timeout_seconds, self.settings.orders.timeout_seconds
        add, functions = self.functions.add, self._clients["lambda"]
        write = write_orders.Settings.load(environment("write_orders"))
        add("write_orders", partial(write_orders.build, write), api)
        read = read_orders.Settings.load(environment("read_orders"))
        add("read_orders", partial(read_orders.build, read), api)
        process = process_order.Settings.load(
            environment("process_order", SOURCE_QUEUE_URL=urls["orders"], NEXT_QUEUE_URL=urls["enrichment"])
        )
        add("process_order", partial(process_order.build, process), worker)
        enrich = enrich_order.Settings.load(
            environment("enrich_order", SOURCE_QUEUE_URL=urls["enrichment"], NEXT_QUEUE_URL=urls["completion"])
            | {"SWITCH_FUNCTION": SWITCH}  # Functions are called by their folders' names here.
        )
        add("enrich_order", partial(enrich_order.build, enrich, functions=functions, provider=self.provider), worker)
        switch = switch_enrichment.Settings.load(environment(SWITCH))
        add(SWITCH, partial(switch_enrichment.build, switch, functions=functions, provider=self.provider), 50)
        complete = complete_order.Settings.load(environment("complete_order", SOURCE_QUEUE_URL=urls["completion"]))
        add("complete_order", partial(complete_order.build, complete), worker)
        tend = tend_dead_letters.Settings.load(environment(RECONCILER))
        add(RECONCILER, partial(tend_dead_letters.build, tend), 60)

    # Every AWS call comes through here.

    def answer(self, service: str, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        process = self.scheduler.process
        if not process.alive:
            raise Killed
        self.scheduler.sleep(self._random.uniform(0.001, 0.012))
        function = process.name.partition(".")[0]
        call = f"{operation} {_target_of(request)}"
        self.called.add((function, call))
        fault = self.faults.strikes_call(function, call)
        if fault is None:
            return self._call(service, operation, request)
        self.struck[process.name, call] += 1
        self.history.tell(f"{call}: {fault}")
        return self._strike(fault, service, operation, request)

    def _call(self, service: str, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return self.services[service].call(operation, request)
        except AwsError as error:
            self.history.counts[f"{operation} {_target_of(request)}: {error.code}"] += 1
            raise

    def _strike(self, fault: CallFault, service: str, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Let a fault happen to a call; one that makes no sense for it does nothing."""
        process, url = self.scheduler.process, f"https://{service}.us-east-1.amazonaws.com"
        take_effect = partial(self._call, service, operation, request)
        match fault:
            case CallFault.CRASH_BEFORE:
                process.kill()
                raise Killed
            case CallFault.CRASH_AFTER:
                take_effect()
                process.kill()
                raise Killed
            case CallFault.LOST_BEFORE:
                raise ConnectTimeoutError(endpoint_url=url)
            case CallFault.LOST_AFTER:
                take_effect()
                raise ConnectionClosedError(endpoint_url=url)
            case CallFault.LATE:
                later = self._random.uniform(_READ_TIMEOUTS[service], _LATEST[service])
                self.scheduler.after(later, partial(self._late, service, operation, request))
                self.scheduler.sleep(_READ_TIMEOUTS[service])
                raise ReadTimeoutError(endpoint_url=url)
            case CallFault.SLOW:
                self.scheduler.sleep(self._random.uniform(0.1, _READ_TIMEOUTS[service]))
                return take_effect()
            case CallFault.STALL:
                stalled = self._random.uniform(1, self._longest_stall(process))
                process.frozen_until = self.scheduler.time() + stalled
                self.scheduler.sleep(0)
                return take_effect()
            case _:
                return self._refuse(fault, service, operation, request) or take_effect()

    def _longest_stall(self, process: Process) -> float:
        """Seconds."""
        wakes_late = process.name.startswith(("enrich_order.", f"{RECONCILER}."))
        for_long = wakes_late and Scenario.WAKES_UNDER_THE_STEWARD in self.faults.scenarios
        return (8 if for_long else 2.5) * self._visibility_timeout(process)

    def _visibility_timeout(self, process: Process) -> int:
        writes_reports = process.name.startswith("generate_report.")
        settings = self.settings
        return (
            settings.reports.visibility_timeout_seconds
            if writes_reports
            else settings.orders.visibility_timeout_seconds
        )

    def _refuse(
        self, fault: CallFault, service: str, operation: str, request: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """The service itself does nothing of a call, or only a part of it; None where that makes no sense."""
        match fault, operation:
            case CallFault.THROTTLED, _ if service == "s3":
                raise AwsError("SlowDown", "Please reduce your request rate.", 503)
            case CallFault.THROTTLED, _:
                raise AwsError("ThrottlingException", "Rate exceeded")
            case CallFault.CONFLICT, "TransactWriteItems":
                reasons = [{"Code": "None"} for _ in request["TransactItems"]]
                reasons[0] = {"Code": "TransactionConflict"}
                raise AwsError("TransactionCanceledException", "Transaction cancelled", CancellationReasons=reasons)
            case CallFault.CONFLICT, "PutObject" | "CompleteMultipartUpload" if "IfNoneMatch" in request:
                raise AwsError("ConditionalRequestConflict", "A conflicting operation occurred", 409)
            case CallFault.PARTIAL, "GetObject":
                answer = self._call(service, operation, request)
                whole = answer["Body"]
                return {**answer, "Body": whole[: len(whole) // 2], "ContentLength": len(whole)}
            case CallFault.PARTIAL, "ChangeMessageVisibilityBatch":
                return self._partly_hidden(request)
            case CallFault.PARTIAL, "BatchGetItem":
                answer = self.dynamodb.call(operation, request)
                return {**answer, "UnprocessedKeys": request["RequestItems"]}
            case _:
                return None

    def _late(self, service: str, operation: str, request: Mapping[str, Any]) -> None:
        try:
            self._call(service, operation, request)
        except AwsError as error:
            self.history.tell(f"{operation} comes late: {error.code}")
        else:
            self.history.tell(f"late {operation} takes effect", _subject_of(request))

    def _partly_hidden(self, request: Mapping[str, Any]) -> dict[str, Any]:
        kept = [entry for entry in request["Entries"] if self._random.random() < 0.5]
        failed = [entry for entry in request["Entries"] if entry not in kept]
        answer = self.sqs.call("ChangeMessageVisibilityBatch", {**request, "Entries": kept}) if kept else {}
        refused = [{"Id": entry["Id"], "Code": "InternalError", "SenderFault": False} for entry in failed]
        return {"Successful": answer.get("Successful", []), "Failed": answer.get("Failed", []) + refused}

    # What goes wrong around the calls.

    def fortnight_passes(self) -> None:
        """Fifteen days: what queues keep and what time to live removes is gone."""
        self.scheduler.jump(15 * 24 * 3600)
        self.history.tell("— fifteen days pass —")
        self.dynamodb.expire("orders", "expires_at")
        self.dynamodb.expire("idempotency", "expiration")
        self.dynamodb.expire("circuits", "expiration")
        for part in self.parts:
            part.fortnight_passes()

    def newer_release_is_back(self) -> None:
        """It reads what it wrote, and so does this one: as if it had written the form that both know."""
        for order_id in self.newer:
            rows = self.dynamodb.tables["orders"].rows
            if row := rows.get((order_id,)):
                rows[order_id,] = {**row, "schema": {"N": "1"}}
        self.newer.clear()

    def deploy_mapping(self) -> None:
        """A template that changes the mapping of the enrichment also turns it on, even in an outage."""
        self.history.tell("deploys the mapping of the enrichment")
        self.mappings["enrichment"].enabled = True
        self.mappings["enrichment"].wake()

    def expire_records(self) -> None:
        """Idempotency records that time to live removes, here much too early."""
        gone = self.dynamodb.expire("idempotency", "expiration", now=float("inf"))
        self.faults.injected[WorldFault.RECORD_EXPIRED] += gone
        self.history.tell(f"{gone} idempotency records expire")

    # What the auditor and the reader of a history see.

    def _on_write(self, table: str, before: Item | None, after: Item | None) -> None:
        for part in self.parts:
            part.on_write(table, before, after)
        row = after or before or {}
        if table == "circuits":
            is_closed = after is None or after["state"]["S"] == "CLOSED"
            self.circuit_closed_at = self.scheduler.time() if is_closed else None
        if table == "ledger" and after:
            entry = after["entry"]["S"]
            order_id = after.get("order_id", {}).get("S")
            self.history.tell(f"ledger: {entry}", order_id, row["recipient_id"]["S"])
        if table != "orders":
            return
        now = self.scheduler.time()
        closed_for = 0.0 if self.circuit_closed_at is None else now - self.circuit_closed_at
        write = RowWrite.of(now, before, after, in_outage=closed_for < OUTAGE_LINGERS)
        self.row_writes.append(write)
        if before is None and write.status == "accepting":
            self.at_claim(write.order_id)
        attempts = row.get("attempts", {}).get("M")
        tried = f", attempt {attempts['count']['N']}" if attempts else ""
        self.history.tell(
            f"row: {write.status} version {write.version} replay {write.replay}{tried}",
            write.order_id,
            row["recipient_id"]["S"],
        )

    def _on_message(self, what: str, queue: Queue, message: Message) -> None:
        if any(part.on_message(what, queue, message) for part in self.parts):
            return
        event = MessageEvent.of(self.scheduler.time(), self.scheduler.who(), what, queue, message)
        self.message_events.append(event)
        if what == "dead-lettered":
            self.at_dead_letter(queue.name.removesuffix(".fifo"))
        self.history.counts[f"message {what}"] += 1
        self.history.tell(
            f"{queue.name}: {what} {event.event} replay {event.replay} {message.message_id[:8]}"
            f" receive {message.receive_count}",
            event.subject_id,
            event.group,
        )

    @property
    def dead_lettered(self) -> int:
        """How many messages were, of orders and of reports."""
        return self.history.counts["message dead-lettered"] + self.history.counts["report message dead-lettered"]

    @property
    def is_drained(self) -> bool:
        """Nothing waits in a queue but dead letters, and nobody works."""
        waits = any(queue.messages for queue in self.queues.values()) or self.owes("orders")
        return self.functions.running == 0 and not waits and all(part.is_at_rest for part in self.parts)

    def owes(self, table: str) -> bool:
        """Whether a row of the table owes a message."""
        return any("owed" in row for row in self.dynamodb.tables[table].rows.values())

    @property
    def hides_dead_letters(self) -> bool:
        """Behind the ten of one message group that SQS shows."""
        queues = [*self.dead_letter_queues.values(), *(part.dead_letter_queue for part in self.parts)]
        groups = (Counter(message.group for message in queue.messages) for queue in queues)
        return any(count > MOST_SHOWN for group in groups for count in group.values())


def _subject_of(request: Mapping[str, Any]) -> str | None:
    """The order or report whose row a call is about."""
    key = request.get("Key", {})
    if not isinstance(key, Mapping):  # Of an object in a bucket.
        return None
    return next((str(key[name]["S"]) for name in ("order_id", "report_id") if name in key), None)


def _target_of(request: Mapping[str, Any]) -> str:
    """The table, queue or bucket of a call."""
    if "Bucket" in request:
        return str(request["Bucket"])
    if "UUID" in request:
        return next(stage for stage, uuid in MAPPING_IDS.items() if uuid == request["UUID"])
    if "FunctionName" in request:
        return str(request["FunctionName"])
    if "QueueUrl" in request:
        return str(request["QueueUrl"]).rpartition("/")[2]
    if "TableName" in request:
        return str(request["TableName"])
    if "RequestItems" in request:
        return ",".join(request["RequestItems"])
    return "orders,ledger"
