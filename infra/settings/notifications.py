"""The worker of notifications, its queue, and mails."""

from typing import Annotated, Literal

from pydantic import Field

from infra.settings.group import EmailAddress, Group

WEBHOOK_SECONDS = 15
"""A webhook takes so long at most: what comanda.adapters.notifications.webhook_call gives it."""


class NotificationSettings(Group):
    """How callers are notified."""

    timeout_seconds: Annotated[int, Field(ge=1, le=900)] = 60
    reserve_seconds: Annotated[int, Field(ge=1, le=900)] = 17
    """A webhook takes 15 at the most ("Standard Webhooks"), and then its outcome is saved."""
    visibility_timeout_seconds: Annotated[int, Field(ge=1, le=43_200)] = 360
    concurrency: Annotated[int, Field(ge=2, le=1000)] = 10
    max_attempts: Annotated[int, Field(ge=1, le=20)] = 14
    retry_pause_seconds: Annotated[int, Field(ge=1, le=43_200)] = 5
    retry_pause_limit_seconds: Annotated[int, Field(ge=1, le=43_200)] = 14_400
    """With these three, a receiver may be down for about nine hours until a notification fails."""
    email_from: EmailAddress | None = None
    """The address that mails come from, of an identity that SES has verified; unset, there are none."""
    email_locale: Literal["pt-BR", "en-US"] = "pt-BR"
    """The language of mails where nobody asked for another."""
    email_time_zone: Annotated[str, Field(pattern=r"^[A-Za-z0-9_+/-]+$", max_length=60)] = "America/Sao_Paulo"

    @property
    def webhook_seconds(self) -> int:
        return WEBHOOK_SECONDS
