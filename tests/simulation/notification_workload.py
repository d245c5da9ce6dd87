"""Who wants to be told: callers who say so with an order or a report, or once for all; and operators who send again
what did not arrive."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from comanda.adapters.notifications.queue import NotificationQueuePublisher
from comanda.adapters.notifications.table import NotificationTable
from comanda.application.delivery.open_run import OpenRun
from comanda.application.notifications.resend import ResendNotification
from comanda.domain.notifications.notification import Notification
from comanda.domain.shared.errors import IllegalTransition, NotFound, Unavailable, UnreadableRow
from tests.simulation.faults import OPERATOR, Scenario
from tests.simulation.notification_faults import DELIVERER, NOTIFICATION_STEWARD
from tests.simulation.notification_system import NotificationSystem
from tests.simulation.observed_notifications import LAST
from tests.simulation.operators import MOST_IMPATIENT
from tests.simulation.receivers import DOWN, GONE, INSIDE, KILLER, PICKY, SLOW, URLS, WELL
from tests.simulation.report_workload import ReportWorkload
from tests.simulation.workload import Intent, Workload
from tests.support.fakes import FakeTelemetry

ORDER_STATUSES = ("pending", "processing", "completed", "failed", "cancelled")
REPORT_STATUSES = ("requested", "generating", "ready", "failed", "cancelled")
EVENTS = [*(f"order.{status}" for status in ORDER_STATUSES), *(f"report.{status}" for status in REPORT_STATUSES)]
_MANY_AT_ONCE = "GetQueueAttributes notifications-dlq.fifo"
"""Called where ten dead letters, of several groups, are there at once."""
_LED_TO_BY = {
    "PutItem subscriptions": GONE,
    "PutItem circuits": DOWN,
    "UpdateItem circuits": DOWN,
    _MANY_AT_ONCE: INSIDE,
}
"""By call: a receiver without which it is not made."""
HOPELESS = {GONE, PICKY, INSIDE, KILLER}
"""Receivers that stay as they are when nothing goes wrong any more."""
MOST_HASTY = 10
"""Operators in a run that act on a dead letter at once."""
HIDDEN_WHILE_TENDED = 120
"""Seconds for which the reconciler hides dead letters from everybody."""


@dataclass
class NotificationWorkload:
    """Implements `Crowd`."""

    workload: Workload
    notifications: NotificationSystem
    random: Random
    asking: ReportWorkload | None = None
    """Who asks for reports, where anybody does."""
    defaults: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """By caller: who is told where an order or a report does not say. Said before the first of them."""
    operated: list[tuple[float, str, str]] = field(default_factory=list)
    """Time, deed and notification id: what operators did."""
    _urls: list[str] = field(default_factory=list)
    _all_are_told_of_all: bool = False
    _hasty: int = 0

    def __post_init__(self) -> None:
        faults = self.notifications.system.faults
        self.workload.joined.append(self)
        self.workload.adorned = self._adorned
        led_to = [_LED_TO_BY[aim.call] for aim in faults.notification_aims if aim.call in _LED_TO_BY]
        self._all_are_told_of_all = _MANY_AT_ONCE in {aim.call for aim in faults.notification_aims}
        self._urls = led_to or self.random.sample(URLS, self.random.randint(2, 4))
        if self.random.random() < 0.4:
            self._say_once_for_all(self.random.choice(("web", "mobile")))
        receivers = self.notifications.receivers
        receivers.picks = self.random.choice(("completed", "processing", "failed", "pending", "ready"))
        receivers.gone_from = self.notifications.system.scheduler.time() + self.random.choice((0, 5, 20))
        receivers.loses_answers = self.random.choice((0.0, 0.3))
        receivers.secrets_unreadable = self.random.choice((0.0, 0.0, 0.2))
        if faults.is_quiet:
            receivers.loses_answers = receivers.secrets_unreadable = 0.0

    # Callers.

    def _adorned(self, intent: Intent) -> Intent:
        notify = self._drawn_notify()
        return intent if notify is None else replace(intent, body={**intent.body, "notify": notify})

    def _drawn_notify(self) -> dict[str, Any] | None:
        """None: it is left out. At times nobody is to be told, whatever was said once for all."""
        if self._all_are_told_of_all:
            return {"webhook_url": self.random.choice(self._urls), "events": EVENTS}
        habit = self.random.random()
        if habit < 0.45:
            return None
        if habit < 0.5:
            return {}
        notify: dict[str, Any] = {"webhook_url": self.random.choice(self._urls)}
        if self.random.random() < 0.4:
            notify["events"] = self.random.choice((EVENTS, self.random.sample(EVENTS, 5)))
        return notify

    def _say_once_for_all(self, caller: str) -> None:
        notify = {"webhook_url": self.random.choice(self._urls), "events": sorted(LAST)}
        self.defaults[caller] = notify
        item = {"id": f"default/{caller}", "caller": caller, "notify": json.dumps([notify])}
        row = {name: {"S": text} for name, text in item.items()}
        self.notifications.system.dynamodb.call("PutItem", {"TableName": "subscriptions", "Item": row})

    def begin(self) -> None:
        system, faults = self.notifications.system, self.notifications.system.faults
        for intent in self.asking.intents if self.asking else ():
            asked = [self._drawn_notify() for _ in range(1 if intent.key else self.random.choice((1, 2)))]
            intent.notify = [notify for notify in asked if notify is not None]
        if not faults.is_quiet:
            for url in (DOWN, WELL, SLOW):
                self._plan_downtime(url, sure=url == DOWN)
        much_to_do = faults.aims_at(OPERATOR) or faults.aims_at(NOTIFICATION_STEWARD)
        for _ in range(4 if much_to_do else self.random.choice((0, 0, 1, 2))):
            self._operate(self.random.uniform(20, 700 if much_to_do else 300))
        if self.random.random() < 0.3:
            self.notifications.at_dead_letter = self._act_on_dead_letter
        if Scenario.REDRIVEN_BOTH_WAYS in faults.scenarios:
            self.notifications.at_dead_letter = self._redrive_both_ways
        if faults.aims_at(NOTIFICATION_STEWARD) or Scenario.BREAKS_AFTER_DELIVERING in faults.scenarios:
            self._break_the_worker()
        system.history.tell(f"receivers: {', '.join(url.split('/')[2] for url in self._urls)}")

    def _plan_downtime(self, url: str, *, sure: bool) -> None:
        now = self.notifications.system.scheduler.time()
        for _ in range(self.random.choice((1, 2, 3)) if sure else self.random.choice((0, 0, 0, 1))):
            start = now + self.random.choice((0.0, self.random.uniform(0, 90)))
            lasts = self.random.choice((5, 30, 120, 600))
            self.notifications.receivers.down[url].append((start, start + lasts))

    def ask_again(self) -> None:
        """Callers ask for orders and reports again by themselves."""

    # Operators.

    def redrive_everything(self) -> None:
        """From the console what is still there, by the CLI whatever is left."""
        from_console = self.random.random() < 0.5
        self.workload.people.start("operator", 0, lambda: self._redrive_all(from_console=from_console))

    def _redrive_all(self, *, from_console: bool) -> None:
        if from_console:
            self._redrive_by_console()
            self.workload.people.sleep(2 * HIDDEN_WHILE_TENDED)
        self._resend_failed()

    def _operate(self, delay: float) -> None:
        deed = self.random.choice((self._resend_failed, self._redrive_by_console, self._resend_any))
        self.workload.people.start("operator", delay, deed)

    def _act_on_dead_letter(self) -> None:
        """A hasty operator, at the worst moment: about when the reconciler comes by. Not forever: what one sends again
        dead-letters again, and would call more of them than it took."""
        if self.notifications.system.faults.active and self.random.random() < 0.3 and self._hasty < MOST_HASTY:
            self._hasty += 1
            self._operate(self.random.uniform(0, 70))

    def _redrive_both_ways(self) -> None:
        """Somebody impatient, as for orders: from the console, and by the CLI before a worker has met that."""
        if not self.notifications.system.faults.active or self._hasty == MOST_IMPATIENT or self.random.random() < 0.5:
            return
        self._hasty += 1

        def redrive() -> None:
            self._redrive_by_console()
            self._resend_failed()

        self.workload.people.start("operator", self.random.uniform(0, 20), redrive)

    def _resend_failed(self) -> None:
        table = self._table()
        self._resend(table, lambda: _ids(table.failed()))

    def _resend_any(self) -> None:
        """All about an order or a report: delivered ones too, to a receiver that lost them."""
        wanted = [*self.notifications.changes.wanted]
        if wanted:
            table, subject_id = self._table(), self.random.choice(wanted)
            self._resend(table, lambda: _ids(table.of_subject(subject_id)))

    def _resend(self, table: NotificationTable, choose: Callable[[], list[str]]) -> None:
        system = self.notifications.system
        world = system.world()
        publisher = NotificationQueuePublisher(world.sqs, self.notifications.queue.url)
        resend = ResendNotification(table, OpenRun(table, publisher, FakeTelemetry(), world.clock))
        try:
            chosen = choose()
        except Unavailable:
            return
        for notification_id in chosen:
            self.operated.append((system.scheduler.time(), "resend", notification_id))
            try:
                sent = _said(resend, notification_id)
            except (NotFound, IllegalTransition, Unavailable) as error:
                sent = f"refused: {error}"
            system.history.tell(f"sends {notification_id[:8]} anew: {sent}")
            self.workload.people.sleep(0.1)

    def _redrive_by_console(self) -> None:
        dead, system = self.notifications.dead_letter_queue, self.notifications.system
        for message in system.sqs.move_back(dead, self.random.choice((None, None, 1, 3))):
            notification_id = json.loads(message.body)["notification_id"]
            self.operated.append((system.scheduler.time(), "move", notification_id))

    def _table(self) -> NotificationTable:
        return NotificationTable(self.notifications.system.world().dynamodb, "notifications")

    # Trouble.

    def _break_the_worker(self) -> None:
        """Early and for long, so that what is told is dead-lettered untried."""
        system = self.notifications.system
        at, lasts = self.random.uniform(1, 15), self.random.choice((300, 900))
        at += 20 if Scenario.BREAKS_AFTER_DELIVERING in system.faults.scenarios else 0
        system.functions.break_for(DELIVERER, at, lasts)


def _said(resend: ResendNotification, notification_id: str) -> str:
    again: Notification = resend(notification_id)
    return f"replay {again.replay}"


def _ids(found: Iterable[Notification | UnreadableRow]) -> list[str]:
    return [each.notification_id for each in found if isinstance(each, Notification)]
