"""The way to one stage: its description, its clients, its API. The local stage and AWS differ here and nowhere else.

What a command does not need is not imported: boto3 alone takes longer than a small command.
"""

import getpass
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from comanda_cli.stack.sessions import aws_session, local_session
from comanda_cli.stack.stack_info import Queue, StackInfo, find_stack_file, load_stack_file, load_stage
from comanda_cli.terminal.errors import CliError

if TYPE_CHECKING:
    import boto3
    import httpx
    from mypy_boto3_sqs import SQSClient

    from comanda.adapters.notifications.table import NotificationTable, SubscriptionTable
    from comanda.adapters.orders.table import OrderTable
    from comanda.adapters.reports.table import ReportTable
    from comanda.application.delivery.open_run import OpenRun
    from comanda.application.delivery.ports import RunPublisher
    from comanda.application.shared.telemetry import TelemetryEvent
    from comanda.domain.delivery.work_item import WorkItem
    from comanda.domain.notifications.notification import Notification
    from comanda.domain.orders.order import Order
    from comanda.domain.reports.report import Report
    from comanda_cli.stack.api import Api

TOKEN_VARIABLE = "COMANDA_TOKEN"  # noqa: S105 - a variable's name
CONNECT_SECONDS, READ_SECONDS = 5, 10
"""AWS has to take a connection within the first, and to answer within the second."""
_LOG = logging.getLogger("comanda")


def now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


def user_name() -> str:
    """Who is at the keyboard, for an order's timeline."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # A container may have no name for its user.
        return "an operator"


def queue_publisher(sqs: "SQSClient", url: str) -> "RunPublisher[Order]":
    """What sends into a stack's first queue of orders."""
    from comanda.adapters.orders.queue import QueuePublisher

    return QueuePublisher(sqs, url)


@dataclass(frozen=True)
class Outside:
    """What commands take from outside. A test brings its own: `CliRunner().invoke(app, [...], obj=Outside(...))`."""

    clock: Callable[[], datetime] = now
    sleep: Callable[[float], None] = time.sleep
    user: Callable[[], str] = user_name
    publisher: "Callable[[SQSClient, str], RunPublisher[Order]]" = queue_publisher
    transport: "httpx.BaseTransport | None" = None
    session: "Callable[[], boto3.Session]" = aws_session


class QuietTelemetry:
    """Implements `Telemetry`: the command itself says what happened; logging may show it too."""

    def emit(self, event: "TelemetryEvent", subject: "WorkItem | None" = None) -> None:
        row_id = subject.row_id if subject else ""
        _LOG.info("%s %s %s", event.name, row_id, event.keys())


