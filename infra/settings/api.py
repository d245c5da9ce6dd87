"""The HTTP API: its limits, its callers, and the web pages that may call it."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, field_validator

from infra.settings.group import Group, from_json
from infra.settings.origins import check_origins

Origin = Literal["web", "mobile", "api"]
"""Of a caller, by its token."""


class UsagePlan(BaseModel):
    """What one origin may send, all its tokens together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate_per_second: Annotated[float, Field(gt=0)]
    burst: Annotated[int, Field(gt=0)]
    quota_per_day: Annotated[int, Field(gt=0)]


class ApiSettings(Group):
    """The HTTP API: rates, time-outs, other origins, usage plans."""

    authorizer_timeout_seconds: Annotated[int, Field(ge=1, le=29)] = 5
    timeout_seconds: Annotated[int, Field(ge=1, le=28)] = 15
    """Less than the 29 s that API Gateway waits at most ("Amazon API Gateway quotas")."""
    rate_per_second: Annotated[int, Field(ge=1)] = 50
    burst: Annotated[int, Field(ge=1)] = 100
    cors_origins: Annotated[tuple[str, ...], Field(max_length=20)] = ()
    """Web pages of these origins may call the API, and links for uploads and downloads (docs/web.md); by default none.
    Such as `https://shop.example,https://desk.example:8443`, or `*` alone for all of them."""
    authorizer_cache_seconds: Annotated[int, Field(ge=60, le=300)] = 60
    """How long a token's answer is kept, so how long a revoked token still works."""
    usage_plans: dict[Origin, UsagePlan] = Field(default_factory=dict)
    """By origin, for none or for all three: a method that asks for a key refuses callers without one."""
    public_url: HttpUrl | None = None
    """Where callers reach the API: what links in webhooks and mails begin with. Unset, API Gateway's own."""

    @field_validator("usage_plans", mode="before")
    @classmethod
    def _plans_from_command_line(cls, value: Any) -> Any:
        return from_json(value)

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _origins_from_command_line(cls, value: Any) -> Any:
        return tuple(filter(None, (part.strip() for part in value.split(",")))) if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        check_origins(origins)
        return origins


def fault_of_plans(api: ApiSettings, called: Callable[[str], str]) -> str | None:
    """What is wrong with the usage plans, in one line. `called` is what whoever gave a setting calls it."""
    missing = [origin for origin in get_args(Origin) if origin not in api.usage_plans]
    if api.usage_plans and missing:
        return f"{called('api.usage_plans')} has no plan for {', '.join(missing)}"
    return None
