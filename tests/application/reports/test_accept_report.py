"""Reports are asked for once (B6), durably (P1), and refused with the field at fault."""

import uuid
from dataclasses import replace
from typing import Any

import pytest

from comanda.domain.reports.report import ReportFormat, ReportStatus
from comanda.domain.shared.access import Origin, Scope
from comanda.domain.shared.errors import (
    Forbidden,
    InvalidRequest,
    KeyReused,
    NotFound,
    PermanentError,
    StillInProgress,
    Unavailable,
)
from comanda.domain.shared.notify import Notify
from tests.application.reports.conftest import A_TABLE, WEEK, Scene
from tests.support.builders import a_caller


def test_an_accepted_report_is_a_row_and_a_message(scene: Scene) -> None:
    report = scene.asked()
    assert scene.row(report).status is ReportStatus.REQUESTED
    assert [message.report_id for message in scene.publisher.sent] == [report.report_id]


def test_the_claim_stands_before_the_message_is_sent_and_is_shown_to_nobody(scene: Scene) -> None:
    scene.publisher.outage = True
    with pytest.raises(Unavailable):
        scene.asked()
    (claim,) = scene.reports.rows.values()
    assert claim.status is ReportStatus.ACCEPTING
    with pytest.raises(NotFound):
        scene.read(claim)
    scene.publisher.outage = False
    assert scene.asked().report_id == claim.report_id
    assert (scene.row(claim).status, len(scene.publisher.sent)) == (ReportStatus.REQUESTED, 1)


def test_the_same_request_is_one_report_however_it_is_written(scene: Scene) -> None:
    first = scene.asked()
    again = scene.accept({**A_TABLE, "locale": "pt-BR", "columns": [{"title": "A", "kind": "text", "total": False}]})
    assert (again.report.report_id, again.replayed) == (first.report_id, True)
    assert len(scene.publisher.sent) == 1


@pytest.mark.parametrize(("locale", "same", "other"), [("pt-BR", "A4", "Letter"), ("en-US", "Letter", "A4")])
def test_a_locales_own_paper_is_the_same_report_and_the_other_one_is_not(
    scene: Scene, locale: str, same: str, other: str
) -> None:
    first = scene.asked(parameters={**A_TABLE, "locale": locale})
    assert "paper" not in first.request.parameters, "reports asked for before there was a choice keep their ids"
    assert scene.accept({**A_TABLE, "locale": locale, "paper": same}).replayed
    turned = scene.accept({**A_TABLE, "locale": locale, "paper": other})
    assert (turned.replayed, turned.report.request.parameters["paper"]) == (False, other)


READS_ALL = a_caller("web", Origin.WEB, frozenset(Scope))


@pytest.mark.parametrize(
    "other",
    [
        {"report_format": ReportFormat.CSV},
        {"parameters": {**A_TABLE, "title": "Yours"}},
        {"parameters": {**A_TABLE, "rows": [["x"], ["z"]]}},
        {"caller": a_caller("mobile")},
        {"caller": READS_ALL},
        {"key": "k-1"},
    ],
)
def test_another_request_is_another_report(scene: Scene, other: dict[str, Any]) -> None:
    assert scene.asked().report_id != scene.asked(**other).report_id


def test_a_key_stands_for_one_report_for_ever(scene: Scene) -> None:
    report = scene.asked(key="k-1")
    assert scene.asked(key="k-1") == scene.row(report)
    with pytest.raises(KeyReused):
        scene.asked(key="k-1", report_format=ReportFormat.CSV)
    scene.cancel(report)
    scene.clock.now += 2 * WEEK
    assert scene.asked(key="k-1").status is ReportStatus.CANCELLED
    assert len(scene.publisher.sent) == 1


@pytest.mark.parametrize("end", ["ready", "failed", "cancelled"])
def test_what_is_over_begins_again_under_the_same_id_with_new_messages(scene: Scene, end: str) -> None:
    report = scene.asked()
    if end == "cancelled":
        scene.cancel(report)
    else:
        scene.files.errors = [PermanentError("Bad", "no")] if end == "failed" else []
        scene.generate(scene.message(report))
    if end == "ready":
        assert scene.accept().replayed, "while it lasts, the file there is will do"
        scene.clock.now += WEEK
    again = scene.accept()
    assert (again.report.report_id, again.replayed) == (report.report_id, False)
    assert len({message.body for message in scene.publisher.sent}) == 2
    assert scene.row(report).status is ReportStatus.REQUESTED
    assert (scene.row(report).failure, scene.row(report).file) == (None, None)
    assert scene.generate(scene.message(report)) == []
    assert scene.row(report).status is ReportStatus.READY


