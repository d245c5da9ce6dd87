"""What was used, as it is counted and billed."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import NamedTuple, Self


class Kind(Enum):
    CALL = "AWS calls"
    """Each call of a client; what is billed of it stands under another kind."""
    API_REQUEST = "API Gateway requests"
    INVOCATION = "Lambda requests"
    GB_SECONDS = "Lambda GB-seconds, working"
    WAITED_GB_SECONDS = "Lambda GB-seconds, waiting for the provider or a long poll"
    SQS_REQUEST = "SQS requests"
    WRITE_UNITS = "DynamoDB write units"
    READ_UNITS = "DynamoDB read units"
    S3_PUT = "S3 PUT requests"
    S3_GET = "S3 GET requests"
    LOG_BYTES = "CloudWatch Logs bytes"
    SCHEDULED = "Scheduler invocations"


class Use(NamedTuple):
    kind: Kind
    of: str
    """A table, an index (`orders/period`), a queue, a function, a service."""
    what: str
    """The operation."""


class Usage:
    """Amounts by kind, resource and operation. Exact, so that counts stay counts after a division."""

    def __init__(self) -> None:
        self._amounts: Counter[Use] = Counter()

    def add(self, kind: Kind, of: str, what: str, amount: float | Decimal | Fraction = 1) -> None:
        self._amounts[Use(kind, of, what)] += Fraction(amount)  # type: ignore[assignment]

    def per(self, number: int) -> Self:
        return self._mapped({use: Fraction(amount) / number for use, amount in self})

    def times(self, number: int) -> Self:
        return self._mapped({use: Fraction(amount) * number for use, amount in self})

    def without(self, other: Self) -> Self:
        """What goes beyond `other`."""
        left = {use: amount - other.amounts.get(use, 0) for use, amount in self}
        return self._mapped({use: amount for use, amount in left.items() if amount})

    def total(self, kind: Kind) -> Fraction:
        return sum((amount for use, amount in self if use.kind is kind), Fraction(0))

    def by(self, kind: Kind) -> dict[tuple[str, str], Fraction]:
        """Amounts of one kind by resource and operation, in the order of both."""
        return {(use.of, use.what): amount for use, amount in sorted(self, key=_place) if use.kind is kind}

    def by_resource(self, kind: Kind) -> dict[str, Fraction]:
        amounts: dict[str, Fraction] = {}
        for (of, _), amount in self.by(kind).items():
            amounts[of] = amounts.get(of, Fraction(0)) + amount
        return amounts

    @property
    def amounts(self) -> dict[Use, Fraction]:
        return dict(self)

    def __iter__(self) -> Iterator[tuple[Use, Fraction]]:
        return iter((use, Fraction(amount)) for use, amount in self._amounts.items())

    def _mapped(self, amounts: dict[Use, Fraction]) -> Self:
        usage = type(self)()
        for use, amount in amounts.items():
            usage.add(*use, amount)
        return usage


def _place(entry: tuple[Use, Fraction]) -> tuple[str, str]:
    return entry[0].of, entry[0].what
