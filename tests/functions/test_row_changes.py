"""A table's stream as functions receive it: the writes of rows, and what changed."""

import pytest

from comanda.adapters.changes.streams import row_writes_of
from comanda.adapters.orders import rows as order_rows
from comanda.adapters.reports import rows as report_rows
from tests.golden import row_record
from tests.support.builders import NOW, a_pending_order, a_report
from tests.support.fakes import FakeTelemetry
from tests.support.unreadable import ORDERS, REPORTS, spoilt


def test_a_write_of_an_order_has_both_its_states_and_the_change() -> None:
    pending = a_pending_order()
    started = pending.started(NOW)
    record = row_record("order_id", order_rows.to_row(pending), order_rows.to_row(started))
    (write,) = row_writes_of({"Records": [record]}, FakeTelemetry())
    assert (write.before, write.after) == (pending, started)
    assert [change.type for change in write.changes] == ["order.processing"]


def test_a_new_row_has_no_state_before() -> None:
    report = a_report().stored(NOW)
    (write,) = row_writes_of({"Records": [row_record("report_id", None, report_rows.to_row(report))]}, FakeTelemetry())
    assert (write.before, write.after) == (None, report)
    assert [change.type for change in write.changes] == ["report.requested"]


def test_a_row_that_time_to_live_removed_says_nothing() -> None:
    record = row_record("order_id", order_rows.to_row(a_pending_order()), None)
    assert list(row_writes_of({"Records": [record]}, FakeTelemetry())) == []


SPOILT = [("order_id", *each) for each in ORDERS] + [("report_id", *each) for each in REPORTS]


@pytest.mark.parametrize("image", ["NewImage", "OldImage"])
@pytest.mark.parametrize(("key", "name", "value"), SPOILT)
def test_a_write_that_cannot_be_read_is_set_aside_and_told_of(key: str, name: str, value: object, image: str) -> None:
    good = order_rows.to_row(a_pending_order())
    row = good if key == "order_id" else report_rows.to_row(a_report().stored(NOW))
    bad = row_record(key, row, row)
    bad["dynamodb"][image] = spoilt(bad["dynamodb"][image], name, value)
    telemetry = FakeTelemetry()
    (write,) = row_writes_of({"Records": [bad, row_record("order_id", None, good)]}, telemetry)
    assert write.after == order_rows.from_row(good)
    assert telemetry.emitted == [("row.unreadable", None)]
    assert telemetry.keys[0]["row_id"] == row[key]


def test_what_only_a_stream_can_hold_is_no_row_either() -> None:
    """As JSON, a binary value is text; and a number may be past all bounds."""
    for name, typed in (("caller", {"B": "d2Vi"}), ("total_amount", {"N": "1E+9999"}), ("origin", {"X": 1})):
        record = row_record("order_id", None, order_rows.to_row(a_pending_order()))
        record["dynamodb"]["NewImage"][name] = typed
        telemetry = FakeTelemetry()
        assert list(row_writes_of({"Records": [record]}, telemetry)) == []
        assert telemetry.emitted == [("row.unreadable", None)]
