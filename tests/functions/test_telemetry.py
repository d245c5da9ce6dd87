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

from comanda.adapters.observability.telemetry import LOGGER, MEASURED, PowertoolsTelemetry, measured
from comanda.domain.delivery.work_item import WorkItem
from comanda.domain.shared.access import CANARY
from tests.functions.conftest import Context
from tests.support.builders import a_notification, a_processing_order, a_report

Case = tuple[str, WorkItem | None, dict[str, object]]

ORDER, REPORT, NOTIFICATION = replace(a_processing_order(), order_id="o-1"), a_report(), a_notification()
RECORDED = Path(__file__).with_name("telemetry.jsonl").read_text(encoding="utf-8").splitlines()


def _of_every_kind() -> Iterator[Case]:
    """What the delivery of messages emits of any kind of row."""
    failed = {"error_class": "ItemRejected", "reason": "why", "stage": "enrichment"}
    tried = {"attempt": 2, "pause_seconds": 7, "outage": True}
    for row in (ORDER, REPORT, NOTIFICATION):
        yield f"{row.kind}.asked_again", row, {"by": "client"}
        yield f"{row.kind}.redriven", row, {"by": "console"}
        yield f"{row.kind}.rescued", row, {"by": "steward"}
        yield f"{row.kind}.message_owed", row, {"reason": "why"}
        yield f"{row.kind}.message_owed_too_long", row, {}
        yield f"{row.kind}.attempt_begun", row, {"stage": "enrichment", "attempt": 2}
        yield f"{row.kind}.attempt_failed", row, {**failed, **tried}
        yield f"{row.kind}.attempt_lost", row, {"stage": "enrichment"}
        yield f"{row.kind}.unexpected_error", row, {**failed, "trace": "Traceback"}
        yield f"{row.kind}.failed", row, failed
        yield f"{row.kind}.failed", None, {f"{row.kind}_id": "bad", **failed}


CASES: tuple[Case, ...] = (
    *_of_every_kind(),
    ("message.open", ORDER, {"message_id": "m-1"}),
    ("message.drop", REPORT, {"message_id": "m-1"}),
    ("message.drop", None, {"message_id": "m-1"}),
    ("message.dead_letter", NOTIFICATION, {"message_id": "m-1"}),
    ("message.ahead", ORDER, {"message_id": "m-1"}),
    ("message.superseded", ORDER, {"message_id": "m-1"}),
    ("message.of_newer_release", None, {"message_id": "m-1", "pause_seconds": 7}),
    ("row.of_newer_release", None, {"message_id": "m-1", "pause_seconds": 7}),
    ("row.of_newer_release", None, {"row_id": "bad", "reason": "why", "failed": False}),
    ("row.unreadable", None, {"row_id": "bad", "reason": "why"}),
    ("row.unreadable", None, {"row_id": "bad", "reason": "why", "message_id": "m-1", "failed": True}),
    ("row.unreadable", None, {"row_id": "bad", "reason": "why", "report_id": "r-1"}),
    ("batch.out_of_time", None, {"recipient_id": "123", "messages": 3}),
    ("batch.out_of_time", None, {"report_id": "r-1", "messages": 3}),
    ("storage.unavailable", None, {"recipient_id": "123", "reason": "why", "pause_seconds": 7}),
    ("storage.unavailable", None, {"receiver_group": "g-1", "reason": "why", "pause_seconds": 7}),
    ("queue.pause_not_set", None, {"reason": "why"}),
    ("queue.not_deleted", None, {"reason": "why"}),
    ("order.accepted", ORDER, {}),
    ("order.replayed", None, {"order_id": "o-1", "caller": "web"}),
    ("order.cancelled", ORDER, {}),
    ("order.discarded", ORDER, {}),
    ("order.processing", ORDER, {"stage_seconds": 0.25}),
    ("order.enriched", ORDER, {"stage_seconds": 0.25}),
    ("order.completed", ORDER, {"seconds": 1.5, "stage_seconds": 0.25}),
    ("enrichment.asked", None, {"order_id": "o-1", "attempt": 1, "seconds": 0.5, "outcome": "answered"}),
    ("enrichment.circuit_open", None, {"was": "CLOSED"}),
    ("enrichment.circuit_half_open", None, {"was": "OPEN"}),
    ("enrichment.circuit_closed", None, {"was": "HALF_OPEN"}),
    ("enrichment.circuit_not_written", None, {"reason": "why"}),
    ("enrichment.probed", None, {"healthy": True}),
    ("enrichment.switched", None, {"paused": True}),
    ("enrichment.switched", None, {"paused": False}),
    ("enrichment.switch_busy", None, {"wanted": "off"}),
    ("enrichment.switch_not_called", None, {"reason": "why"}),
    ("report.accepted", REPORT, {}),
    ("report.replayed", None, {"report_id": "r-1", "caller": "web"}),
    ("report.cancelled", REPORT, {}),
    ("report.discarded", REPORT, {}),
    ("report.begun", REPORT, {"queue_seconds": 2.5}),
    ("report.begun", REPORT, {"queue_seconds": None}),
    ("report.ready", REPORT, {"rows": 7, "left_out": 1, "bytes": 900, "seconds": 0.5, "total_seconds": 2.5}),
    ("notification.announced", NOTIFICATION, {}),
    ("notification.delivered", NOTIFICATION, {"seconds": 1.5, "attempt": 2}),
    ("notification.ended", NOTIFICATION, {}),
    ("notification.discarded", NOTIFICATION, {}),
    ("receiver.circuit_open", None, {"receiver_id": "receiver-1"}),
    ("connection.dropped", None, {"connection_id": "c-1", "reason": "Gone"}),
    ("canary.checked", None, {"failed": True, "reason": "why"}),
    ("canary.checked", None, {"failed": False, "reason": None}),
    ("canary.completed", None, {"order_id": "o-1", "seconds": 12.5}),
    ("order.accepted", replace(ORDER, caller=CANARY), {}),
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
    name, subject, facts = case
    measured(lambda _, __: PowertoolsTelemetry().tell(name, subject, **facts))({}, Context())  # type: ignore[arg-type]
    (line,) = map(json.loads, logs.getvalue().splitlines())
    kept = {key: value for key, value in line.items() if key not in {"timestamp", "service"}}
    return json.dumps({"log": kept, "metrics": metrics_in(capsys.readouterr().out)})


@pytest.mark.parametrize(("number", "case"), list(enumerate(CASES)), ids=[case[0] for case in CASES])
def test_an_event_has_the_name_level_keys_and_metrics_that_it_always_had(
    number: int,
    case: Case,
    logs: io.StringIO,
    capsys: pytest.CaptureFixture[str],
    all_levels: None,
) -> None:
    assert recorded(case, logs, capsys) == RECORDED[number]


def test_every_event_that_is_measured_has_a_case() -> None:
    assert len(RECORDED) == len(CASES)
    assert set(MEASURED) <= {name for name, _, _ in CASES}