@dataclass(frozen=True)
class Connection:
    """A stack, and the clients that talk to it; each client is made when it is first used."""

    stack: StackInfo
    outside: Outside = field(default_factory=Outside)

    @cached_property
    def session(self) -> "boto3.Session":
        if self.stack.endpoint_url:
            return local_session(self.stack.endpoint_url, self.stack.region)
        return self.outside.session()

    def client(self, service: Any) -> Any:
        from botocore.config import Config

        patience = Config(
            retries={"mode": "standard", "total_max_attempts": 3},
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
        )
        return self.session.client(service, region_name=self.stack.region, config=patience)

    @cached_property
    def sqs(self) -> "SQSClient":
        client: SQSClient = self.client("sqs")
        return client

    @cached_property
    def orders(self) -> "OrderTable":
        from comanda.adapters.orders.table import OrderTable

        return OrderTable(self.client("dynamodb"), self._named(self.stack.tables, "orders", "table"))

    def queue(self, name: str) -> Queue:
        chosen: Queue = self._named(self.stack.queues, name, "queue")
        return chosen

    @cached_property
    def order_runs(self) -> "OpenRun[Order]":
        from comanda.application.delivery.open_run import OpenRun

        publisher = self.outside.publisher(self.sqs, self.queue("orders").url)
        return OpenRun(self.orders, publisher, QuietTelemetry(), self.outside.clock)

    @property
    def enrichment_is_running(self) -> bool:
        """As GET /ready tells it."""
        from comanda.adapters.enrichment.circuit import EnrichmentCircuit

        table = self._named(self.stack.tables, "circuits", "table")
        return EnrichmentCircuit(self.client("dynamodb"), table, QuietTelemetry()).is_closed()

    @cached_property
    def reports(self) -> "ReportTable":
        from comanda.adapters.reports.table import ReportTable

        return ReportTable(self.client("dynamodb"), self._named(self.stack.tables, "reports", "table"))

    @cached_property
    def report_runs(self) -> "OpenRun[Report]":
        from comanda.adapters.reports.queue import ReportQueuePublisher
        from comanda.application.delivery.open_run import OpenRun

        publisher = ReportQueuePublisher(self.sqs, self.queue("reports").url)
        return OpenRun(self.reports, publisher, QuietTelemetry(), self.outside.clock)

    @cached_property
    def notifications(self) -> "NotificationTable":
        from comanda.adapters.notifications.table import NotificationTable

        return NotificationTable(self.client("dynamodb"), self._named(self.stack.tables, "notifications", "table"))

    @cached_property
    def subscriptions(self) -> "SubscriptionTable":
        from comanda.adapters.notifications.table import SubscriptionTable

        return SubscriptionTable(self.client("dynamodb"), self._named(self.stack.tables, "subscriptions", "table"))

    @cached_property
    def notification_runs(self) -> "OpenRun[Notification]":
        from comanda.adapters.notifications.queue import NotificationQueuePublisher
        from comanda.application.delivery.open_run import OpenRun

        publisher = NotificationQueuePublisher(self.sqs, self.queue("notifications").url)
        return OpenRun(self.notifications, publisher, QuietTelemetry(), self.outside.clock)

    def api(self, token_name: str, token: str | None = None) -> "Api":
        """The HTTP API as the caller `token` stands for; without one, the local token of that name, or on AWS
        COMANDA_TOKEN."""
        is_local = self.stack.endpoint_url is not None
        bearer = token or self.stack.tokens.get(token_name)
        if bearer is None and is_local:
            names = ", ".join(self.stack.tokens) or "none"
            raise CliError(f"the local stack has no token {token_name!r}; it has {names}")
        bearer = bearer or os.environ.get(TOKEN_VARIABLE)
        if not bearer:
            raise CliError(f"who calls? Give --token, or set {TOKEN_VARIABLE}; `comanda token create` makes one")
        from comanda_cli.stack.api import Api

        client = self.http(base_url=self.stack.api_url, headers={"Authorization": f"Bearer {bearer}"})
        return Api(client, self.outside.sleep)

    def http(self, **options: Any) -> "httpx.Client":
        """Past any proxy where the stack is on this machine."""
        import httpx

        is_local = self.stack.endpoint_url is not None
        return httpx.Client(timeout=30.0, trust_env=not is_local, transport=self.outside.transport, **options)

    def _named(self, things: dict[str, Any], name: str, kind: str) -> Any:
        if name not in things:
            raise CliError(f"the stage has no {name} {kind}: is every stack of it deployed?")
        return things[name]


def connect(ctx: typer.Context, stage: str | None) -> Connection:
    """The local stack of this folder, or a stage on AWS. Raises CliError for a variable COMANDA_… that there is not:
    misspelt, it would do nothing, and say nothing."""
    unknown = [name for name in os.environ if name.startswith("COMANDA_") and name != TOKEN_VARIABLE]
    if unknown:
        raise CliError(f"there is no variable {unknown[0]}: the one that is read is {TOKEN_VARIABLE}")
    outside = ctx.obj or Outside()
    if stage is None:
        return Connection(load_stack_file(find_stack_file(Path.cwd())), outside)
    return Connection(load_stage(outside.session().client("cloudformation"), stage), outside)
