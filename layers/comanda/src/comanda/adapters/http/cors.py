"""Which web pages of other origins may read the answers (Fetch Standard, "CORS protocol").

Never with credentials: a caller is known by its bearer token, which a page has to hold itself, and by no cookie.
"""

from collections.abc import Sequence
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, CORSConfig
from pydantic import field_validator

from comanda.adapters.aws.present import to_json
from comanda.adapters.runtime.settings import Settings

ASKED_WITH = ("If-None-Match", "Idempotency-Key", "X-Correlation-Id", "X-Idempotency-Key")
"""Headers of ours beside `Authorization` and `Content-Type`, which Powertools names by itself."""
SHOWN = ("ETag", "Idempotency-Replayed", "Location", "Retry-After")
"""Headers of answers that a page may read beside those that every page may."""
PREFLIGHT_SECONDS = 3600
"""How long a browser need not ask again. Chromium takes two hours at most."""


class CorsSettings(Settings):
    """What each function behind the API reads about pages of other origins."""

    cors_origins: tuple[str, ...] = ()
    """Origins of web pages, or `*` alone; by default none."""

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split_origins(cls, origins: str) -> list[str]:
        return origins.split()


class CorsResolver(APIGatewayRestResolver):
    """Answers OPTIONS for every path, and says on every answer that another origin may get another one."""

    def __init__(self, origins: Sequence[str]) -> None:
        first, *others = origins
        cors = CORSConfig(
            allow_origin=first,
            extra_origins=others,
            allow_headers=list(ASKED_WITH),
            expose_headers=list(SHOWN),
            max_age=PREFLIGHT_SECONDS,
            allow_credentials=False,
        )
        super().__init__(serializer=to_json, cors=cors)

    def resolve(self, event: Any, context: Any) -> dict[str, Any]:
        answer = super().resolve(event, context)
        answer["multiValueHeaders"].setdefault("Vary", []).append("Origin")
        return answer
