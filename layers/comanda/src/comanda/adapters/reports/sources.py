"""What reports are made from, wired for the functions that accept and write them."""

from comanda.adapters.aws.raw_rows import leave_rows_raw
from comanda.adapters.orders.ledger import LedgerTable
from comanda.adapters.orders.period_index import OrderPeriodIndex
from comanda.adapters.reports.uploads import TableBucket
from comanda.adapters.reports.world import ReportWorld
from comanda.adapters.runtime.settings import Settings
from comanda.application.reports.ports import Sources


class ReportSourceSettings(Settings):
    """Where a report's rows come from."""

    orders_table: str
    ledger_table: str
    bucket: str


def report_sources(settings: ReportSourceSettings, world: ReportWorld) -> Sources:
    """What reports are made from, on DynamoDB and S3."""
    dynamodb = leave_rows_raw(world.dynamodb)
    return Sources(
        orders=OrderPeriodIndex(dynamodb, settings.orders_table, world.reading),
        ledger=LedgerTable(dynamodb, settings.ledger_table, settings.orders_table),
        tables=TableBucket(world.s3, settings.bucket),
    )
