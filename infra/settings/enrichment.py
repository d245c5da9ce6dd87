"""The provider that orders are enriched by (docs/enrichment.md)."""

from collections.abc import Callable
from typing import Annotated

from pydantic import Field, HttpUrl

from infra.settings.group import Group

TRY_SECONDS = 30
"""After so long, the one call that tries a provider which was down counts as dead
(comanda.adapters.enrichment.circuit)."""


class EnrichmentSettings(Group):
    """A provider over HTTP where there is a `url`, and else the simulated one."""

    delay_seconds: Annotated[float, Field(ge=0, le=10)] = 1
    """How long the simulated provider takes for an order."""
    url: HttpUrl | None = None
    """Where enrichment is asked for; unset, the provider is simulated."""
    health_url: HttpUrl | None = None
    """Where the provider says how it is; unset, `url` itself is asked with GET."""
    secret: Annotated[str, Field(pattern=r"^[A-Za-z0-9/_+=.@-]+$", max_length=500)] | None = None
    """The name of the secret that the provider knows us by, in Secrets Manager of the same account and region."""
    connect_seconds: Annotated[float, Field(gt=0, le=30)] = 2
    read_seconds: Annotated[float, Field(gt=0, le=60)] = 5
    """For the next part of an answer."""
    total_seconds: Annotated[float, Field(gt=0, le=120)] = 10
    """For the whole of a call."""

    @property
    def try_seconds(self) -> int:
        return TRY_SECONDS


def fault_of_provider(enrichment: EnrichmentSettings, called: Callable[[str], str]) -> str | None:
    """What is wrong with the addresses of the provider, in one line that holds none of them: a password may stand in
    one. `called` is what whoever gave a setting calls it."""
    url, health_url, secret = (called(f"enrichment.{name}") for name in ("url", "health_url", "secret"))
    if enrichment.url is None and (enrichment.secret or enrichment.health_url):
        return f"{secret} and {health_url} are of no use without {url}"
    for name, given in ((url, enrichment.url), (health_url, enrichment.health_url)):
        if given and (given.username or given.password):
            return f"{name} must hold no user and no password: put them into {secret}"
    return None
