"""`make test-for FILE=…` finds the tests of every source file."""

import ast
import re
from pathlib import Path

import pytest

from tests.support.covering import covering_tests, imports_of, is_test, main, module_of, python_files
from tests.support.documents import ROOT

SOURCES = [file for file in python_files() if file.parts[0] in {"cli", "functions", "infra", "layers", "local"}]


@pytest.mark.parametrize(
    "file", [file for file in SOURCES if file.name not in {"__init__.py", "__main__.py"}], ids=lambda file: str(file)
)
def test_every_source_file_has_tests(file: Path) -> None:
    found = covering_tests(file)
    assert found
    assert all(is_test(test) and (ROOT / test).is_file() for test in found)


@pytest.mark.parametrize(
    ("file", "test"),
    [
        ("layers/comanda/src/comanda/adapters/reports/writers/pdf.py", "test_pdf.py"),
        ("layers/comanda/src/comanda/adapters/notifications/webhook_call.py", "test_webhook_call.py"),
        ("layers/comanda/src/comanda/application/delivery/open_run.py", "test_open_run.py"),
        ("functions/write_orders/app.py", "test_post_orders.py"),
        ("functions/write_orders/handler.py", "test_post_orders.py"),
        ("cli/src/comanda_cli/commands/dlq.py", "test_dlq.py"),
        ("infra/settings/times.py", "test_settings.py"),
    ],
)
def test_the_test_that_one_would_look_for_is_among_them(file: str, test: str) -> None:
    assert test in [found.name for found in covering_tests(Path(file))]


def test_a_guards_test_is_among_those_of_its_file() -> None:
    """It imports the file from elsewhere, or not at all."""
    file = Path("layers/comanda/src/comanda/domain/orders/order.py")
    guards = (ROOT / "docs" / "guards.md").read_text()
    (row,) = re.findall(r"^\| who overtakes the API shows .*`([^:`]+)::", guards, re.MULTILINE)
    assert Path("tests", row) in covering_tests(file)


def test_a_test_covers_itself() -> None:
    assert covering_tests(Path("tests/test_covering.py")) == [Path("tests/test_covering.py")]


def test_names_of_modules() -> None:
    assert module_of(Path("layers/comanda/src/comanda/domain/orders/__init__.py")) == "comanda.domain.orders"
    assert module_of(Path("functions/write_orders/app.py")) == "functions.write_orders.app"
    tree = ast.parse("import a.b\nfrom c.d import e, f\nfrom . import g\n")
    assert sorted(imports_of(tree)) == ["a.b", "c.d", "c.d.e", "c.d.f"]


@pytest.mark.parametrize("argument", ["README.md", "no/such/file.py", "/etc/hosts"])
def test_what_is_no_source_file_is_refused_in_one_line(argument: str) -> None:
    with pytest.raises(SystemExit, match=r"is no Python file of the project: make test-for FILE="):
        main([argument])
