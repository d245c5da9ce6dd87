"""`make demo` on a stack that runs already: what a newcomer sees first."""

from pathlib import Path

import openpyxl
import pytest

from comanda_cli.stack.stack_info import StackInfo
from local.demo import watch as demo_watch
from local.demo.orders import PLAN
from local.demo.run import play
from local.demo.warm_up import RECIPIENT
from local.errors import LocalError
from tests.stack.operators import Operator, wait_for


def test_the_demo_keeps_its_promises_and_leaves_its_files(
    stack: StackInfo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    play(stack, tmp_path / "reports")
    warm_up, _, printed = capsys.readouterr().out.partition(f"Sending {len(PLAN)} orders")
    files = sorted((tmp_path / "reports").iterdir())
    assert [file.name.partition("-2")[0] for file in files] == ["orders", "recipient-statement", "summary"]
    assert all(file.name in printed for file in files)
    assert "NOT TRUE" not in printed
    assert len(openpyxl.load_workbook(files[2]).worksheets[0]._charts) == 1
    assert "Warming up" in warm_up
    assert RECIPIENT in warm_up
    assert RECIPIENT not in printed, "it is in no table of the demo's"
    assert f"{len(PLAN)} orders were accepted, and each ended as planned" in printed


def test_a_demo_that_comes_to_a_standstill_says_where(
    stack: StackInfo,
    operator: Operator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its patience is short here. The stack goes on afterwards: the order that did not end in time completes."""
    monkeypatch.setattr(demo_watch, "STILL_SECONDS", 5.0)
    with operator.paused("process_order"), pytest.raises(LocalError, match="nothing has changed for 5 s"):
        play(stack, tmp_path / "reports")
    printed = capsys.readouterr().out
    assert f"{RECIPIENT}, the warm-up's order: pending since 20" in printed
    assert "orders: 1 waiting, 0 in flight, 0 dead letters" in printed
    assert "GET /ready: 200" in printed
    wait_for(lambda: operator.waiting("orders") == 0, "an empty queue")
