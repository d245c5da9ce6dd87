"""What differs between stages, in one validated place.

Every field can be overridden for one deploy: `cdk deploy --all -c stage=local -c enrichment_delay_seconds=0`.
This module imports nothing of CDK, so that a mistake in a setting is reported at once.
"""

import json
import platform
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, ValidationError, field_validator, model_validator

Origin = Literal["web", "mobile", "api"]
Architecture = Literal["arm64", "x86_64"]
EmailAddress = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)]
LogRetentionDays = Literal[1, 3, 7, 14, 30, 90, 180, 365]
"""Some of the values CloudWatch Logs knows ("PutRetentionPolicy")."""

STAGE_NAMES = ("local", "dev", "prod")
LAMBDA_PYTHON = "3.14"
"""The newest Python runtime of AWS Lambda ("Lambda runtimes")."""

SAVE_SECONDS = 2
"""What a worker needs at least to read its rows, or to save an answer and hand its order on."""
WEBHOOK_SECONDS = 15
"""A webhook takes so long at most: what comanda.adapters.notifications.webhook_call gives it."""
TRY_SECONDS = 30
"""After so long, the one call that tries a provider which was down counts as dead
(comanda.adapters.enrichment.circuit)."""


class SettingsError(Exception):
    """A stage or a setting that cannot be used; the message is one line."""


@dataclass(frozen=True)
class Fits:
    """The times `parts`, one after the other, fit into the time `into`, and `spare` seconds are left.

    `parts` and `into` name fields or properties of StageSettings.
    """

    parts: tuple[str, ...]
    into: str
    spare: float
    because: str

    def fault_in(self, settings: "StageSettings") -> str | None:
        """What is wrong and why, in one line."""
        if self._seconds(settings, *self.parts) + self.spare <= self._seconds(settings, self.into):
            return None
        what = " and ".join(f"{name} ({self._seconds(settings, name):g})" for name in self.parts)
        what += f" and {self.spare:g} s to spare" if self.spare else ""
        verb = "does" if len(self.parts) == 1 and not self.spare else "do"
        return f"{what} {verb} not fit into {self.into} ({self._seconds(settings, self.into):g}): {self.because}"

    @staticmethod
    def _seconds(settings: "StageSettings", *names: str) -> float:
        return sum(float(getattr(settings, name)) for name in names)


TIMES = (
    Fits(
        ("worker_reserve_seconds",),
        "worker_timeout_seconds",
        SAVE_SECONDS,
        "a worker reads its orders first, and then there has to be time enough to begin one",
    ),
    Fits(
        ("worker_timeout_seconds",),
        "visibility_timeout_seconds",
        SAVE_SECONDS,
        "a message must not come back while its worker may still run",
    ),
    Fits(
        ("visibility_timeout_seconds",),
        "alarm_order_age_seconds",
        60,
        "an order whose worker died once is not late yet",
    ),
    Fits(("retry_pause_seconds",), "retry_pause_limit_seconds", 0, "the first pause is the shortest"),
    Fits(
        ("report_lease_seconds", "report_reserve_seconds"),
        "report_timeout_seconds",
        0,
        "a worker holds a report for one lease at least, and stores the file then",
    ),
    Fits(
        ("report_timeout_seconds",),
        "report_visibility_timeout_seconds",
        SAVE_SECONDS,
        "a report must not come back while its worker may still run",
    ),
    Fits(
        ("report_longest_lease_seconds",),
        "report_visibility_timeout_seconds",
        1,
        "when the report of a dead worker comes back, the lease of the dead has to be over",
    ),
    Fits(
        ("webhook_seconds",),
        "notify_reserve_seconds",
        SAVE_SECONDS,
        "a webhook that is begun at the last moment may take all of its time, and its outcome is saved then",
    ),
    Fits(
        ("notify_reserve_seconds",),
        "notify_timeout_seconds",
        SAVE_SECONDS,
        "a worker reads its notifications first, and then there has to be time enough to begin one",
    ),
    Fits(
        ("notify_timeout_seconds",),
        "notify_visibility_timeout_seconds",
        SAVE_SECONDS,
        "a message must not come back while its worker may still run",
    ),
    Fits(("notify_retry_pause_seconds",), "notify_retry_pause_limit_seconds", 0, "the first pause is the shortest"),
)
"""Which time of a stage has to be longer than which, and why. Where two that race are equal, a millisecond decides."""

