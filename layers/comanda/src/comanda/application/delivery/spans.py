"""What became of each message of a batch, for whoever traces (B10); and what stands there where nobody does."""

from typing import Protocol, Self

from comanda.domain.delivery.messages import Received


class Span(Protocol):
    """The time a worker takes over a message, and over those that are done along with it. Of one thread."""

    def note(self, **facts: str) -> None:
        """Ids and names that were found out, never a text. `error_class` says that it failed."""

    def end(self, *deliveries: Received, done: bool) -> None:
        """One span for each. `done`: acknowledged; else the message stays in the queue. Never raises."""


class Spans(Protocol):
    """Where a batch's spans come from."""

    def begin(self) -> Span: ...


class NoSpans:
    """Implements both, at no cost."""

    def begin(self) -> Self:
        return self

    def note(self, **facts: str) -> None: ...

    def end(self, *deliveries: Received, done: bool) -> None: ...


NO_SPANS = NoSpans()
