"""Clients and operators at work."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.simulation.scheduler import Process, Scheduler


@dataclass
class People:
    """Each has a process of its own, which faults may end as any other."""

    scheduler: Scheduler
    busy: int = 0
    """So many are not done yet."""
    _started: int = 0

    def start(self, kind: str, delay: float, deed: Callable[[], object]) -> None:
        """Do it in so many seconds."""
        self.busy += 1
        self._started += 1
        process = Process(self.scheduler, f"{kind}.{self._started}")

        def ended() -> None:
            self.busy -= 1

        process.at_death = ended

        def run() -> None:
            self.sleep(delay)
            deed()
            process.at_death = lambda: None
            ended()

        process.start(run)

    def sleep(self, seconds: float) -> None:
        self.scheduler.sleep(seconds)
