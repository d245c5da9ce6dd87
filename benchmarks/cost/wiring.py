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
    everywhere = _environment(wiring)

    def environment(source: str = "orders", following: str = "orders") -> dict[str, str]:
        return {
            **everywhere,
            "SOURCE_QUEUE_URL": wiring.queues[source],
            "NEXT_QUEUE_URL": wiring.queues[following],
        }

    switch_settings = switch_enrichment.Settings.load(everywhere)
    return {
        "write_orders": write_orders.build(write_orders.Settings.load(everywhere), world),
        "read_orders": read_orders.build(read_orders.Settings.load(everywhere), world),
        "process_order": process_order.build(process_order.Settings.load(environment("orders", "enrichment")), world),
        "enrich_order": enrich_order.build(
            enrich_order.Settings.load(environment("enrichment", "completion")), world, control, provider
        ),
        "complete_order": complete_order.build(complete_order.Settings.load(environment("completion")), world),
        "switch_enrichment": _with_a_mapping(control, switch_enrichment.build(switch_settings, world, control)),
        "tend_dead_letters": tend_dead_letters.build(tend_dead_letters.Settings.load(everywhere), world),
        "write_reports": write_reports.build(write_reports.Settings.load(everywhere), reports),
        "generate_report": generate_report.build(
            generate_report.Settings.load(
                {**environment("reports"), "WORKER_RESERVE_SECONDS": str(wiring.settings.reports.reserve_seconds)}
            ),
            reports,
        ),
        "tend_reports": tend_reports.build(tend_reports.Settings.load(everywhere), world),
        "tend_notifications": tend_notifications.build(tend_notifications.Settings.load(everywhere), world),
        "broadcast": broadcast.build(broadcast.Settings.load(everywhere), connections),
    }


def _environment(wiring: Wiring) -> dict[str, str]:
    """Of all functions together, as infra/ sets it for each of them."""
    settings = wiring.settings
    return {
        **{f"{table.called.upper()}_TABLE": name for name, table in wiring.meter.tables.items()},
        **{f"{name.upper()}_QUEUE_URL": url for name, url in wiring.queues.items()},
        **{f"{name.upper()}_DLQ_URL": url for name, url in wiring.dead_letters.items()},
        "QUEUE_URLS": ",".join(wiring.queues.values()),
        "BUCKET": BUCKET,
        "CALLBACK_URL": CALLBACK_URL,
        "STAGE": settings.stage,
        "CURRENCY": settings.orders.currency,
        "SWITCH_FUNCTION": settings.switch_enrichment_name,
        "ENRICHMENT_MAPPING": MAPPING,
        "ENRICHMENT_DELAY_SECONDS": str(settings.enrichment.delay_seconds),
        "WORKER_RESERVE_SECONDS": str(settings.orders.reserve_seconds),
        "MAX_ATTEMPTS": str(settings.delivery.max_attempts),
        "MAX_RESCUES": str(settings.delivery.max_rescues),
        "RETRY_PAUSE_SECONDS": str(settings.delivery.retry_pause_seconds),
        "RETRY_PAUSE_LIMIT_SECONDS": str(settings.delivery.retry_pause_limit_seconds),
        "REPORT_LIFETIME_SECONDS": str(settings.reports.lifetime_days * 24 * 60 * 60),
        "REPORT_UPLOADS_PER_HOUR": str(settings.reports.uploads_per_hour),
        "REPORT_LEASE_SECONDS": str(settings.reports.lease_seconds),
        "REPORT_ROWS_A_SECOND": str(settings.reports.rows_per_second),
        "SETTLE_SECONDS": str(settings.reports.settle_seconds),
        "FUNCTION_SECONDS": str(settings.reports.timeout_seconds),
        "LINK_SECONDS": str(settings.reports.link_seconds),
    }


def _with_a_mapping(client: Any, handler: Handler) -> Handler:
    """moto has no event source mappings without Docker: the one of the enrichment is there, and on."""

    def handle(event: dict[str, Any], context: Any) -> Any:
        with Stubber(client) as aws:
            aws.add_response("get_event_source_mapping", {"State": "Enabled"})
            return handler(event, context)

    return handle
