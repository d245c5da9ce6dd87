"""Text and money as bodies bring them, a client's or a provider's."""

import re
import unicodedata
from decimal import Decimal, InvalidOperation
from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StrictStr,
)

from comanda.domain.shared.money import MAX_UNIT_PRICE, money

_AMOUNT = re.compile(r"\d{1,10}(\.\d{1,2})?", re.ASCII)


def _plain_text(text: str) -> str:
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        raise ValueError("control characters are not allowed")
    if not text.strip():
        raise ValueError("must not be blank")
    return text


def _price(value: object) -> Decimal:
    if isinstance(value, str) and not _AMOUNT.fullmatch(value):
        raise ValueError('an amount is written like "5000.00", with at most two decimal places')
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError('an amount is a number or a text like "5000.00"')  # noqa: TRY004 - pydantic reads ValueError
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise ValueError("an amount has fewer digits") from None
    if not 0 <= amount <= MAX_UNIT_PRICE:
        raise ValueError(f"an amount is from 0 to {MAX_UNIT_PRICE}")
    return money(amount)


Text = Annotated[StrictStr, Field(min_length=1, max_length=200), AfterValidator(_plain_text)]
Price = Annotated[Decimal, BeforeValidator(_price)]
