"""`make demo` on a stack that runs already: what a newcomer sees first."""

from pathlib import Path

import openpyxl
import pytest

from comanda_cli.stack_info import StackInfo
from local.demo import play


def test_the_demo_keeps_its_promises_and_leaves_its_files(
    stack: StackInfo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    play(stack, tmp_path / "reports")
    printed = capsys.readouterr().out
    files = sorted((tmp_path / "reports").iterdir())
    assert [file.name.partition("-2")[0] for file in files] == ["orders", "recipient-statement", "summary"]
    assert all(file.name in printed for file in files)
    assert "NOT TRUE" not in printed
    assert len(openpyxl.load_workbook(files[2]).worksheets[0]._charts) == 1
