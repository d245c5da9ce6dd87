"""Logs, traces, the canary, and alarms."""

from typing import Annotated, Any, Literal

from pydantic import Field, HttpUrl, field_validator

from infra.settings.group import EmailAddress, Group, from_json

LogRetentionDays = Literal[1, 3, 7, 14, 30, 90, 180, 365]
"""Some of the values CloudWatch Logs knows ("PutRetentionPolicy")."""


class ObservabilitySettings(Group):
    """Logs, traces and the canary."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_sample_rate: Annotated[float, Field(ge=0, le=1)] = 0
    """The share of invocations that log everything, down to DEBUG, whatever the level."""
    log_retention_days: LogRetentionDays = 7
    tracing: bool = True
    """X-Ray: of API Gateway and of each function, from one to the next."""
    canary_minutes: Annotated[int, Field(ge=0, le=60)] = 0
    """How often an order of our own is sent through (docs/operating.md); 0: never."""
    runbook_url: HttpUrl | None = None
    """Where docs/alarms.md can be read, for the alarms and the dashboard to link to; unset, they name the file."""

    @field_validator("log_retention_days", mode="before")
    @classmethod
    def _from_command_line(cls, value: Any) -> Any:
        return from_json(value)


class AlarmSettings(Group):
    """What docs/alarms.md explains, told to a topic."""

    enabled: bool = True
    email: EmailAddress | None = None
    """Who else is told; AWS first asks the address whether it wants to be."""
    order_age_seconds: Annotated[int, Field(ge=60)] = 900
    """An order that waits in a queue for so long is late. A worker that died costs it one visibility timeout."""
    failed_percent: Annotated[float, Field(gt=0, lt=100)] = 5
    """Of the orders that come to an end within ten minutes."""
    api_p99_milliseconds: Annotated[int, Field(ge=1)] = 2000
