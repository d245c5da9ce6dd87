"""docs/requirements.md says what each code stands for that code, tests and pages cite."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tests.support.documents import DOCS, ROOT, anchors, pages, prose_of, text_of

PAGE = DOCS / "requirements.md"
CODE = re.compile(r"""(?<![\w%$:."'`/-])(?:[A-EK]\d{1,2}|P\d{1,2})(?!\w|:\w|["'`])""")
"""As it stands in prose; a cell of a spreadsheet or a byte of a path is in quotes."""
NOT_CITED = {
    "C0": "controls of Unicode (cli/src/comanda_cli/escaping.py)",
    "P0": "made up (tests/simulation/test_hunt.py)",
}
SOURCES = ("app.py", "benchmarks", "cli", "functions", "infra", "layers", "local", "tests")


def python_files() -> Iterator[Path]:
    for name in SOURCES:
        path = ROOT / name
        yield from [path] if path.is_file() else path.rglob("*.py")


def prose_of_code(file: Path) -> Iterator[str]:
    """Comments and docstrings; in the simulation, all texts: its promises are named by their codes."""
    source = text_of(file)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    everything = "simulation" in file.parts
    for node in ast.walk(ast.parse(source)):
        if everything and isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value


def cited() -> dict[str, str]:
    """Each code, and a file that cites it."""
    found: dict[str, str] = {}
    for page in pages():
        if page != PAGE:
            text = re.sub(r"`[^`]*`", "", prose_of(page))
            found |= dict.fromkeys(CODE.findall(text), page.name)
    for file in python_files():
        for text in prose_of_code(file):
            found |= dict.fromkeys(CODE.findall(text), str(file.relative_to(ROOT)))
    return {code: where for code, where in found.items() if code not in NOT_CITED}


def test_every_code_that_is_cited_is_explained() -> None:
    codes = cited()
    assert {"A6", "B8", "C2", "D5", "E4", "P10"} <= codes.keys(), "codes are looked for where they are"
    assert {code: where for code, where in codes.items() if code.lower() not in anchors(PAGE)} == {}


def test_every_code_has_one_line() -> None:
    rows = re.findall(r'^\| <a id="(\w+)"></a>(\w+) \| (.{20,}) \|$', text_of(PAGE), re.MULTILINE)
    assert [anchor for anchor, code, _ in rows if anchor != code.lower()] == []
    counts = {"P": 10, "A": 10, "B": 11, "C": 5, "D": 7, "E": 10, "K": 4}
    expected = [f"{letter}{number + 1}" for letter, count in counts.items() for number in range(count)]
    assert [code for _, code, _ in rows] == expected
