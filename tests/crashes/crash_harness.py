"""Where handlers play on moto, with queues of their own, and a clock that stands still until it is moved.

What AWS does between the handlers is played here: deliver a batch, delete what was done, deliver again what was not,
redrive. Receive counts, message groups, pauses and dead-letter queues are moto's own.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import time_machine
from botocore.exceptions import EndpointConnectionError
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sqs.models import sqs_backends

from comanda.domain.shared.errors import IllegalTransition, Unavailable
from tests.functions.conftest import Answer, Context
from tests.golden import sqs_record

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

T = TypeVar("T")

MAX_ATTEMPTS = 3
MAX_RECEIVES = 5
"""As few as one crash allows; a deployed stage derives a wider one (infra/settings/delivery.py)."""
FUNCTION_TIMEOUT = 5
VISIBILITY_TIMEOUT = 6
"""Seconds, both."""
DEAD_LETTERS_HIDDEN = timedelta(minutes=2)
"""How long the reconciler's receive hides a dead letter, if it dies."""

Work = Callable[[dict[str, Any], Any], dict[str, Any]]


class Death(BaseException):
    """The process is gone."""


def die() -> None:
    raise Death


def lose_the_connection() -> None:
    raise EndpointConnectionError(endpoint_url="http://nowhere")


FAILURES = {
    "dies before": ("before", die),
    "dies after": ("after", die),
    "loses it before": ("before", lose_the_connection),
    "loses it after": ("after", lose_the_connection),
}
"""How a handler fares at a call. Dying before its second one is the same as dying after its first."""


def crash_points(calls: Mapping[str, int]) -> list[tuple[str, str, int]]:
    """Handler, how it fares, and at which of its calls."""
    return [
        (handler, how, number)
        for handler, made in calls.items()
        for number in range(1, made + 1)
        for how in FAILURES
        if how != "dies before" or number == 1
    ]


class CrashHarness:
    """Handlers of which one AWS call can be made to fail, and the queues between them."""

    clock: time_machine.Traveller
    workers: dict[str, tuple[str, Work]]
    """The handler of each queue, and its name, by the queue's url."""
    reconciler: Callable[..., None]
    _running = ""

    def __init__(self, sqs: "SQSClient", clients: Sequence[Any]) -> None:
        self._sqs = sqs
        self._queues_in_moto = sqs_backends[DEFAULT_ACCOUNT_ID][sqs.meta.region_name]
        for client in clients:
            self.listen_to(client)

    def listen_to(self, client: Any) -> None:
        """From now on calls of this client are counted, and can fail."""
        client.meta.events.register("before-call.*", partial(self._on_call, "before"))
        client.meta.events.register("after-call.*", partial(self._on_call, "after"))

    def begin(self, clock: time_machine.Traveller) -> None:
        """Nothing has failed yet."""
        self.clock = clock
        self.broken = False
        """Whether the workers cannot run at all."""
        self.calls: Counter[str] = Counter()
        """AWS calls of each handler, since it was last cleared."""
        self._dead = False
        self._strike: tuple[str, int, str, Callable[[], None]] | None = None

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

    def run(self, handler: str, act: Callable[[], T]) -> T | None:
        """None where it died; then none of its calls gets out any more."""
        self._running = handler
        try:
            return act()
        except Death:
            return None
        finally:
            self._running, self._dead = "", False

    def ask(self, handler: str, send: Callable[[], Answer], expected: int) -> Answer:
        """Ask until the answer is the one that is expected."""
        for _ in range(10):
            answer = self.run(handler, send)
            if answer and answer.status == expected:
                return answer
            if answer:
                assert answer.status in {409, 503}, answer.text
                assert "Retry-After" in answer.headers
            self.clock.shift(2)
        raise AssertionError(f"{handler} was never answered with {expected}")

    # The queues and their workers

    def drain_queues(self, *urls: str) -> None:
        """Deliver the messages of these queues until each is done with or dead-lettered."""
        for _ in range(100):
            if sum(map(self._deliver, urls)):
                continue
            if not any(map(self.depth, urls)):
                return
            self.clock.shift(VISIBILITY_TIMEOUT / 2)
        raise AssertionError("the queues never got empty")

    def receive_and_die(self, url: str) -> None:
        """A worker receives what there is, and dies before its first call."""
        assert self.receive(url)
        self.clock.shift(VISIBILITY_TIMEOUT)

    def _deliver(self, url: str) -> int:
        """One batch, as an event source mapping does it; give the number of its messages."""
        if not self.depth(url):
            return 0
        messages = self.receive(url)
        if messages and not self.broken:
            handler, work = self.workers[url]
            event = {"Records": list(map(sqs_record, messages))}
            answer = self.run(handler, lambda: work(event, Context(milliseconds=FUNCTION_TIMEOUT * 1000)))
            if answer is not None:
                stay = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
                for message in messages:
                    if message["MessageId"] not in stay:
                        self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return len(messages)

    def receive(self, url: str) -> list[Any]:
        # moto forgets messages whose time is up one by one, and would deliver the second of a group first.
        pending = self.queue(url).pending_messages
        pending.difference_update([message for message in pending if message.visible])
        answer = self._sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=VISIBILITY_TIMEOUT,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        return list(answer.get("Messages", []))

    def depth(self, url: str) -> int:
        queue = self.queue(url)
        return int(queue.approximate_number_of_messages + queue.approximate_number_of_messages_not_visible)

    def queue(self, url: str) -> Any:
        """As moto has it: looking into it costs no call."""
        return self._queues_in_moto.get_queue(url.rsplit("/", 1)[-1])

    def move_back(self, dead_letters: str, source: str) -> None:
        """The console's redrive: every message goes back to its source, under a new id and with a new time. Its
        deduplication id is the message id that it had, as AWS has it."""
        self.clock.shift(60)
        while messages := self.receive(dead_letters):
            for message in messages:
                self._sqs.send_message(
                    QueueUrl=source,
                    MessageBody=message["Body"],
                    MessageGroupId=message["Attributes"]["MessageGroupId"],
                    MessageDeduplicationId=message["MessageId"],
                )
                self._sqs.delete_message(QueueUrl=dead_letters, ReceiptHandle=message["ReceiptHandle"])

    def ids_of_dead_letters(self, url: str) -> list[str]:
        """Of all messages in the dead-letter queue, in which at most ten of a group may be."""
        self.clock.shift(DEAD_LETTERS_HIDDEN)
        return [message["MessageId"] for message in self.receive(url)] if self.depth(url) else []

    # The reconciler, and the operator

    def minute(self) -> None:
        """The reconciler's minute comes until it goes through."""
        for _ in range(10):
            self.clock.shift(60)
            if self.run("reconciler", self._tend):
                return
            self.clock.shift(DEAD_LETTERS_HIDDEN)
        raise AssertionError("the reconciler never came to an end")

    def five_minutes(self) -> None:
        """All that is left to do is done, within the time in which a status must have become true (P8)."""
        self.drain_queues(*self.workers)
        self.clock.shift(DEAD_LETTERS_HIDDEN)
        self.minute()
        self.drain_queues(*self.workers)

    def _tend(self) -> bool:
        try:
            self.reconciler({}, Context(milliseconds=FUNCTION_TIMEOUT * 1000))
        except Unavailable:
            return False
        return True

    def operate(self, command: str, act: Callable[[], object]) -> None:
        """Give the command again until it is done, or was done already."""
        for _ in range(10):
            self.clock.shift(1)
            try:
                if self.run(command, act):
                    return
            except IllegalTransition:
                return
            except Unavailable:
                continue
        raise AssertionError(f"{command} never came to an end")
