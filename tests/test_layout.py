"""The house stays easy to find one's way in: small files, small folders, and a line on each thing that others use."""

import ast
from pathlib import Path

import pytest

from tests.functions.test_imports import CAPABILITIES

ROOT = Path(__file__).resolve().parents[1]
MAX_LINES = 400
MAX_FILES = 16
"""Of a folder; more, and there are groups among them that have a name."""
SOURCES = [ROOT / "layers" / "comanda" / "src", ROOT / "infra", ROOT / "cli" / "src", ROOT / "functions"]
FILES = [file for source in SOURCES for file in source.rglob("*.py")]


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_a_file_has_at_most_400_lines(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= MAX_LINES


@pytest.mark.parametrize("folder", sorted({file.parent for file in FILES}), ids=_name)
def test_a_folder_has_at_most_16_files(folder: Path) -> None:
    assert len(list(folder.glob("*.py"))) <= MAX_FILES


def test_every_function_is_in_the_table_of_imports() -> None:
    assert {file.parent.name for file in FILES if file.name == "handler.py"} == set(CAPABILITIES)


@pytest.mark.parametrize("file", [file for file in FILES if file.name != "app.py"], ids=_name)
def test_every_public_class_and_function_says_what_it_is(file: Path) -> None:
    """The `Settings` and `build` of a function's `app.py` are what the module says."""
    public = [
        each
        for each in ast.parse(file.read_text()).body
        if isinstance(each, ast.ClassDef | ast.FunctionDef) and not each.name.startswith("_")
    ]
    assert not [each.name for each in public if not ast.get_docstring(each)]
