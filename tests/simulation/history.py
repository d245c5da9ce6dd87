"""What happened, in order: the readable story of a run, of one order, or of one recipient."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Happening:
    at: float
    """Seconds since the run began."""
    who: str
    what: str
    order_id: str | None = None
    recipient_id: str | None = None

    def __str__(self) -> str:
        about = " ".join(name for name in (self.recipient_id, self.order_id) if name)
        return f"{self.at:12.6f}  {self.who:22} {self.what}" + (f"  [{about}]" if about else "")


@dataclass
class History:
    clock: Callable[[], float]
    """Seconds since the run began."""
    who: Callable[[], str]
    happenings: list[Happening] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    """How often each thing worth counting happened: guards that fired, faults, states."""

    def tell(self, what: str, order_id: str | None = None, recipient_id: str | None = None) -> None:
        self.happenings.append(Happening(self.clock(), self.who(), what, order_id, recipient_id))

    def about(self, order_ids: set[str], recipient_id: str | None = None) -> Iterator[Happening]:
        """What concerns these orders, or all of the recipient, and whatever concerns everybody."""
        for happening in self.happenings:
            concerns_all = happening.order_id is None and happening.recipient_id is None
            if (
                concerns_all
                or happening.order_id in order_ids
                or (recipient_id and happening.recipient_id == recipient_id)
            ):
                yield happening

    def digest(self) -> str:
        """The same for the same seed, wherever and whenever it runs."""
        return hashlib.sha256("\n".join(map(str, self.happenings)).encode()).hexdigest()
