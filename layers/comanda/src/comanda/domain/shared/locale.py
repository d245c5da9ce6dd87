"""How numbers, dates and the few words of a report's frame are written, and on what paper. The values are those of
Unicode CLDR, written down here."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

_SYMBOLS = {"BRL": "R$", "EUR": "€", "GBP": "£", "USD": "$"}


def currency_symbol(currency: str) -> str:
    """`R$` for BRL; the ISO 4217 code itself where it has no symbol that everybody knows."""
    return _SYMBOLS.get(currency, currency)


class Paper(StrEnum):
    """What is printed on (ISO 216, ANSI/ASME Y14.1)."""

    A4 = "A4"
    LETTER = "Letter"


@dataclass(frozen=True)
class Locale:
    """A language and a country. Dates are given as strftime patterns and as spreadsheet number formats."""

    tag: str
    decimal_mark: str
    group_mark: str
    date_pattern: str
    time_pattern: str
    sheet_date: str
    sheet_time: str
    spaced_symbol: bool
    """Whether a blank stands between a currency's symbol and the amount."""
    total: str
    page: str
    of: str
    yes: str
    no: str
    rows: str
    about: str
    paper: Paper

    def number(self, value: int | Decimal) -> str:
        """With its own decimals and with groups of three: `1.234,5` in pt-BR."""
        return self._with_marks(f"{value:,}" if isinstance(value, int) else f"{value:,f}")

    def money(self, amount: Decimal) -> str:
        """Two decimals and no currency: `1.234,50` in pt-BR."""
        return self._with_marks(f"{amount:,.2f}")

    def amount(self, amount: Decimal, currency: str) -> str:
        """With its currency: `R$ 1.234,50` in pt-BR, with a blank that breaks no line."""
        symbol = currency_symbol(currency)
        blank = "\N{NO-BREAK SPACE}" if self.spaced_symbol or symbol == currency else ""
        return f"{symbol}{blank}{self.money(amount)}"

    def date(self, day: date) -> str:
        return day.strftime(self.date_pattern)

    def moment(self, local: datetime) -> str:
        """Date and time to the second, of a time that stands in the reader's zone already."""
        return local.strftime(f"{self.date_pattern} {self.time_pattern}")

    def boolean(self, value: bool) -> str:
        return self.yes if value else self.no

    def _with_marks(self, text: str) -> str:
        if self.decimal_mark == ".":
            return text
        return text.replace(",", "\0").replace(".", self.decimal_mark).replace("\0", self.group_mark)


PT_BR = Locale(
    tag="pt-BR",
    decimal_mark=",",
    group_mark=".",
    date_pattern="%d/%m/%Y",
    time_pattern="%H:%M:%S",
    sheet_date="dd/mm/yyyy",
    sheet_time="hh:mm:ss",
    spaced_symbol=True,
    total="Total",
    page="Página",
    of="de",
    yes="Sim",
    no="Não",
    rows="Linhas",
    about="Sobre este relatório",
    paper=Paper.A4,
)

EN_US = Locale(
    tag="en-US",
    decimal_mark=".",
    group_mark=",",
    date_pattern="%m/%d/%Y",
    time_pattern="%I:%M:%S %p",
    sheet_date="mm/dd/yyyy",
    sheet_time="h:mm:ss AM/PM",
    spaced_symbol=False,
    total="Total",
    page="Page",
    of="of",
    yes="Yes",
    no="No",
    rows="Rows",
    about="About this report",
    paper=Paper.LETTER,
)
