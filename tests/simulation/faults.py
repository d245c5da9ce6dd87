"""What goes wrong. Each seed has its own mix: some kinds often, some never, and now and then none at all.

A mix of its own for each run finds more than the same mix for all (Groce et al., "Swarm Testing").
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random


class CallFault(StrEnum):
    """At an AWS call."""

    CRASH_BEFORE = "crash before the call took effect"
    CRASH_AFTER = "crash after the call took effect"
    THROTTLED = "throttled"
    CONFLICT = "transaction conflict"
    LOST_BEFORE = "connection lost before the call took effect"
    LOST_AFTER = "answer lost after the call took effect"
    LATE = "timed out, and took effect later"
    SLOW = "slow"
    PARTIAL = "only a part of the batch was done"
    STALL = "process frozen, and woken late"


class WorldFault(StrEnum):
    """Around the calls."""

    INVOCATION_THROTTLED = "invocation throttled"
    DELETE_LOST = "mapping could not delete"
    SKEWED_CLOCK = "clock of a process is off"
    BROKEN_DEPLOYMENT = "deployment that cannot start"
    DEPLOYMENT = "deployment"
    PROVIDER_OUTAGE = "provider down"
    RECORD_EXPIRED = "idempotency record expired early"
    GATEWAY_TIMEOUT = "client hung up"
    DEDUPLICATION_OVER = "duplicate sent past the deduplication window"


class Scenario(StrEnum):
    """What does harm only together, and what chance brings together too seldom."""

    MANY_FAILED_REPORTS = "ten reports are dead-lettered at once"
    FROZEN_BEFORE_IT_LOOKS = "a worker is frozen before it reads its order, and sees what its successor wrote"
    REDRIVEN_BOTH_WAYS = "somebody impatient redrives by CLI and from the console"
    NO_RESCUE_IS_WRITTEN = "the first worker cannot run, and the reconciler dies before it begins a run"
    ALL_CLOCKS_OFF = "the clock of each process is off"
    STEWARD_DIES_BETWEEN = "the reconciler dies between row and message, while the console redrives"
    EVERYBODY_REDRIVES = "two operators and the console redrive at once"
    ROWS_OF_OTHERS = "rows are spoiled, or written by a newer release that is rolled back for a while"
    PURGED_BY_HAND = "dead letters of failed orders are purged by hand"
    BREAKS_AFTER_DELIVERING = "notifications are delivered, their messages stay, and the worker cannot run any more"
    HANGS_FOR_SOME = "the provider never answers in time about some orders, and is well"
    REDRIVEN_FROM_THE_CONSOLE = "what failed is redriven from the console alone"
    NO_WORKER_AFTER_AN_OUTAGE = "an outage of the provider that no switch sees, and then the first worker cannot run"
    HIDDEN_BEHIND_TEN = "ten dead letters of one recipient hide others for long, while it sends more orders"
    LONG_LEASES = "who writes a report dies under a lease that outlasts its message's visibility timeout"
    WAKES_UNDER_THE_STEWARD = "workers wake up long after they were given up, while the reconciler is frozen"
    TAKEN_BACK_UNHEARD = "clients take their orders back, and storage's answers are lost"


@dataclass(frozen=True)
class Aim:
    """A call of a function that is struck again and again in one run."""

    function: str
    call: str


RECONCILER = "tend_dead_letters"
SWITCH = "switch_enrichment"
OPERATOR = "operator"

AIMS: dict[Aim, int] = {
    Aim(function, call): weight
    for function, weight, calls in (
        ("write_orders", 3, ("PutItem idempotency", "PutItem orders", "SendMessage orders.fifo", "UpdateItem orders")),
        ("write_orders", 4, ("UpdateItem idempotency",)),
        ("write_orders", 9, ("GetItem orders",)),
        ("write_orders", 12, ("DeleteItem idempotency",)),
        ("read_orders", 2, ("GetItem orders",)),
        ("process_order", 3, ("BatchGetItem orders", "UpdateItem orders", "SendMessage enrichment.fifo")),
        ("process_order", 9, ("DeleteMessage orders.fifo", "ChangeMessageVisibilityBatch orders.fifo")),
        ("process_order", 12, ("SendMessage orders.fifo",)),
        ("enrich_order", 12, ("SendMessage orders.fifo",)),
        ("complete_order", 12, ("SendMessage orders.fifo",)),
        ("enrich_order", 1, ("BatchGetItem orders", "ChangeMessageVisibilityBatch enrichment.fifo")),
        ("enrich_order", 2, ("UpdateItem orders", "PutItem idempotency")),
        ("enrich_order", 4, ("UpdateItem idempotency", "SendMessage completion.fifo")),
        ("enrich_order", 7, ("DeleteItem idempotency", "DeleteMessage enrichment.fifo")),
        ("enrich_order", 2, ("GetItem circuits",)),
        ("enrich_order", 8, ("PutItem circuits",)),
        ("enrich_order", 15, ("UpdateItem circuits", "Invoke switch_enrichment")),
        (SWITCH, 3, ("GetItem circuits", "GetEventSourceMapping enrichment")),
        (SWITCH, 8, ("UpdateItem circuits",)),
        (SWITCH, 14, ("UpdateEventSourceMapping enrichment",)),
        ("complete_order", 4, ("BatchGetItem orders", "GetItem ledger", "TransactWriteItems orders,ledger")),
        ("complete_order", 13, ("UpdateItem orders", "DeleteMessage completion.fifo")),
        ("complete_order", 12, ("ChangeMessageVisibilityBatch completion.fifo",)),
        (RECONCILER, 4, ("ReceiveMessage orders-dlq.fifo", "ReceiveMessage completion-dlq.fifo")),
        (RECONCILER, 2, ("ReceiveMessage enrichment-dlq.fifo",)),
        (RECONCILER, 11, ("BatchGetItem orders", "SendMessage orders.fifo", "UpdateItem orders")),
        (RECONCILER, 15, ("GetItem circuits",)),
        (RECONCILER, 15, ("Query orders", "GetQueueAttributes enrichment-dlq.fifo")),
        (RECONCILER, 12, ("GetQueueAttributes orders-dlq.fifo", "GetQueueAttributes completion-dlq.fifo")),
        (RECONCILER, 14, ("DeleteMessage orders-dlq.fifo", "ChangeMessageVisibilityBatch orders-dlq.fifo")),
        (RECONCILER, 18, ("DeleteMessage enrichment-dlq.fifo", "ChangeMessageVisibilityBatch enrichment-dlq.fifo")),
        (RECONCILER, 16, ("DeleteMessage completion-dlq.fifo", "ChangeMessageVisibilityBatch completion-dlq.fifo")),
        (OPERATOR, 11, ("GetItem orders", "SendMessage orders.fifo", "UpdateItem orders", "BatchGetItem orders")),
        (OPERATOR, 3, ("Query orders",)),
    )
    for call in calls
}
"""Every call of every function, and how often it is aimed at: more often where chance would seldom strike it."""
REPORT_STEWARD = "tend_reports"
REPORT_AIMS: dict[Aim, int] = {
    Aim(function, call): weight
    for function, weight, calls in (
        ("write_reports", 3, ("PutItem reports",)),
        ("write_reports", 5, ("PutItem idempotency", "SendMessage reports.fifo")),
        ("write_reports", 9, ("PutObject report-files",)),
        ("write_reports", 6, ("Query orders", "UpdateItem reports", "GetItem ledger")),
        ("write_reports", 4, ("HeadObject report-files",)),
        ("write_reports", 8, ("UpdateItem idempotency",)),
        ("write_reports", 14, ("GetItem reports", "DeleteItem idempotency")),
        ("read_reports", 1, ("GetItem reports",)),
        ("generate_report", 1, ("BatchGetItem reports", "Query orders", "UpdateItem reports")),
        ("generate_report", 2, ("UploadPart report-files",)),
        ("generate_report", 1, ("ChangeMessageVisibilityBatch reports.fifo",)),
        ("generate_report", 4, ("PutItem idempotency", "GetObject report-files")),
        ("generate_report", 7, ("BatchGetItem orders", "UpdateItem idempotency", "CreateMultipartUpload report-files")),
        ("generate_report", 9, ("CompleteMultipartUpload report-files",)),
        ("generate_report", 9, ("DeleteItem idempotency", "PutObject report-files")),
        ("generate_report", 11, ("AbortMultipartUpload report-files",)),
        ("generate_report", 12, ("GetItem ledger", "HeadObject report-files")),
        ("generate_report", 16, ("Query ledger",)),
        ("generate_report", 12, ("SendMessage reports.fifo",)),
        (REPORT_STEWARD, 1, ("ReceiveMessage reports-dlq.fifo",)),
        (REPORT_STEWARD, 3, ("BatchGetItem reports", "Query reports")),
        (REPORT_STEWARD, 9, ("DeleteMessage reports-dlq.fifo", "SendMessage reports.fifo", "UpdateItem reports")),
        (REPORT_STEWARD, 6, ("ChangeMessageVisibilityBatch reports-dlq.fifo",)),
        (OPERATOR, 5, ("Query reports", "BatchGetItem reports", "GetItem reports")),
        (OPERATOR, 12, ("SendMessage reports.fifo", "UpdateItem reports")),
    )
    for call in calls
}
"""The same for reports: aimed at besides an aim at orders, in runs that have reports."""
_AIMED = (
    CallFault.CRASH_BEFORE,
    CallFault.CRASH_BEFORE,
    CallFault.CRASH_AFTER,
    CallFault.CRASH_AFTER,
    CallFault.LOST_BEFORE,
    CallFault.LOST_AFTER,
    CallFault.LATE,
    CallFault.STALL,
)
AIMED_AT_REPORTS = (*_AIMED, *[CallFault.CRASH_BEFORE, CallFault.CRASH_AFTER] * 4)
_LED_TO_BY = {
    Aim("write_reports", "DeleteItem idempotency"): ("SendMessage reports.fifo", CallFault.THROTTLED),
    Aim("generate_report", "HeadObject report-files"): ("PutObject report-files", CallFault.LOST_AFTER),
    Aim("generate_report", "AbortMultipartUpload report-files"): ("UploadPart report-files", CallFault.THROTTLED),
}
"""Calls that are made only where another call of the same function went wrong so."""
_BY_CONSOLE = {Aim(worker, "SendMessage orders.fifo") for worker in ("process_order", "enrich_order", "complete_order")}
"""Made where the console redrove an order."""
_SELDOM_REACHED = {
    Aim("write_orders", "GetItem orders"),
    Aim("write_orders", "DeleteItem idempotency"),
    Aim("complete_order", "ChangeMessageVisibilityBatch completion.fifo"),
    Aim(RECONCILER, "Query orders"),
    *(Aim(RECONCILER, f"GetQueueAttributes {stage}-dlq.fifo") for stage in ("orders", "enrichment", "completion")),
    Aim(RECONCILER, "ChangeMessageVisibilityBatch orders-dlq.fifo"),
    Aim(OPERATOR, "SendMessage orders.fifo"),
    *_BY_CONSOLE,
    Aim("enrich_order", "PutItem circuits"),
    Aim("enrich_order", "UpdateItem circuits"),
    Aim("enrich_order", f"Invoke {SWITCH}"),
    Aim(SWITCH, "GetEventSourceMapping enrichment"),
    Aim(SWITCH, "UpdateEventSourceMapping enrichment"),
}
_RATHER_A_CRASH = {
    CallFault.LATE: CallFault.CRASH_BEFORE,
    CallFault.STALL: CallFault.CRASH_AFTER,
    CallFault.LOST_BEFORE: CallFault.CRASH_BEFORE,
}
"""What strikes those: a crash at each of them counts."""
_AFTER_AN_OUTAGE = {
    "ChangeMessageVisibilityBatch orders.fifo",
    "ChangeMessageVisibilityBatch completion.fifo",
    "DeleteItem idempotency",
    "ChangeMessageVisibilityBatch reports.fifo",
}
"""Calls of workers, and of the intake, that are made where another call was turned away."""
_AT_THE_CIRCUIT = {aim for aim in AIMS if aim.function == SWITCH or aim.call.endswith((" circuits", f" {SWITCH}"))}
_BEHIND_TEN = {"Query orders", "GetQueueAttributes enrichment-dlq.fifo"}
_MANY_AT_ONCE = {Aim(RECONCILER, f"GetQueueAttributes {stage}-dlq.fifo") for stage in ("orders", "completion")}
_LASTING = {CallFault.THROTTLED, CallFault.LOST_BEFORE, CallFault.CONFLICT}
MOST_AIMED = 4
"""So often at most in a run, so that it comes to an end."""
_RATES = (0.004, 0.012, 0.04)
_QUIET_RUNS = 0.12
_FATAL = {CallFault.CRASH_BEFORE, CallFault.CRASH_AFTER, CallFault.STALL, CallFault.LATE}


@dataclass
class Faults:
    random: Random
    active: bool = True
    call_rates: dict[CallFault, float] = field(default_factory=dict)
    world_rates: dict[WorldFault, float] = field(default_factory=dict)
    """Chance at each opportunity (DELETE_LOST, INVOCATION_THROTTLED …), or that it happens at all in this run."""
    aim: Aim | None = None
    report_aims: Sequence[Aim] = ()
    notification_aims: Sequence[Aim] = ()
    scenarios: set[Scenario] = field(default_factory=set)
    hanging: int = 0
    """Orders about which the provider never answers in time."""
    aimed: dict[Aim, list[CallFault]] = field(default_factory=dict)
    streaks: dict[str, list[CallFault]] = field(default_factory=dict)
    """By function: what strikes its next calls, so that boto3's own retries do not mend everything."""
    injected: Counter[str] = field(default_factory=Counter)
    points: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """By function, call and fault: how often that point was struck."""

    @classmethod
    def drawn(cls, random: Random) -> "Faults":
        faults = cls(random)
        if random.random() < _QUIET_RUNS:
            return faults
        for fault in CallFault:
            if random.random() < 0.45:
                rate = random.choice(_RATES)
                faults.call_rates[fault] = rate / 2 if fault in _FATAL else rate
        if random.random() < 0.8:
            (faults.aim,) = random.choices([*AIMS], [*AIMS.values()])
            rather = _RATHER_A_CRASH if faults.aim in _SELDOM_REACHED else {}
            fault = random.choice(_AIMED)
            faults.aimed[faults.aim] = [rather.get(fault, fault)] * random.randint(1, MOST_AIMED)
        for happening in WorldFault:
            if random.random() < 0.35:
                faults.world_rates[happening] = random.choice((0.02, 0.08))
        if WorldFault.DEDUPLICATION_OVER in faults.world_rates:  # Duplicates are rare already.
            faults.world_rates[WorldFault.DEDUPLICATION_OVER] = 0.5
        faults._suit_the_aim()
        return faults

    def _suit_the_aim(self) -> None:
        """Let happen what leads to the call that is aimed at."""
        if self.aims_at(RECONCILER):
            self.world_rates[WorldFault.BROKEN_DEPLOYMENT] = 1.0
        if self.aims_at_circuit:
            self.world_rates[WorldFault.PROVIDER_OUTAGE] = 1.0
        elif self.aim and self.aim.function not in {RECONCILER, OPERATOR}:
            after_outage = self.aim.call in _AFTER_AN_OUTAGE
            self.call_rates[CallFault.THROTTLED] = 0.15 if after_outage else 0.04
            self.world_rates[WorldFault.DELETE_LOST] = 0.3 if after_outage else 0.08

    def aim_at_reports(self, random: Random) -> None:
        """Strike a call of theirs again and again too, but where nothing is to go wrong at all."""
        if self.is_quiet:
            return
        self.report_aims = random.choices([*REPORT_AIMS], [*REPORT_AIMS.values()], k=2)
        for aim in self.report_aims:
            self.aimed[aim] = [random.choice(AIMED_AT_REPORTS)] * random.randint(1, MOST_AIMED + 1)
            if led_to_by := _LED_TO_BY.get(aim):
                self.aimed[Aim(aim.function, led_to_by[0])] = [led_to_by[1]] * 8
            if aim.call in _AFTER_AN_OUTAGE:
                self.call_rates[CallFault.THROTTLED] = 0.15
        if self.aims_at(REPORT_STEWARD):
            self.world_rates[WorldFault.BROKEN_DEPLOYMENT] = 1.0

    def aims_at(self, function: str) -> bool:
        return function in {aim.function for aim in (self.aim, *self.report_aims, *self.notification_aims) if aim}

    @property
    def aims_at_circuit(self) -> bool:
        """Its calls are made where the provider is down, and for long."""
        return self.aim in _AT_THE_CIRCUIT

    @property
    def aims_at_console(self) -> bool:
        """Its call is made where the console redrives."""
        return self.aim in _BY_CONSOLE

    @property
    def needs_a_crowd(self) -> bool:
        """The reconciler looks behind dead letters where ten of one recipient hide the others."""
        return self.aim is not None and self.aim.function == RECONCILER and self.aim.call in _BEHIND_TEN

    @property
    def needs_many_dead_letters(self) -> bool:
        """The reconciler counts what else is there where a receive was full of several recipients' dead letters."""
        return self.aim in _MANY_AT_ONCE

    @property
    def is_quiet(self) -> bool:
        return not self.call_rates and not self.world_rates and not self.aim

    def strikes_call(self, function: str, call: str) -> CallFault | None:
        fault = self._drawn_fault(function, call) if self.active else None
        if fault:
            self.injected[fault] += 1
            self.points[function, call, fault] += 1
        return fault

    def _drawn_fault(self, function: str, call: str) -> CallFault | None:
        aimed = self.aimed.get(Aim(function, call))
        if aimed and self.random.random() < 0.9:
            return aimed.pop()
        if streak := self.streaks.get(function):
            return streak.pop()
        if not self.call_rates:
            return None
        roll = self.random.random()
        for fault, rate in self.call_rates.items():
            roll -= rate
            if roll < 0:
                if fault in _LASTING and self.random.random() < 0.5:
                    self.streaks[function] = [fault] * self.random.randint(2, 6)
                return fault
        return None

    def strikes(self, fault: WorldFault) -> bool:
        """At one opportunity."""
        if not self.active or self.random.random() >= self.world_rates.get(fault, 0.0):
            return False
        self.injected[fault] += 1
        return True
