"""The kinds of report there are. To add one: a file like its neighbours, and a line in `REPORT_TYPES`."""

from collections.abc import Mapping
from typing import Any

from comanda.application.report_types.orders import ORDERS
from comanda.application.report_types.report_type import ReportType
from comanda.application.report_types.statement import STATEMENT
from comanda.application.report_types.summary import SUMMARY
from comanda.application.report_types.table import TABLE

REPORT_TYPES: Mapping[str, ReportType[Any]] = {
    "orders": ORDERS,
    "recipient-statement": STATEMENT,
    "summary": SUMMARY,
    "table": TABLE,
}
