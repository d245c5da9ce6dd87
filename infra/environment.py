"""The environment of each function: which variables it reads, and which setting each of them holds.

The stacks, the simulator and the benchmarks have it from here. The functions declare the same variables in their
Settings, which may not import this module (import-linter): tests/infra/test_environment.py holds both sides together.
It imports nothing of CDK.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from infra.settings import StageSettings

EVERYWHERE = (
    "POWERTOOLS_SERVICE_NAME",
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_LOG_LEVEL",
    "POWERTOOLS_LOGGER_SAMPLE_RATE",
    "STAGE",
)
"""What every function has: Powertools reads all of it but the last."""


@dataclass(frozen=True)
class Holds:
    """A variable holds `setting`: one of StageSettings, or what follows from them (`reports.lifetime_seconds`).

    It is left out where the setting has no value, where the one that `only_with` names is none, empty or 0, and where
    the one that `but_with` names is set.
    """

    setting: str
    only_with: str | None = None
    but_with: str | None = None

    def value(self, settings: StageSettings) -> str | None:
        """None: the variable is left out."""
        if self.only_with and not _of(settings, self.only_with):
            return None
        if self.but_with and _of(settings, self.but_with):
            return None
        found = _of(settings, self.setting)
        return None if found is None else _text(found)


HOLDS: Mapping[str, Holds] = {
    "POWERTOOLS_METRICS_NAMESPACE": Holds("metrics_namespace"),
    "POWERTOOLS_LOG_LEVEL": Holds("observability.log_level"),
    # Not where it is 0: Powertools would put the rate into every line.
    "POWERTOOLS_LOGGER_SAMPLE_RATE": Holds("observability.log_sample_rate", only_with="observability.log_sample_rate"),
    "STAGE": Holds("stage"),
    "MAX_RESCUES": Holds("delivery.max_rescues"),
    "WORKER_RESERVE_SECONDS": Holds("delivery.reconciler_reserve_seconds"),
    "CURRENCY": Holds("orders.currency"),
    "ENRICHMENT_DELAY_SECONDS": Holds("enrichment.delay_seconds", but_with="enrichment.url"),
    "ENRICHMENT_URL": Holds("enrichment.url"),
    "ENRICHMENT_CONNECT_SECONDS": Holds("enrichment.connect_seconds", only_with="enrichment.url"),
    "ENRICHMENT_READ_SECONDS": Holds("enrichment.read_seconds", only_with="enrichment.url"),
    "ENRICHMENT_TOTAL_SECONDS": Holds("enrichment.total_seconds", only_with="enrichment.url"),
    "ENRICHMENT_HEALTH_URL": Holds("enrichment.health_url"),
    "ENRICHMENT_SECRET": Holds("enrichment.secret"),
    "SWITCH_FUNCTION": Holds("switch_enrichment_name"),
    "REPORT_LEASE_SECONDS": Holds("reports.lease_seconds"),
    "REPORT_ROWS_A_SECOND": Holds("reports.rows_per_second"),
    "SETTLE_SECONDS": Holds("reports.settle_seconds"),
    "FUNCTION_SECONDS": Holds("reports.timeout_seconds"),
    "REPORT_LIFETIME_SECONDS": Holds("reports.lifetime_seconds"),
    "REPORT_UPLOADS_PER_HOUR": Holds("reports.uploads_per_hour"),
    "LINK_SECONDS": Holds("reports.link_seconds"),
    "LINK_KEYS_SECRET": Holds("link_keys_name"),
    "LINK_KEYS": Holds("link_keys_name"),
    "WEBHOOK_SECRETS": Holds("webhook_secrets_name"),
    "EMAIL_FROM": Holds("notifications.email_from"),
    "EMAIL_LOCALE": Holds("notifications.email_locale", only_with="notifications.email_from"),
    "EMAIL_TIME_ZONE": Holds("notifications.email_time_zone", only_with="notifications.email_from"),
    "TOKENS_SECRET": Holds("tokens_secret_name"),
    "USAGE_KEY_PREFIX": Holds("usage_key_prefix", only_with="api.usage_plans"),
    "CORS_ORIGINS": Holds("api.cors_origins", only_with="api.cors_origins"),
    "CANARY_SECRET": Holds("canary_secret_name"),
    "CANARY_MINUTES": Holds("observability.canary_minutes"),
}
"""By variable. Of secrets and functions, only the names."""

_OF_WORK: Mapping[str, str] = {
    "WORKER_RESERVE_SECONDS": "reserve_seconds",
    "MAX_ATTEMPTS": "max_attempts",
    "RETRY_PAUSE_SECONDS": "retry_pause_seconds",
    "RETRY_PAUSE_LIMIT_SECONDS": "retry_pause_limit_seconds",
}
"""What a worker of a queue has of that queue's own work (QueueWork)."""

_WORKER = ("SOURCE_QUEUE_URL", *_OF_WORK)
_ORDER_WORKER = (*_WORKER, "ORDERS_TABLE", "ORDERS_QUEUE_URL")
_PROVIDER = (
    "ENRICHMENT_DELAY_SECONDS",
    "ENRICHMENT_URL",
    "ENRICHMENT_CONNECT_SECONDS",
    "ENRICHMENT_READ_SECONDS",
    "ENRICHMENT_TOTAL_SECONDS",
    "ENRICHMENT_HEALTH_URL",
    "ENRICHMENT_SECRET",
)
_NOTIFY = ("SUBSCRIPTIONS_TABLE", "EMAIL_FROM")
_REPORT_SOURCES = ("ORDERS_TABLE", "LEDGER_TABLE", "BUCKET")
_RECONCILER = ("MAX_RESCUES", "WORKER_RESERVE_SECONDS")
_CONNECTED = ("CONNECTIONS_TABLE", "CALLBACK_URL")

