"""The kinds of report there are. To add one: a file like its neighbours, and a line in `REPORT_TYPES`."""

from collections.abc import Mapping
from typing import Any

from comanda.application.reports.types.orders import ORDERS
from comanda.application.reports.types.report_type import ReportType
from comanda.application.reports.types.statement import STATEMENT
from comanda.application.reports.types.summary import SUMMARY
from comanda.application.reports.types.table import TABLE

REPORT_TYPES: Mapping[str, ReportType[Any]] = {
    "orders": ORDERS,
    "recipient-statement": STATEMENT,
    "summary": SUMMARY,
    "table": TABLE,
}
