"""docs/enrichment.md says of each status, failure class and setting what the code does."""

import re

import pytest

from infra.settings import load_settings
from infra.settings.enrichment import EnrichmentSettings
from tests.contract.enrichment.test_http_provider import BEHAVIOURS, TIMEOUT, UNREACHABLE, Sorted
from tests.mutations import ROOT

DOC = (ROOT / "docs" / "enrichment.md").read_text()
ROWS = [[cell.strip() for cell in line.split("|")[1:-1]] for line in DOC.splitlines() if line.count("|") == 5]
"""Answer, what becomes of the order, failure class, outage."""


@pytest.mark.parametrize("name", [name for name in BEHAVIOURS if name.isdigit()])
def test_the_row_of_a_status_says_what_becomes_of_it(name: str) -> None:
    expected = BEHAVIOURS[name][1]
    ((_, _, shown_as, outage),) = [row for row in ROWS if ("5xx" if name >= "500" else f"`{name}`") in row[0]]
    assert (shown_as.strip("`"), outage == "yes") == (expected.name, expected.outage)


@pytest.mark.parametrize("expected", [TIMEOUT, UNREACHABLE], ids=lambda expected: expected.name)
def test_no_answer_has_a_row(expected: Sorted) -> None:
    assert [row for row in ROWS if row[2:] == [f"`{expected.name}`", "yes"]]


@pytest.mark.parametrize("name", sorted({expected.name for _, expected in BEHAVIOURS.values() if expected.error}))
def test_the_runbook_says_what_to_do_about_a_failure(name: str) -> None:
    assert f"`{name}`" in (ROOT / "docs" / "dead-letter-runbook.md").read_text()


OF_THE_SIMULATED_ONE = {"delay_seconds"}
SETTINGS = EnrichmentSettings.model_fields.keys() - OF_THE_SIMULATED_ONE


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_a_setting_is_there_with_its_default(name: str) -> None:
    default = getattr(load_settings("dev").enrichment, name)
    shown = "none" if default is None else f"{default:g}"
    assert re.search(rf"^\| `enrichment\.{name}` \| {shown}\b", DOC, re.MULTILINE)
