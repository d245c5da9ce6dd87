"""README.pt-BR.md is the README in Portuguese: the same parts, the same commands, the same links."""

import re
from pathlib import Path

from tests.support.documents import ROOT, links, text_of

ENGLISH, PORTUGUESE = ROOT / "README.md", ROOT / "README.pt-BR.md"
FENCE = re.compile(r"^```\w*\n.*?^```$", re.DOTALL | re.MULTILINE)


def outline(page: Path) -> list[str]:
    """What every part is: a heading of a level, a fence as it stands, a row of a table, an item of a list."""
    parts = []
    for block in re.split(r"(^```\w*\n.*?^```$)", text_of(page), flags=re.DOTALL | re.MULTILINE):
        if FENCE.fullmatch(block):
            parts.append(block)
        else:
            parts += re.findall(r"^(#+ |\| |- )", block, re.MULTILINE)
    return parts


def code(page: Path) -> list[str]:
    """Inline code: names that nobody translates."""
    return sorted(re.findall(r"`[^`\n]+`", FENCE.sub("", text_of(page))))


def test_it_has_the_same_headings_fences_tables_and_lists_in_the_same_order() -> None:
    assert outline(PORTUGUESE) == outline(ENGLISH)


def test_it_has_the_same_links() -> None:
    assert [link for link in links(PORTUGUESE) if link != "README.md"] == [
        link for link in links(ENGLISH) if link != "README.pt-BR.md"
    ]
    assert "README.md" in links(PORTUGUESE)
    assert "README.pt-BR.md" in links(ENGLISH)


def test_it_names_the_same_things() -> None:
    assert code(PORTUGUESE) == code(ENGLISH)


def test_it_is_of_the_same_version() -> None:
    (version,) = re.findall(r"^Version (\S+) ·", text_of(ENGLISH), re.MULTILINE)
    assert f"\nVersão {version} ·" in text_of(PORTUGUESE)
