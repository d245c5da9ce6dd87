"""What an event is in the log and in CloudWatch: names, keys, levels and metrics that queries and alarms hold.

`telemetry.jsonl` has one line per case, in the order of `CASES`. A release changes none of them: an operator's query
would find nothing, and an alarm would stay silent.
"""

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from comanda.adapters.observability.telemetry import LOGGER, PowertoolsTelemetry, measured
from comanda.application.delivery import events as delivery
from comanda.application.enrichment import events as enrichment
from comanda.application.live import events as live
from comanda.application.notifications import events as notifications
from comanda.application.operations import events as operations
from comanda.application.orders import events as orders
from comanda.application.reports import events as reports
from comanda.application.shared.telemetry import TelemetryEvent
from comanda.application.shared.unreadable import RowOfNewerRelease, RowUnreadable
from comanda.domain.delivery.work_item import WorkItem
from comanda.domain.shared.access import CANARY
from tests.functions.conftest import Context
from tests.support.builders import a_notification, a_processing_order, a_report
from tests.support.events import event_names

Case = tuple[TelemetryEvent, WorkItem | None]

ORDER, REPORT, NOTIFICATION = replace(a_processing_order(), order_id="o-1"), a_report(), a_notification()
RECORDED = Path(__file__).with_name("telemetry.jsonl").read_text(encoding="utf-8").splitlines()


def _of_every_kind() -> Iterator[Case]:
    """What the delivery of messages emits of any kind of row."""
    failed: dict[str, Any] = {"error_class": "ItemRejected", "reason": "why", "stage": "enrichment"}
    for row in (ORDER, REPORT, NOTIFICATION):
        kind = row.kind
        yield delivery.RunRequested(kind=kind, by="client"), row
        yield delivery.RunRedriven(kind=kind, by="console"), row
        yield delivery.RunRequeued(kind=kind, by="steward"), row
        yield delivery.MessageOwed(kind=kind, reason="why"), row
        yield delivery.MessageOwedTooLong(kind=kind), row
        yield delivery.AttemptStarted(kind=kind, stage="enrichment", attempt=2), row
        yield delivery.AttemptFailed(kind=kind, **failed, attempt=2, pause_seconds=7, outage=True), row
        yield delivery.AttemptLost(kind=kind, stage="enrichment"), row
        yield delivery.UnexpectedErrorRaised(kind=kind, **failed, trace="Traceback"), row
        yield delivery.RunFailed(kind=kind, **failed), row
        yield delivery.RunFailed(kind=kind, row_id="bad", **failed), None


