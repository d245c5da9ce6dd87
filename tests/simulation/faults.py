"""What goes wrong. Each seed has its own mix: some kinds often, some never, and now and then none at all.

A mix of its own for each run finds more than the same mix for all (Groce et al., "Swarm Testing").
"""

from collections import Counter
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
        for happening in WorldFault:
            if random.random() < 0.35:
                faults.world_rates[happening] = random.choice((0.02, 0.08))
        return faults

    @property
    def is_quiet(self) -> bool:
        return not self.call_rates and not self.world_rates

    def strikes_call(self, function: str, call: str) -> CallFault | None:
        if not self.active or not self.call_rates:
            return None
        roll = self.random.random()
        for fault, rate in self.call_rates.items():
            roll -= rate
            if roll < 0:
                self.injected[fault] += 1
                self.points[function, call, fault] += 1
                return fault
        return None

    def strikes(self, fault: WorldFault) -> bool:
        """At one opportunity."""
        if not self.active or self.random.random() >= self.world_rates.get(fault, 0.0):
            return False
        self.injected[fault] += 1
        return True
