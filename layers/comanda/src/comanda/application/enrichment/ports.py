"""What enrichment needs from the world outside: the provider, what is known of its health, and the worker's intake."""

from dataclasses import dataclass
from typing import Protocol

from comanda.domain.orders.order import Enrichment, Item


@dataclass(frozen=True)
class EnrichmentRequest:
    """What the outside service is asked. `attempt` counts from 1."""

    order_id: str
    replay: int
    items: tuple[Item, ...]
    customer_id: str | None
    currency: str
    attempt: int


class EnrichmentProvider(Protocol):
    """The outside service that knows prices."""

    def enrich(self, request: EnrichmentRequest) -> Enrichment:
        """Called with the order id as its idempotency key (P10), for several orders at once, from threads.

        Raises PermanentError or TransientError, and Unavailable where it was not asked: that uses up no attempt.
        """


class Circuit(Protocol):
    """What everybody who calls an outside service knows of its health. Every method raises Unavailable."""

    def is_closed(self) -> bool:
        """Whether it may be called, as it stands now (strongly consistent)."""

    def keep_open(self) -> None:
        """It was looked at, and is not healthy: nobody calls it until it is looked at again."""

    def let_one_try(self) -> None:
        """It was looked at, and is healthy: the next call decides whether the circuit closes; others wait for it.

        Where one has tried already and never came back, the circuit closes.
        """


class Health(Protocol):
    """The outside service's own word on how it is."""

    def is_healthy(self) -> bool:
        """What an outside service says of itself. Never raises: no answer is an answer."""


class EventSource(Protocol):
    """Whether a worker is given messages at all: an event source mapping, enabled or disabled."""

    def switch(self, *, on: bool) -> bool:
        """Whether it is as wanted now, or on its way; False where it is busy changing, and has to be asked again.

        Raises Unavailable.
        """
