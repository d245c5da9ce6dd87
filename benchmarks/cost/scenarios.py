"""What is measured: each scenario plays on a stage of its own, and gives what was used for one order, or one report."""

import uuid
from dataclasses import dataclass, field

from benchmarks.cost.stage import NOW, SCHEDULED, CostError, Stage, running_stage
from benchmarks.cost.stage_tables import Tables, table_name
from benchmarks.cost.usage import Usage
from comanda.adapters.enrichment.simulated_provider import SimulatedProvider
from comanda.adapters.orders.table import OrderTable
from comanda.application.enrichment.ports import EnrichmentRequest
from comanda.domain.orders.order import Enrichment
from comanda.domain.shared.errors import PermanentError
from infra.settings import StageSettings
from tests.support.builders import an_enriched_order

BODY = {"customer_id": "123", "items": [{"sku": "ABC", "qty": 2}, {"sku": "XYZ", "qty": 1}]}
"""The order of requirement E1."""


def body_with(sku: str) -> dict[str, object]:
    return {"customer_id": "123", "items": [{"sku": sku, "qty": 2}, {"sku": "XYZ", "qty": 1}]}


@dataclass(frozen=True)
class Measured:
    """`usage` is that of one order or report, `largest` the size in bytes of the largest item written to each table,
    `metrics` the custom metrics that were met, by function and name."""

    usage: Usage
    largest: dict[str, int]
    metrics: set[tuple[str, str]]


@dataclass(frozen=True)
class Scenarios:
    settings: StageSettings
    tables: Tables

    def happy_path(self, batch: int, batches: int, *, with_key: bool = False) -> Measured:
        """Orders of one recipient, delivered in batches of so many; the recipient has a balance already."""
        with running_stage(self.settings, self.tables) as stage:
            _warm_up(stage)
            with stage.meter.counting() as usage:
                for batch_number in range(batches):
                    posted = [
                        stage.post("/orders", BODY, **(_key(f"{batch_number}-{number}") if with_key else {}))
                        for number in range(batch)
                    ]
                    stage.drain(batch)
                    for order in posted:
                        stage.expect(order["order_id"], "completed")
            return _measured(stage, usage.per(batch * batches))

    def broadcasts(self, batch: int, batches: int) -> Measured:
        """What WebSockets cost beyond that for an order on the happy path, though nobody is connected."""
        with running_stage(self.settings, self.tables) as stage:
            _warm_up(stage)
            stage.broadcast(batch)
            for _ in range(batches):
                for _ in range(batch):
                    stage.post("/orders", BODY)
                stage.drain(batch)
            with stage.meter.counting() as usage:
                stage.broadcast(batch)
            return _measured(stage, usage.per(batch * batches))

    def get_order(self) -> Measured:
        """GET /orders/{id} of a completed order, once."""
        with running_stage(self.settings, self.tables) as stage:
            order_id = _warm_up(stage)
            with stage.meter.counting() as usage:
                stage.get(f"/orders/{order_id}")
            return _measured(stage, usage)

    def dead_letter(self) -> Measured:
        """An order that the provider rejects for good, until its message is in the dead-letter queue."""
        with running_stage(self.settings, self.tables) as stage:
            _warm_up(stage)
            with stage.meter.counting() as usage:
                _dead_letter(stage)
            return _measured(stage, usage)

    def two_failures(self) -> Measured:
        """An order that fails twice for now, and then completes."""
        with running_stage(self.settings, self.tables) as stage:
            _warm_up(stage)
            with stage.meter.counting() as usage:
                order = stage.post("/orders", body_with("FLAKY-2"))
                stage.drain(1)
            stage.expect(order["order_id"], "completed")
            return _measured(stage, usage)

    def redrive(self) -> Measured:
        """A failed order whose cause is gone: `comanda dlq redrive`, its way to completion, and what the reconciler
        does about the copy in the dead-letter queue beyond what it does each minute."""
        provider = MendedProvider()
        idle = self.reconciler_with(0)
        with running_stage(self.settings, self.tables, provider) as stage:
            _warm_up(stage)
            provider.broken = True
            order_id = _dead_letter(stage, "ABC")
            provider.broken = False
            stage.wait(60)
            with stage.meter.counting() as usage:
                stage.redrive(order_id)
                stage.drain(1)
                stage.expect(order_id, "completed")
                with stage.meter.counting() as minute:
                    stage.each_minute("tend_dead_letters")
            for use, amount in minute.without(idle.usage):
                usage.add(*use, amount)
            if stage.depth(stage.dead_letters["enrichment"]):
                raise CostError("the reconciler left the dead letter of a completed order where it was")
            return _measured(stage, usage)

    def rescue(self) -> Measured:
        """An order whose message was dead-lettered untried on its way to the enrichment: the reconciler begins it
        again, and it goes on to completion. Beyond what the reconciler does each minute."""
        idle = self.reconciler_with(0)
        with running_stage(self.settings, self.tables) as stage:
            _warm_up(stage)
            order_id: str = stage.post("/orders", BODY)["order_id"]
            stage.deliver("orders", 1)
            stage.dead_letter_untried("enrichment")
            stage.wait(60)
            with stage.meter.counting() as usage:
                with stage.meter.counting() as minute:
                    stage.each_minute("tend_dead_letters")
                stage.drain(1)
                stage.expect(order_id, "completed")
            for use, amount in minute.without(idle.usage):
                usage.add(*use, amount)
            return _measured(stage, usage)

    def reconciler_with(self, dead_letters: int) -> Measured:
        """One minute of the reconciler, with so many dead letters of failed orders."""
        with running_stage(self.settings, self.tables) as stage:
            _warm_up(stage)
            for _ in range(dead_letters):
                _dead_letter(stage)
            stage.wait(60)
            with stage.meter.counting() as usage:
                stage.each_minute("tend_dead_letters")
            return _measured(stage, usage)

    def idle_minute(self) -> Measured:
        """All that is called each minute, where nothing happens."""
        with running_stage(self.settings, self.tables) as stage:
            for function in SCHEDULED:
                stage.each_minute(function)
            with stage.meter.counting() as usage:
                for function in SCHEDULED:
                    stage.each_minute(function)
            return _measured(stage, usage)

    def report(self, rows: int) -> Measured:
        """A list of so many orders as XLSX, asked for and written."""
        with running_stage(self.settings, self.tables) as stage:
            _put_completed_orders(stage, rows)
            stage.wait(24 * 60 * 60)
            with stage.meter.counting() as usage:
                parameters = {"from": "2026-11-22", "to": "2026-11-22"}
                asked = stage.post("/reports", {"type": "orders", "format": "xlsx", "parameters": parameters})
                stage.drain(1, "reports")
            report = stage.report(asked["report_id"])
            if report["status"] != "ready" or report["file"]["rows"] != rows:
                raise CostError(f"not a report of {rows} rows: {report}")
            return _measured(stage, usage)


