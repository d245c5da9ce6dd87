"""A table's stream as functions receive it: the writes of rows, and what changed."""

from typing import Any

from comanda.adapters import order_rows, report_rows
from comanda.adapters.aws import to_dynamodb
from comanda.adapters.row_changes import row_writes_of
from tests.builders import NOW, a_pending_order, a_report


def a_record(key: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> dict[str, Any]:
    """As in "Using AWS Lambda with Amazon DynamoDB", "Example event"."""
    row = after or before or {}
    images = {"NewImage": to_dynamodb(after)} if after else {}
    images |= {"OldImage": to_dynamodb(before)} if before else {}
    return {
        "eventID": "1",
        "eventName": "MODIFY",
        "eventSource": "aws:dynamodb",
        "dynamodb": {"Keys": to_dynamodb({key: row[key]}), **images, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    }


def test_a_write_of_an_order_has_both_its_states_and_the_change() -> None:
    pending = a_pending_order()
    started = pending.started(NOW)
    record = a_record("order_id", order_rows.to_row(pending), order_rows.to_row(started))
    (write,) = row_writes_of({"Records": [record]})
    assert (write.before, write.after) == (pending, started)
    assert [change.type for change in write.changes] == ["order.processing"]


def test_a_new_row_has_no_state_before() -> None:
    report = a_report().stored(NOW)
    (write,) = row_writes_of({"Records": [a_record("report_id", None, report_rows.to_row(report))]})
    assert (write.before, write.after) == (None, report)
    assert [change.type for change in write.changes] == ["report.requested"]


def test_a_row_that_time_to_live_removed_says_nothing() -> None:
    record = a_record("order_id", order_rows.to_row(a_pending_order()), None)
    assert list(row_writes_of({"Records": [record]})) == []
