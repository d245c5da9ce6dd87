"""The project's pages: which there are, what they link to, and what can be linked to in each."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_INSTALLED = {"node_modules"}
_FENCE = re.compile(r"^( *)```.*?^\1```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]+)\)")
_OPENS = re.compile(r'<a id="([^"]+)"></a>')


@cache
def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose_of(page: Path) -> str:
    """The page without its fenced code."""
    return _FENCE.sub("", text_of(page))


def pages() -> list[Path]:
    """Every Markdown file of the project."""
    found = []
    for folder, below, files in os.walk(ROOT):
        below[:] = [name for name in below if name == ".github" or (name[0] != "." and name not in _INSTALLED)]
        found += [Path(folder, name) for name in files if name.endswith(".md")]
    return sorted(found)


def links(page: Path) -> Iterator[str]:
    """The targets within the project that the page links to, as written."""
    yield from _LINK.findall(prose_of(page))


@cache
def anchors(page: Path) -> frozenset[str]:
    """What can stand behind `#` in a link to the page.

    A heading's anchor is its text in lower case, with hyphens for spaces and without other punctuation; a repeated one
    gets a number ("Basic writing and formatting syntax", section links, GitHub Docs).
    """
    seen: Counter[str] = Counter()
    found = set(_OPENS.findall(prose_of(page)))
    for heading in re.findall(r"^#{1,6} (.+)$", prose_of(page), re.MULTILINE):
        name = re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "", heading).lower()).strip().replace(" ", "-")
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return frozenset(found)


def fault_of(page: Path, target: str) -> str | None:
    """Why a link of the page leads nowhere; None where it leads somewhere."""
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.exists():
        return f"{path} does not exist"
    if anchor and (file.suffix != ".md" or anchor not in anchors(file)):
        return f"{file.name} has no #{anchor}"
    return None


def section(page: Path, heading: str) -> str:
    """What is under a heading of the second level."""
    return text_of(page).split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
