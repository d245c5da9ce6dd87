"""The stream of a table as a Lambda event: each row before and after a write ("DynamoDB Streams and AWS Lambda
triggers"). A row's writes come in their order, each at least once."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from aws_lambda_powertools.utilities.data_classes import DynamoDBStreamEvent
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import StreamRecord

from comanda.adapters.aws.values import decoded
from comanda.adapters.orders import rows as order_rows
from comanda.adapters.reports import rows as report_rows
from comanda.application.shared.telemetry import Telemetry
from comanda.application.shared.unreadable import emit_unreadable
from comanda.domain.changes.row_changes import Change, changes_of_order, changes_of_report
from comanda.domain.notifications.notification import Notification
from comanda.domain.orders.order import Order
from comanda.domain.reports.report import Report
from comanda.domain.shared.errors import UnreadableRow

T = TypeVar("T")


@dataclass(frozen=True)
class RowWrite:
    """One write of an order's or a report's row, and the changes of status it made. `before` None: the row is new."""

    before: Order | Report | Notification | None
    after: Order | Report
    changes: tuple[Change, ...]


def row_writes_of(event: dict[str, Any], telemetry: Telemetry) -> Iterator[RowWrite]:
    """The writes of a Lambda event, in their order. A row that time to live removed says nothing, and is left out.

    A write that cannot be read, before it or after it, is told of and set aside: the stream would hand it over again
    until it forgot it, and hold up all that is behind.
    """
    for record in DynamoDBStreamEvent(event).records:
        if record.dynamodb and record.dynamodb.raw_event.get("NewImage"):
            try:
                write = _write_of(record.dynamodb)
            except UnreadableRow as error:
                emit_unreadable(telemetry, error)
            else:
                yield write


def _write_of(images: StreamRecord) -> RowWrite:
    if "order_id" in images.raw_event.get("Keys", {}):
        order_before, order = _images(images, order_rows.from_row)
        return RowWrite(order_before, order, tuple(changes_of_order(order_before, order)))
    report_before, report = _images(images, report_rows.from_row)
    return RowWrite(report_before, report, tuple(changes_of_report(report_before, report)))


def _images(images: StreamRecord, read: Callable[[Mapping[str, Any]], T]) -> tuple[T | None, T]:
    old, new = images.raw_event.get("OldImage"), images.raw_event["NewImage"]
    return read(decoded(old)) if old else None, read(decoded(new))