CASES: tuple[Case, ...] = (
    *_of_every_kind(),
    (delivery.MessageRedriven(message_id="m-1"), ORDER),
    (delivery.MessageDropped(message_id="m-1"), REPORT),
    (delivery.MessageDropped(message_id="m-1"), None),
    (delivery.MessageDeadLettered(message_id="m-1"), NOTIFICATION),
    (delivery.MessageAheadOfRow(message_id="m-1"), ORDER),
    (delivery.MessageSuperseded(message_id="m-1"), ORDER),
    (delivery.MessageOfNewerRelease(message_id="m-1", pause_seconds=7), None),
    (RowOfNewerRelease(message_id="m-1", pause_seconds=7), None),
    (RowOfNewerRelease(row_id="bad", reason="why", failed=False), None),
    (RowUnreadable(row_id="bad", reason="why"), None),
    (RowUnreadable(row_id="bad", reason="why", message_id="m-1", failed=True), None),
    (RowUnreadable(row_id="bad", reason="why", report_id="r-1"), None),
    (delivery.OutOfTime(group=("recipient_id", "123"), messages=3), None),
    (delivery.OutOfTime(group=("report_id", "r-1"), messages=3), None),
    (delivery.StorageUnavailable(group=("recipient_id", "123"), reason="why", pause_seconds=7), None),
    (delivery.StorageUnavailable(group=("receiver_group", "g-1"), reason="why", pause_seconds=7), None),
    (delivery.VisibilityNotChanged(reason="why"), None),
    (delivery.MessageNotDeleted(reason="why"), None),
    (orders.OrderAccepted(), ORDER),
    (orders.OrderReplayed(order_id="o-1", caller="web"), None),
    (orders.OrderCancelled(), ORDER),
    (orders.OrderDiscarded(), ORDER),
    (orders.OrderProcessed(stage_seconds=0.25), ORDER),
    (enrichment.OrderEnriched(stage_seconds=0.25), ORDER),
    (orders.OrderCompleted(seconds=1.5, stage_seconds=0.25), ORDER),
    (enrichment.ProviderCalled(order_id="o-1", attempt=1, seconds=0.5, outcome="answered"), None),
    (enrichment.CircuitOpened(was="CLOSED"), None),
    (enrichment.CircuitHalfOpened(was="OPEN"), None),
    (enrichment.CircuitClosed(was="HALF_OPEN"), None),
    (enrichment.CircuitNotWritten(reason="why"), None),
    (enrichment.ProviderProbed(healthy=True), None),
    (enrichment.EnrichmentSwitched(paused=True), None),
    (enrichment.EnrichmentSwitched(paused=False), None),
    (enrichment.SwitchBusy(wanted="off"), None),
    (enrichment.SwitchNotCalled(reason="why"), None),
    (reports.ReportAccepted(), REPORT),
    (reports.ReportReplayed(report_id="r-1", caller="web"), None),
    (reports.ReportCancelled(), REPORT),
    (reports.ReportDiscarded(), REPORT),
    (reports.GenerationStarted(queue_seconds=2.5), REPORT),
    (reports.GenerationStarted(queue_seconds=None), REPORT),
    (reports.ReportReady(rows=7, left_out=1, bytes=900, seconds=0.5, total_seconds=2.5), REPORT),
    (notifications.NotificationAnnounced(), NOTIFICATION),
    (notifications.NotificationDelivered(seconds=1.5, attempt=2), NOTIFICATION),
    (notifications.NotificationEnded(), NOTIFICATION),
    (notifications.NotificationDiscarded(), NOTIFICATION),
    (notifications.ReceiverCircuitOpened(receiver_id="receiver-1"), None),
    (live.ConnectionDropped(connection_id="c-1", reason="Gone"), None),
    (operations.CanaryChecked(failed=True, reason="why"), None),
    (operations.CanaryChecked(failed=False, reason=None), None),
    (operations.CanaryCompleted(order_id="o-1", seconds=12.5), None),
    (orders.OrderAccepted(), replace(ORDER, caller=CANARY)),
)


@pytest.fixture
def all_levels(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    level = LOGGER.log_level
    monkeypatch.setattr(LOGGER, "initial_log_level", logging.DEBUG)
    yield
    LOGGER.setLevel(level)


def metrics_in(printed: str) -> list[list[object]]:
    """Name, unit, dimensions and values of each metric, in the form that CloudWatch reads (EMF)."""
    found: list[list[object]] = []
    for line in printed.splitlines():
        blob: dict[str, Any] = json.loads(line)
        (directive,) = blob["_aws"]["CloudWatchMetrics"]
        (names,) = directive["Dimensions"]
        dimensions = {name: blob[name] for name in names}
        found += [[each["Name"], each["Unit"], dimensions, blob[each["Name"]]] for each in directive["Metrics"]]
    return sorted(found, key=str)


def recorded(case: Case, logs: io.StringIO, capsys: pytest.CaptureFixture[str]) -> str:
    """The line of `telemetry.jsonl` that `case` makes."""
    event, subject = case
    measured(lambda _, __: PowertoolsTelemetry().emit(event, subject))({}, Context())  # type: ignore[arg-type]
    (line,) = map(json.loads, logs.getvalue().splitlines())
    kept = {key: value for key, value in line.items() if key not in {"timestamp", "service"}}
    return json.dumps({"log": kept, "metrics": metrics_in(capsys.readouterr().out)})


@pytest.mark.parametrize(("number", "case"), list(enumerate(CASES)), ids=[event.name for event, _ in CASES])
def test_an_event_has_the_name_level_keys_and_metrics_that_it_always_had(
    number: int,
    case: Case,
    logs: io.StringIO,
    capsys: pytest.CaptureFixture[str],
    all_levels: None,
) -> None:
    assert recorded(case, logs, capsys) == RECORDED[number]


def test_every_event_has_a_case() -> None:
    assert len(RECORDED) == len(CASES)
    assert {event.name for event, _ in CASES} == event_names()
