"""Those who are told: servers that are well, slow, down for a while, want nothing more, refuse an event, kill whoever
calls them, or may not be called at all. They keep a list of their calls."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from comanda.adapters.notifications.webhook_answers import error_of_status, not_allowed
from comanda.domain.shared.errors import ReceiverOutage, Unavailable
from tests.simulation.faults import Faults
from tests.simulation.history import History
from tests.simulation.scheduler import Killed, Scheduler

WELL = "https://well.example.com/hook"
BUSY = "https://busy.example.com/hook"
SLOW = "https://slow.example.com/hook"
DOWN = "https://down.example.com/hook"
GONE = "https://gone.example.com/hook"
PICKY = "https://picky.example.com/hook"
INSIDE = "https://inside.example.com/hook"
KILLER = "https://killer.example.com/hook"
URLS = (WELL, BUSY, SLOW, DOWN, GONE, PICKY, INSIDE, KILLER)

LONGEST_CALL = 15.0
"""Seconds after which the caller gives up ("Standard Webhooks")."""
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLw0000000000000="  # noqa: S105


@dataclass(frozen=True)
class Call:
    at: float
    url: str
    webhook_id: str
    type: str
    """`order.completed`."""
    status: str
    """As the order or report in the body has it."""
    subject_id: str
    answer: int
    """The status code; 0 where there was none."""
    who: str
    """The process that called."""
    was_heard: bool = True
    """The answer came in time."""

    @property
    def was_taken(self) -> bool:
        return 200 <= self.answer < 300

    @property
    def went_well(self) -> bool:
        """As far as the caller knows."""
        return self.was_taken and self.was_heard


@dataclass
class Receivers:
    """Implements `Receivers` and `WebhookSecrets`."""

    scheduler: Scheduler
    history: History
    faults: Faults
    random: Random
    calls: list[Call] = field(default_factory=list)
    by_id: dict[str, list[Call]] = field(default_factory=lambda: defaultdict(list))
    down: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    """By URL: from when to when it answers 503."""
    gone_from: float = float("inf")
    picks: str = "completed"
    """What PICKY refuses, and KILLER dies of."""
    loses_answers: float = 0.0
    """How often SLOW takes a call and its answer comes too late."""
    secrets_unreadable: float = 0.0
    """How often the secrets cannot be read."""

    def trouble_ends(self) -> None:
        self.down.clear()

    def tell(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        told = json.loads(body)
        answer = self._answer_of(url, told["type"])
        if answer is None:
            self._note(url, told, headers, 0, "kills its caller")
            self.scheduler.process.kill()
            raise Killed
        if url == INSIDE:
            raise not_allowed("its host has an address that is not public")
        lost = url == SLOW and self.faults.active and self.random.random() < self.loses_answers
        self._note(url, told, headers, answer, f"{answer}, unheard" if lost else str(answer), heard=not lost)
        self.scheduler.sleep(LONGEST_CALL if lost else self._seconds_of(url))
        if lost:
            raise ReceiverOutage("ReceiverTimeout", "the receiver gave no answer in time")
        retry_after = self.random.choice((0, 0, 20)) if answer in {429, 503} else 0
        if error := error_of_status(answer, retry_after):
            raise error

    def valid_for(self, caller: str, at: datetime) -> Sequence[str]:  # noqa: ARG002
        self.scheduler.sleep(0.005)
        if self.faults.active and self.random.random() < self.secrets_unreadable:
            self.faults.injected["secrets not readable"] += 1
            raise Unavailable("webhook secrets")
        return [SECRET]

    def _answer_of(self, url: str, event: str) -> int | None:
        """None: none, and the caller dies."""
        now, is_picked = self.scheduler.time(), event.endswith(f".{self.picks}")
        if any(start <= now < end for start, end in self.down[url]):
            return 503
        match url:
            case _ if url == GONE and now >= self.gone_from:
                return 410
            case _ if url == PICKY and is_picked:
                return 400
            case _ if url == KILLER and is_picked:
                return None
            case _ if url == BUSY and self.faults.active and self.random.random() < 0.3:
                return self.random.choice((429, 500, 503))
            case _:
                return 204

    def _seconds_of(self, url: str) -> float:
        return self.random.uniform(1, LONGEST_CALL - 0.5) if url == SLOW else self.random.uniform(0.01, 0.4)

    def _note(
        self,
        url: str,
        told: Mapping[str, object],
        headers: Mapping[str, str],
        answer: int,
        what: str,
        *,
        heard: bool = True,
    ) -> None:
        data = told["data"]
        assert isinstance(data, dict)
        subject_id = str(data.get("order_id") or data.get("report_id"))
        webhook_id = headers["webhook-id"]
        call = Call(
            self.scheduler.time(),
            url,
            webhook_id,
            str(told["type"]),
            str(data["status"]),
            subject_id,
            answer,
            self.scheduler.who(),
            heard,
        )
        if self.by_id[webhook_id]:
            self.history.counts["receiver told again"] += 1
        self.calls.append(call)
        self.by_id[webhook_id].append(call)
        self.history.counts[f"receiver: {answer}"] += 1
        self.history.tell(f"tells {url.split('/')[2]} of {call.type} under {webhook_id[:8]}: {what}", subject_id)
