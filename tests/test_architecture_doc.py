"""docs/architecture.md shows the folders, functions, queues and tables that there are."""

import re
import tomllib
from itertools import pairwise
from pathlib import Path

from tests.support.documents import DOCS, ROOT, section

PAGE = DOCS / "architecture.md"
LAYERS = ("domain", "application", "adapters")
CODE = ROOT / "layers" / "comanda" / "src" / "comanda"
TEMPLATES = ROOT / "tests" / "infra" / "golden" / "prod.txt"


def folders(of: Path) -> set[str]:
    return {path.name for path in of.iterdir() if path.is_dir() and (path / "__init__.py").exists()}


def picture(heading: str) -> str:
    found = re.search(r"^```text\n(.*?)^```$", section(PAGE, heading), re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


def grid() -> dict[str, dict[str, str]]:
    """By capability, what stands in each column of the picture of the code."""
    heads, *lines = [line for line in picture("The code").splitlines() if line.strip() and "◀" not in line]
    starts = {head: heads.index(head) for head in heads.split()}
    ends = dict(zip(starts, [*list(starts.values())[1:], None], strict=True))
    rows: dict[str, dict[str, str]] = {}
    name = ""
    for line in lines:
        cells = {head: line[start : ends[head]].strip() for head, start in starts.items()}
        name = cells.pop("capability") or name
        row = rows.setdefault(name, dict.fromkeys(cells, ""))
        for head, cell in cells.items():
            row[head] = f"{row[head]} {cell}".strip()
    return rows


def test_the_picture_of_the_code_has_the_folders_of_each_layer() -> None:
    for layer in LAYERS:
        shown = {name: row[layer] for name, row in grid().items() if row[layer] != "·"}
        assert shown == {name: name for name in folders(CODE / layer)}, layer


def test_the_picture_of_the_code_has_every_function_once() -> None:
    shown = [name for row in grid().values() for name in re.findall(r"\w+", row["functions"])]
    assert sorted(shown) == sorted(folders(ROOT / "functions"))


def test_a_function_stands_where_its_code_comes_from() -> None:
    for capability, row in grid().items():
        for function in re.findall(r"\w+", row["functions"]):
            app = (ROOT / "functions" / function / "app.py").read_text()
            assert re.search(rf"^from comanda\.\w+\.{capability}[. ]", app, re.MULTILINE), (capability, function)


def test_the_rows_stand_in_the_order_that_imports_are_held_to() -> None:
    place = {name: number for number, name in enumerate(grid())}
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    orders = [contract["layers"] for contract in contracts if "containers" in contract]
    assert len(orders) == len(LAYERS)
    for order in orders:
        ranks = [[place[name.strip()] for name in level.split("|")] for level in order]
        assert all(max(above) < min(below) for above, below in pairwise(ranks)), order


def test_the_picture_of_a_stage_has_every_function_queue_and_table() -> None:
    shown = section(PAGE, "A stage")
    missing = [name for name in folders(ROOT / "functions") if name not in picture("A stage")]
    resources = TEMPLATES.read_text()
    stacks = "".join(path.read_text() for path in (ROOT / "infra").rglob("*_stack.py"))
    tables = {name.lower() for name in re.findall(r'"([A-Z][a-z]+)Table"', stacks)}
    queues = set(re.findall(r'QueueName: "comanda-prod-(\w+)\.fifo"', resources))
    assert (len(tables), len(queues)) >= (8, 5)
    assert missing + [name for name in tables if f"`{name}`" not in shown] == []
    assert [name for name in queues if f"{name}.fifo" not in shown] == []


def test_pictures_fit_a_window() -> None:
    """100 columns, in the README as here."""
    for page in (PAGE, ROOT / "README.md"):
        fences = re.findall(r"^```(?:text)?\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
        drawn = [line for fence in fences if set(fence) & set("─▶│") for line in fence.splitlines()]
        assert drawn
        assert [line for line in drawn if len(line) > 100] == [], page.name
