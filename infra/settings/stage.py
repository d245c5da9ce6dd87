"""The settings of one stage: a group per capability, and what follows from several of them."""

from typing import Literal

from pydantic import HttpUrl

from infra.settings.api import ApiSettings
from infra.settings.delivery import DeliverySettings, QueueWork, receives
from infra.settings.enrichment import EnrichmentSettings
from infra.settings.functions import FunctionSettings
from infra.settings.group import Group
from infra.settings.notifications import NotificationSettings
from infra.settings.observability import AlarmSettings, ObservabilitySettings
from infra.settings.orders import OrderSettings
from infra.settings.reports import ReportSettings


class WebSocketSettings(Group):
    """The WebSocket API."""

    enabled: bool = True
    """Whether there are WebSocket notifications (docs/websocket.md)."""


class StageSettings(Group):
    """`load_settings` makes them, and holds them to the rules between groups."""

    stage: Literal["local", "dev", "prod"]
    keep_on_delete: bool = False
    """Tables, the tokens secret and logs outlive their stack; tables cannot be deleted at all."""
    emulator_url: HttpUrl | None = None
    """Where an emulator listens that this is deployed to."""

    delivery: DeliverySettings = DeliverySettings()
    orders: OrderSettings = OrderSettings()
    enrichment: EnrichmentSettings = EnrichmentSettings()
    reports: ReportSettings = ReportSettings()
    notifications: NotificationSettings = NotificationSettings()
    api: ApiSettings = ApiSettings()
    websocket: WebSocketSettings = WebSocketSettings()
    observability: ObservabilitySettings = ObservabilitySettings()
    alarms: AlarmSettings = AlarmSettings()
    functions: FunctionSettings = FunctionSettings()

    @property
    def order_work(self) -> QueueWork:
        return QueueWork(
            timeout_seconds=self.orders.timeout_seconds,
            reserve_seconds=self.orders.reserve_seconds,
            visibility_timeout_seconds=self.orders.visibility_timeout_seconds,
            batch_size=self.delivery.batch_size,
            concurrency=self.orders.concurrency,
            max_attempts=self.delivery.max_attempts,
            retry_pause_seconds=self.delivery.retry_pause_seconds,
            retry_pause_limit_seconds=self.delivery.retry_pause_limit_seconds,
            max_receive_count=self.delivery.max_receive_count,
        )

    @property
    def report_work(self) -> QueueWork:
        """One report has all of an invocation. Each is a group of its own, so that none has followers; the net is as
        wide as for orders, since pauses while storage does not answer are receives too."""
        return QueueWork(
            timeout_seconds=self.reports.timeout_seconds,
            reserve_seconds=self.reports.reserve_seconds,
            visibility_timeout_seconds=self.reports.visibility_timeout_seconds,
            batch_size=1,
            concurrency=self.reports.concurrency,
            max_attempts=self.delivery.max_attempts,
            retry_pause_seconds=self.delivery.retry_pause_seconds,
            retry_pause_limit_seconds=self.delivery.retry_pause_limit_seconds,
            max_receive_count=self.delivery.max_receive_count,
        )

    @property
    def notification_work(self) -> QueueWork:
        return QueueWork(
            timeout_seconds=self.notifications.timeout_seconds,
            reserve_seconds=self.notifications.reserve_seconds,
            visibility_timeout_seconds=self.notifications.visibility_timeout_seconds,
            batch_size=self.delivery.batch_size,
            concurrency=self.notifications.concurrency,
            max_attempts=self.notifications.max_attempts,
            retry_pause_seconds=self.notifications.retry_pause_seconds,
            retry_pause_limit_seconds=self.notifications.retry_pause_limit_seconds,
            max_receive_count=receives(self.delivery.batch_size, self.notifications.max_attempts),
        )

    @property
    def tokens_secret_name(self) -> str:
        return f"comanda-{self.stage}-tokens"

    @property
    def webhook_secrets_name(self) -> str:
        return f"comanda-{self.stage}-webhook-secrets"

    @property
    def canary_secret_name(self) -> str:
        return f"comanda-{self.stage}-canary"

    @property
    def metrics_namespace(self) -> str:
        return f"Comanda/{self.stage}"

    @property
    def link_keys_name(self) -> str:
        return f"comanda-{self.stage}-link-keys"

    @property
    def switch_enrichment_name(self) -> str:
        return f"comanda-{self.stage}-switch-enrichment"

    @property
    def usage_key_prefix(self) -> str:
        return f"comanda-{self.stage}-usage-plan"
