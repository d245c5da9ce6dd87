"""The part of Comanda that tells callers of changes, joined to the system: the streams of orders and reports, who reads
them, `notifications.fifo` with its worker and reconciler, the notifications table, and receivers. Settings as
infra/stacks/notifications_stack.py gives them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random

from comanda.adapters.runtime.world import World
from functions.announce_changes import app as announce_changes
from functions.deliver_notifications import app as deliver_notifications
from functions.tend_notifications import app as tend_notifications
from infra.environment import environment_of
from infra.settings import StageSettings
from tests.simulation.events import MessageEvent
from tests.simulation.expressions import Item
from tests.simulation.functions import EventSourceMapping, Handler, Schedule
from tests.simulation.notification_faults import ANNOUNCER, DELIVERER, NOTIFICATION_STEWARD
from tests.simulation.observed_notifications import Changes, SeenNotification
from tests.simulation.receivers import Receivers
from tests.simulation.sqs import Message, Queue
from tests.simulation.streams import StreamMapping
from tests.simulation.system import System
from tests.support.notification_fakes import NoLinks

KEYS = {"orders": "order_id", "reports": "report_id"}


@dataclass(frozen=True)
class NotificationWrite:
    """One write to the notifications table."""

    at: float
    who: str
    """The process that wrote."""
    row: SeenNotification

    @property
    def replay(self) -> int:
        return self.row.replay


class NotificationSystem:
    """Implements `Part`."""

    def __init__(self, system: System, random: Random, settings: StageSettings) -> None:
        """`settings`: the system's, with what this part has of its own."""
        self.system = system
        self.settings = settings
        self.work = settings.notification_work
        self.changes = Changes()
        self.writes: list[NotificationWrite] = []
        self.events: list[MessageEvent] = []
        self.ended_at: dict[tuple[str, str], float] = {}
        """By caller and URL: when it was written down that nothing more is wanted there."""
        self.at_dead_letter: Callable[[], None] = lambda: None
        """NotificationRequest of each message that is dead-lettered."""
        self._random = random
        self.receivers = Receivers(system.scheduler, system.history, system.faults, random)
        self._make_table()
        self.queue, self.dead_letter_queue = self._make_queues()
        self._add_functions()
        self.mapping = EventSourceMapping(
            system.functions, system.sqs, self.queue, DELIVERER, self.work.batch_size, random.choice((2, 3))
        )
        self.streams = {table: self._mapping_of(table) for table in KEYS}
        Schedule(system.functions, system.scheduler, NOTIFICATION_STEWARD, 60)
        system.parts.append(self)

    @property
    def is_at_rest(self) -> bool:
        waits = self.queue.messages or any(stream.records for stream in self.streams.values())
        return not waits and not self.system.owes("notifications")

    def _mapping_of(self, table: str) -> StreamMapping:
        return StreamMapping(
            self.system.functions,
            table,
            ANNOUNCER,
            random=self._random,
            wanted=lambda row: "S" in row.get("notify", {}),
            batch_size=self._random.choice((1, 3, 10)),
            read_again=self._random.choice((0.0, 0.1, 0.3)),
        )

    def _make_table(self) -> None:
        dynamodb = self.system.dynamodb
        dynamodb.create("notifications", "notification_id")
        for name, keys in {"subject": ("subject_id", "happened_at"), "attention": ("attention", "created_at")}.items():
            dynamodb.add_index("notifications", name, *keys)

    def _make_queues(self) -> tuple[Queue, Queue]:
        sqs = self.system.sqs
        fifo = {
            "FifoQueue": "true",
            "ContentBasedDeduplication": "true",
            "DeduplicationScope": "messageGroup",
            "FifoThroughputLimit": "perMessageGroupId",
            "VisibilityTimeout": str(self.work.visibility_timeout_seconds),
            "MessageRetentionPeriod": str(14 * 24 * 3600),
        }
        url = sqs.call("CreateQueue", {"QueueName": "notifications-dlq.fifo", "Attributes": fifo})["QueueUrl"]
        dead = sqs.queues[url]
        policy = {"deadLetterTargetArn": dead.arn, "maxReceiveCount": self.work.max_receive_count}
        attributes = {**fifo, "RedrivePolicy": json.dumps(policy)}
        url = sqs.call("CreateQueue", {"QueueName": "notifications.fifo", "Attributes": attributes})["QueueUrl"]
        return sqs.queues[url], dead

    def _add_functions(self) -> None:
        resources = {
            "NOTIFICATIONS_TABLE": "notifications",
            "SUBSCRIPTIONS_TABLE": "subscriptions",
            "CIRCUITS_TABLE": "circuits",
            "NOTIFICATIONS_QUEUE_URL": self.queue.url,
            "NOTIFICATIONS_DLQ_URL": self.dead_letter_queue.url,
            "SOURCE_QUEUE_URL": self.queue.url,
            "PUBLIC_URL": "https://nobody-follows.example",
        }

        def environment(function: str) -> dict[str, str]:
            return environment_of(function, self.settings, resources)

        add = self.system.functions.add
        announce = announce_changes.Settings.load(environment(ANNOUNCER))
        add(ANNOUNCER, partial(announce_changes.build, announce), self.settings.orders.timeout_seconds)
        deliver = deliver_notifications.Settings.load(environment(DELIVERER))
        add(DELIVERER, partial(self._build_deliverer, deliver), self.work.timeout_seconds)
        tend = tend_notifications.Settings.load(environment(NOTIFICATION_STEWARD))
        add(NOTIFICATION_STEWARD, partial(tend_notifications.build, tend), 60)

    def _build_deliverer(self, settings: deliver_notifications.Settings, world: World) -> Handler:
        services = deliver_notifications.ExternalServices(self.receivers, self.receivers, NoLinks())
        return deliver_notifications.build(settings, world, services)

    # What the auditor and the reader of a history see.

    def fortnight_passes(self) -> None:
        self.system.dynamodb.expire("notifications", "expires_at")

    def on_write(self, table: str, before: Item | None, after: Item | None) -> None:
        scheduler = self.system.scheduler
        if table in KEYS:
            self.streams[table].on_write(KEYS[table], before, after)
        if table == "orders" and after:
            self.changes.of_order(before, after)
        if table == "reports" and after:
            self.changes.of_report(before, after)
        if table == "subscriptions" and after and "target" in after:
            self.ended_at.setdefault((after["caller"]["S"], after["target"]["S"]), scheduler.time())
        if table == "notifications" and after:
            row = SeenNotification.of(after)
            self.writes.append(NotificationWrite(scheduler.time(), scheduler.who(), row))
            self.system.history.counts[f"notification row {row.status}"] += 1
            self.system.history.tell(f"notification {row.notification_id[:8]}: {row}", row.wanted.subject_id)

    def on_message(self, what: str, queue: Queue, message: Message) -> bool:
        if queue not in (self.queue, self.dead_letter_queue):
            return False
        scheduler = self.system.scheduler
        event = MessageEvent.of(scheduler.time(), scheduler.who(), what, queue, message)
        self.events.append(event)
        if what == "dead-lettered":
            self.at_dead_letter()
        self.system.history.counts[f"notification message {what}"] += 1
        self.system.history.tell(
            f"{queue.name}: {what} {event.subject_id[:8]} replay {event.replay} {message.message_id[:8]}"
            f" receive {message.receive_count}",
            self._subject_of(event.subject_id),
        )
        return True

    def _subject_of(self, notification_id: str) -> str | None:
        row = self.system.dynamodb.tables["notifications"].rows.get((notification_id,))
        return row["subject_id"]["S"] if row else None
