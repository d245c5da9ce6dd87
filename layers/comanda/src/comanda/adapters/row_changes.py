"""The stream of a table as a Lambda event: each row before and after a write ("DynamoDB Streams and AWS Lambda
triggers"). A row's writes come in their order, each at least once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.utilities.data_classes import DynamoDBStreamEvent

from comanda.adapters import order_rows, report_rows
from comanda.domain.changes import Change, changes_of_order, changes_of_report
from comanda.domain.notification import Notification
from comanda.domain.order import Order
from comanda.domain.report import Report


@dataclass(frozen=True)
class RowWrite:
    """One write of an order's or a report's row, and the changes of status it made. `before` None: the row is new."""

    before: Order | Report | Notification | None
    after: Order | Report
    changes: tuple[Change, ...]


def row_writes_of(event: dict[str, Any]) -> Iterator[RowWrite]:
    """The writes of a Lambda event, in their order. A row that time to live removed says nothing, and is left out."""
    for record in DynamoDBStreamEvent(event).records:
        images = record.dynamodb
        if images is None or not images.new_image:
            continue
        old, new = images.old_image or None, images.new_image
        if "order_id" in (images.keys or {}):
            order, order_before = order_rows.from_row(new), order_rows.from_row(old) if old else None
            yield RowWrite(order_before, order, tuple(changes_of_order(order_before, order)))
        else:
            report, report_before = report_rows.from_row(new), report_rows.from_row(old) if old else None
            yield RowWrite(report_before, report, tuple(changes_of_report(report_before, report)))
