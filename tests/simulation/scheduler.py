"""Virtual time in one thread.

A task is a greenlet. It runs until it waits; then whatever is due next runs. What is due at the same moment runs in the
order in which it was asked for, so that the seed alone decides everything.
"""

import heapq
import math
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from copy import copy
from itertools import count
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet
from time_machine import Traveller

R = TypeVar("R")

_MICRO = 1_000_000


class Killed(BaseException):
    """The process is gone. Nothing that it does on the way out reaches the world outside."""


class Process:
    """What lives and dies together: an execution environment, a client, an operator's command line."""

    def __init__(self, scheduler: "Scheduler", name: str, clock_skew: float = 0.0) -> None:
        self.name = name
        self.alive = True
        self.frozen_until = 0.0
        """Its waits end no sooner: the process is stalled, and wakes up late."""
        self.clock_skew = clock_skew
        self.at_death: Callable[[], None] = lambda: None
        self.globals: dict[tuple[Any, str], Any] = {}
        """What libraries keep in global variables: each process has its own."""
        self._scheduler = scheduler
        self._tasks: list[Task] = []

    def start(self, function: Callable[[], None]) -> "Task":
        task = Task(self._scheduler, self, function)
        self._tasks = [other for other in self._tasks if not other.done]
        self._tasks.append(task)
        self._scheduler.after(0, task.resume)
        return task

    def kill(self) -> None:
        """From within a task, raise Killed afterwards."""
        if not self.alive:
            return
        self.alive = False
        for task in self._tasks:
            self._scheduler.after(0, task.unwind)
        self.at_death()


class Task:
    def __init__(self, scheduler: "Scheduler", process: Process, function: Callable[[], None]) -> None:
        self.process = process
        self.done = False
        self._scheduler = scheduler
        self._function = function
        self._waiting: list[Task] = []
        self._greenlet = greenlet(self._run, scheduler.hub)

    def _run(self) -> None:
        try:
            if self.process.alive:
                self._function()
        except Killed:
            pass
        self.done = True
        for waiting in self._waiting:
            self._scheduler.after(0, waiting.resume)

    def resume(self) -> None:
        late = self.process.frozen_until - self._scheduler.time()
        if late > 0 and self.process.alive:
            self._scheduler.after(late, self.resume)
        elif not self.done:
            self._scheduler.enter(self, self._greenlet.switch)

    def unwind(self) -> None:
        if self._greenlet and not self.done:
            self._scheduler.enter(self, lambda: self._greenlet.throw(Killed))
        self.done = True

    def wait_for(self, other: "Task") -> None:
        other._waiting.append(self)
        while not other.done:
            self._scheduler.give_way()


class Scheduler:
    def __init__(self, start: float, wall_clock: Traveller, library_globals: Iterable[tuple[Any, str]] = ()) -> None:
        self._now = round(start * _MICRO)
        self._wall_clock = wall_clock
        self._globals = {(owner, name): getattr(owner, name, None) for owner, name in library_globals}
        """As they are where a process begins; a copy of each is its own."""
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers = count()
        self.hub = getcurrent()
        self._current: Task | None = None

    def time(self) -> float:
        """Seconds since the epoch."""
        return self._now / _MICRO

    @property
    def current(self) -> Task:
        assert self._current, "only a task can do this"
        return self._current

    @property
    def process(self) -> Process:
        return self.current.process

    def at_work(self) -> Process | None:
        return self._current.process if self._current else None

    def who(self) -> str:
        """The name of the process at work; `aws` where it is nobody's."""
        return self._current.process.name if self._current else "aws"

    def after(self, seconds: float, callback: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self._now + math.ceil(seconds * _MICRO), next(self._numbers), callback))

    def sleep(self, seconds: float) -> None:
        """The task that is running waits. Raises Killed where its process is gone by then."""
        wake_up = self._now + math.ceil(max(seconds, 0) * _MICRO)
        self.after(max(seconds, 0), self.current.resume)
        self.give_way()
        while self._now < wake_up:  # Woken for something else.
            self.give_way()

    def give_way(self) -> None:
        """Run others until somebody resumes this task."""
        task = self.current
        if task.process.alive:
            self.hub.switch()
        if not task.process.alive:
            raise Killed

    def enter(self, task: Task, switch: Callable[[], object]) -> None:
        """Switch to a task, with its process's view of the clock and of global variables."""
        process = task.process
        self._wall_clock.move_to(self.time() + process.clock_skew)
        for (owner, name), default in self._globals.items():
            kept = process.globals
            setattr(owner, name, kept[owner, name] if (owner, name) in kept else copy(default))
        self._current = task
        try:
            switch()
        finally:
            self._current = None
            process.globals = {(owner, name): getattr(owner, name) for owner, name in self._globals}

    def run(self, until: Callable[[], bool], limit_seconds: float) -> bool:
        """Let time go on until `until` holds; False where it does not within the limit."""
        end = self._now + round(limit_seconds * _MICRO)
        while not until():
            if not self._due or self._due[0][0] > end:
                return False
            at, _, callback = heapq.heappop(self._due)
            self._now = max(self._now, at)
            callback()
        return True

    def let_pass(self, seconds: float) -> None:
        """Let so much time go by, whether anything is due or not."""
        end = self._now + round(seconds * _MICRO)
        self.run(lambda: False, seconds)
        self._now = end

    def jump(self, seconds: float) -> None:
        """Let so much time go by at once; what is due meanwhile comes late."""
        self._now += round(seconds * _MICRO)


class SideBySide(Executor):
    """An executor as threads would be: tasks of the calling process."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def submit(self, function: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        coming: _Coming[R] = _Coming()
        coming.set_running_or_notify_cancel()

        def work() -> None:
            try:
                coming.set_result(function(*args, **kwargs))
            except Exception as error:  # noqa: BLE001 - whoever waits for the result gets it
                coming.set_exception(error)

        coming.scheduler, coming.task = self._scheduler, self._scheduler.process.start(work)
        return coming


class _Coming(Future[R]):
    """A future that a task waits for in virtual time."""

    scheduler: Scheduler
    task: Task

    def result(self, timeout: float | None = None) -> R:  # noqa: ARG002
        self.scheduler.current.wait_for(self.task)
        return super().result(0)

    def exception(self, timeout: float | None = None) -> BaseException | None:  # noqa: ARG002
        self.scheduler.current.wait_for(self.task)
        return super().exception(0)