READS: Mapping[str, tuple[str, ...]] = {
    "authorize_request": ("TOKENS_SECRET", "USAGE_KEY_PREFIX"),
    "write_orders": (
        *("ORDERS_TABLE", "IDEMPOTENCY_TABLE", "ORDERS_QUEUE_URL", "CURRENCY"),
        *(*_NOTIFY, "CORS_ORIGINS"),
    ),
    "read_orders": ("ORDERS_TABLE", "LEDGER_TABLE", "CIRCUITS_TABLE", "QUEUE_URLS", "CORS_ORIGINS"),
    "process_order": (*_ORDER_WORKER, "NEXT_QUEUE_URL"),
    "enrich_order": (
        *(*_ORDER_WORKER, "IDEMPOTENCY_TABLE", "NEXT_QUEUE_URL", "CIRCUITS_TABLE", "SWITCH_FUNCTION"),
        *_PROVIDER,
    ),
    "complete_order": (*_ORDER_WORKER, "LEDGER_TABLE"),
    "switch_enrichment": ("CIRCUITS_TABLE", "ENRICHMENT_MAPPING", *_PROVIDER),
    "tend_dead_letters": (
        *("ORDERS_QUEUE_URL", "ORDERS_DLQ_URL", "ENRICHMENT_DLQ_URL", "COMPLETION_DLQ_URL", *_RECONCILER),
        *("ORDERS_TABLE", "CIRCUITS_TABLE"),
    ),
    "write_reports": (
        *(*_REPORT_SOURCES, "REPORTS_TABLE", "IDEMPOTENCY_TABLE", "REPORTS_QUEUE_URL"),
        *("REPORT_LIFETIME_SECONDS", "REPORT_UPLOADS_PER_HOUR", *_NOTIFY, "CORS_ORIGINS"),
    ),
    "read_reports": ("REPORTS_TABLE", "BUCKET", "LINK_SECONDS", "LINK_KEYS_SECRET", "CORS_ORIGINS"),
    "generate_report": (
        *(*_WORKER, *_REPORT_SOURCES, "REPORTS_TABLE", "IDEMPOTENCY_TABLE", "CURRENCY"),
        *("REPORT_LEASE_SECONDS", "REPORT_ROWS_A_SECOND", "SETTLE_SECONDS", "FUNCTION_SECONDS"),
    ),
    "tend_reports": ("REPORTS_QUEUE_URL", "REPORTS_DLQ_URL", *_RECONCILER, "REPORTS_TABLE"),
    "announce_changes": ("NOTIFICATIONS_TABLE", "NOTIFICATIONS_QUEUE_URL"),
    "deliver_notifications": (
        *(*_WORKER, "NOTIFICATIONS_TABLE", "SUBSCRIPTIONS_TABLE", "CIRCUITS_TABLE"),
        *("WEBHOOK_SECRETS", "LINK_KEYS", "PUBLIC_URL", "EMAIL_FROM", "EMAIL_LOCALE", "EMAIL_TIME_ZONE"),
    ),
    "tend_notifications": ("NOTIFICATIONS_QUEUE_URL", "NOTIFICATIONS_DLQ_URL", *_RECONCILER, "NOTIFICATIONS_TABLE"),
    "authorize_connection": ("TOKENS_SECRET",),
    "serve_connections": (*_CONNECTED, "ORDERS_TABLE", "REPORTS_TABLE", "LEDGER_TABLE", "CURRENCY"),
    "broadcast": _CONNECTED,
    "check_canary": ("API_URL", "CANARY_SECRET", "CANARY_MINUTES"),
}
"""By function. What HOLDS has no setting for is a resource's name or address."""

_WORK: Mapping[str, str] = {
    "process_order": "order_work",
    "enrich_order": "order_work",
    "complete_order": "order_work",
    "generate_report": "report_work",
    "deliver_notifications": "notification_work",
}
"""The work of each worker's queue."""


def environment_of(function: str, settings: StageSettings, resources: Mapping[str, str]) -> dict[str, str]:
    """The variables of a function. `resources` has the names and addresses of resources, by variable; it may have more
    than the function reads. Raises LookupError for one that it lacks."""
    found: dict[str, str | None] = {"POWERTOOLS_SERVICE_NAME": function.replace("_", "-")}
    for variable in (*EVERYWHERE[1:], *READS[function]):
        if holds := _held(function, variable):
            found[variable] = holds.value(settings)
        elif variable in resources:
            found[variable] = resources[variable]
        else:
            raise LookupError(f"{function} reads {variable}, which is no setting and was not given")
    return {variable: value for variable, value in found.items() if value is not None}


def _held(function: str, variable: str) -> Holds | None:
    if function in _WORK and variable in _OF_WORK:
        return Holds(f"{_WORK[function]}.{_OF_WORK[variable]}")
    return HOLDS.get(variable)


def _of(settings: StageSettings, name: str) -> Any:
    return attrgetter(name)(settings)


def _text(value: Any) -> str:
    match value:
        case float():
            return f"{value:g}"
        case tuple():
            return " ".join(value)
    return str(value)
