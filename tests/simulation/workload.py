"""Who uses the system: clients that retry, give up, race each other and reuse keys; and whoever joins them."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Protocol

from comanda.domain.shared.access import Origin, Scope
from tests.simulation.actors import People
from tests.simulation.disruptions import Trouble
from tests.simulation.faults import OPERATOR, Scenario, WorldFault
from tests.simulation.functions import Outcome
from tests.simulation.operators import Operators
from tests.simulation.provider import HANGS, KILLER
from tests.simulation.system import System
from tests.support.builders import a_caller, an_api_event

GATEWAY_SECONDS = 29
"""API Gateway waits no longer for a function ("Amazon API Gateway quotas")."""

FLAWS = ("BOMBA", "NO-SUCH", "FLAKY-1", "FLAKY-2", "FLAKY-4", "FLAKY-99", "SLOW-2", KILLER)
"""Items that go wrong for good, for a while, slowly, or deadly."""

CALLERS = {
    "web": a_caller("web", Origin.WEB),
    "mobile": a_caller("mobile", Origin.MOBILE),
    "ops": a_caller("ops", Origin.API, frozenset(Scope)),
}


@dataclass(frozen=True)
class Exchange:
    """One HTTP request and its answer; `status` 0 where the client heard nothing."""

    caller: str
    method: str
    path: str
    sent_at: float
    answered_at: float
    status: int
    answer: Mapping[str, Any]
    replayed: bool = False
    key: tuple[str, str] | None = None
    """Key space and key of a POST."""
    body: str = ""
    location: str = ""


@dataclass(frozen=True)
class Intent:
    """An order that a client wants to place."""

    caller: str
    body: Mapping[str, Any]
    key: tuple[str, str] | None

    def written(self, random: Random) -> str:
        """The same order in one of the ways of writing it."""

        def shuffled(fields: Mapping[str, Any]) -> dict[str, Any]:
            names = list(fields)
            random.shuffle(names)
            return {name: fields[name] for name in names}

        items = [shuffled(item) for item in self.body["items"]]
        return json.dumps(shuffled({**self.body, "items": items, "metadata": shuffled(self.body["metadata"])}))


class Crowd(Protocol):
    """Others who use the system at the same time."""

    def begin(self) -> None: ...

    def ask_again(self) -> None: ...

    def redrive_everything(self) -> None: ...


@dataclass
class Workload:
    system: System
    random: Random
    intents: list[Intent] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    """About orders."""
    report_exchanges: list[Exchange] = field(default_factory=list)
    joined: list[Crowd] = field(default_factory=list)
    adorned: Callable[[Intent], Intent] = lambda intent: intent
    """What somebody who joined adds to an order."""
    people: People = field(init=False)
    operators: Operators = field(init=False)

    def __post_init__(self) -> None:
        self.people = People(self.system.scheduler)
        self.operators = Operators(self.system, self.random, self.people)

    def begin(self) -> None:
        """Start everybody, each at a time of their own."""
        timed = [(delay, self.adorned(intent)) for delay, intent in self._some_hang(self._drawn_crowd())]
        self.intents = [intent for _, intent in timed]
        for delay, intent in timed:
            self.people.start("client", delay, lambda intent=intent: self._place(intent))  # type: ignore[misc]
        self.operators.begin()
        if self.random.random() < 0.2:
            self.system.at_claim = self._be_curious
        Trouble(self.system, self.random).begin()
        for crowd in self.joined:
            crowd.begin()

    # Clients.

    def _drawn_crowd(self) -> list[tuple[float, Intent]]:
        if self.system.faults.needs_a_crowd:
            return self._hopeless_then_good()
        if Scenario.HIDDEN_BEHIND_TEN in self.system.faults.scenarios:
            return self._hopeless_then_good_for_long()
        if Scenario.WAKES_UNDER_THE_STEWARD in self.system.faults.scenarios:
            return self._hopeless_in_a_row()
        if self.system.faults.needs_many_dead_letters:
            return self._many_dead_letters_at_once()
        if self.system.faults.is_quiet and self.random.random() < 0.3:
            return self._a_killer_among_neighbours()
        return self._some_at_any_time()

    def _some_hang(self, crowd: list[tuple[float, Intent]]) -> list[tuple[float, Intent]]:
        """The first of them, with one item more."""
        hanging = self.system.faults.hanging
        return [(delay, _with(HANGS, intent) if n < hanging else intent) for n, (delay, intent) in enumerate(crowd)]

    def _some_at_any_time(self) -> list[tuple[float, Intent]]:
        within = 40 if self.system.faults.aims_at_circuit else self.random.choice((0.3, 40, 40))
        return [(self.random.uniform(0, within), intent) for intent in self._drawn_intents()]

    def _hopeless_then_good(self) -> list[tuple[float, Intent]]:
        """Of one recipient or two: hopeless orders that hide what is dead-lettered behind them, then good ones."""
        recipients = self.random.choice((["r-1"], ["r-1", "r-2"]))
        hopeless = [
            (self.random.uniform(0, 15), self._drawn_intent(number, recipients, ["BOMBA"])) for number in range(13)
        ]
        good = [(self.random.uniform(45, 60), self._drawn_intent(number, recipients, [])) for number in range(13, 17)]
        return hopeless + good

    def _hopeless_then_good_for_long(self) -> list[tuple[float, Intent]]:
        """Of one recipient, for a worker that cannot run after the first ones."""
        hopeless = [(self.random.uniform(0, 10), self._drawn_intent(n, ["r-1"], ["BOMBA"])) for n in range(12)]
        times = [self.random.uniform(90, 95), *(self.random.uniform(90, 1000) for _ in range(5))]
        return hopeless + [(at, self._drawn_intent(n, ["r-1"], [])) for n, at in enumerate(times, start=12)]

    def _hopeless_in_a_row(self) -> list[tuple[float, Intent]]:
        """Of many recipients, at once; and one much later."""
        times = [*(self.random.uniform(0, 2) for _ in range(7)), 200.0]
        return [(at, self._drawn_intent(n, [f"r-{n}"], ["BOMBA"])) for n, at in enumerate(times)]

    def _many_dead_letters_at_once(self) -> list[tuple[float, Intent]]:
        """Of many recipients, for a worker that cannot run."""
        return [(self.random.uniform(20, 23), self._drawn_intent(n, [f"r-{n % 14}"], [])) for n in range(16)]

    def _a_killer_among_neighbours(self) -> list[tuple[float, Intent]]:
        """Of many recipients, and all at once, so that they come into one batch."""
        flaws = [[KILLER]] + [[]] * 7
        intents = [self._drawn_intent(number, [f"r-{number}"], flaw) for number, flaw in enumerate(flaws)]
        return [(self.random.uniform(0, 0.1), intent) for intent in intents]

    def _drawn_intents(self) -> list[Intent]:
        recipients = [f"r-{number}" for number in range(1, self.random.choice((2, 2, 3, 4, 6)))]
        faults = self.system.faults
        often = faults.aims_at(OPERATOR) or Scenario.REDRIVEN_BOTH_WAYS in faults.scenarios
        flaws = 0.5 if often else self.random.choice((0.0, 0.15, 0.5))
        intents = [
            self._drawn_intent(number, recipients, FLAWS if self.random.random() < flaws else [])
            for number in range(self.random.randint(2, 5 if self.joined else 11))
        ]
        for intent in list(intents):
            if intent.key and self.random.random() < 0.12:
                intents.append(replace(intent, body={**intent.body, "metadata": {"changed": True}}))
            elif intent.key and self.random.random() < 0.08:
                intents.append(replace(intent, caller="mobile" if intent.caller == "web" else "web"))
            elif intent.key and intent.key[0] == "header" and self.random.random() < 0.08:
                name = intent.key[1]
                intents.append(replace(intent, body={**intent.body, "order_id": name}, key=("order_id", name)))
        return intents

    def _drawn_intent(self, number: int, recipients: Sequence[str], flaws: Sequence[str]) -> Intent:
        skus = ["ABC", self.random.choice(flaws)] if flaws else ["ABC"]
        items: list[dict[str, Any]] = [{"sku": sku, "qty": self.random.randint(1, 3)} for sku in skus]
        if self.random.random() < 0.3:
            items[0]["unit_price"] = f"{self.random.randint(1, 99999) / 100:.2f}"
        body: dict[str, Any] = {
            "customer_id": "c-1",
            "recipient_id": self.random.choice(recipients),
            "items": items,
            "metadata": {"campaign": "spring", "shop": number},
        }
        key = None
        habit = self.random.random()
        if habit < 0.6:
            key = ("header", f"key-{number}")
        elif habit < 0.85:
            body["order_id"] = f"order-{number}"
            key = ("order_id", f"order-{number}")
        return Intent(self.random.choice(("web", "web", "mobile")), body, key)

    def _be_curious(self, order_id: str) -> None:
        """Somebody who guesses ids looks for an order before anybody was told of it."""
        delay = self.random.uniform(0, 0.01)
        self.people.start("client", delay, lambda: self.exchange("ops", "GET", f"/orders/{order_id}"))

    def _place(self, intent: Intent) -> None:
        """Ask until there is an answer that says what became of it; a client with a key may then ask once more."""
        if intent.key and self.random.random() < 0.2:
            self.people.start("twin", self.random.choice((0.0, 0.01, 0.3)), lambda: self._post_until_answered(intent))
        order_id = self._post_until_answered(intent)
        if order_id is None:
            return
        unheard = Scenario.TAKEN_BACK_UNHEARD in self.system.faults.scenarios
        if self.random.random() < (0.9 if unheard else 0.15):
            self.people.sleep(self.random.choice((0.0, 0.02, 1.0)))
            self.exchange(intent.caller, "POST", f"/orders/{order_id}/cancel")
        for _ in range(self.random.choice((0, 1, 4))):
            curious = self.random.choice([*CALLERS]) if self.random.random() < 0.1 else intent.caller
            self.exchange(curious, "GET", f"/orders/{order_id}")
            self.people.sleep(self.random.uniform(0.05, 20))
        if intent.key and self.random.random() < 0.25:
            self.people.sleep(self.random.choice((1, 60, 310, 700)))
            self._post_until_answered(intent)

    def _post_until_answered(self, intent: Intent) -> str | None:
        """The order id of a 202. A client without a key asks once: it could not tell a second order from the first."""
        for attempt in range(1, self.random.choice((2, 5, 9))):
            exchange = self.exchange(intent.caller, "POST", "/orders", intent.written(self.random), intent.key)
            if exchange.status == 202:
                return str(exchange.answer["order_id"])
            if intent.key is None or exchange.status not in {0, 409, 429, 500, 502, 503, 504}:
                return None
            self.people.sleep(self.random.choice((0.1, 1.0, 3.0 * attempt, 310.0)))
        return None

    def exchange(
        self, caller: str, method: str, path: str, text: str = "", key: tuple[str, str] | None = None
    ) -> Exchange:
        headers = {"Idempotency-Key": key[1]} if key and key[0] == "header" else {}
        event = an_api_event(method, path, text or None, headers, caller=CALLERS[caller])
        system, sent_at = self.system, self.system.scheduler.time()
        limit = GATEWAY_SECONDS
        if system.faults.strikes(WorldFault.GATEWAY_TIMEOUT):
            limit = self.random.choice((0, 1))
        about_reports = path.startswith("/reports")
        function = f"{'read' if method == 'GET' else 'write'}_{'reports' if about_reports else 'orders'}"
        outcome = system.functions.call(function, event, limit)
        status, answer, answered_headers = _answered(outcome)
        exchange = Exchange(
            caller=caller,
            method=method,
            path=path,
            sent_at=sent_at,
            answered_at=system.scheduler.time(),
            status=status,
            answer=answer,
            replayed=answered_headers.get("Idempotency-Replayed") == ["true"],
            key=key,
            body=text,
            location=next(iter(answered_headers.get("Location", [])), ""),
        )
        (self.report_exchanges if about_reports else self.exchanges).append(exchange)
        shown = answer.get("status", answer.get("type", ""))
        keyed = f" key {key[1]}" if key else ""
        subject = answer.get("order_id") or answer.get("report_id")
        system.history.tell(f"{caller}: {method} {path}{keyed} → {status} {shown}", subject)
        return exchange

    def ask_again(self) -> None:
        """Long after, clients ask for what they asked for before."""
        for intent in self.intents:
            if intent.key and self.random.random() < 0.4:
                self.people.start("client", 0, lambda intent=intent: self._post_until_answered(intent))  # type: ignore[misc]
        for crowd in self.joined:
            crowd.ask_again()

    def redrive_everything(self) -> None:
        """What operators do at the end, when everything works again."""
        self.operators.redrive_everything()
        for crowd in self.joined:
            crowd.redrive_everything()


def _with(sku: str, intent: Intent) -> Intent:
    return replace(intent, body={**intent.body, "items": [*intent.body["items"], {"sku": sku, "qty": 1}]})


def _answered(outcome: Outcome) -> tuple[int, Mapping[str, Any], Mapping[str, Sequence[str]]]:
    """As API Gateway answers."""
    if outcome.error == "gateway timeout":
        return 504, {}, {}
    if outcome.error == "TooManyRequestsException":
        return 429, {}, {}
    if not outcome.is_good:
        return 502, {}, {}
    answer = outcome.answer
    return answer["statusCode"], json.loads(answer["body"] or "{}"), answer["multiValueHeaders"]