def test_it_begins_again_with_a_message_that_no_redrive_has_sent(scene: Scene) -> None:
    """SQS would take an equal one for its copy: the report would be requested forever (seed 5645)."""
    report, _ = scene.failed()
    scene.redrive(report)
    scene.files.errors = [PermanentError("Bad", "no")]
    scene.generate(scene.last_sent())
    scene.accept()
    assert [message.replay for message in scene.publisher.sent] == [0, 1, 2]


def test_who_dies_between_row_and_message_owes_it_and_whoever_asks_again_sends_it(scene: Scene) -> None:
    report = scene.cancel(scene.asked())
    scene.publisher.outage = True
    with pytest.raises(Unavailable):
        scene.asked()
    assert (scene.row(report).status, scene.row(report).owed) == (ReportStatus.REQUESTED, True)
    scene.publisher.outage = False
    assert scene.accept().replayed
    assert [message.replay for message in scene.publisher.sent] == [0, 1]
    assert not scene.row(report).owed


def test_who_is_told_too_of_a_report_that_owes_its_message_takes_no_debt_away(scene: Scene) -> None:
    report = scene.cancel(scene.asked())
    scene.publisher.outage = True
    for notify in (None, Notify(email="ana@example.com")):
        with pytest.raises(Unavailable):
            scene.asked(notify=notify)
    row = scene.row(report)
    assert (row.owed, [each.email for each in row.notify]) == (True, ["ana@example.com"])


def test_a_claim_that_nobody_went_on_with_in_its_time_begins_again(scene: Scene) -> None:
    scene.publisher.outage = True
    with pytest.raises(Unavailable):
        scene.asked(key="k-1")
    scene.publisher.outage = False
    scene.clock.now += WEEK
    report = scene.asked(key="k-1")
    assert scene.read(report).status is ReportStatus.REQUESTED
    assert scene.generate(scene.message(report)) == []
    assert scene.read(report).status is ReportStatus.READY


def test_of_two_who_ask_for_it_again_one_begins_a_run(scene: Scene) -> None:
    report = scene.cancel(scene.asked())
    scene.reports.before_save = [lambda: scene.reports.put(replace(scene.row(report), version=99))]
    with pytest.raises(StillInProgress):
        scene.asked()
    assert len(scene.publisher.sent) == 1


@pytest.mark.parametrize(
    ("parameters", "field", "says"),
    [
        ({}, "parameters.title", "is missing"),
        ({**A_TABLE, "colour": 1}, "parameters.colour", "not a parameter"),
        ({**A_TABLE, "locale": "fr-FR"}, "parameters.locale", "pt-BR, en-US"),
        ({**A_TABLE, "paper": "A3"}, "parameters.paper", "'A4' or 'Letter'"),
        ({**A_TABLE, "paper": "letter"}, "parameters.paper", "'A4' or 'Letter'"),
        ({**A_TABLE, "time_zone": "Mars/Phobos"}, "parameters.time_zone", "IANA"),
        ({**A_TABLE, "time_zone": "../etc/passwd"}, "parameters.time_zone", "IANA"),
        ({**A_TABLE, "columns": []}, "parameters.columns", "at least 1"),
        ({**A_TABLE, "columns": [{"title": "A"}] * 201}, "parameters.columns", "at most 200"),
        ({**A_TABLE, "columns": [{"title": "A", "total": True}]}, "parameters.columns.0", "cannot be summed up"),
        ({**A_TABLE, "title": "\ud800"}, "parameters.title", ""),
        ({**A_TABLE, "rows": [["x"], ["y", "z"]]}, "parameters.rows", "row 2: 2 cells for 1 columns"),
        ({**A_TABLE, "rows": [["\ud800"]]}, "parameters.rows", "lone surrogate"),
        ({**A_TABLE, "rows": [[1]]}, "parameters.rows", "row 1, column 'A': int is no text"),
        ({**A_TABLE, "rows": [[{}]]}, "parameters.rows", "dict is no text"),
        ({**A_TABLE, "rows": None}, "parameters", "either rows or an upload_id"),
        ({**A_TABLE, "content": "e"}, "parameters", "not fields"),
        ({**A_TABLE, "rows": None, "upload_id": str(uuid.UUID(int=0))}, "parameters.upload_id", "nothing was uploaded"),
    ],
)
def test_a_broken_rule_of_a_table_names_its_field(
    scene: Scene, parameters: dict[str, Any], field: str, says: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        scene.asked(parameters=parameters)
    told = {error.field: error.message for error in refused.value.errors}
    assert says in told[field]
    assert scene.reports.rows == {}


def test_an_unknown_type_is_told_the_known_ones(scene: Scene) -> None:
    with pytest.raises(InvalidRequest, match="type: one of"):
        scene.asked(type_name="poem")


def test_a_caller_without_the_scope_is_refused(scene: Scene) -> None:
    with pytest.raises(Forbidden):
        scene.asked(caller=a_caller(scopes=frozenset({Scope.ORDERS_WRITE})))
