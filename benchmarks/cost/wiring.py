"""The functions of a stage, built as each edge module builds them, with clients that are watched."""

from collections.abc import Callable, Mapping
from concurrent import futures
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.config import Config
from botocore.stub import Stubber

from benchmarks.cost.meter import Meter, SideBySide
from comanda.adapters.enrichment.circuit import HealthyProvider
from comanda.adapters.live.management_api import ManagementApi
from comanda.adapters.live.world import ConnectionWorld
from comanda.adapters.reports.world import READING_CONFIG, S3_CONFIG, ReportWorld
from comanda.adapters.runtime.world import CLIENT_CONFIG, World
from comanda_cli.stack.connection import now
from functions.broadcast import app as broadcast
from functions.complete_order import app as complete_order
from functions.enrich_order import app as enrich_order
from functions.generate_report import app as generate_report
from functions.process_order import app as process_order
from functions.read_orders import app as read_orders
from functions.switch_enrichment import app as switch_enrichment
from functions.tend_dead_letters import app as tend_dead_letters
from functions.tend_notifications import app as tend_notifications
from functions.tend_reports import app as tend_reports
from functions.write_orders import app as write_orders
from functions.write_reports import app as write_reports
from infra.environment import environment_of
from infra.settings import StageSettings

BUCKET = "comanda-cost-reports"
CALLBACK_URL = "https://cost.execute-api.us-east-1.amazonaws.com/v1"
MAPPING = "0b7b4a52-7c0e-4f0c-9a77-3f1d1f5e8a10"

Handler = Callable[[dict[str, Any], Any], Any]


class Watched(Protocol):
    """Makes a client whose calls are counted."""

    def __call__(self, service: str, config: Config = CLIENT_CONFIG) -> Any: ...


@dataclass(frozen=True)
class Wiring:
    """What functions are wired to. Queues by name."""

    settings: StageSettings
    meter: Meter
    queues: Mapping[str, str]
    dead_letters: Mapping[str, str]
    watched: Watched


class AtOnce(futures.Executor):
    """Does what it is given before it gives it back, so that every run counts alike."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> "futures.Future[Any]":
        future: futures.Future[Any] = futures.Future()
        future.set_result(function(*arguments, **named))
        return future


def functions_of(wiring: Wiring, provider: HealthyProvider | None) -> dict[str, Handler]:
    """By name. Without a `provider`, the simulated one."""
    side_by_side = SideBySide(wiring.meter.waiting)
    world = World(
        dynamodb=wiring.watched("dynamodb"),
        sqs=wiring.watched("sqs"),
        clock=now,
        random=lambda: 0.5,
        sleep=wiring.meter.waiting.sleep,
        executor=side_by_side,
        provider_executor=side_by_side,
    )
    at_once = AtOnce()
    reports = ReportWorld(
        dynamodb=wiring.watched("dynamodb", READING_CONFIG),
        sqs=world.sqs,
        s3=wiring.watched("s3", S3_CONFIG),
        clock=world.clock,
        random=world.random,
        sleep=world.sleep,
        reading=at_once,
        sending=at_once,
    )
    connections = ConnectionWorld(
        dynamodb=wiring.watched("dynamodb"),
        clients=ManagementApi.at(CALLBACK_URL, None),
        clock=now,
        executor=side_by_side,
    )
    control = wiring.watched("lambda")
    resources = _resources(wiring)

    def environment(function: str, source: str = "orders", following: str = "orders") -> dict[str, str]:
        own = {"SOURCE_QUEUE_URL": wiring.queues[source], "NEXT_QUEUE_URL": wiring.queues[following]}
        return environment_of(function, wiring.settings, {**resources, **own})

    process = process_order.Settings.load(environment("process_order", "orders", "enrichment"))
    enrich = enrich_order.Settings.load(environment("enrich_order", "enrichment", "completion"))
    complete = complete_order.Settings.load(environment("complete_order", "completion"))
    switch = switch_enrichment.Settings.load(environment("switch_enrichment"))
    tend = tend_dead_letters.Settings.load(environment("tend_dead_letters"))
    write = write_reports.Settings.load(environment("write_reports"))
    generate = generate_report.Settings.load(environment("generate_report", "reports"))
    told = tend_notifications.Settings.load(environment("tend_notifications"))
    return {
        "write_orders": write_orders.build(write_orders.Settings.load(environment("write_orders")), world),
        "read_orders": read_orders.build(read_orders.Settings.load(environment("read_orders")), world),
        "process_order": process_order.build(process, world),
        "enrich_order": enrich_order.build(enrich, world, control, provider),
        "complete_order": complete_order.build(complete, world),
        "switch_enrichment": _with_a_mapping(control, switch_enrichment.build(switch, world, control)),
        "tend_dead_letters": tend_dead_letters.build(tend, world),
        "write_reports": write_reports.build(write, reports),
        "generate_report": generate_report.build(generate, reports),
        "tend_reports": tend_reports.build(tend_reports.Settings.load(environment("tend_reports")), world),
        "tend_notifications": tend_notifications.build(told, world),
        "broadcast": broadcast.build(broadcast.Settings.load(environment("broadcast")), connections),
    }


def _resources(wiring: Wiring) -> dict[str, str]:
    """Names and addresses, by the variables of functions (infra/environment.py)."""
    return {
        **{f"{table.called.upper()}_TABLE": name for name, table in wiring.meter.tables.items()},
        **{f"{name.upper()}_QUEUE_URL": url for name, url in wiring.queues.items()},
        **{f"{name.upper()}_DLQ_URL": url for name, url in wiring.dead_letters.items()},
        "QUEUE_URLS": ",".join(wiring.queues.values()),
        "BUCKET": BUCKET,
        "CALLBACK_URL": CALLBACK_URL,
        "ENRICHMENT_MAPPING": MAPPING,
    }


def _with_a_mapping(client: Any, handler: Handler) -> Handler:
    """moto has no event source mappings without Docker: the one of the enrichment is there, and on."""

    def handle(event: dict[str, Any], context: Any) -> Any:
        with Stubber(client) as aws:
            aws.add_response("get_event_source_mapping", {"State": "Enabled"})
            return handler(event, context)

    return handle
