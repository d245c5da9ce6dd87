"""The handler that CONTRIBUTING.md runs under a debugger."""

import re
from typing import Any

import pytest

from tests.functions.conftest import Api
from tests.support.documents import ROOT, text_of


def test_the_recipe_runs_as_it_stands(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", text_of(ROOT / "CONTRIBUTING.md"), re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102
    names["test_debugging"](api)
    assert "status=422" in capsys.readouterr().out
