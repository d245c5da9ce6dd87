"""Money: Decimal with two places, never float (E10, D7)."""

from decimal import Decimal

CENT = Decimal("0.01")
MAX_UNIT_PRICE = Decimal("1000000000.00")
MAX_TOTAL = Decimal("1000000000000.00")
"""The largest total of one order. A balance has no bound of ours: Decimal and DynamoDB keep 28 and 38 digits."""


def money(amount: Decimal) -> Decimal:
    """The same amount with exactly two places.

    Raises ValueError for what is not finite or would have to be rounded: money is never changed silently.
    """
    if not amount.is_finite() or amount.adjusted() > 20:
        raise ValueError("an amount is a finite number")
    exact = amount.quantize(CENT)
    if exact != amount:
        raise ValueError("an amount has at most two decimal places")
    return exact