TIMES_OF_THE_SIMULATED_PROVIDER = (
    Fits(
        ("enrichment_delay_seconds",),
        "worker_reserve_seconds",
        SAVE_SECONDS,
        "an order that is begun at the last moment has to be enriched, and saved then",
    ),
)
TIMES_OF_A_PROVIDER = (
    Fits(
        ("enrichment_connect_seconds",),
        "enrichment_total_seconds",
        1,
        "a call that was only just connected needs time for its answer",
    ),
    Fits(
        ("enrichment_read_seconds",),
        "enrichment_total_seconds",
        1,
        "the limit of one wait says nothing where the whole call ends before",
    ),
    Fits(
        ("enrichment_total_seconds",),
        "worker_reserve_seconds",
        SAVE_SECONDS,
        "an order that is begun at the last moment has to be enriched, and saved then",
    ),
    Fits(
        ("enrichment_total_seconds",),
        "try_seconds",
        SAVE_SECONDS,
        "the call that tries a provider which was down is taken for dead after that",
    ),
)
"""With `enrichment_url` only."""


class UsagePlan(BaseModel):
    """What one origin may send, all its tokens together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate_per_second: Annotated[float, Field(gt=0)]
    burst: Annotated[int, Field(gt=0)]
    quota_per_day: Annotated[int, Field(gt=0)]


@dataclass(frozen=True)
class QueueWork:
    """How the messages of a queue are worked: what an invocation is given, and when a message comes back."""

    timeout_seconds: int
    reserve_seconds: int
    visibility_timeout_seconds: int
    batch_size: int
    concurrency: int | None
    max_receive_count: int


class StageSettings(BaseModel):
    """The settings of one stage. Units stand in the names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: Literal["local", "dev", "prod"]

    keep_on_delete: bool = False
    """Tables, the tokens secret and logs outlive their stack; tables cannot be deleted at all."""
    log_retention_days: LogRetentionDays = 7
    alarms: bool = True
    """What docs/alarms.md explains, told to a topic."""
    alarm_email: EmailAddress | None = None
    """Who else is told; AWS first asks the address whether it wants to be."""
    alarm_order_age_seconds: Annotated[int, Field(ge=60)] = 900
    """An order that waits in a queue for so long is late. A worker that died costs it one visibility timeout."""
    alarm_failed_percent: Annotated[float, Field(gt=0, lt=100)] = 5
    """Of the orders that come to an end within ten minutes."""
    alarm_api_p99_milliseconds: Annotated[int, Field(ge=1)] = 2000
    canary_minutes: Annotated[int, Field(ge=0, le=60)] = 0
    """How often an order of our own is sent through (docs/operating.md); 0: never."""
    runbook_url: HttpUrl | None = None
    """Where docs/alarms.md can be read, for the alarms and the dashboard to link to; unset, they name the file."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    tracing: bool = True
    """X-Ray: of API Gateway and of each function, from one to the next."""
    log_sample_rate: Annotated[float, Field(ge=0, le=1)] = 0
    """The share of invocations that log everything, down to DEBUG, whatever the level."""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "BRL"

    python_version: Annotated[str, Field(pattern=r"^3\.\d+$")] = LAMBDA_PYTHON
    architecture: Architecture = "arm64"
    function_memory_mb: Annotated[int, Field(ge=128, le=10_240)] = 1024

    authorizer_timeout_seconds: Annotated[int, Field(ge=1, le=29)] = 5
    api_timeout_seconds: Annotated[int, Field(ge=1, le=28)] = 15
    """Less than the 29 s that API Gateway waits at most ("Amazon API Gateway quotas")."""
    worker_timeout_seconds: Annotated[int, Field(ge=1, le=900)] = 60
    worker_reserve_seconds: Annotated[int, Field(ge=0, le=900)] = 15
    """A worker begins no order with less time left than this, and hands back what it has not begun."""
    visibility_timeout_seconds: Annotated[int, Field(ge=1, le=43_200)] = 360
    """How long the messages of a dead worker stay hidden. AWS refuses less than the worker's timeout and recommends six
    times that, for the retries of a throttled mapping ("Using Lambda with Amazon SQS")."""

    worker_concurrency: Annotated[int, Field(ge=2, le=1000)] | None = None
    """Most executions at once per queue; unset, only the account's quota limits them, ten in a new account ("Lambda
    quotas"). It reserves nothing, so that it deploys in any account; two is the least SQS mappings take."""
    batch_size: Annotated[int, Field(ge=1, le=10)] = 10
    max_attempts: Annotated[int, Field(ge=1, le=20)] = 5
    """Attempts an order has at each step. They are counted on its row, not by SQS."""
    max_rescues: Annotated[int, Field(ge=0, le=10)] = 1
    """How often the steward publishes an order anew whose message was dead-lettered untried."""
    retry_pause_seconds: Annotated[int, Field(ge=1, le=43_200)] = 2
    retry_pause_limit_seconds: Annotated[int, Field(ge=1, le=43_200)] = 300
    """Pauses double from the first to the second, which ChangeMessageVisibility ends at twelve hours."""
    enrichment_delay_seconds: Annotated[float, Field(ge=0, le=10)] = 1
    """How long the simulated enrichment provider takes for an order."""
    enrichment_url: HttpUrl | None = None
    """Where enrichment is asked for (docs/enrichment.md); unset, the provider is simulated."""
    enrichment_health_url: HttpUrl | None = None
    """Where the provider says how it is; unset, `enrichment_url` itself is asked with GET."""
    enrichment_secret: Annotated[str, Field(pattern=r"^[A-Za-z0-9/_+=.@-]+$", max_length=500)] | None = None
    """The name of the secret that the provider knows us by, in Secrets Manager of the same account and region."""
    enrichment_connect_seconds: Annotated[float, Field(gt=0, le=30)] = 2
    enrichment_read_seconds: Annotated[float, Field(gt=0, le=60)] = 5
    """For the next part of an answer."""
    enrichment_total_seconds: Annotated[float, Field(gt=0, le=120)] = 10
    """For the whole of a call."""

    report_timeout_seconds: Annotated[int, Field(ge=1, le=900)] = 900
    """The most Lambda gives; a report that would take longer is refused before it begins."""
    report_reserve_seconds: Annotated[int, Field(ge=1, le=900)] = 15
    """No report goes on with less time left than this: what was written has to be stored."""
    report_visibility_timeout_seconds: Annotated[int, Field(ge=1, le=43_200)] = 960
    """When the report of a dead worker comes back. Not six times the worker's timeout, as for orders: the mapping has a
    limit of its own, so that it is hardly throttled, and a report that comes back too early finds its lease held."""
    report_lease_seconds: Annotated[int, Field(ge=2, le=900)] = 60
    """A worker that has written nothing down for so long counts as dead."""
    report_memory_mb: Annotated[int, Field(ge=128, le=10_240)] = 1769
    """So much comes with one whole virtual CPU ("Configure Lambda function memory"); a report takes less than 128."""
    report_concurrency: Annotated[int, Field(ge=2, le=1000)] = 5
    """Most reports written at once (B9). What waits beyond that waits in the queue."""
    report_rows_per_second: Annotated[int, Field(ge=1)] = 3000
    """As many as are read and written for certain: with the timeout, it decides which report is too large."""
    report_settle_seconds: Annotated[int, Field(ge=0, le=600)] = 5
    """How far the index `period` may be behind the table at the most; it is usually less than a second."""
    report_lifetime_days: Annotated[int, Field(ge=1, le=365)] = 7
    """How long a report can be looked at and downloaded; after that the same request writes it anew."""
    report_link_seconds: Annotated[int, Field(ge=1, le=900)] = 900
    report_uploads_per_hour: Annotated[int, Field(ge=1, le=100_000)] = 60
    """Links to upload a table, per caller, from one full hour to the next."""

    notify_timeout_seconds: Annotated[int, Field(ge=1, le=900)] = 60
    notify_reserve_seconds: Annotated[int, Field(ge=1, le=900)] = 17
    """A webhook takes 15 at the most ("Standard Webhooks"), and then its outcome is saved."""
    notify_visibility_timeout_seconds: Annotated[int, Field(ge=1, le=43_200)] = 360
    notify_concurrency: Annotated[int, Field(ge=2, le=1000)] = 10
    notify_max_attempts: Annotated[int, Field(ge=1, le=20)] = 14
    notify_retry_pause_seconds: Annotated[int, Field(ge=1, le=43_200)] = 5
    notify_retry_pause_limit_seconds: Annotated[int, Field(ge=1, le=43_200)] = 14_400
    """With these three, a receiver may be down for about nine hours until a notification fails."""
    email_from: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)] | None = None
    """The address that mails come from, of an identity that SES has verified; unset, there are none."""
    email_locale: Literal["pt-BR", "en-US"] = "pt-BR"
    """The language of mails where nobody asked for another."""
    email_time_zone: Annotated[str, Field(pattern=r"^[A-Za-z0-9_+/-]+$", max_length=60)] = "America/Sao_Paulo"
    public_url: HttpUrl | None = None
    """Where callers reach the API: what links in webhooks and mails begin with. Unset, API Gateway's own."""
    emulator_url: HttpUrl | None = None
    """Where an emulator listens that this is deployed to."""

    api_rate_per_second: Annotated[int, Field(ge=1)] = 50
    api_burst: Annotated[int, Field(ge=1)] = 100
    cors_origins: Annotated[tuple[str, ...], Field(max_length=20)] = ()
    """Web pages of these origins may call the API, and links for uploads and downloads (docs/web.md); by default none.
    Such as `https://shop.example,https://desk.example:8443`, or `*` alone for all of them."""
    websocket: bool = True
    """Whether there are WebSocket notifications (docs/websocket.md)."""
    authorizer_cache_seconds: Annotated[int, Field(ge=60, le=300)] = 60
    """How long a token's answer is kept, so how long a revoked token still works."""
    usage_plans: dict[Origin, UsagePlan] = {}
    """By origin, for none or for all three: a method that asks for a key refuses callers without one."""

    @property
    def max_receive_count(self) -> int:
        """How often SQS hands a message out before it goes to the dead-letter queue (P6).

        A net, not the retry policy: each of a batch's orders may use up its attempts, and every time all of the
        batch is received again, so a follower needs batch x attempts receives to be tried, and then its own.
        """
        return self.batch_size * self.max_attempts + self.max_attempts

    @property
    def report_longest_lease_seconds(self) -> int:
        """From the receive of a report: its worker renews the lease for the last time when only the reserve is left."""
        return self.report_timeout_seconds - self.report_reserve_seconds + self.report_lease_seconds

    @property
    def webhook_seconds(self) -> int:
        return WEBHOOK_SECONDS

    @property
    def try_seconds(self) -> int:
        return TRY_SECONDS

    @property
    def alarm_report_age_seconds(self) -> int:
        """It outlived a whole run of a worker, and the return of its message after that worker died."""
        return self.report_timeout_seconds + self.report_visibility_timeout_seconds

    @property
    def order_work(self) -> QueueWork:
        return QueueWork(
            timeout_seconds=self.worker_timeout_seconds,
            reserve_seconds=self.worker_reserve_seconds,
            visibility_timeout_seconds=self.visibility_timeout_seconds,
            batch_size=self.batch_size,
            concurrency=self.worker_concurrency,
            max_receive_count=self.max_receive_count,
        )

    @property
    def report_work(self) -> QueueWork:
        """One report has all of an invocation. Each is a group of its own, so that none has followers; the net is as
        wide as for orders, since pauses while storage does not answer are receives too."""
        return QueueWork(
            timeout_seconds=self.report_timeout_seconds,
            reserve_seconds=self.report_reserve_seconds,
            visibility_timeout_seconds=self.report_visibility_timeout_seconds,
            batch_size=1,
            concurrency=self.report_concurrency,
            max_receive_count=self.max_receive_count,
        )

    @property
    def notification_work(self) -> QueueWork:
        return QueueWork(
            timeout_seconds=self.notify_timeout_seconds,
            reserve_seconds=self.notify_reserve_seconds,
            visibility_timeout_seconds=self.notify_visibility_timeout_seconds,
            batch_size=self.batch_size,
            concurrency=self.notify_concurrency,
            max_receive_count=self.batch_size * self.notify_max_attempts + self.notify_max_attempts,
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

    @field_validator("usage_plans", "log_retention_days", mode="before")
    @classmethod
    def _from_command_line(cls, value: Any) -> Any:
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError:
            return value  # Which is of no kind that they take.

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _origins_from_command_line(cls, value: Any) -> Any:
        return tuple(filter(None, (part.strip() for part in value.split(",")))) if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        if "*" in origins:
            if len(origins) > 1:
                raise ValueError("* stands for every origin, and so stands alone")
            return origins
        for origin in origins:
            if fault := _fault_of_origin(origin):
                raise ValueError(f"{origin!r} {fault}")
        return origins

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        self._check_provider()
        of_provider = TIMES_OF_A_PROVIDER if self.enrichment_url else TIMES_OF_THE_SIMULATED_PROVIDER
        for fault in (times.fault_in(self) for times in (*TIMES, *of_provider)):
            if fault:
                raise ValueError(fault)
        if self.batch_size * self.enrichment_delay_seconds >= self.worker_timeout_seconds:
            raise ValueError(
                f"a batch of {self.batch_size} orders at enrichment_delay_seconds ({self.enrichment_delay_seconds:g}) "
                f"does not fit into worker_timeout_seconds ({self.worker_timeout_seconds})"
            )
        missing = [origin for origin in get_args(Origin) if origin not in self.usage_plans]
        if self.usage_plans and missing:
            raise ValueError(f"usage_plans has no plan for {', '.join(missing)}")
        return self

    def _check_provider(self) -> None:
        if self.enrichment_url is None:
            if self.enrichment_secret or self.enrichment_health_url:
                raise ValueError("enrichment_secret and enrichment_health_url are of no use without enrichment_url")
            return
        for name, url in (("url", self.enrichment_url), ("health_url", self.enrichment_health_url)):
            if url and (url.username or url.password):
                raise ValueError(
                    f"enrichment_{name} must hold no user and no password: put them into enrichment_secret"
                )


_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_OWN_MACHINE = ("localhost", "127.0.0.1")
_DEFAULT_PORTS = {"https": "443", "http": "80"}


def _fault_of_origin(origin: str) -> str | None:
    """What keeps a text from being what a browser sends as `Origin` (RFC 6454, section 6.2)."""
    scheme, separator, rest = origin.partition("://")
    if not separator or scheme not in _DEFAULT_PORTS:
        return "is no origin: write scheme://host or scheme://host:port, such as https://shop.example"
    if any(sign in rest for sign in "/?#"):
        return "has a path or a slash at its end: an origin ends with its host or port"
    host, colon, port = rest.partition(":")
    if not _HOST.fullmatch(host):
        return "has no host as browsers send it: a name in lower-case ASCII, without user, password or wildcard"
    if scheme == "http" and host not in _OWN_MACHINE:
        return f"has to be https: http is for {' and '.join(_OWN_MACHINE)} alone"
    if colon and (not _PORT.fullmatch(port) or int(port) > 65_535):
        return "has no port from 1 to 65535"
    if port == _DEFAULT_PORTS[scheme]:
        return f"names the port that browsers leave out: write {scheme}://{host}"
    return None


def _local_architecture() -> str:
    return "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"


def _stage_values(stage: str) -> dict[str, Any]:
    match stage:
        case "local":
            return {
                "alarms": False,
                "tracing": False,
                # The emulator waits 50 ms for the first line of an invocation that prints none.
                "log_level": "DEBUG",
                # An emulator runs functions with what the machine has.
                "python_version": f"{sys.version_info.major}.{sys.version_info.minor}",
                "architecture": _local_architecture(),
                # A machine that is busy is slow, and a process that is ended takes seconds to start again.
                "authorizer_timeout_seconds": 15,
                "api_timeout_seconds": 25,
                # A killed worker's orders come back while somebody watches.
                "worker_timeout_seconds": 20,
                "worker_reserve_seconds": 10,
                "visibility_timeout_seconds": 25,
                "retry_pause_seconds": 1,
                "retry_pause_limit_seconds": 5,
                "enrichment_delay_seconds": 0.2,
                # SLOW-3 is an order that is slow, and not one that is broken off.
                "enrichment_read_seconds": 7,
                "enrichment_total_seconds": 8,
                "report_timeout_seconds": 60,
                "report_reserve_seconds": 5,
                "report_visibility_timeout_seconds": 70,
                "report_lease_seconds": 10,
                "report_settle_seconds": 1,
                "notify_timeout_seconds": 30,
                "notify_visibility_timeout_seconds": 35,
                "notify_max_attempts": 8,
                "notify_retry_pause_seconds": 1,
                "notify_retry_pause_limit_seconds": 10,
                "api_rate_per_second": 2000,
                "api_burst": 4000,
            }
        case "dev":
            return {}
        case "prod":
            return {
                "keep_on_delete": True,
                "log_retention_days": 90,
                "log_sample_rate": 0.01,
                "worker_concurrency": 50,
                "report_concurrency": 20,
                "api_rate_per_second": 1000,
                "api_burst": 2000,
                "usage_plans": {
                    "web": UsagePlan(rate_per_second=400, burst=800, quota_per_day=5_000_000),
                    "mobile": UsagePlan(rate_per_second=400, burst=800, quota_per_day=5_000_000),
                    "api": UsagePlan(rate_per_second=200, burst=400, quota_per_day=2_000_000),
                },
            }
        case _:
            raise SettingsError(f"there is no stage {stage!r}: choose one of {', '.join(STAGE_NAMES)}")


def load_settings(stage: str, overrides: Mapping[str, Any] | None = None) -> StageSettings:
    """The settings of a stage, some of them overridden. Raises SettingsError."""
    values = {"stage": stage, **_stage_values(stage), **(overrides or {})}
    _check_names(stage, values)
    try:
        return StageSettings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(f"stage {stage}: {_one_line(error)}") from error


def _check_names(stage: str, names: Iterable[str]) -> None:
    """Raises SettingsError for one that is no setting: a misspelt one would do nothing, and say nothing."""
    known = list(StageSettings.model_fields)
    unknown = [name for name in names if name not in known]
    if unknown:
        near = get_close_matches(unknown[0].lower().replace("-", "_"), known)
        advice = f"did you mean {' or '.join(near)}?" if near else "infra/settings.py has all of them"
        raise SettingsError(f"stage {stage}: there is no setting {unknown[0]!r}: {advice}")


def _one_line(error: ValidationError) -> str:
    """Each fault, with the setting's name, and what was given."""
    return "; ".join(dict.fromkeys(map(_fault, error.errors())))


def _fault(fault: Any) -> str:
    setting = ".".join(str(part) for part in fault["loc"])
    message = fault["msg"].removeprefix("Value error, ")
    return f"{setting}: {message} (it is {fault['input']!r})" if setting else message
