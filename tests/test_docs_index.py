"""docs/README.md lists every page, and no link of any page leads nowhere."""

import re
from pathlib import Path

import pytest

from tests.support.documents import DOCS, ROOT, anchors, fault_of, links, pages, prose_of, text_of

INDEX = DOCS / "README.md"
PATH = re.compile(
    r"`((?:benchmarks|cli|comanda|docs|functions|infra|layers|local|requirements|tests)/[\w./-]*)(?:::\w+)?`"
)
"""A file or folder of the project, named in prose; those of the layer from `comanda/` on."""
BASES = {"comanda": ROOT / "layers" / "comanda" / "src"}
NOT_OF_TODAY = {"CHANGELOG.md": "tells what was", "guards.md": "names tests from tests/ on: tests/test_guards.py"}


def test_the_index_lists_every_page_once() -> None:
    listed = [(INDEX.parent / target).resolve() for target in links(INDEX)]
    pages_of_docs = [page for page in listed if page.is_relative_to(DOCS)]
    assert sorted(pages_of_docs) == sorted(set(DOCS.rglob("*.md")) - {INDEX})


def test_each_line_of_the_index_says_what_the_page_is_about() -> None:
    lines = re.findall(r"^(?:\d+\.|-) (.+)$", text_of(INDEX), re.MULTILINE)
    assert len(lines) >= len(list(DOCS.rglob("*.md"))) - 1
    assert [line for line in lines if len(re.sub(r"\[.*?\]\(.*?\)", "", line).strip(" :.")) < 15] == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert [fault for target in links(page) if (fault := fault_of(page, target))] == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_that_is_named_exists(page: Path) -> None:
    named = PATH.findall(prose_of(page)) if page.name not in NOT_OF_TODAY else []
    assert [path for path in named if not (BASES.get(path.split("/")[0], ROOT) / path).exists()] == []


FILES = {
    path.name
    for folder in ("layers", "functions", "infra", "cli", "local", "tests", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
}
LABEL = re.compile(r"\[`([\w/]+\.py)`\]\(([^)#]*)")
BARE = re.compile(r"`(\w+\.py)`")
EXAMPLES = {"test_debugging.py"}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_a_file_is_called_what_it_is_called(page: Path) -> None:
    if page.name in NOT_OF_TODAY:
        return
    text = prose_of(page)
    assert [label for label, target in LABEL.findall(text) if not target.endswith(label)] == []
    assert [name for name in BARE.findall(text) if name not in FILES | EXAMPLES] == []


def test_what_can_be_linked_to(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text('# Who may `what`?\n\n## Twice\n\n## Twice\n\n```sh\n# none\n```\n\n<a id="p1"></a>P1\n')
    assert anchors(page) == {"who-may-what", "twice", "twice-1", "p1"}
    other = tmp_path / "other.md"
    other.write_text("[a](page.md#twice-1) [b](page.md#p2) [c](gone.md) [d](https://example.com) [e](#none)\n")
    faults = [fault_of(other, target) for target in links(other)]
    assert faults == [None, "page.md has no #p2", "gone.md does not exist", "other.md has no #none"]


def test_the_readme_is_read_in_one_sitting() -> None:
    assert len(text_of(ROOT / "README.md").splitlines()) < 200
