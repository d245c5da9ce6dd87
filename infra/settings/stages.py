"""What each stage has of its own; the rest is the same for all of them."""

import platform
import sys
from typing import Any

from infra.settings.api import UsagePlan
from infra.settings.functions import Architecture

STAGE_NAMES = ("local", "dev", "prod")


class SettingsError(Exception):
    """A stage or a setting that cannot be used; the message is one line."""


def values_of(stage: str) -> dict[str, Any]:
    """Settings by name, such as `orders.timeout_seconds`. Raises SettingsError for a stage that there is not."""
    match stage:
        case "local":
            return {
                "alarms.enabled": False,
                "observability.tracing": False,
                # The emulator waits 50 ms for the first line of an invocation that prints none.
                "observability.log_level": "DEBUG",
                # An emulator runs functions with what the machine has.
                "functions.python_version": f"{sys.version_info.major}.{sys.version_info.minor}",
                "functions.architecture": _local_architecture(),
                # A machine that is busy is slow, and a process that is ended takes seconds to start again.
                "api.authorizer_timeout_seconds": 15,
                "api.timeout_seconds": 25,
                # A killed worker's orders come back while somebody watches.
                "orders.timeout_seconds": 20,
                "orders.reserve_seconds": 10,
                "orders.visibility_timeout_seconds": 25,
                "delivery.retry_pause_seconds": 1,
                "delivery.retry_pause_limit_seconds": 5,
                "enrichment.delay_seconds": 0.2,
                # SLOW-3 is an order that is slow, and not one that is broken off.
                "enrichment.read_seconds": 7,
                "enrichment.total_seconds": 8,
                "reports.timeout_seconds": 60,
                "reports.reserve_seconds": 5,
                "reports.visibility_timeout_seconds": 70,
                "reports.lease_seconds": 10,
                "reports.settle_seconds": 1,
                "notifications.timeout_seconds": 30,
                "notifications.visibility_timeout_seconds": 35,
                "notifications.max_attempts": 8,
                "notifications.retry_pause_seconds": 1,
                "notifications.retry_pause_limit_seconds": 10,
                "api.rate_per_second": 2000,
                "api.burst": 4000,
            }
        case "dev":
            return {}
        case "prod":
            return {
                "keep_on_delete": True,
                "observability.log_retention_days": 90,
                "observability.log_sample_rate": 0.01,
                "orders.concurrency": 50,
                "reports.concurrency": 20,
                "api.rate_per_second": 1000,
                "api.burst": 2000,
                "api.usage_plans": {
                    "web": UsagePlan(rate_per_second=400, burst=800, quota_per_day=5_000_000),
                    "mobile": UsagePlan(rate_per_second=400, burst=800, quota_per_day=5_000_000),
                    "api": UsagePlan(rate_per_second=200, burst=400, quota_per_day=2_000_000),
                },
            }
        case _:
            raise SettingsError(f"there is no stage {stage!r}: choose one of {', '.join(STAGE_NAMES)}")


def _local_architecture() -> Architecture:
    return "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"
