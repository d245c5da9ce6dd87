"""The reconciler of a kind as a Lambda function: every minute, what is owed and what was dead-lettered (P8)."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field

from comanda.adapters.delivery.queues import DeadLetterQueue
from comanda.adapters.observability.telemetry import PowertoolsTelemetry, measured
from comanda.adapters.runtime.settings import Settings
from comanda.adapters.runtime.world import World
from comanda.application.delivery.open_run import OpenRun
from comanda.application.delivery.ports import Row, RowsInNeed, RunPublisher
from comanda.application.delivery.reconciler import Reconciler
from comanda.domain.delivery.messages import Message

ReconcilerHandler = Callable[[dict[str, Any], LambdaContext], None]
M = TypeVar("M", bound=Message)


class ReconcilerSettings(Settings):
    """What every reconciler needs."""

    max_rescues: int = Field(ge=0)
    worker_reserve_seconds: float = Field(ge=0)


def reconciler_handler(
    rows: RowsInNeed[Row],
    publisher: RunPublisher[Row],
    queues: Mapping[str, str],
    parse: Callable[[str], M],
    settings: ReconcilerSettings,
    world: World,
    in_outage: Callable[[str], bool] = lambda _: False,
) -> ReconcilerHandler:
    """`queues`: the URL of each stage's dead-letter queue. `publisher`: into the first queue."""
    telemetry = PowertoolsTelemetry()
    reconciler = Reconciler(
        rows=rows,
        open_run=OpenRun(rows, publisher, telemetry, world.clock),
        dead_letters=[DeadLetterQueue(world.sqs, url, telemetry, parse, stage) for stage, url in queues.items()],
        telemetry=telemetry,
        clock=world.clock,
        max_rescues=settings.max_rescues,
        reserve_seconds=settings.worker_reserve_seconds,
        in_outage=in_outage,
    )

    @measured
    def handle(_: dict[str, Any], context: LambdaContext) -> None:
        reconciler(lambda: context.get_remaining_time_in_millis() / 1000)

    return handle
