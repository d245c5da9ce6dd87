"""Who uses the system: clients that retry, give up, race each other and reuse keys; operators; those who deploy."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random
from typing import Any, Protocol

from comanda.adapters.order_queues import QueuePublisher
from comanda.adapters.order_table import OrderTable
from comanda.application.redrive_order import DiscardOrder, RedriveOrder
from comanda.domain.access import Origin, Scope
from comanda.domain.errors import Unavailable
from comanda.domain.order import Order
from comanda_cli.bulk import work_through
from comanda_cli.selection import QueueName, Selection, select
from tests.builders import a_caller, an_api_event
from tests.fakes import FakeJournal
from tests.simulation.faults import OPERATOR, STEWARD, WorldFault
from tests.simulation.functions import Function, Outcome
from tests.simulation.provider import KILLER
from tests.simulation.scheduler import Process
from tests.simulation.system import STAGES, WORKERS, System

GATEWAY_SECONDS = 29
"""API Gateway waits no longer for a function ("Amazon API Gateway quotas")."""

FLAWS = ("BOMBA", "NO-SUCH", "FLAKY-1", "FLAKY-2", "FLAKY-4", "FLAKY-99", "SLOW-2", KILLER)
"""Items that go wrong for good, for a while, slowly, or deadly."""

MOST_IMPATIENT = 3
"""Operators in a run that redrive both ways."""
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
    operated: list[tuple[float, str, str]] = field(default_factory=list)
    """Time, deed and order id: what operators did to orders."""
    joined: list[Crowd] = field(default_factory=list)
    adorned: Callable[[Intent], Intent] = lambda intent: intent
    """What somebody who joined adds to an order."""
    busy: int = 0
    """Clients and operators that are not done yet."""
    _processes: int = 0
    _impatient: int = 0

    def begin(self) -> None:
        """Start everybody, each at a time of their own."""
        timed = [(delay, self.adorned(intent)) for delay, intent in self._drawn_crowd()]
        self.intents = [intent for _, intent in timed]
        for delay, intent in timed:
            self.start("client", delay, lambda intent=intent: self._place(intent))  # type: ignore[misc]
        much_to_do = self.system.faults.aims_at(OPERATOR)
        for _ in range(5 if much_to_do else self.random.choice((0, 0, 1, 2))):
            self._operate(self.random.uniform(5, 400))
        if self.random.random() < 0.3:
            self.system.at_dead_letter = self._act_on_dead_letter
        if self.random.random() < 0.2:
            self.system.at_claim = self._be_curious
        if self.system.faults.redriven_both_ways:
            self.system.at_dead_letter = self._redrive_both_ways
        self._plan_trouble()
        for crowd in self.joined:
            crowd.begin()

    # Clients.

    def _drawn_crowd(self) -> list[tuple[float, Intent]]:
        if self.system.faults.needs_a_crowd:
            return self._hopeless_then_good()
        if self.system.faults.needs_many_dead_letters:
            return self._many_dead_letters_at_once()
        if self.system.faults.is_quiet and self.random.random() < 0.3:
            return self._a_killer_among_neighbours()
        return self._some_at_any_time()

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
        often = faults.aims_at(OPERATOR) or faults.redriven_both_ways
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
        self.start("client", delay, lambda: self.exchange("ops", "GET", f"/orders/{order_id}"))

    def _place(self, intent: Intent) -> None:
        """Ask until there is an answer that says what became of it; a client with a key may then ask once more."""
        if intent.key and self.random.random() < 0.2:
            self.start("twin", self.random.choice((0.0, 0.01, 0.3)), lambda: self._post_until_answered(intent))
        order_id = self._post_until_answered(intent)
        if order_id is None:
            return
        if self.random.random() < 0.15:
            self.sleep(self.random.choice((0.0, 0.02, 1.0)))
            self.exchange(intent.caller, "POST", f"/orders/{order_id}/cancel")
        for _ in range(self.random.choice((0, 1, 4))):
            curious = self.random.choice([*CALLERS]) if self.random.random() < 0.1 else intent.caller
            self.exchange(curious, "GET", f"/orders/{order_id}")
            self.sleep(self.random.uniform(0.05, 20))
        if intent.key and self.random.random() < 0.25:
            self.sleep(self.random.choice((1, 60, 310, 700)))
            self._post_until_answered(intent)

    def _post_until_answered(self, intent: Intent) -> str | None:
        """The order id of a 202. A client without a key asks once: it could not tell a second order from the first."""
        for attempt in range(1, self.random.choice((2, 5, 9))):
            exchange = self.exchange(intent.caller, "POST", "/orders", intent.written(self.random), intent.key)
            if exchange.status == 202:
                return str(exchange.answer["order_id"])
            if intent.key is None or exchange.status not in {0, 409, 429, 500, 502, 503, 504}:
                return None
            self.sleep(self.random.choice((0.1, 1.0, 3.0 * attempt, 310.0)))
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

    # Operators.

    def ask_again(self) -> None:
        """Long after, clients ask for what they asked for before."""
        for intent in self.intents:
            if intent.key and self.random.random() < 0.4:
                self.start("client", 0, lambda intent=intent: self._post_until_answered(intent))  # type: ignore[misc]
        for crowd in self.joined:
            crowd.ask_again()

    def redrive_everything(self) -> None:
        """What an operator does at the end, when everything works again."""
        self.start("operator", 0, lambda: self._redrive(Selection()))
        for crowd in self.joined:
            crowd.redrive_everything()

    def _operate(self, delay: float) -> None:
        deed = self.random.choice((self._redrive_by_cli, self._redrive_by_console, self._discard_one))
        self.start("operator", delay, deed)

    def _act_on_dead_letter(self, _: str) -> None:
        """A hasty operator, at the worst moment: about when the steward comes by."""
        if self.system.faults.active and self.random.random() < 0.3:
            self._operate(self.random.uniform(0, 70))

    def _redrive_by_cli(self) -> None:
        queue = self.random.choice((None, *QueueName))
        if self.random.random() < 0.2:  # The same again, a moment later: somebody pressed it twice.
            self.start("operator", self.random.uniform(0, 2), lambda: self._redrive(Selection(queue)))
        self._redrive(Selection(queue))

    def _redrive(self, selection: Selection) -> None:
        table, redrive, _ = self._cli()

        def act(order_id: str) -> Order:
            self.operated.append((self.system.scheduler.time(), "redrive", order_id))
            self.system.history.tell("redrives by CLI", order_id)
            return redrive(order_id, "operator")

        try:
            chosen = select(table, selection, datetime.now(UTC))
        except Unavailable:
            return
        work_through(chosen, act, 0.1, self.sleep, lambda: None)

    def _discard_one(self) -> None:
        table, _, discard = self._cli()
        try:
            chosen = select(table, Selection(limit=1), datetime.now(UTC))
        except Unavailable:
            return

        def act(order_id: str) -> Order:
            self.operated.append((self.system.scheduler.time(), "discard", order_id))
            self.system.history.tell("discards", order_id)
            return discard(order_id, "operator")

        work_through(chosen, act, 0.1, self.sleep, lambda: None)

    def _cli(self) -> tuple[OrderTable, RedriveOrder, DiscardOrder]:
        world = self.system.world()
        table, journal = OrderTable(world.dynamodb, "orders"), FakeJournal()
        publisher = QueuePublisher(world.sqs, self.system.queues["orders"].url)
        return table, RedriveOrder(table, publisher, journal, world.clock), DiscardOrder(table, journal, world.clock)

    def _redrive_by_console(self) -> None:
        stage = self.random.choice(STAGES)
        for _ in range(self.random.randint(1, 3)):
            self._move_back(stage, self.random.choice((None, 1, 3)))
            self.sleep(self.random.uniform(0, 60))

    def _move_back(self, stage: str, most: int | None) -> None:
        for message in self.system.sqs.move_back(self.system.dead_letter_queues[stage], most):
            order_id = json.loads(message.body)["order_id"]
            self.operated.append((self.system.scheduler.time(), "move", order_id))

    def _redrive_both_ways(self, _: str) -> None:
        """Somebody impatient: what was redriven by CLI is held up at the first worker, so the console is tried too. Not
        for ever: what is redriven fails again, and would call more of them than it took."""
        if not self.system.faults.active or self._impatient == MOST_IMPATIENT or self.random.random() < 0.5:
            return
        self._impatient += 1

        def redrive() -> None:
            first = self.system.functions.functions[WORKERS["orders"]]
            self._throttle(first, self.system.scheduler.time() + self.random.uniform(5, 20))
            self._redrive(Selection())
            self._move_back("enrichment", None)

        self.start("operator", self.random.uniform(0, 20), redrive)

    # Trouble that comes to everybody.

    def _plan_trouble(self) -> None:
        system, random, rates = self.system, self.random, self.system.faults.world_rates
        names = [*system.functions.functions]
        later: Callable[[], float] = lambda: random.uniform(1, 120)  # noqa: E731
        if WorldFault.DEPLOYMENT in rates:
            for name in random.sample(names, 2):
                system.scheduler.after(later(), lambda name=name: system.functions.deploy(name))  # type: ignore[misc]
            if random.random() < 0.3:
                system.scheduler.after(later(), system.deploy_mapping)
        if WorldFault.BROKEN_DEPLOYMENT in rates:
            self._plan_broken_deployment(names, later)
        if WorldFault.PROVIDER_OUTAGE in rates:
            soon = system.faults.aims_at_circuit
            system.scheduler.after(random.uniform(0, 5) if soon else later(), self._break_provider)
        if WorldFault.INVOCATION_THROTTLED in rates and random.random() < 0.4:
            function = system.functions.functions[random.choice([*WORKERS.values()])]
            until = system.scheduler.time() + random.choice((20, 200, 2000))
            system.scheduler.after(later(), lambda: self._throttle(function, until))
        if WorldFault.RECORD_EXPIRED in rates:
            for _ in range(3):
                system.scheduler.after(later(), system.expire_records)

    def _plan_broken_deployment(self, names: Sequence[str], later: Callable[[], float]) -> None:
        """Where dead letters are aimed at: early, for long, and of the worker whose they are."""
        system, aim = self.system, self.system.faults.aim
        name, at = self.random.choice([*WORKERS.values(), *names]), later()
        lasts = self.random.choice((60, 900, 900, 1800))
        if aim and aim.function == STEWARD:
            of_stage = [worker for stage, worker in WORKERS.items() if aim.call.endswith(f" {stage}-dlq.fifo")]
            if aim.call == "GetItem circuits":
                of_stage = [WORKERS["enrichment"]]
            name, at, lasts = self.random.choice(of_stage or [*WORKERS.values()]), self.random.uniform(1, 20), 900
            at += 20 if system.faults.needs_a_crowd else 0
        if system.faults.no_rescue_is_written:
            name, at, lasts = WORKERS["orders"], self.random.uniform(1, 20), 900

        def deploy_what_cannot_start() -> None:
            if system.faults.active:
                system.faults.injected[WorldFault.BROKEN_DEPLOYMENT] += 1
                system.functions.deploy(name, broken=True)

        system.scheduler.after(at, deploy_what_cannot_start)
        system.scheduler.after(at + lasts, lambda: system.functions.deploy(name))

    def _throttle(self, function: Function, until: float) -> None:
        if self.system.faults.active:
            function.refused_until = until

    def _break_provider(self) -> None:
        if not self.system.faults.active:
            return
        self.system.faults.injected[WorldFault.PROVIDER_OUTAGE] += 1
        lasts = self.random.choice((60, 120, 300) if self.system.faults.aims_at_circuit else (3, 20, 120))
        self.system.provider.down_until = self.system.scheduler.time() + lasts
        self.system.history.tell("the provider is down")

    def sleep(self, seconds: float) -> None:
        self.system.scheduler.sleep(seconds)

    def start(self, kind: str, delay: float, deed: Callable[[], object]) -> None:
        """Run in a process of its own, which faults may end as any other."""
        self.busy += 1
        self._processes += 1
        process = Process(self.system.scheduler, f"{kind}.{self._processes}")

        def ended() -> None:
            self.busy -= 1

        process.at_death = ended

        def run() -> None:
            self.sleep(delay)
            deed()
            process.at_death = lambda: None
            ended()

        process.start(run)


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
