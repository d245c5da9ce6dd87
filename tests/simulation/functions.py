"""AWS Lambda: execution environments, timeouts, throttles and deployments; SQS event source mappings; a schedule."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from comanda.adapters.runtime.world import World
from tests.golden import scheduled_event, sqs_record
from tests.simulation.errors import AwsError
from tests.simulation.faults import Faults, WorldFault
from tests.simulation.history import History
from tests.simulation.scheduler import Process, Scheduler
from tests.simulation.sqs import Message, Queue, Sqs, system_attributes

Handler = Callable[[dict[str, Any], Any], Any]
Build = Callable[[World], Handler]
MOST_SKEW = 0.2
"""Seconds by which the clock of a process may be off."""
CLOCKS = 0.5
"""Seconds by which the clocks of two processes may disagree, and a little more."""


@dataclass(frozen=True)
class Outcome:
    """What became of an invocation: `answer`, or why there is none."""

    answer: Any = None
    error: str | None = None

    @property
    def is_good(self) -> bool:
        return self.error is None


@dataclass
class Context:
    """As much of a Lambda context as handlers use."""

    function_name: str
    aws_request_id: str
    left: Callable[[], float]
    memory_limit_in_mb: int = 1024
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:simulated"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, round(self.left() * 1000))


@dataclass
class Environment:
    process: Process
    handler: Handler | None = None


@dataclass
class Function:
    name: str
    build: Build
    timeout: float
    """Seconds."""
    broken: bool = False
    """Its code cannot be started."""
    idle: list[Environment] = field(default_factory=list)
    version: int = 1
    started: int = 0
    refused_until: float = 0.0
    """Invocations are throttled until then."""


class Functions:
    """The Lambda service."""

    def __init__(
        self, scheduler: Scheduler, random: Random, faults: Faults, history: History, world: Callable[[], World]
    ) -> None:
        self.functions: dict[str, Function] = {}
        self.running = 0
        self.scheduler = scheduler
        self.random = random
        self.faults = faults
        self.history = history
        self.world = world
        self.requests = 0

    def add(self, name: str, build: Build, timeout: float) -> None:
        self.functions[name] = Function(name, build, timeout)

    def deploy(self, name: str, *, broken: bool = False) -> None:
        """A new version takes over: whoever works goes on to the end of its invocation, and starts no other."""
        function = self.functions[name]
        function.version += 1
        function.broken = broken
        function.idle.clear()
        self.history.tell(f"deploys {name} version {function.version}" + (", which cannot start" if broken else ""))

    def break_for(self, name: str, at: float, lasts: float) -> None:
        """In `at` seconds deploy what cannot start, unless the trouble is over by then; `lasts` seconds later a sound
        version again."""

        def deploy_what_cannot_start() -> None:
            if self.faults.active:
                self.faults.injected[WorldFault.BROKEN_DEPLOYMENT] += 1
                self.deploy(name, broken=True)

        self.scheduler.after(at, deploy_what_cannot_start)
        self.scheduler.after(at + lasts, lambda: self.deploy(name))

    def throttle(self, name: str, until: float) -> None:
        """Refuse its invocations for a time, unless the trouble is over."""
        if self.faults.active:
            self.functions[name].refused_until = until

    def invoke(self, name: str, event: dict[str, Any], then: Callable[[Outcome], None]) -> None:
        """Asynchronous: `then` is told the outcome once."""
        function = self.functions[name]
        now = self.scheduler.time()
        if now < function.refused_until or self.faults.strikes(WorldFault.INVOCATION_THROTTLED):
            self.history.tell(f"{name} is throttled")
            self.scheduler.after(0.01, lambda: then(Outcome(error="TooManyRequestsException")))
            return
        _Invocation(self, function, event, then).start()

    def call(self, name: str, event: dict[str, Any], limit: float) -> Outcome:
        """Synchronous, from within a task: wait at most `limit` seconds."""
        task, outcomes = self.scheduler.current, list[Outcome]()

        def answered(outcome: Outcome) -> None:
            outcomes.append(outcome)
            self.scheduler.after(0, task.resume)

        self.invoke(name, event, answered)
        end = self.scheduler.time() + limit
        self.scheduler.after(limit, task.resume)
        while not outcomes and self.scheduler.time() < end:
            self.scheduler.give_way()
        return outcomes[0] if outcomes else Outcome(error="gateway timeout")

    def environment(self, function: Function) -> Environment:
        while function.idle:
            kept = function.idle.pop()
            if kept.process.alive:  # What a handler left to other threads may have ended it since.
                return kept
        function.started += 1
        skew = self.random.uniform(-MOST_SKEW, MOST_SKEW) if self.faults.strikes(WorldFault.SKEWED_CLOCK) else 0.0
        name = f"{function.name}.{function.version}.{function.started}"
        return Environment(Process(self.scheduler, name, skew))


class _Invocation:
    def __init__(
        self, service: Functions, function: Function, event: dict[str, Any], then: Callable[[Outcome], None]
    ) -> None:
        self._service = service
        self._scheduler = service.scheduler
        self._function = function
        self._version = function.version
        self._event = event
        self._then = then
        self._environment = service.environment(function)
        self._ended = False
        service.requests += 1
        self._request_id = f"invocation-{service.requests}"

    def start(self) -> None:
        process = self._environment.process
        process.at_death = lambda: self._end(Outcome(error="the process died"))
        self._service.running += 1
        process.start(self._run)

    def _run(self) -> None:
        environment = self._environment
        if environment.handler is None:
            self._scheduler.sleep(self._service.random.uniform(0.05, 0.5))
            if self._function.broken:
                environment.process.alive = False
                self._end(Outcome(error="Runtime.ImportModuleError"))
                return
            environment.handler = self._function.build(self._service.world())
        deadline = self._scheduler.time() + self._function.timeout
        self._scheduler.after(self._function.timeout, self._time_out)
        context = Context(self._function.name, self._request_id, lambda: deadline - self._scheduler.time())
        try:
            answer = environment.handler(self._event, context)
        except Exception as error:  # noqa: BLE001 - Lambda reports whatever a handler raises
            self._end(Outcome(error=f"{type(error).__name__}: {error}"))
        else:
            self._end(Outcome(answer))
        if environment.process.alive and self._version == self._function.version:
            self._function.idle.append(environment)

    def _time_out(self) -> None:
        if self._ended:
            return
        process = self._environment.process
        frozen = process.frozen_until > self._scheduler.time()
        self._end(Outcome(error="Task timed out"))
        if not frozen:  # A frozen one wakes up late, and goes on: nobody listens to it any more.
            process.kill()

    def _end(self, outcome: Outcome) -> None:
        if self._ended:
            return
        self._ended = True
        self._service.running -= 1
        if not outcome.is_good:
            self._service.history.tell(f"{self._environment.process.name} ends: {outcome.error}")
        self._scheduler.after(0, lambda: self._then(outcome))


class EventSourceMapping:
    """Polls a FIFO queue and hands batches to a function, with ReportBatchItemFailures."""

    def __init__(
        self, functions: Functions, sqs: Sqs, queue: Queue, function: str, batch_size: int, concurrency: int
    ) -> None:
        self.enabled = True
        self.batches_died: dict[str, int] = {}
        """By message id: how many of its invocations came to no good end before it was done with."""
        self._functions = functions
        self._sqs = sqs
        self._queue = queue
        self._function = function
        self._batch_size = batch_size
        self._concurrency = concurrency
        self._running = 0
        self._wakes_at = float("inf")
        queue.on_arrival = self.wake

    def wake(self) -> None:
        self._wake_in(self._functions.random.uniform(0.001, 0.05))

    def _wake_in(self, seconds: float) -> None:
        at = self._functions.scheduler.time() + seconds
        if at < self._wakes_at:
            self._wakes_at = at
            self._functions.scheduler.after(seconds, self._poll)

    def _poll(self) -> None:
        now = self._functions.scheduler.time()
        self._wakes_at = float("inf")
        if not self.enabled:
            return
        while self._running < self._concurrency:
            most = self._batch_size if self._functions.random.random() < 0.7 else 1
            batch = self._sqs.receive(self._queue, most)
            if not batch:
                break
            self._running += 1
            receipts = {message.message_id: message.receipt or "" for message in batch}
            event = {"Records": [_record(self._queue, message) for message in batch]}
            self._functions.invoke(
                self._function,
                event,
                lambda outcome, receipts=receipts: self._finish(receipts, outcome),  # type: ignore[misc]
            )
        visible_at = self._sqs.next_visible_at(self._queue)
        if visible_at is not None:
            self._wake_in(max(visible_at - now, 0) + 0.001)

    def _finish(self, receipts: Mapping[str, str], outcome: Outcome) -> None:
        self._running -= 1
        stay = self._failures(outcome, receipts) if outcome.is_good else set(receipts)
        if not outcome.is_good:
            for message_id in receipts.keys() & {message.message_id for message in self._queue.messages}:
                self.batches_died[message_id] = self.batches_died.get(message_id, 0) + 1
        for message_id, receipt in receipts.items():
            if message_id in stay or self._functions.faults.strikes(WorldFault.DELETE_LOST):
                continue
            try:
                self._sqs.delete(self._queue, receipt)
            except AwsError:
                self._functions.history.tell(
                    f"mapping of {self._queue.name}: receipt expired, {message_id} comes again"
                )
        self.wake()

    def _failures(self, outcome: Outcome, receipts: Mapping[str, str]) -> set[str]:
        """An answer that names a message it did not get, or makes no sense, fails the whole batch on AWS."""
        failures = outcome.answer.get("batchItemFailures") if isinstance(outcome.answer, dict) else None
        if failures is None:
            return set(receipts)
        named = {failure.get("itemIdentifier") for failure in failures}
        return set(named) if named <= set(receipts) else set(receipts)


def _record(queue: Queue, message: Message) -> dict[str, Any]:
    received = {
        "MessageId": message.message_id,
        "ReceiptHandle": message.receipt,
        "Body": message.body,
        "Attributes": system_attributes(message),
        "MessageAttributes": message.attributes,
    }
    return sqs_record(received, queue.arn)


class Schedule:
    """Invokes a function at a rate ("EventBridge Scheduler"), without retries."""

    def __init__(self, functions: Functions, scheduler: Scheduler, function: str, seconds: float) -> None:
        self._functions = functions
        self._scheduler = scheduler
        self._function = function
        self._seconds = seconds
        scheduler.after(seconds, self._tick)

    def _tick(self) -> None:
        self._functions.invoke(self._function, scheduled_event(), lambda _: None)
        self._scheduler.after(self._seconds, self._tick)
