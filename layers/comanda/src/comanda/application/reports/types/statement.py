"""`recipient-statement`: opening balance, entries in sequence, closing balance, straight from the ledger.

Which entries belong to a period is a matter of the ledger's sequence: they begin with the first one completed in it,
and end before the first one completed after it. So the closing balance of one period is the opening balance of the
next, also where the clocks of two workers disagree by a moment.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from comanda.application.orders.ports import Balance, Ledger, LedgerEntry
from comanda.application.reports.ports import Sources
from comanda.application.reports.types.period import Id, PeriodParameters
from comanda.application.reports.types.report_type import Asked, ReportType, Volume, laid_out
from comanda.domain.reports.report import ReportRequest
from comanda.domain.reports.table import Column, Kind, Row, Strong, Table
from comanda.domain.shared.access import Caller
from comanda.domain.shared.errors import FieldError, InvalidRequest, PermanentError

ENTRIES_A_PAGE = 1_000
_A_SECOND = timedelta(seconds=1)
"""A period is closed at 23:59:59: midnight would be of the next one."""


class StatementParameters(PeriodParameters):
    """A period, and whose ledger."""

    recipient_id: Id


class StatementReport(ReportType[StatementParameters]):
    """`recipient-statement`: opening balance, one row per entry, closing balance."""

    parameters = StatementParameters

    def prepared(self, parameters: StatementParameters, caller: Caller, sources: Sources) -> StatementParameters:  # noqa: ARG002
        if sources.ledger.balance(parameters.recipient_id) is None:
            fault = f"no order of recipient {parameters.recipient_id} has completed yet"
            raise InvalidRequest(FieldError("parameters.recipient_id", fault))
        return parameters

    def settled_at(self, parameters: StatementParameters, as_of: datetime) -> datetime:
        """A period that is over waits for what was completed at its very end and is still being written; one that is
        not shows the ledger as it is, consistently read."""
        period = parameters.period
        return period.end if period.end <= as_of else period.begin

    def volume(
        self,
        parameters: StatementParameters,
        as_of: datetime,  # noqa: ARG002
        request: ReportRequest,  # noqa: ARG002
        sources: Sources,
    ) -> Volume:
        """All entries are read, as the opening balance is their sum."""
        balance = sources.ledger.balance(parameters.recipient_id)
        return Volume(read=balance.orders_completed if balance else 0)

    def document(self, parameters: StatementParameters, asked: Asked) -> Table:
        said = parameters.words
        return laid_out(
            said["statement"],
            (
                Column(said["sequence"], Kind.INTEGER),
                Column(said["moment"], Kind.DATETIME),
                Column(said["description"]),
                Column(said["amount"], Kind.MONEY, total=True),
                Column(said["balance"], Kind.MONEY),
            ),
            parameters,
            asked,
            parameters.facts(recipient_id=parameters.recipient_id),
        )

    def rows(self, parameters: StatementParameters, asked: Asked) -> Iterator[Row]:
        """Raises PermanentError where the ledger does not add up: such a statement must not leave the house."""
        said, whole_days = parameters.words, parameters.period
        period = whole_days.until(asked.report.as_of)
        balance, last, opened = Decimal("0.00"), 0, False
        whole = asked.sources.ledger.balance(parameters.recipient_id) or Balance(
            parameters.recipient_id, asked.currency
        )
        for entry in asked.reading(_entries(asked.sources.ledger, whole)):
            if entry.completed_at >= period.end:
                break
            if not opened and entry.completed_at >= period.begin:
                yield Strong((None, period.begin, said["opening_balance"], None, balance))
                opened = True
            balance, last = balance + entry.amount, entry.sequence
            if opened:
                yield entry.sequence, entry.completed_at, entry.order_id, entry.amount, balance
        if last == whole.orders_completed and balance != whole.amount:
            raise PermanentError("LedgerDisagrees", f"the entries sum up to {balance}, the balance is {whole.amount}")
        if not opened:
            yield Strong((None, period.begin, said["opening_balance"], None, balance))
        closed = max(period.begin, min(period.end, whole_days.end - _A_SECOND))
        yield Strong((None, closed, said["closing_balance"], None, balance))


STATEMENT = StatementReport()


def _entries(ledger: Ledger, whole: Balance) -> Iterator[LedgerEntry]:
    """All entries that make up this balance, in sequence."""
    after = 0
    while after < whole.orders_completed:
        page = ledger.entries(whole.recipient_id, after, min(ENTRIES_A_PAGE, whole.orders_completed - after))
        if not page:
            raise PermanentError("LedgerDisagrees", f"there is no entry {after + 1} of {whole.orders_completed}")
        yield from page
        after = page[-1].sequence
