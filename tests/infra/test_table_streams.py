"""The mappings of the tables' streams: which writes a function is invoked for."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from comanda.adapters.notifications.announcing import notification_requests_of
from comanda.adapters.orders import rows as order_rows
from comanda.adapters.reports import rows as report_rows
from comanda.domain.shared.notify import EVENTS, Notify
from tests.golden import row_record
from tests.infra.conftest import Resource, Synthesized
from tests.infra.test_orders_stack import named, queues
from tests.support.builders import NOW, a_claim, a_pending_order, a_report
from tests.support.fakes import FakeTelemetry
from tests.support.stream_filter import matches

PATTERNS = {
    "AnnounceChangesFunction": {"dynamodb": {"NewImage": {"notify": {"S": [{"exists": True}]}}}},
    "BroadcastFunction": {"dynamodb": {"NewImage": {"status": {"S": [{"anything-but": ["accepting"]}]}}}},
}
READERS = [(function, table) for function in PATTERNS for table in ("Orders", "Reports")]
NOTIFY = Notify("https://example.com/hook", events=EVENTS)
Row = dict[str, Any] | None


def stream_mappings(of: Synthesized) -> dict[tuple[str, str], Resource]:
    """The properties of each, by function and table."""
    return {
        (named(each["Properties"]["FunctionName"]), named(each["Properties"]["EventSourceArn"])): each["Properties"]
        for each in of.resources("AWS::Lambda::EventSourceMapping").values()
        if "StartingPosition" in each["Properties"]
    }


def pattern_of(mapping: Resource) -> dict[str, Any]:
    (rule,) = mapping["FilterCriteria"]["Filters"]
    pattern: dict[str, Any] = json.loads(rule["Pattern"])
    return pattern


def a_record(before: Row, after: Row) -> dict[str, Any]:
    row = after or before or {}
    return row_record("order_id" if "order_id" in row else "report_id", before, after)


def test_the_criteria_of_each_stream_are_exactly_these(every_stage: Synthesized) -> None:
    criteria = {reader: each["FilterCriteria"] for reader, each in stream_mappings(every_stage).items()}
    assert criteria == {
        (function, table): {"Filters": [{"Pattern": json.dumps(PATTERNS[function], separators=(",", ":"))}]}
        for function, table in READERS
    }


@pytest.mark.parametrize(("function", "table"), READERS)
def test_a_batch_that_is_not_taken_is_split_and_given_up_and_described(
    every_stage: Synthesized, function: str, table: str
) -> None:
    """Before the stream itself forgets it, after a day."""
    mapping = stream_mappings(every_stage)[function, table]
    oldest, retries = {"AnnounceChangesFunction": (6 * 60 * 60, 1000), "BroadcastFunction": (300, 100)}[function]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert (mapping["MaximumRecordAgeInSeconds"], mapping["MaximumRetryAttempts"]) == (oldest, retries)
    destination = named(mapping["DestinationConfig"]["OnFailure"]["Destination"])
    assert destination == function.removesuffix("Function") + "GivenUp"
    assert "FunctionResponseTypes" not in mapping, "neither handler answers in parts: see test_websocket_stack.py"


def test_there_is_no_other_stream(every_stage: Synthesized) -> None:
    assert set(stream_mappings(every_stage)) == set(READERS)


@pytest.mark.parametrize("name", ["AnnounceChanges", "Broadcast"])
def test_what_is_given_up_is_kept_for_two_weeks_in_a_queue_that_lambda_takes(
    every_stage: Synthesized, name: str
) -> None:
    queue = queues(every_stage)[f"{name}GivenUp"]
    reader = {"AnnounceChanges": "announce-changes", "Broadcast": "broadcast"}[name]
    assert queue["QueueName"] == f"comanda-{every_stage.settings.stage}-{reader}-given-up"
    assert "FifoQueue" not in queue
    assert queue["MessageRetentionPeriod"] == 14 * 24 * 60 * 60
    assert queue["SqsManagedSseEnabled"] is True


def rows(notify: Notify | None) -> dict[str, list[Row]]:
    """Of an order and a report, from the claim to what time to live leaves."""
    claim = a_claim(notify=notify)
    report = a_report(notify=(notify,) if notify else ())
    orders = [order_rows.to_row(each) for each in (claim, claim.stored(NOW), claim.stored(NOW).started(NOW))]
    reports = [report_rows.to_row(each) for each in (report, report.stored(NOW))]
    return {"Orders": [None, *orders, None], "Reports": [None, *reports, None]}


def records_of(written: list[Row]) -> list[dict[str, Any]]:
    return [a_record(before, after) for before, after in pairwise(written)]


@pytest.mark.parametrize("table", ["Orders", "Reports"])
@pytest.mark.parametrize("notify", [None, Notify()], ids=["not asked for", "nobody, whatever the default"])
def test_a_row_that_tells_nobody_invokes_nothing(every_stage: Synthesized, table: str, notify: Notify | None) -> None:
    pattern = pattern_of(stream_mappings(every_stage)["AnnounceChangesFunction", table])
    assert not [record for record in records_of(rows(notify)[table]) if matches(record, pattern)]


@pytest.mark.parametrize("table", ["Orders", "Reports"])
def test_each_write_of_a_row_that_tells_somebody_invokes_until_it_is_removed(
    every_stage: Synthesized, table: str
) -> None:
    pattern = pattern_of(stream_mappings(every_stage)["AnnounceChangesFunction", table])
    *written, removed = records_of(rows(NOTIFY)[table])
    assert [record for record in written if matches(record, pattern)] == written
    assert not matches(removed, pattern)


def changes_of_who_is_told() -> Iterator[tuple[str, dict[str, Any]]]:
    plain, asked = a_pending_order(), a_pending_order(notify=NOTIFY)
    yield "Orders", a_record(order_rows.to_row(plain), order_rows.to_row(asked.started(NOW)))
    yield "Orders", a_record(order_rows.to_row(asked), order_rows.to_row(plain.started(NOW)))
    report = replace(a_report(), notify=(NOTIFY,)).stored(NOW)
    ready = replace(a_report().stored(NOW), status=report.status)
    yield "Reports", a_record(report_rows.to_row(ready), report_rows.to_row(report))
    yield "Reports", a_record(report_rows.to_row(report), report_rows.to_row(ready))


@pytest.mark.parametrize(("table", "record"), list(changes_of_who_is_told()))
def test_what_is_left_out_would_have_told_nobody(every_stage: Synthesized, table: str, record: dict[str, Any]) -> None:
    """Also where somebody begins to be told, or is not any more."""
    pattern = pattern_of(stream_mappings(every_stage)["AnnounceChangesFunction", table])
    told = list(notification_requests_of({"Records": [record]}, FakeTelemetry()))
    assert matches(record, pattern) or not told
    assert matches(record, pattern) is ("notify" in record["dynamodb"]["NewImage"])


@pytest.mark.parametrize("table", ["Orders", "Reports"])
def test_subscribers_hear_of_all_but_claims_and_what_was_removed(every_stage: Synthesized, table: str) -> None:
    pattern = pattern_of(stream_mappings(every_stage)["BroadcastFunction", table])
    claim, *written, removed = records_of(rows(None)[table])
    assert not matches(claim, pattern)
    assert [record for record in written if matches(record, pattern)] == written
    assert not matches(removed, pattern)


@pytest.mark.parametrize("pattern", [{}, {"dynamodb": {}}, {"a": []}, {"a": "b"}, {"a": [{"suffix": "b"}]}])
def test_a_pattern_that_lambda_refuses_matches_nothing(pattern: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"rule|pattern"):
        matches({"a": "b"}, pattern)


@pytest.mark.parametrize(
    ("record", "rule", "expected"),
    [
        ({"a": "b"}, "b", True),
        ({"a": "c"}, "b", False),
        ({"a": "b"}, {"exists": True}, True),
        ({}, {"exists": True}, False),
        ({"a": {"S": "b"}}, {"exists": True}, False),  # Leaves only.
        ({}, {"exists": False}, True),
        ({}, {"anything-but": ["b"]}, False),
        ({"a": "b"}, {"anything-but": ["b"]}, False),
        ({"a": "c"}, {"anything-but": ["b"]}, True),
    ],
)
def test_rules_of_a_pattern(record: dict[str, Any], rule: object, *, expected: bool) -> None:
    assert matches(record, {"a": [rule]}) is expected
