"""Amounts of money."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comanda.domain.shared.money import money


@pytest.mark.parametrize(("given_amount", "exact"), [("5000", "5000.00"), ("1E+3", "1000.00"), ("0.1", "0.10")])
def test_money_has_two_places(given_amount: str, exact: str) -> None:
    assert str(money(Decimal(given_amount))) == exact


@pytest.mark.parametrize("amount", ["0.001", "NaN", "Infinity", "-Infinity", "1E+500"])
def test_money_is_never_rounded_nor_infinite(amount: str) -> None:
    with pytest.raises(ValueError, match="an amount"):
        money(Decimal(amount))


@given(st.lists(st.integers(0, 10**12), max_size=50))
def test_sums_of_cents_agree(cents: list[int]) -> None:
    assert sum((money(Decimal(n) / 100) for n in cents), Decimal(0)) == Decimal(sum(cents)) / 100
