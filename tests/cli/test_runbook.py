"""The commands of the runbooks exist as they are written, and the table of one has every class of failure."""

import re
import shlex

import pytest

from comanda.domain.reports.table import Kind
from local.processes.guarded import ROOT
from tests.cli.conftest import Cli, a_failed_order
from tests.support.events import metric_names

RUNBOOK = (ROOT / "docs" / "dead-letter-runbook.md").read_text()
OPERATING = (ROOT / "docs" / "operating.md").read_text()
ALARMS = (ROOT / "docs" / "alarms.md").read_text()
REPORTS = (ROOT / "docs" / "reports.md").read_text()
COMMANDS = [
    shlex.split(line, comments=True)[1:]
    for block in re.findall(r"```sh\n(.*?)```", RUNBOOK + OPERATING, re.DOTALL)
    for line in block.strip().splitlines()
    if line.startswith("comanda ")
]
MENTIONED = sorted(set(re.findall(r"`comanda ([a-z]+)(?: ([a-z]+))?", OPERATING + ALARMS)))


@pytest.mark.parametrize("command", [c for c in COMMANDS if not {"watch", "submit"} & set(c)], ids=" ".join)
def test_every_command_runs(cli: Cli, command: list[str]) -> None:
    order = a_failed_order(name="ProviderError")
    cli.put(order)
    result = cli(*(order.order_id if word == "$ORDER" else word for word in command), answer="y\n")
    assert result.exit_code in {0, 3}, result.output
    assert "Usage:" not in result.output


@pytest.mark.parametrize("words", MENTIONED, ids=" ".join)
def test_every_command_that_is_mentioned_is_one(cli: Cli, words: tuple[str, str]) -> None:
    result = cli(*filter(None, words), "--help")
    assert result.exit_code == 0, result.output
    assert "Usage:" in result.output


def test_the_metrics_in_the_document_are_those_that_there_are() -> None:
    section = OPERATING.split("## Metrics")[1]
    documented = set()
    for service in ("business", "technical"):
        rows = section.split(f"| {service} | |\n|---|---|\n")[1].split("\n\n")[0].splitlines()
        documented |= {(service, name) for row in rows for name in re.findall(r"\w+", row.split("|")[1])}
    assert documented == metric_names()
    assert f"{len(documented)} at most, {len(documented) * 0.30:.2f} USD" in section


def test_every_class_of_failure_is_explained() -> None:
    raised = {
        name
        for folder in ("layers/comanda/src", "functions")
        for file in (ROOT / folder).rglob("*.py")
        for name in re.findall(
            r'(?:(?:Permanent|Transient)Error\(|Failure\(\s*name=)\s*"(\w+)"', file.read_text(encoding="utf-8")
        )
    }
    assert "ItemRejected" in raised
    assert {name for name in raised if f"`{name}`" not in RUNBOOK} == set()


def test_every_kind_of_a_tables_columns_is_explained() -> None:
    section = REPORTS.split("| kind | a cell |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [kind.value for kind in Kind]
