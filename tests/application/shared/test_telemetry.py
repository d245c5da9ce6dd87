"""Events: what holds for every one of them."""

import re
import typing

import pytest

from comanda.application.delivery.events import AttemptLost, RowEvent, RunFailed
from comanda.application.orders.events import OrderCompleted, OrderReplayed
from comanda.application.shared.telemetry import TelemetryEvent
from comanda.application.shared.unreadable import RowUnreadable
from local.processes.guarded import ROOT
from tests.support.events import KINDS, event_names, event_types, every_event

NUMBERS = {int, float, bool}


def fields_of(event: type[TelemetryEvent]) -> dict[str, set[object]]:
    """Each field's types, but for None."""
    hints = typing.get_type_hints(event)
    return {
        name: set(typing.get_args(hint) or [hint]) - {type(None)}
        for name, hint in hints.items()
        if typing.get_origin(hint) is not typing.ClassVar and hint is not typing.ClassVar
    }


@pytest.mark.parametrize("event", every_event(), ids=lambda event: event.name)
def test_measures_take_numbers_from_fields_of_their_event(event: TelemetryEvent) -> None:
    fields = fields_of(type(event))
    for measure in event.measures:
        assert measure.field is None or fields[measure.field] <= NUMBERS
        assert measure.by is None or fields[measure.by] == {str}


def test_no_two_events_have_a_name_in_common() -> None:
    assert len(event_names()) == len(every_event())


@pytest.mark.parametrize("event", [each for each in event_types() if issubclass(each, RowEvent)])
def test_only_kinds_that_there_are_have_metrics_of_their_own(event: type[RowEvent]) -> None:
    assert set(event.measured) <= set(KINDS)


def test_every_event_is_emitted_somewhere() -> None:
    code = [
        file.read_text(encoding="utf-8")
        for folder in ("layers/comanda/src", "functions")
        for file in (ROOT / folder).rglob("*.py")
    ]
    named = {name for text in code for name in re.findall(r"(?<!class )\b[A-Z]\w+", text)}
    assert {event.__name__ for event in event_types()} <= named


def test_keys_of_a_line_are_the_fields_that_are_not_none() -> None:
    assert OrderCompleted(seconds=1.5, stage_seconds=0.0).keys() == {"seconds": 1.5, "stage_seconds": 0.0}
    assert RowUnreadable(row_id="o-1", reason="why", message_id=None, failed=False).keys() == {
        "row_id": "o-1",
        "reason": "why",
        "failed": False,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_the_kind_of_a_row_is_part_of_the_name_and_no_key(kind: str) -> None:
    lost = AttemptLost(kind=kind, stage="enrichment")
    assert (lost.name, lost.keys()) == (f"{kind}.attempt_lost", {"stage": "enrichment"})
    failed = RunFailed(kind=kind, row_id="bad", error_class="E", reason="why", stage="enrichment")
    assert failed.keys()[f"{kind}_id"] == "bad"


def test_events_are_immutable() -> None:
    event = OrderReplayed(order_id="o-1", caller="web")
    with pytest.raises(AttributeError, match="OrderReplayed is frozen"):
        event.caller = "mobile"  # type: ignore[misc]
