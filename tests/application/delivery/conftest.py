"""The delivery kernel around the real step of each kind: orders at enrichment, reports, and notifications."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from comanda.application.delivery.open_run import OpenRun
from comanda.application.delivery.reconciler import Reconciler
from comanda.application.delivery.worker import Worker
from comanda.domain.delivery.messages import Delivery, Message
from comanda.domain.delivery.retry import RetryPolicy
from comanda.domain.delivery.work_item import Failure
from comanda.domain.notifications.messages import NotificationMessage
from comanda.domain.orders.messages import Event, OrderMessage
from comanda.domain.reports.messages import ReportMessage
from comanda.domain.shared.errors import Unavailable
from tests.application.conftest import Scene as OrderScene
from tests.application.notifications.conftest import URL, a_request
from tests.application.notifications.conftest import Scene as NotificationScene
from tests.application.reports.conftest import A_TABLE
from tests.application.reports.conftest import Scene as ReportScene
from tests.support.fakes import FakeClock, FakeDeadLetters, FakeQueue, FakeTelemetry

MAX_ATTEMPTS = 3


@dataclass
class FirstQueue:
    """Implements `RunPublisher`."""

    sent: list[tuple[str, int]] = field(default_factory=list)
    """Row id and run, in the order of sending."""
    down_for: set[str] = field(default_factory=set)
    """Rows whose message cannot be sent."""
    outage: bool = False
    at_publish: list[Callable[[Any], None]] = field(default_factory=list)
    """Each is called once, before the next message is stored."""
    after_publish: list[Callable[[Any], None]] = field(default_factory=list)
    """Each is called once, after the next message is stored."""

    def publish(self, row: Any) -> None:
        if self.at_publish:
            self.at_publish.pop(0)(row)
        if self.outage or row.row_id in self.down_for:
            raise Unavailable("queue: ServiceUnavailable")
        self.sent.append((row.row_id, row.replay))
        if self.after_publish:
            self.after_publish.pop(0)(row)


@dataclass
class Scene:
    """Of one kind. Rows are in one message group where the kind has groups of several."""

    kind: str
    step: Any
    rows: Any
    clock: FakeClock
    add_row: Callable[[int], Any]
    about: Callable[[Any], Message]
    set_error: Callable[[Any, Exception | None], None]
    """What the next tries of a row come to."""
    tries: Callable[[Any], int]
    settled: Callable[[Any], Any]
    """The row once it is over."""
    telemetry: FakeTelemetry
    first_queue: FirstQueue = field(default_factory=FirstQueue)
    queue: FakeQueue = field(default_factory=FakeQueue)
    slept: list[float] = field(default_factory=list)
    in_outage: bool = False
    seconds_left: float = 900.0
    added: int = 0

    def __post_init__(self) -> None:
        self.stage: str = self.step.stage
        self.dead = FakeDeadLetters[Delivery[Message]](stage=self.stage)

    def add(self, **fields: Any) -> Any:
        """An open row that is to be worked on."""
        self.added += 1
        row = replace(self.add_row(self.added), **fields)
        self.put(row)
        return row

    def put(self, row: Any) -> Any:
        self.rows.rows[row.row_id] = row
        return row

    def row(self, row: Any) -> Any:
        """As it stands now."""
        return self.rows.rows[row.row_id]

    def message(self, row: Any, **fields: Any) -> Delivery[Message]:
        """Of the run that `row` is in, as a worker, or the reconciler, receives it."""
        made = Delivery(str(uuid.uuid4()), "receipt", row.message_group, 1, self.clock.now, message=self.about(row))
        return replace(made, **fields)

    def failure(self, message_id: str = "m-that-failed", stage: str | None = None) -> Failure:
        return Failure("Timeout", "slow", stage or self.stage, 3, self.clock(), message_id)

    def add_failed(self, **fields: Any) -> Any:
        return self.put(self.add(**fields).failed(self.failure()))

    @property
    def open_run(self) -> OpenRun[Any]:
        return OpenRun(self.rows, self.first_queue, self.telemetry, self.clock)

    def work(self, *batch: Delivery[Message]) -> list[str]:
        worker = Worker(
            step=self.step,
            rows=self.rows,
            open_run=self.open_run,
            queue=self.queue,
            retry=RetryPolicy(MAX_ATTEMPTS, first_pause=1, longest_pause=5),
            telemetry=self.telemetry,
            clock=self.clock,
            random=lambda: 0.0,
            sleep=self.slept.append,
            reserve_seconds=2,
        )
        return worker(batch, lambda: self.seconds_left)

    def dead_letter(self, row: Any, **fields: Any) -> Delivery[Message]:
        letter = self.message(row, **fields)
        self.dead.messages.append(letter)
        return letter

    def comes_back(self, row: Any) -> Delivery[Message]:
        """The message of its present run is dead-lettered, untried."""
        return self.dead_letter(self.row(row))

    def reconcile(self, max_rescues: int = 1) -> None:
        reconciler = Reconciler(
            rows=self.rows,
            open_run=self.open_run,
            dead_letters=[self.dead],
            telemetry=self.telemetry,
            clock=self.clock,
            max_rescues=max_rescues,
            reserve_seconds=5,
            in_outage=lambda stage: self.in_outage and stage == self.stage,
        )
        reconciler(lambda: self.seconds_left)
        assert self.dead.hidden == set(), "what stays is there for a person to redrive"

    def emitted(self, event: str) -> list[str | None]:
        """The ids of the rows that events of this name were about."""
        return [subject for name, subject in self.telemetry.emitted if name == event]

    def keys_of(self, event: str) -> dict[str, object]:
        """Of the last event of this name."""
        found = [
            keys for (name, _), keys in zip(self.telemetry.emitted, self.telemetry.keys, strict=True) if name == event
        ]
        return found[-1]


def orders() -> Scene:
    inside = OrderScene()

    def set_error(row: Any, error: Any) -> None:
        inside.provider.errors = {row.order_id: error} if error else {}

    return Scene(
        kind="order",
        step=inside.enriching,
        rows=inside.orders,
        clock=inside.clock,
        add_row=lambda _: inside.row(inside.to_enrich()),
        about=lambda row: OrderMessage.about(row, Event.ENRICHMENT_REQUESTED),
        set_error=set_error,
        settled=lambda row: row.completed(inside.clock()),
        tries=lambda row: sum(request.order_id == row.order_id for request in inside.provider.asked),
        telemetry=inside.telemetry,
    )


def reports() -> Scene:
    inside = ReportScene()

    def set_error(_: Any, error: Exception | None) -> None:
        inside.files.errors = [error] * 20 if error else []

    return Scene(
        kind="report",
        step=inside.step,
        rows=inside.reports,
        clock=inside.clock,
        add_row=lambda number: inside.row(inside.asked(parameters={**A_TABLE, "title": f"Table {number}"})),
        about=ReportMessage.about,
        set_error=set_error,
        settled=lambda row: row.cancelled(inside.clock()),
        tries=lambda row: inside.telemetry.emitted.count(("report.begun", row.report_id)),
        telemetry=inside.telemetry,
    )


def notifications() -> Scene:
    inside = NotificationScene()

    def add_row(number: int) -> Any:
        inside.announce(a_request(version=number))
        return inside.notifications.rows[inside.publisher.sent[-1].notification_id]

    def set_error(_: Any, error: Exception | None) -> None:
        inside.receivers.errors = {URL: [error]} if error else {}

    return Scene(
        kind="notification",
        step=inside.step,
        rows=inside.notifications,
        clock=inside.clock,
        add_row=add_row,
        about=NotificationMessage.about,
        set_error=set_error,
        settled=lambda row: row.delivered(inside.clock()),
        tries=lambda row: sum(told[2] == row.notification_id for told in inside.receivers.told),
        telemetry=inside.telemetry,
    )


@pytest.fixture(params=[orders, reports, notifications], ids=lambda make: make.__name__)
def scene(request: pytest.FixtureRequest) -> Scene:
    made: Scene = request.param()
    return made


@pytest.fixture(params=[orders, notifications], ids=lambda make: make.__name__)
def grouped(request: pytest.FixtureRequest) -> Scene:
    """Of a kind whose message groups hold several rows."""
    made: Scene = request.param()
    return made
