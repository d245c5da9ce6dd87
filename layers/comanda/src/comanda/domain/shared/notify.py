"""Who is notified of what: as a caller asks for it with an order or a report, or once for all of its own (B4)."""

from dataclasses import dataclass
from enum import StrEnum

ORDER_EVENTS = ("order.pending", "order.processing", "order.completed", "order.failed", "order.cancelled")
REPORT_EVENTS = ("report.requested", "report.generating", "report.ready", "report.failed", "report.cancelled")
EVENTS = (*ORDER_EVENTS, *REPORT_EVENTS)
"""Every event that a caller can be notified of: a kind of thing, and the status it came to have."""

LAST_EVENTS = (
    *("order.completed", "order.failed", "order.cancelled"),
    *("report.ready", "report.failed", "report.cancelled"),
)
"""How a thing ended: the events of a request that names none."""


class Channel(StrEnum):
    """How a caller can be told."""

    WEBHOOK = "webhook"
    EMAIL = "email"


@dataclass(frozen=True)
class Notify:
    """Nobody, where neither is given: also where a caller's default would say otherwise."""

    webhook_url: str | None = None
    email: str | None = None
    events: tuple[str, ...] = LAST_EVENTS
    locale: str | None = None
    """The language of mails; None: the stage's."""

    def targets(self) -> list[tuple[Channel, str]]:
        given = ((Channel.WEBHOOK, self.webhook_url), (Channel.EMAIL, self.email))
        return [(channel, target) for channel, target in given if target]
