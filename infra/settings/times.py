"""Which time of a stage has to be longer than which, and why."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import attrgetter

from infra.settings.group import SAVE_SECONDS
from infra.settings.stage import StageSettings


@dataclass(frozen=True)
class Fits:
    """The times `parts`, one after the other, fit into the time `into`, and `spare` seconds are left.

    `parts` and `into` name settings, or what follows from them, with their groups: `orders.timeout_seconds`.
    """

    parts: tuple[str, ...]
    into: str
    spare: float
    because: str

    def fault_in(self, settings: StageSettings, called: Callable[[str], str] = str) -> str | None:
        """What is wrong and why, in one line. `called` is what whoever gave a setting calls it."""
        if sum(_seconds(settings, name) for name in self.parts) + self.spare <= _seconds(settings, self.into):
            return None
        what = " and ".join(f"{called(name)} ({_seconds(settings, name):g})" for name in self.parts)
        what += f" and {self.spare:g} s to spare" if self.spare else ""
        verb = "does" if len(self.parts) == 1 and not self.spare else "do"
        into = f"{called(self.into)} ({_seconds(settings, self.into):g})"
        return f"{what} {verb} not fit into {into}: {self.because}"


def _seconds(settings: StageSettings, name: str) -> float:
    return float(attrgetter(name)(settings))


TIMES = (
    Fits(
        ("orders.reserve_seconds",),
        "orders.timeout_seconds",
        SAVE_SECONDS,
        "a worker reads its orders first, and then there has to be time enough to begin one",
    ),
    Fits(
        ("orders.timeout_seconds",),
        "orders.visibility_timeout_seconds",
        SAVE_SECONDS,
        "a message must not come back while its worker may still run",
    ),
    Fits(
        ("orders.visibility_timeout_seconds",),
        "alarms.order_age_seconds",
        60,
        "an order whose worker died once is not late yet",
    ),
    Fits(
        ("delivery.retry_pause_seconds",),
        "delivery.retry_pause_limit_seconds",
        0,
        "the first pause is the shortest",
    ),
    Fits(
        ("reports.lease_seconds", "reports.reserve_seconds"),
        "reports.timeout_seconds",
        0,
        "a worker holds a report for one lease at least, and stores the file then",
    ),
    Fits(
        ("reports.timeout_seconds",),
        "reports.visibility_timeout_seconds",
        SAVE_SECONDS,
        "a report must not come back while its worker may still run",
    ),
    Fits(
        ("reports.longest_lease_seconds",),
        "reports.visibility_timeout_seconds",
        1,
        "when the report of a dead worker comes back, the lease of the dead has to be over",
    ),
    Fits(
        ("notifications.webhook_seconds",),
        "notifications.reserve_seconds",
        SAVE_SECONDS,
        "a webhook that is begun at the last moment may take all of its time, and its outcome is saved then",
    ),
    Fits(
        ("notifications.reserve_seconds",),
        "notifications.timeout_seconds",
        SAVE_SECONDS,
        "a worker reads its notifications first, and then there has to be time enough to begin one",
    ),
    Fits(
        ("notifications.timeout_seconds",),
        "notifications.visibility_timeout_seconds",
        SAVE_SECONDS,
        "a message must not come back while its worker may still run",
    ),
    Fits(
        ("notifications.retry_pause_seconds",),
        "notifications.retry_pause_limit_seconds",
        0,
        "the first pause is the shortest",
    ),
)
"""Where two that race are equal, a millisecond decides."""

TIMES_OF_THE_SIMULATED_PROVIDER = (
    Fits(
        ("enrichment.delay_seconds",),
        "orders.reserve_seconds",
        SAVE_SECONDS,
        "an order that is begun at the last moment has to be enriched, and saved then",
    ),
)
TIMES_OF_A_PROVIDER = (
    Fits(
        ("enrichment.connect_seconds",),
        "enrichment.total_seconds",
        1,
        "a call that was only just connected needs time for its answer",
    ),
    Fits(
        ("enrichment.read_seconds",),
        "enrichment.total_seconds",
        1,
        "the limit of one wait says nothing where the whole call ends before",
    ),
    Fits(
        ("enrichment.total_seconds",),
        "orders.reserve_seconds",
        SAVE_SECONDS,
        "an order that is begun at the last moment has to be enriched, and saved then",
    ),
    Fits(
        ("enrichment.total_seconds",),
        "enrichment.try_seconds",
        SAVE_SECONDS,
        "the call that tries a provider which was down is taken for dead after that",
    ),
)
"""With `enrichment.url` only."""


def faults_of_times(settings: StageSettings, called: Callable[[str], str]) -> Iterator[str]:
    """What does not fit, in one line each."""
    of_provider = TIMES_OF_A_PROVIDER if settings.enrichment.url else TIMES_OF_THE_SIMULATED_PROVIDER
    for times in (*TIMES, *of_provider):
        if fault := times.fault_in(settings, called):
            yield fault
    batch, delay, timeout = "delivery.batch_size", "enrichment.delay_seconds", "orders.timeout_seconds"
    if settings.delivery.batch_size * _seconds(settings, delay) >= _seconds(settings, timeout):
        yield (
            f"a batch of {settings.delivery.batch_size} orders ({called(batch)}) at {called(delay)} "
            f"({_seconds(settings, delay):g}) does not fit into {called(timeout)} ({_seconds(settings, timeout):g})"
        )
