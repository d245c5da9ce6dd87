"""The runbook's commands exist as they are written, and its table has every class of failure."""

import re
import shlex

import pytest

from local.guarded import ROOT
from tests.cli.conftest import Cli, a_failed_order

RUNBOOK = (ROOT / "docs" / "dead-letter-runbook.md").read_text()
COMMANDS = [
    shlex.split(line, comments=True)[1:]
    for block in re.findall(r"```sh\n(.*?)```", RUNBOOK, re.DOTALL)
    for line in block.strip().splitlines()
]


@pytest.mark.parametrize("command", [c for c in COMMANDS if "watch" not in c], ids=" ".join)
def test_every_command_runs(cli: Cli, command: list[str]) -> None:
    order = a_failed_order(name="ProviderError")
    cli.put(order)
    result = cli(*(order.order_id if word == "ORDER_ID" else word for word in command), answer="y\n")
    assert result.exit_code in {0, 3}, result.output
    assert "Usage:" not in result.output


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
