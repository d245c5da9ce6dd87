"""The commands of the README and of docs/reports.md run as they stand."""

import json
import re
import subprocess
import time
from decimal import Decimal
from pathlib import Path

import pytest
import python_calamine

from comanda_cli.stack.stack_info import StackInfo
from local.processes.guarded import ROOT
from local.stack import shell_variables
from tests.stack.conftest import ApiClients
from tests.stack.helpers import a_recipient, an_order, finished, post

README = (ROOT / "README.md").read_text()
REPORTS = (ROOT / "docs" / "reports.md").read_text()


def blocks(heading: str, document: str = README) -> list[str]:
    """The shell commands under a heading."""
    section = document.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


def run(script: str, env_file: Path) -> str:
    """In the folder of `env_file`, which stands for the `.local/env` that `make up` leaves."""
    prelude = f"set -eu; . {env_file}\n"
    done = subprocess.run(
        ["/bin/bash", "-c", prelude + script.replace(". .local/env\n", "")],
        cwd=env_file.parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def env_file(stack: StackInfo, tmp_path: Path) -> Path:
    """What `make up` leaves in .local/env."""
    file = tmp_path / "env"
    file.write_text(shell_variables(stack))
    return file


def test_an_orders_life_in_curl(env_file: Path, api: ApiClients) -> None:
    setup, send, look, fail = blocks("An order's life in curl")
    assert ". .local/env" in setup
    first, again = run(send, env_file), run(send, env_file)
    assert " 202" in first.splitlines()[0]
    assert "idempotency-replayed: true" in again.lower()
    assert first.splitlines()[-1] == again.splitlines()[-1]

    order, balance, ledger = map(json.loads, run(look, env_file).replace("}{", "}\n{").splitlines())
    assert order["status"] == "completed"
    last = ledger["entries"][-1]
    assert (last["order_id"], last["amount"]) == (order["order_id"], "5000.00")
    assert Decimal(balance["balance"]) == sum(Decimal(entry["amount"]) for entry in ledger["entries"])

    bomba, flaky = re.findall(r'"order_id":"([^"]+)"', run(fail, env_file))
    assert finished(api("mobile"), bomba)["failure"]["class"] == "ItemRejected"
    assert finished(api("mobile"), flaky)["status"] == "completed"


def test_reports_in_curl(env_file: Path, api: ApiClients) -> None:
    order_id = post(api("web"), an_order(a_recipient()))
    report, table = blocks("Try it", REPORTS)
    assert '"rows":' in run(report, env_file)
    sheet = python_calamine.load_workbook(env_file.parent / "orders.xlsx").get_sheet_by_index(0)
    assert order_id in [row[1] for row in sheet.to_python()]

    accepted = json.loads(run(table, env_file))
    while (shown := api("web").get(f"reports/{accepted['report_id']}").json())["status"] in {"requested", "generating"}:
        time.sleep(0.1)
    assert (shown["status"], shown["rows"]) == ("ready", 2)


@pytest.mark.parametrize(
    "document",
    [
        "docs/alarms.md",
        "docs/operating.md",
        "README.md",
        "docs/order-lifecycle.md",
        "docs/proof-on-the-stack.md",
        "docs/notifications.md",
        "docs/reports.md",
        "docs/websocket.md",
    ],
)
def test_links_lead_somewhere(document: str) -> None:
    file = ROOT / document
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", file.read_text()):
        assert (file.parent / target).exists(), target


def test_every_file_of_the_map_is_there() -> None:
    lines = README.split("## Where things are\n", 1)[1].split("```")[1].strip().splitlines()
    folder = ROOT
    for line in lines:
        names = line.strip().split("  ")[0].split()
        if not line.startswith(" "):
            folder = ROOT / names[0]
        base = (folder / "src" / "comanda") if line.startswith(" ") else ROOT
        for name in names:
            assert (base / name.replace("<name>", "process_order")).exists(), name


def test_the_make_targets_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"`?make ([a-z-]+)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