@dataclass
class MendedProvider:
    """Implements `HealthyProvider`: rejects every order until its cause is gone."""

    simulated: SimulatedProvider = field(default_factory=lambda: SimulatedProvider(0, lambda _: None))
    broken: bool = False

    def enrich(self, request: EnrichmentRequest) -> Enrichment:
        if self.broken:
            raise PermanentError("ItemUnknown", "the provider has no price for 'ABC'")
        return self.simulated.enrich(request)

    def is_healthy(self) -> bool:
        return True


def _key(text: str) -> dict[str, str]:
    return {"Idempotency_Key": f"5f0d7c1e-6b1e-4c7f-9a53-{text:0>12}"}


def _warm_up(stage: Stage) -> str:
    """One order all the way, so that its recipient has a balance and every function has run; its id."""
    order_id: str = stage.post("/orders", BODY)["order_id"]
    stage.drain(1)
    stage.expect(order_id, "completed")
    return order_id


def _dead_letter(stage: Stage, sku: str = "BOMBA") -> str:
    order_id: str = stage.post("/orders", body_with(sku))["order_id"]
    before = stage.depth(stage.dead_letters["enrichment"])
    stage.drain(1)
    stage.expect(order_id, "failed")
    if stage.depth(stage.dead_letters["enrichment"]) != before + 1:
        raise CostError("a rejected order left no dead letter")
    return order_id


def _put_completed_orders(stage: Stage, count: int) -> None:
    table = OrderTable(stage.dynamodb, table_name("orders"))
    for number in range(count):
        order_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"row {number}"))
        order = an_enriched_order("249.00", order_id=order_id, recipient_id=f"customer-{number % 50}")
        table.claim(order.completed(NOW))


def _measured(stage: Stage, usage: Usage) -> Measured:
    return Measured(usage, dict(stage.meter.largest), set(stage.meter.metrics))
